"""The types that GoogleSQL's analyzer gives to expressions, a line each, as `name<TAB>type`; an empty line for one that it does
not take. The arguments are the columns of a table `t`: `describe.py FOLDER 'a INT64' 'b ARRAY<STRING>' < expressions`."""

import pathlib
import sys

import googlesql
from analyzer import Finding, scalar
from zetasql.wasi._pb2.zetasql.public import type_pb2


def read(name):
    """The type of that name."""
    for outer in ("ARRAY", "RANGE"):
        if name.startswith(f"{outer}<"):
            made = scalar(outer)
            inner = made.array_type if outer == "ARRAY" else made.range_type
            inner.element_type.CopyFrom(read(name[len(outer) + 1 : -1]))
            return made
    if name.startswith("STRUCT<"):
        made = scalar("STRUCT")
        for field in name[len("STRUCT<") : -1].split(", "):
            field_name, kind = field.split(" ")
            made.struct_type.field.add(field_name=field_name, field_type=read(kind))
        return made
    return scalar(name)


def write(kind):
    """The name of that type."""
    name = type_pb2.TypeKind.Name(kind.type_kind).removeprefix("TYPE_")
    match name:
        case "DOUBLE":
            return "FLOAT64"
        case "ARRAY":
            return f"ARRAY<{write(kind.array_type.element_type)}>"
        case "RANGE":
            return f"RANGE<{write(kind.range_type.element_type)}>"
        case "STRUCT":
            fields = [f"{field.field_name} {write(field.field_type)}".strip() for field in kind.struct_type.field]
            return f"STRUCT<{', '.join(fields)}>"
    return name


def describe(expression, tables):
    try:
        answer = googlesql.analyzer.check(f"select {expression} from t", tables, {})
    except Finding:
        return ""
    if answer is None:
        return ""
    column = answer.resolved_statement.resolved_query_stmt_node.output_column_list[0]
    # What the analyzer calls a column without a name is its own affair.
    name = "" if column.name.startswith("$") else column.name
    return f"{name}\t{write(column.column.type)}"


def main(folder, *columns):
    googlesql.load(pathlib.Path(folder) / "googlesql.cwasm")
    named = [column.split(" ", 1) for column in columns]
    tables = {("t",): tuple((name, read(kind), False) for name, kind in named)}
    for expression in sys.stdin.read().splitlines():
        print(describe(expression, tables))


main(*sys.argv[1:])
