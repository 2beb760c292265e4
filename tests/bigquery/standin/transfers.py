"""Loads, copies and extracts: the emulator does them, all or nothing."""

import base64
import json
import uuid

import locations
import tables
from errors import ApiError


async def carry_out(job, emulator):
    configuration = job.configuration[job.kind]
    target = tables.destination(configuration, job.project.id)
    async with emulator.turn:
        if target:
            if "$" in target[2]:
                raise ApiError("notImplemented", "stand-in: partition decorators")
            locations.check_dataset(*target[:2], job.location, emulator.context)
            job.project.quotas.take("table_modifications_a_day", ".".join(target))
        await whole(job, emulator, configuration, target)


async def whole(job, emulator, configuration, target):
    """In a transaction of DuckDB's; the emulator has no other connection, and no other statement has the turn."""
    context = emulator.context
    old = context.catalog.get_table(*target) if target else None
    context.engine.execute("begin transaction")
    try:
        if job.kind == "load" and old and is_replaced(configuration):
            context.engine.execute(f"drop table {tables.quoted_table_ref(*target)}")
            context.catalog.delete_table(*target)
        if target and configuration.get("sourceFormat") == "NEWLINE_DELIMITED_JSON" and job.data:
            job.data = with_bytes(job.data, configuration, old)
        answer = await send(job, emulator)
        context.engine.execute("commit")
    except BaseException:
        context.engine.execute("rollback")
        if target:
            context.catalog.delete_table(*target, not_found_ok=True)
            if old:
                context.catalog.create_table(old)
        raise
    job.statistics |= {name: value for name, value in answer["statistics"].items() if not name.endswith("Time")}
    if target and context.catalog.get_table(*target):
        tables.refresh(target, context)
        tables.loaded(target, configuration, old, context)


def with_bytes(data, configuration, old):
    """BYTES are base64 in JSON; the emulator takes the text itself for them."""
    given = [(field["name"], field["type"]) for field in configuration.get("schema", {}).get("fields", [])]
    fields = given or [(field.name, field.type) for field in (old.schema_.fields if old else ())]
    names = [name for name, kind in fields if kind.upper() == "BYTES"]
    if not names:
        return data
    rows = [json.loads(line) for line in data.splitlines() if line.strip()]
    for row in rows:
        for name in names:
            if isinstance(row.get(name), str):
                try:
                    row[name] = base64.b64decode(row[name]).decode()
                except UnicodeDecodeError:
                    raise ApiError("notImplemented", "stand-in: BYTES in JSON that are no text") from None
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def is_replaced(configuration):
    """WRITE_TRUNCATE takes the columns of the load, if it has some."""
    return configuration.get("writeDisposition") == "WRITE_TRUNCATE" and bool(configuration.get("schema"))


async def send(job, emulator):
    path = f"/bigquery/v2/projects/{job.project.id}/jobs"
    body = json.dumps(
        {"jobReference": {"projectId": job.project.id, "jobId": job.emulator_id}, "configuration": job.configuration}
    ).encode()
    if job.data is None:
        status, data = await emulator.send("POST", path, body, "application/json")
    else:
        mark = uuid.uuid4().hex.encode()
        body = (
            b"--%b\r\ncontent-type: application/json\r\n\r\n%b\r\n--%b\r\ncontent-type: application/octet-stream\r\n"
            b"content-transfer-encoding: binary\r\n\r\n%b\r\n--%b--\r\n" % (mark, body, mark, job.data, mark)
        )
        kind = f"multipart/related; boundary={mark.decode()}"
        status, data = await emulator.send("POST", f"/upload{path}?uploadType=multipart", body, kind)
    answer = json.loads(data)
    error = answer["error"]["errors"][0] if status >= 400 else answer["status"].get("errorResult")
    if error:
        raise ApiError(error["reason"], error["message"], location=error.get("location"))
    return answer
