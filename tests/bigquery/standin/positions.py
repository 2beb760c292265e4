"""Where an error is in the text of a job, and how BigQuery says it."""

import re

import sqlglot
from bqemulator.scripting import ast
from sqlglot import exp

from analyzer import Finding
from errors import StatementError, of


def offsets(source, statements):
    """Where the texts in a parsed script begin, by the identity of the text: the parser keeps no places."""
    found = {}
    cursor = 0

    def look(text):
        nonlocal cursor
        if text:
            at = source.find(text, cursor)
            if at >= 0:
                found[id(text)] = at
                cursor = at + len(text)

    def walk(statement):
        for condition, body in getattr(statement, "branches", ()):
            look(condition)
            for inner in body:
                walk(inner)
        texts = (
            "sql",
            "default_expr",
            "source_expr",
            "condition_expr",
            "source_sql",
            "sql_expr",
            "message_expr",
            "value_expr",
        )
        for name in texts:
            look(getattr(statement, name, None))
        if isinstance(statement, (ast.CreateFunctionStmt, ast.CreateProcedureStmt)):
            return
        for name in ("body", "else_body", "exception_handler"):
            for inner in getattr(statement, name, None) or ():
                walk(inner)

    for statement in statements:
        walk(statement)
    return found


def place(source, offset):
    """`[line:column]`, both from 1; a tab goes to the next multiple of 8, as in ZetaSQL."""
    line = source[:offset].rpartition("\n")[2]
    return f"[{source[:offset].count(chr(10)) + 1}:{len(line.expandtabs(8)) + 1}]"


def offset_of(text, line, column):
    """Where the place is that GoogleSQL's analyzer names."""
    lines = text.split("\n")
    before, found = sum(len(line) + 1 for line in lines[: line - 1]), lines[line - 1]
    return before + next((at for at in range(len(found)) if len(found[:at].expandtabs(8)) >= column - 1), len(found))


def located(error, text, start, source, is_script):
    """The error of a statement that begins at `start` of the source."""
    if isinstance(error, Finding):
        message = f"{error.message} at {place(source, start + error.offset)}"
        return StatementError("invalidQuery", f"Query error: {message}" if is_script else message, location="query")
    error = of(error)
    if isinstance(error, StatementError):
        return error
    message = plain(error.message)
    found = name_in(message)
    offset = None
    if found:
        message, name = found
        offset = find(name, text)
    if offset is not None:
        message += f" at {place(source, start + offset)}"
    elif is_script and error.reason in ("invalidQuery", "notFound", "duplicate"):
        message += f" at {place(source, start)}"
    if is_script and not message.startswith("Query error: ") and error.reason not in ("stopped", "timeout"):
        message = f"Query error: {message}" if error.reason in ("invalidQuery", "notFound", "duplicate") else message
    return StatementError(error.reason, message, location="query")


def plain(message):
    """Without the emulator's places, which are of its own text, and without DuckDB's advice."""
    message = re.sub(r" at \[\d+:\d+\]$", "", message)
    message = message.removeprefix("Query execution failed: ").removeprefix("Script SQL execution failed: ")
    message = re.sub(r"\n\s*\nLINE \d+:.*", "", message, flags=re.DOTALL)
    message = re.sub(r"^(Invalid Input|Conversion|Binder|Parser|Catalog|Out of Range) Error: ", "", message)
    return re.sub(r"(division by zero: 1 / 0|Integer Overflow) \(.*", r"\1", message, flags=re.DOTALL)


# DuckDB's words for what it cannot bind, BigQuery's, and the name to look for.
UNBOUND = [
    (r'Referenced column "([^"]+)" not found', "Unrecognized name: {0}", 1),
    (r'Referenced table "([^"]+)" not found', "Unrecognized name: {0}", 1),
    (r'(?:Table|Values list) "([^"]+)" does not have a column named "([^"]+)"', "Name {1} not found inside {0}", 2),
    (r'Could not find key "([^"]+)" in struct', "Field name {0} does not exist in STRUCT", 1),
    (
        r'column "([^"]+)" must appear in the GROUP BY clause',
        "SELECT list expression references column {0} which is neither grouped nor aggregated",
        1,
    ),
    (r"Ambiguous reference to column name \"([^\"]+)\"", "Column name {0} is ambiguous", 1),
    (r"Function not found: (\w+)", "Function not found: {0}", 1),
]


def name_in(message):
    """What BigQuery would say, and the name that it is about."""
    for pattern, words, group in UNBOUND:
        found = re.search(pattern, message)
        if found:
            return words.format(*found.groups()), found[group]
    if found := re.search(r"Not found: Table (\S+?)\.(\S+?)\.(\S+) was not found", message):
        return message.replace(f"{found[1]}.{found[2]}.{found[3]}", f"{found[1]}:{found[2]}.{found[3]}"), None
    return None


def find(name, text):
    """Where a name is used in a statement: as a column, or else as any word."""
    if name is None:
        return None
    try:
        tree = sqlglot.parse_one(text, read="bigquery")
        used = [column.this for column in tree.find_all(exp.Column)] + list(tree.find_all(exp.Identifier))
        places = [
            one.meta.get("start")
            for one in used
            if isinstance(one, exp.Identifier) and one.name.lower() == name.lower()
        ]
        if known := [place for place in places if place is not None]:
            return known[0]
    except sqlglot.errors.SqlglotError:
        pass
    word = re.search(rf"(?i)\b{re.escape(name)}\b", text)
    return word.start() if word else None
