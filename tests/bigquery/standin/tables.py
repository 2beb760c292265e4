"""What a catalogue knows of tables: DDL brings it up to date, requests show and change it."""

import re
from datetime import UTC, datetime

import access
import ingestion
import sqlglot
from analyzer import scalar, type_of_field
from bqemulator.api.routes.tables import _field_to_rest, _parse_schema_fields
from bqemulator.catalog.etag import generate_etag
from bqemulator.catalog.models import Clustering, RangePartitioning, TableSchema, TimePartitioning
from bqemulator.jobs.executor import build_response_schema
from bqemulator.storage.sql_identifiers import quoted_table_ref
from errors import ApiError
from sqlglot import exp
from sqlglot.tokens import TokenType

# What the emulator's catalogue has no place for, by (project, dataset, table): parts of the resource, and of its fields.
EXTRA = {}

INGESTION = ("_PARTITIONDATE", "_PARTITIONTIME")


def forget(project):
    for key in [key for key in EXTRA if key[0] == project]:
        del EXTRA[key]


def parts(table, project):
    """(project, dataset, table) of a reference; fewer where there is no dataset."""
    names = words(table)
    return names if len(names) == 3 else [project, *names]


def words(table):
    """The names in a reference, which may all stand in one pair of backticks."""
    return ".".join(part for part in (table.catalog, table.db, table.name) if part).split(".")


def destination(configuration, project):
    """The table that a job writes to."""
    reference = configuration.get("destinationTable")
    return reference and (reference.get("projectId", project), reference["datasetId"], reference["tableId"])


