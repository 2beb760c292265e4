"""What the emulator does not take, written so that it does."""

import re

import sqlglot
from sqlglot import exp

from errors import ApiError


def system_variables(sql, row_count, frames):
    """`@@row_count` and `@@error.message`, as the values that they have."""
    if "@@" not in sql:
        return sql
    sql = re.sub(r"(?i)@@row_count\b", "null" if row_count is None else str(row_count), sql)
    message = frames.lookup("__error_message__") if frames.has("__error_message__") else None
    text = "cast(null as string)" if message is None else exp.Literal.string(message).sql("bigquery")
    return re.sub(r"(?i)@@error\.(formatted_)?(message|statement_text|stack_trace)\b", lambda _: text, sql)


def assertion(sql):
    """The condition and the message of an ASSERT."""
    found = re.match(
        r"(?is)\s*assert\s*(.+?)(?:\s+as\s+((?:'(?:[^'\\]|\\.)*')|(?:\"(?:[^\"\\]|\\.)*\")))?\s*;?\s*$", sql
    )
    if not found:
        return None
    message = found[2] and sqlglot.parse_one(f"select {found[2]}", read="bigquery").expressions[0].name
    return found[1], message


def insert_row(duckdb_sql):
    """`insert row` of a MERGE: DuckDB's words for all columns of the source."""
    return re.sub(r"(?i)\bthen insert row\b", "THEN INSERT BY POSITION", duckdb_sql)


def rename_tables(tree, names):
    """Gives tables without a dataset the names that they have in the emulator. What calls them by their name still can."""
    if not names:
        return
    shadows = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    unaliased = {id(target(tree))} if isinstance(tree, (exp.Create, exp.Drop, exp.Alter, exp.Insert)) else set()
    if isinstance(tree, exp.TruncateTable):
        unaliased = {id(table) for table in tree.expressions}
    for table in list(tree.find_all(exp.Table)):
        name = table.name.lower()
        own = table.db.lower() in ("", "_session") and name not in shadows
        if own and name in names:
            if not table.alias and id(table) not in unaliased:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
            table.set("db", None)
            table.set("this", exp.to_identifier(names[name]))


def target(tree):
    found = tree.this
    return found.this if isinstance(found, exp.Schema) else found


def refuse_several_matches(duckdb_sql, values, engine):
    """BigQuery's error where a row of the target of a MERGE or an UPDATE has several rows to be changed by; DuckDB takes
    any of them."""
    try:
        tree = sqlglot.parse_one(duckdb_sql, read="duckdb")
    except sqlglot.errors.SqlglotError:
        return
    if isinstance(tree, exp.Merge):
        matched = [when for when in tree.args["whens"].expressions if when.args.get("matched")]
        if not matched:
            return
        conditions = [when.args.get("condition") for when in matched]
        source, on = tree.args["using"], [tree.args["on"]]
        if all(conditions):
            on.append(exp.paren(exp.or_(*[exp.paren(condition.copy()) for condition in conditions])))
    elif isinstance(tree, exp.Update) and tree.args.get("from_") is not None:
        source, on = tree.args["from_"].this, [tree.args["where"].this] if tree.args.get("where") else []
    else:
        return
    table = tree.this
    joined = exp.select("1").from_(table.copy()).join(source.copy(), on=exp.and_(*[part.copy() for part in on]))
    row = exp.column("rowid", table=table.alias_or_name)
    sql = joined.group_by(row).having("count(*) > 1").limit(1).sql("duckdb")
    sql, used = only_used(sql, values)
    if engine.execute(sql, used or None).fetchall():
        raise ApiError("invalidQuery", "UPDATE/MERGE must match at most one source row for each target row")


def only_used(sql, values):
    """A part of a statement, with the parameters that it has."""
    numbers = sorted({int(number) for number in re.findall(r"\$(\d+)\b", sql)})
    for new, old in enumerate(numbers, 1):
        sql = re.sub(rf"\${old}\b", f"${new}", sql)
    return sql, [values[old - 1] for old in numbers] if values else []
