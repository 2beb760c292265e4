"""Requests about datasets and tables: the emulator answers, and what it does not keep is added."""

import json

from bqemulator.api.routes.tables import _table_to_rest
from bqemulator.catalog.models import RangePartitioning
from bqemulator.storage.type_map import bq_schema_to_duckdb_columns

import ingestion
import tables
from cost import size_of
from errors import ApiError


def decorate_table(body, context):
    """A table as the emulator shows it, with what it leaves out."""
    reference = body["tableReference"]
    target = (reference["projectId"], reference["datasetId"], reference["tableId"])
    meta = context.catalog.get_table(*target)
    if meta is None:
        return body
    known = tables.EXTRA.get(target, {"fields": {}})
    if meta.table_type == "TABLE":
        body["numRows"] = str(tables.num_rows(target, context))
        body["numBytes"] = body["numTotalLogicalBytes"] = body["numActiveLogicalBytes"] = str(size_of(meta, context))
    if meta.range_partitioning:
        ranges = meta.range_partitioning
        body["rangePartitioning"] = {
            "field": ranges.field,
            "range": {"start": str(ranges.start), "end": str(ranges.end), "interval": str(ranges.interval)},
        }
    if meta.time_partitioning and meta.time_partitioning.require_partition_filter:
        body["requirePartitionFilter"] = True
    if meta.view_query:
        query = known.get("view", meta.view_query)
        if meta.table_type == "VIEW":
            body["view"] = {"query": query, "useLegacySql": False}
        else:
            body["materializedView"] = materialized(query, known.get("options", {}))
    if meta.expiration_time:
        body["expirationTime"] = str(int(meta.expiration_time.timestamp() * 1000))
    for name, value in known.get("resource", {}).items():
        body[name] = value
    if "schema" in body:
        decorate_fields(body["schema"]["fields"], known["fields"], "")
    dataset = context.catalog.get_dataset(target[0], target[1])
    body["location"] = dataset.location if dataset else "US"
    return body


def materialized(query, options):
    """What the options of a materialized view say, or what holds without them."""
    minutes = float(options.get("refresh_interval_minutes") or 30)
    return {
        "query": query,
        "enableRefresh": options.get("enable_refresh", True) is not False,
        "refreshIntervalMs": str(int(minutes * 60000)),
    }


def decorate_fields(fields, known, prefix):
    for field in fields:
        path = f"{prefix}{field['name']}".lower()
        field |= known.get(path, {})
        decorate_fields(field.get("fields", []), known, f"{path}.")


def list_item(meta):
    """A table in the list of its dataset."""
    body = _table_to_rest(meta)
    kept = ("id", "tableReference", "friendlyName", "type", "labels", "timePartitioning", "clustering", "creationTime")
    return {"kind": "bigquery#table"} | {name: body[name] for name in kept if name in body}


def check_etag(target, wanted, context):
    """`If-Match`: nobody else has changed it meanwhile."""
    meta = context.catalog.get_table(*target)
    if wanted and meta and wanted != meta.etag:
        raise ApiError("conditionNotMet", "Precondition check failed.")


def patch_table(target, body, context):
    """Takes out of a change of a table what the emulator would get wrong; gives what is to be sent on."""
    meta = context.catalog.get_table(*target)
    if meta is None:
        raise ApiError("notFound", f"Not found: Table {target[0]}:{target[1]}.{target[2]}")
    extra = tables.extra(target)
    if "labels" in body:
        merged = meta.labels | (body["labels"] or {})
        body["labels"] = {name: value for name, value in merged.items() if value is not None} if body["labels"] else {}
    if "requirePartitionFilter" in body and meta.time_partitioning:
        time = meta.time_partitioning.model_copy(
            update={"require_partition_filter": bool(body["requirePartitionFilter"])}
        )
        context.catalog.update_table(meta.model_copy(update={"time_partitioning": time}))
        meta = context.catalog.get_table(*target)
    if "expirationTime" in body:
        expiration = body.pop("expirationTime")
        when = tables.datetime.fromtimestamp(int(expiration) / 1000, tables.UTC) if expiration else None
        context.catalog.update_table(meta.model_copy(update={"expiration_time": when}))
    for name in ("encryptionConfiguration", "resourceTags", "maxStaleness"):
        if name in body:
            extra.setdefault("resource", {})[name] = body[name]
    if "schema" in body:
        take_fields(body.pop("schema")["fields"], meta.schema_.fields, extra["fields"], "", target, context)
    return body


