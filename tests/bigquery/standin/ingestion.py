"""Tables that are partitioned by the time at which rows come in. The emulator knows no such time, so it is a column of
its own here, which nobody sees: `_PARTITIONTIME` and `_PARTITIONDATE` are written as this column."""

import sqlglot
from bqemulator.storage.sql_identifiers import quoted_table_ref
from sqlglot import exp

import tables

COLUMN = "_ingested_at"


def add_column(target, time, context):
    """To a table that was made just now."""
    context.engine.execute(
        f"alter table {quoted_table_ref(*target)} add column if not exists {COLUMN} timestamptz "
        f"default date_trunc('{time.type.lower()}', now())"
    )


def is_ingestion(meta):
    return meta is not None and meta.time_partitioning is not None and meta.time_partitioning.field is None


def rewritten(sql, project, context):
    """The statement with that column, if it names such a table."""
    try:
        tree = sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.SqlglotError:
        return sql
    found = {}
    for table in tree.find_all(exp.Table):
        names = tables.parts(table, project) if table.db else ()
        meta = context.catalog.get_table(*names) if len(names) == 3 else None
        if is_ingestion(meta):
            found[table.alias_or_name] = meta
    if not found or isinstance(tree, (exp.Create, exp.Drop, exp.Alter)) and tree.expression is None:
        return sql
    name_columns(tree, found)
    for star in list(tree.find_all(exp.Star)):
        hide(star, found)
    for identifier in list(tree.find_all(exp.Identifier)):
        rename(identifier)
    return tree.sql("bigquery")


def name_columns(tree, found):
    """An INSERT without a list of columns means those that are seen."""
    if isinstance(tree, exp.Insert) and isinstance(tree.this, exp.Table) and tree.this.alias_or_name in found:
        meta = found[tree.this.alias_or_name]
        columns = [exp.to_identifier(field.name, quoted=True) for field in meta.schema_.fields]
        tree.set("this", exp.Schema(this=tree.this, expressions=columns))


def hide(star, found):
    """`*` is all but this column, where one of these tables is read."""
    select = star.find_ancestor(exp.Select)
    if select is None or not isinstance(star.parent, (exp.Select, exp.Column)):
        return
    sources = [
        source.this for source in [select.args.get("from_"), *(select.args.get("joins") or [])] if source is not None
    ]
    read = {source.alias_or_name for source in sources if isinstance(source, exp.Table)}
    table = star.parent.table if isinstance(star.parent, exp.Column) else ""
    if (table or next(iter(read & found.keys()), None)) in found:
        star.set("except_", [*(star.args.get("except_") or []), exp.to_identifier(COLUMN)])


def rename(identifier):
    name = identifier.name.upper()
    if name == "_PARTITIONTIME":
        identifier.set("this", COLUMN)
    elif name == "_PARTITIONDATE" and isinstance(identifier.parent, exp.Column):
        column = identifier.parent
        identifier.set("this", COLUMN)
        column.replace(exp.cast(column.copy(), "date"))
