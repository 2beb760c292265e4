"""jobs.insert, get, list, cancel, query, getQueryResults, and uploads."""

import email
import json
import threading
import time
import uuid

from bqemulator.jobs.executor import JOB_RESULTS, JOB_SCHEMAS
from bqemulator.storage.arrow_bridge import arrow_table_to_bq_rows

import auth
import cells
import dry_run
import googlesql
from errors import ApiError
from jobs import Job, emulator_empty

# https://cloud.google.com/bigquery/quotas#query_jobs
QUERY_LENGTH = 1024 * 1024


def summary(request):
    """The job and the statement of a request, for the log and for faults."""
    found = {}
    if request.method == "POST" and request.path in ("/jobs", "/queries"):
        body = body_of(request)
        if "jobReference" in body:
            found["job"] = body["jobReference"].get("jobId", "")
        if request.path == "/jobs":
            configuration = body.get("configuration", {})
            found["sql"] = configuration.get("query", {}).get("query", "")
            found["dry_run"] = bool(configuration.get("dryRun"))
        else:
            found["sql"] = body.get("query", "")
    elif request.path.startswith(("/jobs/", "/queries/")):
        found["job"] = request.path.split("/")[2]
    return found


def body_of(request):
    """The job that a request brings; an upload's first part."""
    if not request.is_upload:
        return request.json()
    return json.loads(parts_of(request)[0])