def keep(target, old, body, context):
    """What the emulator forgets of a table when it is made or changed by a request."""
    meta = context.catalog.get_table(*target)
    update = {"range_partitioning": old.range_partitioning, "expiration_time": old.expiration_time} if old else {}
    if given := body.get("rangePartitioning"):
        start, end, interval = (int(given["range"][name]) for name in ("start", "end", "interval"))
        update["range_partitioning"] = RangePartitioning(field=given["field"], start=start, end=end, interval=interval)
    if given := body.get("expirationTime"):
        update["expiration_time"] = tables.datetime.fromtimestamp(int(given) / 1000, tables.UTC)
    context.catalog.update_table(meta.model_copy(update=update))
    if not old and ingestion.is_ingestion(meta):
        ingestion.add_column(target, meta.time_partitioning, context)


def take_fields(fields, old, known, prefix, target, context):
    """Descriptions and policy tags of columns; columns that are new are added to the table."""
    names = {field.name.lower(): field for field in old}
    missing = set(names) - {field["name"].lower() for field in fields}
    if missing and not prefix:
        raise ApiError(
            "invalid",
            "Provided Schema does not match Table {}:{}.{}. Field {} is missing in new schema".format(
                *target, sorted(missing)[0]
            ),
        )
    if not prefix:
        extend_columns(fields, names, target, context)
    for field in fields:
        path = f"{prefix}{field['name']}".lower()
        if field["name"].lower() not in names:
            if prefix:
                # The column gets its new type as a whole, below.
                known[path] = {name: field[name] for name in ("description", "policyTags") if name in field}
                continue
            add_column(field, target, context)
            names[field["name"].lower()] = None
        kept = {name: field[name] for name in ("description", "policyTags") if name in field}
        known[path] = kept
        inner = names[field["name"].lower()]
        if field.get("fields") and inner is not None:
            take_fields(field["fields"], inner.fields, known, f"{path}.", target, context)
    if not prefix:
        tables.refresh(target, context)
        tables.touch(target, context)


def add_column(field, target, context):
    [(name, kind)] = bq_schema_to_duckdb_columns([field])
    context.engine.execute(f'alter table {tables.quoted_table_ref(*target)} add column "{name}" {kind}')


def extend_columns(fields, old, target, context):
    """Gives columns their new fields, which stand behind the others; none may be left out."""
    for field in fields:
        column = old.get(field["name"].lower())
        if column is None or not has_new_fields(field, column, field["name"], target):
            continue
        [(name, kind)] = bq_schema_to_duckdb_columns([field])
        context.engine.execute(f'alter table {tables.quoted_table_ref(*target)} alter column "{name}" set data type {kind}')


def has_new_fields(field, old, path, target):
    inner = [one["name"].lower() for one in field.get("fields", [])]
    known = [one.name.lower() for one in old.fields]
    if inner[: len(known)] != known:
        raise ApiError("invalid", "Provided Schema does not match Table {}:{}.{}. Field {} changed".format(*target, path))
    pairs = zip(field.get("fields", []), old.fields, strict=False)
    changed = [has_new_fields(one, other, f"{path}.{one['name']}", target) for one, other in pairs]
    return len(inner) > len(known) or any(changed)


def dumps(body):
    return json.dumps(body).encode()
