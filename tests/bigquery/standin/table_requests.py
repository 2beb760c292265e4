"""Requests about datasets and tables: the emulator answers, and what it does not keep is added."""

import json

import access
import rest
import tables
from errors import ApiError


def answer(server, project, request):
    return server.emulator.in_turn(lambda: carry_out(server.emulator, project, request))


def carry_out(emulator, project, request):
    words = request.path.strip("/").split("/")
    body = request.raw or None
    if policy := access.answer(words, project, request, emulator.context):
        return 200, policy
    target = (project.id, words[1], words[3]) if len(words) == 4 and words[2] == "tables" else None
    old = emulator.context.catalog.get_table(*target) if target else None
    if request.method == "GET" and len(words) == 3 and words[2] == "tables":
        return 200, list_tables(emulator.context, project, words[1], request.query)
    if target and request.method == "DELETE":
        tables.EXTRA.pop(target, None)
        access.forget(target, emulator.context)
    if target and request.method in ("PATCH", "PUT"):
        rest.check_etag(target, request.headers.get("if-match"), emulator.context)
        project.quotas.take("table_metadata", ".".join(target))
        body = rest.dumps(rest.patch_table(target, request.json(), emulator.context))
    if request.method in ("PATCH", "PUT", "POST", "DELETE") and words[0] == "datasets" and len(words) <= 2:
        project.quotas.take("dataset_metadata", f"{project.id}.{words[1] if len(words) > 1 else ''}")
    status, data = emulator.exchange(
        request.method, "/bigquery/v2/projects/" + project.id + request.path + query(request), body
    )
    if not data:
        return status, None
    answered = json.loads(data)
    if status >= 400:
        error = answered["error"]
        raise ApiError(error["errors"][0]["reason"], error["message"], status=status)
    if answered.get("kind") == "bigquery#table":
        if request.method != "GET":
            made = (project.id, words[1], answered["tableReference"]["tableId"])
            rest.keep(made, old, request.json(), emulator.context)
        answered = rest.decorate_table(answered, emulator.context)
    return status, access.without_grantees(answered)


def query(request):
    _, has_query, text = request.target.partition("?")
    return has_query + text


def list_tables(context, project, dataset, given):
    """A page of what is there, with what the list has of each."""
    if context.catalog.get_dataset(project.id, dataset) is None:
        raise ApiError("notFound", f"Not found: Dataset {project.id}:{dataset}")
    metas = sorted(context.catalog.list_tables(project.id, dataset), key=lambda meta: meta.table_id)
    start, size = int(given.get("pageToken") or 0), int(given.get("maxResults", 1000))
    body = {"kind": "bigquery#tableList", "totalItems": len(metas)}
    if page := [rest.list_item(meta) for meta in metas[start : start + size]]:
        body["tables"] = page
    if start + size < len(metas):
        body["nextPageToken"] = str(start + size)
    return body
