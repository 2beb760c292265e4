"""What tests ask the stand-in itself: faults, the log, counters."""

import json
import os
import threading
from datetime import UTC, datetime, timedelta

from bqemulator.jobs.executor import JOB_RESULTS, JOB_SCHEMAS

import access
import googlesql
import job_requests
import rest
import tables
from errors import ApiError
from jobs import Job


def answer(server, request):
    words = request.path.strip("/").split("/")[1:]
    if not words:
        return {"pid": os.getpid()}
    if words == ["stop"]:
        threading.Thread(target=server.shutdown).start()
        return {}
    project = server.projects.get(words[0])
    match (request.method, *words[1:]):
        case ("POST", "faults"):
            for line in request.json():
                project.faults.add(line)
        case ("DELETE", "faults"):
            project.faults.clear()
        case ("GET", "faults"):
            return project.faults.left()
        case ("POST", "query"):
            return query(server, project, request.json()["query"])
        case ("POST", "wait"):
            for job in list(project.jobs.values()):
                if not job.is_vanished():
                    job.wait(60)
        case ("POST", "parse"):
            return problems(request.json()["sql"])
        case ("GET", "jobs"):
            return jobs(project)
        case ("GET", "datasets"):
            return sorted(dataset.dataset_id for dataset in server.emulator.context.catalog.list_datasets(project.id))
        case ("GET", "tables", dataset):
            return server.emulator.in_turn(lambda: table_names(server, project, dataset))
        case ("GET", "tables", dataset, name):
            return server.emulator.in_turn(lambda: table(server, project, dataset, name))
        case ("GET", "log"):
            return project.requests
        case ("DELETE", "log"):
            project.clear_log()
        case ("GET", "unparsed"):
            return project.unparsed
        case ("DELETE", "unparsed"):
            project.unparsed = []
        case ("GET", "quotas"):
            return project.quotas.counters()
        case ("POST", "quotas"):
            for name, value in request.json().items():
                if name == "enforced":
                    project.quotas.is_enforced = bool(value)
                else:
                    project.quotas.set_limit(name, int(value))
        case ("POST", "auth"):
            project.needs_token = bool(request.json()["needed"])
        case ("POST", "jobs"):
            project.shows_all_jobs = bool(request.json()["shown"])
        case ("DELETE",):
            server.emulator.in_turn(lambda: forget(server, project))
        case _:
            raise ApiError("notFound", f"stand-in: no such request: {request.method} {request.path}")
    return {}


def problems(sql):
    """What parsers of GoogleSQL do not take in a text."""
    try:
        googlesql.check(sql)
    except ApiError as error:
        return [error.message]
    return [message for _, message in googlesql.check_sqlglot(sql)]


def query(server, project, sql):
    """Runs a statement that no fault meets and no log knows; cells are as BigQuery's REST interface has them."""
    job = Job(project, {"jobId": "standin"}, {"query": {"query": sql}})
    job.run(server.emulator)
    if job.error:
        raise ApiError(job.error["reason"], job.error["message"])
    _, page = job_requests.results(job, {"formatOptions.useInt64Timestamp": "true"})
    kind = job.statistics["query"]["statementType"]
    fields = page["schema"]["fields"] if kind in ("SELECT", "SCRIPT") else []
    rows = [
        [cell(value["v"], field) for value, field in zip(row["f"], fields, strict=True)] for row in page.get("rows", [])
    ]
    return {"columns": [field["name"] for field in fields], "rows": rows}


def cell(value, field):
    """A value as a reader likes it: times as text, structures as JSON."""
    if value is None:
        return None
    if field.get("mode") == "REPEATED":
        inner = field | {"mode": "NULLABLE"}
        return json.dumps([cell(item["v"], inner) for item in value])
    if field["type"] in ("RECORD", "STRUCT"):
        names = zip(field["fields"], value["f"], strict=True)
        return json.dumps({inner["name"]: cell(item["v"], inner) for inner, item in names})
    if field["type"] == "TIMESTAMP":
        return str(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(value)))
    return value


def jobs(project):
    """The jobs of clients with a line for each: statement, state, reason of an error, rows of DML, bytes."""
    found = []
    for job in sorted(project.jobs.values(), key=lambda job: job.number):
        resource = job.resource()
        statistics = resource["statistics"].get("query", {})
        kind = statistics.get("statementType", job.kind.upper())
        line = [
            kind,
            job.state,
            job.error["reason"] if job.error else "ok",
            statistics.get("numDmlAffectedRows", ""),
            f"{resource['statistics'].get('totalBytesProcessed', 0)} bytes",
        ]
        found.append({"line": line, "resource": resource})
    return found


def table(server, project, dataset, name):
    """What tables.get shows, without what differs from run to run."""
    path = f"/bigquery/v2/projects/{project.id}/datasets/{dataset}/tables/{name}"
    status, data = server.emulator.exchange("GET", path)
    if status != 200:
        raise ApiError("notFound", f"Not found: Table {project.id}:{dataset}.{name}")
    shown = rest.decorate_table(json.loads(data), server.emulator.context)
    kept = (
        "type",
        "description",
        "labels",
        "schema",
        "timePartitioning",
        "rangePartitioning",
        "clustering",
        "requirePartitionFilter",
        "expirationTime",
        "view",
        "materializedView",
        "numRows",
        "numBytes",
        "location",
        "encryptionConfiguration",
        "friendlyName",
    )
    return {key: shown[key] for key in kept if key in shown}


def table_names(server, project, dataset):
    return [
        [meta.table_type, meta.table_id] for meta in server.emulator.context.catalog.list_tables(project.id, dataset)
    ]


def forget(server, project):
    """Drops all that a project has."""
    for dataset in server.emulator.context.catalog.list_datasets(project.id):
        server.emulator.exchange(
            "DELETE", f"/bigquery/v2/projects/{project.id}/datasets/{dataset.dataset_id}?deleteContents=true"
        )
    tables.forget(project.id)
    access.forget_project(project.id)
    for job in list(project.jobs.values()):
        job.is_cancelled = True
        JOB_RESULTS.pop(job.emulator_id, None)
        JOB_SCHEMAS.pop(job.emulator_id, None)
    server.projects.drop(project.id)
