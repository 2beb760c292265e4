"""What a text must pass before it is run: GoogleSQL's own grammar and types, and sqlglot's."""

import re
import sys
from pathlib import Path

import sqlglot
import wasmtime
from bqemulator.scripting import ast
from bqemulator.scripting.parser import Parser
from sqlglot.tokens import TokenType

from analyzer import Analyzer, Finding
from errors import ApiError
from positions import offset_of

analyzer = None


class ScriptParser(Parser):
    def _read_type_name(self):
        """`declare x default 1` has no type."""
        return "ANY" if self._cursor.match_keyword("DEFAULT") else super()._read_type_name()


def load(cache: Path):
    """Makes the analyzer ready. Compiling it takes half a minute, so the result is kept in a file."""
    global analyzer
    compile_module = wasmtime.Module.from_file

    def from_cache(engine, path):
        try:
            return wasmtime.Module.deserialize_file(engine, str(cache))
        except (wasmtime.WasmtimeError, OSError):
            module = compile_module(engine, path)
            cache.write_bytes(module.serialize())
            return module

    wasmtime.Module.from_file = from_cache
    analyzer = Analyzer()


def check(sql):
    """Raises BigQuery's error where GoogleSQL's grammar does not take a text."""
    if message := analyzer.syntax_error(sql):
        raise ApiError("invalidQuery", message, location="query")


def check_sqlglot(sql):
    """What sqlglot does not take in a text, as pairs of a statement and a message."""
    problems = []
    try:
        script = ScriptParser(sql).parse_script()
    except Exception as error:
        return [(sql, f"the emulator's parser of scripts: {error}")]
    for statement in leaves(script.statements):
        if not isinstance(statement, ast.SqlStmt) or is_transaction(statement.sql):
            continue
        try:
            tree = sqlglot.parse_one(statement.sql, read="bigquery")
        except sqlglot.errors.SqlglotError as error:
            problems.append((statement.sql, f"sqlglot: {str(error).splitlines()[0]}"))
            continue
        if isinstance(tree, sqlglot.exp.Command) and tree.name.upper() not in COMMANDS:
            problems.append((statement.sql, f"sqlglot knows no such statement: {tree.name}"))
    return problems


# What sqlglot keeps as text. ZetaSQL alone looks at these.
COMMANDS = {"ALTER", "ASSERT", "CREATE", "DROP", "EXPORT", "GRANT", "REVOKE", "CALL", "LOAD"}


# Statements whose names and types are looked at.
ANALYZED = (
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "CREATE_TABLE_AS_SELECT",
    "CREATE_VIEW",
    "CREATE_MATERIALIZED_VIEW",
)


def analyze(sql, kind, columns_of, variables):
    """Raises a `Finding` where names or types of a statement are wrong. `columns_of` gives the columns of a table by the
    words of its name; where it knows none, as of a table that is missing, nobody looks."""
    if kind not in ANALYZED or any(kind is None for kind in variables.values()):
        return
    text, added = split_paths(sql)
    tables = {}
    for path in analyzer.tables(text):
        columns = columns_of(list(path))
        if columns is None:
            return
        tables[path] = columns
    try:
        analyzer.check(text, tables, variables)
    except Finding as finding:
        at = offset_of(text, finding.line, finding.column)
        finding.offset = at - sum(1 for place in added if place < at)
        raise


def split_paths(sql):
    """BigQuery reads `p.d.t` in one pair of backticks as three names; the analyzer wants it so. Gives the places of what is
    added, too."""
    text, added, end = "", [], 0
    for token in sqlglot.tokenize(sql, read="bigquery"):
        written = sql[token.start : token.end + 1]
        if token.token_type == TokenType.IDENTIFIER and written.startswith("`") and "." in written:
            text += sql[end : token.start]
            for char in written:
                added += [len(text), len(text) + 2] if char == "." else []
                text += "`.`" if char == "." else char
            end = token.end + 1
    return text + sql[end:], added


def is_transaction(sql):
    return re.match(r"(?i)\s*(begin|commit|rollback)(\s+transaction)?\s*;?\s*$", sql) is not None


def leaves(statements):
    """The statements of a script in the order of its text, blocks opened."""
    for statement in statements:
        yield statement
        for name in ("body", "else_body", "exception_handler"):
            inner = getattr(statement, name, None)
            if isinstance(inner, tuple):
                yield from leaves(inner)
        for _, inner in getattr(statement, "branches", ()):
            yield from leaves(inner)


def main():
    load(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