class Change:
    """A statement of DDL on a permanent table, view or dataset."""

    def __init__(self, tree, sql, project, context):
        self.tree = tree
        self.sql = sql
        self.context = context
        self.project = project
        table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        if tree.args.get("kind") == "SCHEMA":
            self.target = (*[project.id, *words(table)][-2:], None)
            self.is_new = context.catalog.get_dataset(*self.target[:2]) is None
        else:
            self.target = tuple(parts(table, project.id))

    @classmethod
    def of(cls, tree, sql, project, context):
        if isinstance(tree, exp.Command):
            tree = altered_column(sql) or tree
        if not isinstance(tree, (exp.Create, exp.Alter, exp.Drop)):
            return None
        if tree.args.get("kind") not in ("TABLE", "VIEW", "SCHEMA", "COLUMN"):
            return None
        return cls(tree, sql, project, context)

    def old(self):
        return self.context.catalog.get_table(*self.target) if self.target[2] else None

    def options(self):
        """What stands in OPTIONS, by its name in lower case."""
        properties = self.tree.args.get("properties")
        return options(properties)

    def check(self):
        """What BigQuery refuses and the emulator does not."""
        project, dataset, _ = self.target
        old = self.old()
        if isinstance(self.tree, exp.Create) and old and self.tree.args.get("replace"):
            self.check_replaced(old)
        if isinstance(self.tree, exp.Drop) and old:
            kind = "MATERIALIZED_VIEW" if is_materialized(self.tree) else self.tree.args["kind"]
            if old.table_type != kind:
                raise ApiError("invalidQuery", "{}:{}.{} is not allowed for this operation because it is currently a {}.".format(
                    *self.target, old.table_type))
        if isinstance(self.tree, exp.Alter) and old is None and not self.tree.args.get("exists"):
            raise ApiError("notFound", f"Not found: Table {project}:{dataset}.{self.target[2]} was not found in location US")

    def check_replaced(self, old):
        kind = "VIEW" if self.tree.kind == "VIEW" else "TABLE"
        name = "{}:{}.{}".format(*self.target)
        if (old.table_type == "TABLE") != (kind == "TABLE"):
            raise ApiError("invalidQuery", f"{name} is not allowed for this operation because it is currently a {old.table_type}.")
        if kind == "TABLE":
            new, before = spec(*self.layout()), spec_of(old)
            if new != before:
                raise ApiError("invalidQuery", "Cannot replace a table with a different partitioning spec. Instead, DROP the "
                               f"table, and then recreate it. New partitioning spec is {new} and existing spec is {before}")
        elif is_materialized(self.tree) != (old.table_type == "MATERIALIZED_VIEW"):
            raise ApiError("invalidQuery", f"{name} is not allowed for this operation because it is currently a {old.table_type}.")

    def is_only_metadata(self):
        """The emulator does nothing for it, or has no words for it."""
        return isinstance(self.tree, exp.Alter) and all(
            isinstance(action, (exp.AlterSet, ColumnOptions)) for action in self.tree.args["actions"])

    def plain(self):
        """What the emulator is to do instead, if it would do it wrong: materialized views are views that say what they are, so
        that they are never stale; copies are made by a query; clusters are kept in the catalogue alone."""
        tree = self.tree.copy()
        if is_materialized(tree):
            if isinstance(tree, exp.Create):
                tree.set("properties", None)
            tree.set("materialized", False)
            return tree.sql("bigquery")
        if (clone := tree.args.get("clone")) is not None:
            tree.set("clone", None)
            tree.set("properties", None)
            tree.set("expression", exp.select("*").from_(clone.this.copy()))
            return tree.sql("bigquery")
        properties = tree.args.get("properties")
        clustering = properties and properties.find(exp.ClusterProperty)
        if isinstance(tree, exp.Create) and clustering and tree.expression is None:
            clustering.pop()
            return tree.sql("bigquery")
        return None

    def model(self):
        """The table that a new one is to be like."""
        clone = self.tree.args.get("clone")
        properties = self.tree.args.get("properties")
        like = properties and properties.find(exp.LikeProperty)
        found = clone or like
        return tuple(parts(found.this, self.project.id)) if found else None

    def layout(self):
        """Partitioning by time, by ranges, and clustering of a CREATE."""
        properties = self.tree.args.get("properties")
        found = properties.expressions if properties else []
        time, ranges, clustering = None, None, None
        for one in found:
            if isinstance(one, exp.PartitionedByProperty):
                time, ranges = partitioning(one.this)
            elif isinstance(one, exp.ClusterProperty):
                clustering = Clustering(fields=tuple(column.name for column in one.expressions))
        given = options(properties)
        if time and "partition_expiration_days" in given:
            time = time.model_copy(update={"expiration_ms": int(float(given["partition_expiration_days"]) * 86400000)})
        if time and given.get("require_partition_filter"):
            time = time.model_copy(update={"require_partition_filter": True})
        return time, ranges, clustering

    # After it was done

    def apply(self, location):
        match self.tree:
            case exp.Create():
                self.created(location)
            case exp.Alter():
                self.altered()
            case exp.Drop():
                EXTRA.pop(self.target, None)
                if self.target[2]:
                    access.forget(self.target, self.context)

    def created(self, location):
        if self.target[2] is None:
            # A dataset that is made is where the query runs, if nothing else is said.
            self.dataset_options(({"location": location} if self.is_new else {}) | self.options())
            return
        meta = self.context.catalog.get_table(*self.target)
        if meta is None or (self.tree.args.get("exists") and self.target in EXTRA):
            return
        access.forget(self.target, self.context)
        time, ranges, clustering = self.layout()
        EXTRA[self.target] = {"fields": {}}
        if is_materialized(self.tree):
            meta = meta.model_copy(update={"table_type": "MATERIALIZED_VIEW"})
        if model := self.model():
            like = self.context.catalog.get_table(*model)
            time, ranges, clustering = like.time_partitioning, like.range_partitioning, like.clustering
            meta = meta.model_copy(update={"description": like.description, "labels": like.labels})
            EXTRA[self.target]["fields"] = {path: dict(field) for path, field in extra(model)["fields"].items()}
        if meta.view_query:
            EXTRA[self.target]["view"] = meta.view_query
            query = ingestion.rewritten(meta.view_query, self.project.id, self.context)
            meta = meta.model_copy(update={"view_query": query})
        if time and time.field is None:
            ingestion.add_column(self.target, time, self.context)
        update = {"time_partitioning": time, "range_partitioning": ranges, "clustering": clustering}
        self.context.catalog.update_table(meta.model_copy(update=update))
        refresh(self.target, self.context)
        self.set_options(self.options())
        if isinstance(self.tree.this, exp.Schema):
            for column in self.tree.this.expressions:
                self.describe(column, "")

    def describe(self, column, prefix):
        """Descriptions of columns, and of fields in them."""
        if not isinstance(column, exp.ColumnDef):
            return
        path = f"{prefix}{column.name}"
        for constraint in column.args.get("constraints") or []:
            if isinstance(constraint.kind, exp.Properties):
                self.set_column(path, options(constraint.kind))
        for inner in column.kind.find_all(exp.ColumnDef) if column.kind else []:
            if inner.find_ancestor(exp.ColumnDef) is column:
                self.describe(inner, f"{path}.")

    def altered(self):
        for action in self.tree.args["actions"]:
            match action:
                case exp.AlterSet():
                    given = options(action.expressions[0])
                    if self.target[2] is None:
                        self.dataset_options(given)
                    else:
                        self.set_options(given)
                case ColumnOptions():
                    self.set_column(action.name, options(action.args["properties"]))
                case exp.AlterRename():
                    self.renamed(action.this.name)
        if self.target[2] is not None:
            refresh(self.target, self.context)

    def renamed(self, name):
        new = (*self.target[:2], name)
        meta = self.context.catalog.get_table(*self.target)
        policies = access.take_policies(self.target, self.context)
        self.context.catalog.delete_table(*self.target)
        self.context.catalog.create_table(meta.model_copy(update={"table_id": name}))
        access.move(self.target, policies, new, self.context)
        EXTRA[new] = EXTRA.pop(self.target, {"fields": {}})
        self.target = new

    def set_options(self, given):
        meta = self.context.catalog.get_table(*self.target)
        update = {}
        if "description" in given:
            update["description"] = given["description"]
        if "friendly_name" in given:
            update["friendly_name"] = given["friendly_name"]
        if "labels" in given:
            update["labels"] = dict(given["labels"] or [])
        if "expiration_timestamp" in given:
            update["expiration_time"] = timestamp(given["expiration_timestamp"])
        time = meta.time_partitioning
        if time and "partition_expiration_days" in given:
            days = given["partition_expiration_days"]
            time = time.model_copy(update={"expiration_ms": days and int(float(days) * 86400000)})
        if time and "require_partition_filter" in given:
            time = time.model_copy(update={"require_partition_filter": bool(given["require_partition_filter"])})
        update["time_partitioning"] = time
        self.context.catalog.update_table(meta.model_copy(update=update))
        known = {"description", "friendly_name", "labels", "expiration_timestamp", "partition_expiration_days",
                 "require_partition_filter"}
        others = {name: value for name, value in given.items() if name not in known}
        extra(self.target).setdefault("options", {}).update(others)
        if "require_partition_filter" in given:
            extra(self.target)["requirePartitionFilter"] = bool(given["require_partition_filter"])
        touch(self.target, self.context)

    def set_column(self, path, given):
        field = extra(self.target)["fields"].setdefault(path.lower(), {})
        if "description" in given:
            field["description"] = given["description"]
        if "policy_tags" in given:
            field["policyTags"] = {"names": list(given["policy_tags"])}

    def dataset_options(self, given):
        project, dataset, _ = self.target
        meta = self.context.catalog.get_dataset(project, dataset)
        update = {}
        if "labels" in given:
            update["labels"] = dict(given["labels"] or [])
        if "description" in given:
            update["description"] = given["description"]
        if location := self.location() or given.get("location"):
            update["location"] = location
        self.context.catalog.update_dataset(meta.model_copy(update=update))

    def location(self):
        properties = self.tree.args.get("properties")
        found = properties and properties.find(exp.LocationProperty)
        return found.this.name if found else None


