"""The bytes that a statement reads: columns that it names, of the partitions that its filters leave.

Sizes are those of https://cloud.google.com/bigquery/pricing#data, DML those of #dml in the same page.
"""

from dataclasses import dataclass

import sqlglot
from bqemulator.sql.parameters import bind_parameters
from bqemulator.storage.sql_identifiers import quoted_table_ref
from sqlglot import exp
from sqlglot.optimizer import qualify
from sqlglot.optimizer.pushdown_predicates import pushdown_predicates
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.scope import traverse_scope

import ingestion
from errors import ApiError
from pruning import bounds_of, conjunction, disjunction
from rewrite import only_used
from tables import parts

MEGABYTE = 1 << 20


@dataclass
class Cost:
    """Bytes, and how many tables they come from."""

    processed: int = 0
    tables: int = 0

    def __add__(self, other):
        return Cost(self.processed + other.processed, self.tables + other.tables)

    def billed(self):
        """At least 10 MB a table, in whole MB."""
        if not self.processed:
            return 0
        return max(-(-self.processed // MEGABYTE) * MEGABYTE, 10 * MEGABYTE * max(self.tables, 1))


def cost_of(sql, values, parameters, project, context):
    """Of one statement; `values` and `parameters` are those of script variables and of the query."""
    try:
        tree = sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.SqlglotError:
        return Cost()
    return Reader(values, parameters, project, context).statement(tree)


def size_of(meta, context):
    """All bytes of a table."""
    return Reader([], None, meta.project_id, context).whole(meta)


class Reader:
    def __init__(self, values, parameters, project, context):
        self.values = values
        self.parameters = parameters
        self.project = project
        self.context = context
        self.engine = context.engine

    def statement(self, tree):
        match tree:
            case exp.Create():
                is_view = tree.kind == "VIEW" and not tree.find(exp.MaterializedProperty)
                return Cost() if is_view or tree.expression is None else self.query(tree.expression)
            case exp.Insert():
                return self.query(tree.expression)
            case exp.Update() | exp.Delete():
                where = tree.args.get("where")
                return self.target(tree, [where.this] if where else []) + self.sources(tree)
            case exp.Merge():
                return self.merge(tree)
            case exp.Query():
                return self.query(tree)
        return Cost()

    # Queries

    def query(self, tree):
        """Of each table that a query names, the columns that it uses."""
        if not isinstance(tree, exp.Query):
            return Cost()
        tree = self.inlined(tree.copy())
        try:
            whole = qualify.qualify(
                tree.copy(),
                schema=self.schema(tree),
                dialect="bigquery",
                validate_qualify_columns=False,
                quote_identifiers=False,
            )
            scopes = traverse_scope(pushed_down(whole))
        except sqlglot.errors.SqlglotError:
            return self.whole_tables(tree)
        total = Cost()
        for scope in scopes:
            for alias, (_, source) in scope.selected_sources.items():
                if isinstance(source, exp.Table) and (meta := self.meta(source)):
                    used = {column.name.lower() for column in scope.columns if column.table == alias}
                    total += self.table(meta, used, self.filters(scope.expression, alias, meta))
        return total

    def inlined(self, tree):
        """Views as the queries that they are, and names of tables whole."""
        for table in list(tree.find_all(exp.Table)):
            meta = self.meta(self.qualify(table))
            if meta and meta.table_type == "VIEW":
                query = self.inlined(sqlglot.parse_one(meta.view_query, read="bigquery"))
                alias = exp.TableAlias(this=exp.to_identifier(table.alias_or_name))
                table.replace(exp.Subquery(this=query, alias=alias))
        return tree

    def whole_tables(self, tree):
        found = [self.meta(table) for table in tree.find_all(exp.Table)]
        return sum((self.table(meta, None, None) for meta in found if meta), start=Cost())

    def filters(self, select, alias, meta):
        """The bounds that WHERE, and ON of inner joins, set to the partitions of a table."""
        conditions = []
        if where := select.args.get("where"):
            conditions.append(where.this)
        for join in select.args.get("joins") or []:
            if join.side == "" and join.args.get("on") is not None:
                conditions.append(join.args["on"])
        return conjunction([bounds_of(condition, alias, meta) for condition in conditions])

    # DML

    def target(self, tree, conditions, bounds=None):
        """What is changed is read whole, where the filters leave it, and the columns that are named are read beside."""
        table = tree.this
        meta = self.meta(self.qualify(table.copy()))
        if meta is None:
            return Cost()
        alias = table.alias_or_name
        if bounds is None:
            bounds = conjunction([bounds_of(condition, alias, meta) for condition in conditions])
        named = {column.name.lower() for column in tree.find_all(exp.Column) if column.table in ("", alias)}
        read, whole = self.table(meta, named, bounds), self.table(meta, None, bounds)
        return Cost(read.processed + whole.processed, 1)

    def sources(self, tree):
        """Queries inside of a statement, and tables beside its target."""
        total = Cost()
        for query in tree.find_all(exp.Query):
            if not query.find_ancestor(exp.Query):
                total += self.query(query.unnest() if isinstance(query, exp.Subquery) else query)
        beside = [tree.args.get("using"), *(tree.args.get("from_"),)]
        for table in (part for part in beside if part is not None):
            table = table.this if isinstance(table, exp.From) else table
            if isinstance(table, exp.Table) and (meta := self.meta(self.qualify(table.copy()))):
                named = {
                    column.name.lower()
                    for column in tree.find_all(exp.Column)
                    if column.table in ("", table.alias_or_name)
                }
                total += self.table(meta, named, None)
        return total

    def merge(self, tree):
        """Partitions of the target are those that ON leaves for rows with a match, and those that the conditions leave
        for rows that the source does not have."""
        meta = self.meta(self.qualify(tree.this.copy()))
        sources = self.sources(tree)
        if meta is None:
            return sources
        alias = tree.this.alias_or_name
        on = bounds_of(tree.args["on"], alias, meta)
        whens = tree.args["whens"].expressions
        bounds = []
        for when in whens:
            if not when.args.get("matched") and when.args.get("source"):
                condition = when.args.get("condition")
                bounds.append(bounds_of(condition, alias, meta) if condition is not None else None)
            else:
                bounds.append(on)
        bounds = disjunction(bounds)
        is_insert_only = all(isinstance(when.args["then"], exp.Insert) for when in whens)
        if is_insert_only:
            named = {
                column.name.lower() for column in tree.args["on"].find_all(exp.Column) if column.table in ("", alias)
            }
            return sources + self.table(meta, named, bounds)
        return sources + self.target(tree, [], bounds or NONE)

    # Tables

    def qualify(self, table):
        if table.db and not table.catalog and not table.find(exp.Anonymous):
            names = parts(table, self.project)
            for arg, name in zip(("catalog", "db", "this"), names, strict=False):
                table.set(arg, exp.to_identifier(name, quoted=True))
        return table

    def meta(self, table):
        """What the catalogue knows of a table."""
        if not table.db:
            return None
        names = parts(table, self.project)
        return self.context.catalog.get_table(*names) if len(names) == 3 else None

    def schema(self, tree):
        found = {}
        for table in tree.find_all(exp.Table):
            if meta := self.meta(table):
                columns = {field.name: "STRING" for field in meta.schema_.fields}
                if ingestion.is_ingestion(meta):
                    columns[ingestion.COLUMN] = "TIMESTAMP"
                found.setdefault(meta.project_id, {}).setdefault(meta.dataset_id, {})[meta.table_id] = columns
        return found

    def table(self, meta, columns, bounds):
        """Bytes of some columns, or of all, in the partitions within the bounds."""
        if bounds is NONE:
            bounds = None
        partitioned = meta.time_partitioning or meta.range_partitioning
        if bounds is None and meta.time_partitioning and meta.time_partitioning.require_partition_filter:
            name = f"{meta.project_id}.{meta.dataset_id}.{meta.table_id}"
            raise ApiError(
                "invalidQuery",
                f"Cannot query over table '{name}' without a filter over column(s) "
                f"'{partitioned.field or '_PARTITION_LOAD_TIME'}' that can be used for partition elimination",
            )
        return self.read(meta, columns, bounds)

    def whole(self, meta):
        return self.read(meta, None, None).processed

    def read(self, meta, columns, bounds):
        fields = [field for field in meta.schema_.fields if columns is None or field.name.lower() in columns]
        if not fields:
            return Cost(0, 1)
        widths = " + ".join(f"coalesce(sum({width(field, quoted(field.name))}), 0)" for field in fields)
        reference = quoted_table_ref(meta.project_id, meta.dataset_id, meta.table_id)
        [processed] = self.execute(f"select {widths} from {reference}{self.where(bounds, meta, reference)}")
        return Cost(int(processed), 1)

    def where(self, bounds, meta, reference):
        """The rows of the partitions that have a row within the bounds."""
        if bounds is None:
            return ""
        unit = partition(meta)
        return (
            f" where {unit} in (select {unit} from {reference} where {bounds.sql('duckdb')})"
            f" or ({unit} is null and exists (select 1 from {reference} where {unit} is null and {bounds.sql('duckdb')}))"
        )

    def execute(self, sql):
        sql, bound = bind_parameters(sql, self.parameters)
        sql, used = only_used(sql, self.values)
        return self.engine.execute(sql, (used + (bound or [])) or None).fetchone()


def pushed_down(tree):
    """The query with its filters, and the columns that are asked for, as deep as they can be."""
    try:
        return pushdown_predicates(pushdown_projections(tree.copy()), dialect="bigquery")
    except Exception:  # the optimizer is not made for all queries; then more is read
        return tree


NONE = object()  # no bounds, said so


def partition(meta):
    """The expression of DuckDB's that is the same within a partition."""
    if ranges := meta.range_partitioning:
        column = quoted(ranges.field)
        return f"(({column} - {ranges.start}) // {ranges.interval})"
    time = meta.time_partitioning
    return f"date_trunc('{time.type.lower()}', {quoted(time.field or ingestion.COLUMN)})"


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


FIXED = {
    "INTEGER": 8,
    "INT64": 8,
    "FLOAT": 8,
    "FLOAT64": 8,
    "NUMERIC": 16,
    "BIGNUMERIC": 32,
    "BOOLEAN": 1,
    "BOOL": 1,
    "DATE": 8,
    "DATETIME": 8,
    "TIME": 8,
    "TIMESTAMP": 8,
    "INTERVAL": 16,
    "RANGE": 16,
}


def width(field, value):
    """Bytes of a value, as an expression of DuckDB's."""
    if field.mode == "REPEATED":
        inner = width(field.model_copy(update={"mode": "NULLABLE"}), "item")
        return f"coalesce(list_sum(list_transform({value}, item -> {inner})), 0)"
    if field.type in ("RECORD", "STRUCT"):
        inner = " + ".join(width(one, f"{value}.{quoted(one.name)}") for one in field.fields)
        return f"({inner or 0})"
    if field.type in FIXED:
        return f"(case when {value} is null then 0 else {FIXED[field.type]} end)"
    if field.type == "BYTES":
        return f"coalesce(2 + octet_length({value}), 0)"
    overhead = 2 if field.type == "STRING" else 0
    return f"coalesce({overhead} + strlen(cast({value} as varchar)), 0)"
