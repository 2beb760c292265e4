"""The server: takes requests, lets them go wrong where a test asks for it, and hands them on."""

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import auth
import control
import faults
import job_requests
import table_requests
from errors import ApiError, of
from project import Projects

IDLE_SECONDS = 60


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, emulator):
        super().__init__(address, Handler)
        self.emulator = emulator
        self.projects = Projects()
        self.auth = auth.Auth()
        self.last_request = time.monotonic()
        self.under_way = 0
        self.counting = threading.Lock()
        threading.Thread(target=self.end_when_idle, daemon=True).start()

    def count(self, change):
        """A request comes or goes."""
        with self.counting:
            self.under_way += change
            self.last_request = time.monotonic()

    def end_when_idle(self):
        while self.under_way or time.monotonic() - self.last_request < IDLE_SECONDS:
            time.sleep(0.5)
        self.shutdown()

    def handle_error(self, request, client_address):
        """Clients that go away are what tests are about."""


class Request:
    """What was asked."""

    def __init__(self, method, target, headers, body):
        self.method = method
        split = urlsplit(target)
        self.target = target
        self.path = unquote(split.path)
        self.query = {name: values[-1] for name, values in parse_qs(split.query, keep_blank_values=True).items()}
        self.headers = headers
        self.raw = body
        self.effects = []
        self.entry = {}

    def json(self):
        if not self.raw:
            return {}
        try:
            return json.loads(self.raw)
        except ValueError:
            raise ApiError("badRequest", "Parse Error") from None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """There is a log of our own."""

    def answer(self):
        server = self.server
        server.count(1)
        try:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            request = Request(self.command, self.path, self.headers, body)
            self.send(*self.carry_out(request))
        except faults.Dropped:
            self.close_connection = True
        finally:
            server.count(-1)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def carry_out(self, request):
        """A status, and a body: what becomes JSON, bytes with a type, or nothing."""
        try:
            if request.path.startswith("/standin"):
                return 200, control.answer(self.server, request)
            if (granted := self.server.auth.grant(request)) is not None:
                return 200, granted
            return self.of_bigquery(request)
        except faults.Dropped:
            request.entry["outcome"] = "dropped"
            raise
        except ApiError as error:
            request.entry["outcome"] = f"{error.status} {error.reason}"
            return error.status, error.body()
        except Exception as error:
            import traceback

            traceback.print_exc()
            error = of(error)
            request.entry["outcome"] = f"{error.status} {error.reason}"
            return error.status, error.body()

    def of_bigquery(self, request):
        found = re.fullmatch(r"(/upload|/resumable/upload)?(?:/bigquery/v2)?/projects/([^/]+)(/.*)?", request.path)
        if not found:
            raise ApiError("notFound", f"no such method: {request.path}", status=404)
        project = self.server.projects.get(found[2])
        request.is_upload = bool(found[1])
        request.path = found[3] or ""
        summary = job_requests.summary(request)
        request.entry = {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            **summary,
            **auth.seen(request),
            "outcome": "under way",
        }
        project.log(request.entry)
        self.server.auth.check(project, request)
        project.quotas.take("api_requests", f"{request.method} {method_name(request.path)}")
        request.effects = project.faults.of({"method": request.method, "path": request.path, **summary})
        faults.apply(request.effects, "before")
        handle = job_requests.answer if is_of_jobs(request.path) else table_requests.answer
        answer = handle(self.server, project, request)
        faults.apply(request.effects, "after")
        request.entry["outcome"] = str(answer[0])
        return answer

    def send(self, status, body=None):
        if isinstance(body, tuple):
            content_type, data = body
        else:
            content_type, data = "application/json; charset=UTF-8", b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def is_of_jobs(path):
    return re.match(r"/(jobs|queries)(/|$)", path) is not None


def method_name(path):
    """The kind of a request, without names: what quotas of methods count."""
    return re.sub(r"/(jobs|queries|datasets|tables)/[^/]+", r"/\1/*", path)