def is_materialized(tree):
    properties = tree.args.get("properties")
    return bool(tree.args.get("materialized") or (properties and properties.find(exp.MaterializedProperty)))


class ColumnOptions(exp.Expression):
    """`alter column NAME set options (…)`, which sqlglot does not read."""

    arg_types = {"this": True, "properties": True}


def altered_column(sql):
    """An ALTER with options of a column or of a dataset, which sqlglot keeps as text."""
    name = r"(?:`[^`]+`|[\w.-]+)(?:\.(?:`[^`]+`|[\w-]+))*"
    found = re.match(rf"(?is)\s*alter\s+(table|view|materialized\s+view|schema)\s+(if\s+exists\s+)?({name})\s+(.*)$", sql)
    if not found:
        return None
    kind = "SCHEMA" if found[1].lower() == "schema" else "VIEW" if "view" in found[1].lower() else "TABLE"
    target = sqlglot.parse_one(f"select * from {found[3]}", read="bigquery").find(exp.Table)
    actions = [action(text) for text in between_commas(found[4])]
    if None in actions:
        return None
    return exp.Alter(this=target, kind=kind, exists=bool(found[2]), actions=actions)


def action(text):
    """What one part of an ALTER does, if it is about options."""
    name = r"(`[^`]+`|[\w.-]+)(?:\.(?:`[^`]+`|[\w-]+))*"
    if column := re.match(rf"(?is)alter\s+column\s+(?:if\s+exists\s+)?({name})\s+set\s+options\s*(\(.*\))\s*;?\s*$", text):
        return ColumnOptions(this=column[1].replace("`", ""), properties=properties_of(column[3]))
    if table := re.match(r"(?is)set\s+options\s*(\(.*\))\s*;?\s*$", text):
        return exp.AlterSet(expressions=[properties_of(table[1])])
    return None


def between_commas(sql):
    """The parts of a text between commas that stand in no brackets."""
    depth, start, parts = 0, 0, []
    for token in sqlglot.tokenize(sql, read="bigquery"):
        depth += (token.text in "([") - (token.text in ")]") if len(token.text) == 1 else 0
        if token.token_type == TokenType.COMMA and depth == 0:
            parts.append(sql[start : token.start].strip())
            start = token.end + 1
    return [*parts, sql[start:].strip()]


def properties_of(text):
    return sqlglot.parse_one(f"create view v options {text} as select 1", read="bigquery").args["properties"]