def parts_of(request):
    """The two parts of `multipart/related`: the job and the data."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/"):
        raise ApiError("notImplemented", "stand-in: only multipart uploads")
    message = email.message_from_bytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + request.raw)
    return [part.get_payload(decode=True) for part in message.get_payload()]


def answer(server, project, request):
    words = request.path.strip("/").split("/")
    match (request.method, *words):
        case ("POST", "jobs"):
            return insert(server, project, request)
        case ("GET", "jobs"):
            return 200, list_jobs(project, request)
        case ("GET", "jobs", job):
            return 200, found(project, job, request).resource()
        case ("POST", "jobs", job, "cancel"):
            job = found(project, job, request)
            job.is_cancelled = True
            return 200, {"kind": "bigquery#jobCancelResponse", "job": job.resource()}
        case ("DELETE", "jobs", job, "delete") | ("DELETE", "jobs", job):
            found(project, job, request)
            del project.jobs[job]
            return 204, None
        case ("POST", "queries"):
            return query(server, project, request)
        case ("GET", "queries", job):
            return results(found(project, job, request), request.query)
    raise ApiError("notFound", f"no such method: {request.method} {request.path}", status=404)


def found(project, job_id, request):
    """A job that is known; one outside of US and EU only to those that say where it is."""
    job = project.jobs.get(job_id)
    if job is None or job.is_vanished():
        raise ApiError("notFound", f"Not found: Job {project.id}:{job_id}")
    if job.user != auth.user(request) and not project.shows_all_jobs:
        raise ApiError(
            "accessDenied",
            f"Access Denied: Job {project.id}:{job_id}: User does not have bigquery.jobs.get permission for job "
            f"{project.id}:{job_id}.",
        )
    location = request.query.get("location")
    if (location or job.location).lower() != job.location.lower() or (
        not location and job.location.upper() not in ("US", "EU")
    ):
        raise ApiError("notFound", f"Not found: Job {project.id}:{location + '.' if location else ''}{job_id}")
    return job


def insert(server, project, request):
    body = body_of(request)
    configuration = body.get("configuration")
    if not configuration:
        raise ApiError("required", "Required parameter is missing: configuration")
    reference = body.get("jobReference") or {}
    reference.setdefault("jobId", f"job_{uuid.uuid4().hex[:20]}")
    reference.setdefault("location", request.query.get("location"))
    job = Job(project, reference, configuration, request.effects)
    if job.kind == "query":
        check_length(job.sql)
        note_unparsed(project, job.sql)
    if configuration.get("dryRun"):
        return 200, dry_run.resource(server.emulator, job)
    accept(server, project, job, request)
    return 200, job.resource()


def accept(server, project, job, request):
    """Takes a job and starts it."""
    with project.lock:
        known = project.jobs.get(job.id)
        if known and not known.is_vanished():
            raise ApiError("duplicate", f"Already Exists: Job {project.id}:{job.location}.{job.id}")
        project.jobs[job.id] = job
    job.user = auth.user(request)
    if request.is_upload:
        job.data = parts_of(request)[1]
    request.entry["job"] = job.id
    if not job.is_vanished():
        threading.Thread(target=job.run, args=(server.emulator,), daemon=True).start()


def check_length(sql):
    if len(sql) > QUERY_LENGTH:
        raise ApiError(
            "invalid",
            "The query is too large. The maximum standard SQL query length is 1024.00K characters, "
            "including comments and white space characters.",
            location="query",
        )


def note_unparsed(project, sql):
    """Keeps what an independent parser does not take; a test that did not look at it fails."""
    with project.lock:
        try:
            googlesql.check(sql)
        except ApiError as error:
            project.unparsed.append({"sql": sql, "message": error.message})
            return
        project.unparsed += [{"sql": text, "message": message} for text, message in googlesql.check_sqlglot(sql)]


def list_jobs(project, request):
    """The newest first; those of all users for who asks for that and may see them."""
    given = request.query
    parent = given.get("parentJobId")
    is_of_all = given.get("allUsers", "").lower() == "true"
    if is_of_all and not project.shows_all_jobs:
        raise ApiError(
            "accessDenied",
            f"Access Denied: Project {project.id}: User does not have bigquery.jobs.listAll permission in project "
            f"{project.id}.",
        )
    user = auth.user(request)
    with project.lock:
        jobs = [job for job in project.jobs.values() if not job.is_vanished() and (is_of_all or job.user == user)]
    if parent:
        jobs = [child for job in jobs if job.id == parent for child in job.children]
    states = [state.upper() for state in given.get("stateFilter", "").split(",") if state]
    since, until = int(given.get("minCreationTime", 0)), int(given.get("maxCreationTime", 1 << 62))
    jobs = [job for job in jobs if (not states or job.state in states) and since <= int(job.created * 1000) <= until]
    jobs.sort(key=lambda job: -job.number)
    start, size = int(given.get("pageToken") or 0), int(given.get("maxResults", 50))
    page = jobs[start : start + size]
    body = {
        "kind": "bigquery#jobList",
        "etag": str(time.time()),
        "jobs": [job.list_item(given.get("projection", "").lower() == "full") for job in page],
    }
    if start + size < len(jobs):
        body["nextPageToken"] = str(start + size)
    return body


def query(server, project, request):
    """jobs.query: an insert and the first page of its results."""
    body = request.json()
    kept = (
        "query",
        "defaultDataset",
        "useLegacySql",
        "queryParameters",
        "maximumBytesBilled",
        "parameterMode",
        "useQueryCache",
        "createSession",
        "connectionProperties",
    )
    configuration = {"query": {name: body[name] for name in kept if name in body}}
    for name in ("labels", "jobTimeoutMs"):
        if name in body:
            configuration[name] = body[name]
    if body.get("dryRun"):
        configuration["dryRun"] = True
    job = Job(
        project,
        {"jobId": f"job_{uuid.uuid4().hex[:20]}", "location": body.get("location")},
        configuration,
        request.effects,
    )
    check_length(job.sql)
    note_unparsed(project, job.sql)
    if body.get("dryRun"):
        resource = dry_run.resource(server.emulator, job)
        inner = resource["statistics"]["query"]
        return 200, {
            "kind": "bigquery#queryResponse",
            "jobReference": resource["jobReference"],
            "jobComplete": True,
            "schema": inner.get("schema", {}),
            "totalBytesProcessed": inner["totalBytesProcessed"],
        }
    accept(server, project, job, request)
    given = {name: str(body[name]) for name in ("maxResults", "timeoutMs") if name in body}
    given |= {f"formatOptions.{name}": str(value) for name, value in body.get("formatOptions", {}).items()}
    status, page = results(job, given)
    return status, page | {"kind": "bigquery#queryResponse"}


def results(job, given):
    """A page of the rows, or word that the job still runs; it waits for a while."""
    reference = job.resource()["jobReference"]
    if not job.wait(min(int(given.get("timeoutMs", 10000)), 200000) / 1000):
        return 200, {"kind": "bigquery#getQueryResultsResponse", "jobReference": reference, "jobComplete": False}
    if job.error:
        raise ApiError(job.error["reason"], job.error["message"], location=job.error.get("location"))
    if job.parent or job.kind != "query":
        raise ApiError("invalid", "stand-in: this job has no results")
    table = JOB_RESULTS.get(job.emulator_id)
    if table is None:
        table = emulator_empty()
    start = int(given.get("pageToken") or given.get("startIndex") or 0)
    size = int(given.get("maxResults") or 10000) if given.get("maxResults") != "0" else 0
    body = {
        "kind": "bigquery#getQueryResultsResponse",
        "etag": f"{job.number}",
        "jobReference": reference,
        "jobComplete": True,
        "schema": {"fields": JOB_SCHEMAS.get(job.emulator_id, [])},
        "totalRows": str(table.num_rows),
        "totalBytesProcessed": job.statistics.get("totalBytesProcessed", "0"),
        "cacheHit": False,
    }
    rows = arrow_table_to_bq_rows(table, offset=start, limit=size) if size else []
    if rows:
        has_whole_timestamps = given.get("formatOptions.useInt64Timestamp", "").lower() == "true"
        body["rows"] = [cells.row(row, body["schema"]["fields"], has_whole_timestamps) for row in rows]
    if start + size < table.num_rows:
        body["pageToken"] = str(start + size)
    query_statistics = job.statistics.get("query", {})
    for name in ("numDmlAffectedRows", "dmlStats"):
        if name in query_statistics:
            body[name] = query_statistics[name]
    return 200, body
