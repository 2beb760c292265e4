"""GoogleSQL's own parser (ZetaSQL, as WebAssembly) and sqlglot's: what a statement must pass before it is run."""

import functools
import re
import sys
import threading
from pathlib import Path

import sqlglot
import wasmtime
from bqemulator.scripting import ast
from bqemulator.scripting.parser import parse_script
from errors import ApiError

_lock = threading.Lock()
_parser = None


def load(cache: Path):
    """Makes the parser ready. Compiling it takes half a minute, so the result is kept in a file."""
    global _parser
    compile_module = wasmtime.Module.from_file

    def from_cache(engine, path):
        try:
            return wasmtime.Module.deserialize_file(engine, str(cache))
        except (wasmtime.WasmtimeError, OSError):
            module = compile_module(engine, path)
            cache.write_bytes(module.serialize())
            return module

    wasmtime.Module.from_file = from_cache
    from zetasql.api import Parser
    from zetasql.types import LanguageOptions

    _parser = Parser(LanguageOptions.maximum_features())


def check(sql):
    """Raises BigQuery's error where GoogleSQL's grammar does not take a text."""
    if message := syntax_error(sql):
        raise ApiError("invalidQuery", message, location="query")


@functools.lru_cache(maxsize=10000)
def syntax_error(sql):
    with _lock:
        try:
            _parser.parse_script(sql)
        except Exception as error:  # the package has no class of its own for syntax errors
            message = re.sub(r"^\[[A-Z_]+\] ", "", str(error))
            return re.sub(r" ?\[at (\d+:\d+)\]", r" at [\1]", message)
    return None


def check_sqlglot(sql):
    """What sqlglot does not take in a text, as pairs of a statement and a message."""
    problems = []
    try:
        script = parse_script(sql)
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
        if isinstance(tree, sqlglot.exp.Command) and not tree.name.upper() in COMMANDS:
            problems.append((statement.sql, f"sqlglot knows no such statement: {tree.name}"))
    return problems


# What sqlglot keeps as text. ZetaSQL alone looks at these.
COMMANDS = {"ALTER", "ASSERT", "CREATE", "DROP", "EXPORT", "GRANT", "REVOKE", "CALL", "LOAD"}


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