def options(properties):
    """OPTIONS as values of Python."""
    given = {}
    for one in properties.expressions if properties else []:
        if type(one) is exp.Property:
            given[one.this.name.lower()] = value(one.args["value"])
    return given


def value(tree):
    match tree:
        case exp.Literal():
            return tree.this
        case exp.Boolean():
            return bool(tree.this)
        case exp.Null():
            return None
        case exp.Array():
            return [value(item) for item in tree.expressions]
        case exp.Tuple():
            return tuple(value(item) for item in tree.expressions)
    return tree.sql("bigquery")


def timestamp(text):
    if text is None:
        return None
    found = re.search(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d))?", text)
    return datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00:00'}").replace(tzinfo=UTC) if found else None


def partitioning(tree):
    """PARTITION BY, as the two kinds that the catalogue has."""
    if isinstance(tree, exp.RangeBucket):
        array = tree.args["expression"]
        start, end = (int(array.args[name].sql()) for name in ("start", "end"))
        step = array.args.get("step")
        return None, RangePartitioning(field=tree.this.name, start=start, end=end, interval=int(step.sql()) if step else 1)
    columns = [column.name for column in tree.find_all(exp.Column)] or [word.name for word in tree.find_all(exp.Identifier)]
    field = columns[0] if columns else None
    unit = tree.args.get("unit")
    kind = unit.name.upper() if unit is not None else "DAY"
    return TimePartitioning(type=kind, field=None if field and field.upper() in INGESTION else field), None


def spec(time, ranges, clustering):
    words = []
    if time:
        words.append(f"interval(type:{time.type.lower()}" + (f",field:{time.field}" if time.field else "") + ")")
    if ranges:
        words.append(f"range(type:integer,field:{ranges.field},start:{ranges.start},end:{ranges.end},interval:{ranges.interval})")
    if clustering:
        words.append(f"clustering({','.join(clustering.fields)})")
    return " ".join(words) or "none"


def spec_of(meta):
    return spec(meta.time_partitioning, meta.range_partitioning, meta.clustering)


def loaded(target, configuration, old, context):
    """Partitions and clustering that a load asked for, or that the table had."""
    meta = context.catalog.get_table(*target)
    update = {name: getattr(old, name) for name in ("time_partitioning", "range_partitioning", "clustering", "labels",
                                                    "description")} if old else {}
    if time := configuration.get("timePartitioning"):
        update["time_partitioning"] = TimePartitioning(type=time.get("type", "DAY"), field=time.get("field"))
    if clustering := configuration.get("clustering"):
        update["clustering"] = Clustering(fields=tuple(clustering["fields"]))
    context.catalog.update_table(meta.model_copy(update=update))


def extra(target):
    return EXTRA.setdefault(target, {"fields": {}})


def touch(target, context):
    meta = context.catalog.get_table(*target)
    now = context.clock.now()
    context.catalog.update_table(meta.model_copy(update={"last_modified_time": now, "etag": generate_etag(*target, str(now))}))


def refresh(target, context):
    """Takes the columns from what is stored."""
    meta = context.catalog.get_table(*target)
    if meta and meta.table_type == "TABLE":
        context.catalog.update_table(meta.model_copy(update={"schema_": stored_schema(target, context)}))


def stored_schema(target, context):
    """The columns of a table, with what Arrow does not know (JSON) and what DuckDB keeps (NOT NULL)."""
    reference = quoted_table_ref(*target)
    fields = build_response_schema(context.engine.fetch_arrow(f"select * from {reference} limit 0").schema)
    required = {row[1] for row in context.engine.execute(f"pragma table_info({reference})").fetchall() if row[3]}
    fields = [field for field in fields if field["name"] != ingestion.COLUMN]
    for field in fields:
        if field["name"] in required and field["mode"] == "NULLABLE":
            field["mode"] = "REQUIRED"
    return TableSchema(fields=_parse_schema_fields(fields))


def columns(names, project, context, temporary=None):
    """Names, types and whether they are hidden, of the columns of a table; nothing where it is not known."""
    if len(names) == 1:
        physical = (temporary or {}).get(names[0].lower())
        if physical is None:
            return None
        fields = build_response_schema(context.engine.fetch_arrow(f'select * from "{physical}" limit 0').schema)
        return [(field["name"], type_of_field(field), False) for field in fields]
    meta = context.catalog.get_table(*(names if len(names) == 3 else [project, *names])) if len(names) <= 3 else None
    if meta is None:
        return None
    found = [(field.name, type_of_field(_field_to_rest(field)), False) for field in meta.schema_.fields]
    if ingestion.is_ingestion(meta):
        found += [("_PARTITIONTIME", scalar("TIMESTAMP"), True), ("_PARTITIONDATE", scalar("DATE"), True)]
    return found


def num_rows(target, context):
    [count] = context.engine.execute(f"select count(*) from {quoted_table_ref(*target)}").fetchone()
    return count
