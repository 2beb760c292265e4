"""Compares what trueup knows of the columns of queries with what others know of them.

- Names and types: with DuckDB's own DESCRIBE.
- Where a column comes from: with the lineage of sqlglot.

What trueup does not know is counted and is no difference. See README.md.
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import shutil
import subprocess
import sys

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.lineage import lineage

import queries


def project(folder: pathlib.Path, tables, texts) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    definitions = folder / "definitions"
    definitions.mkdir(parents=True)
    (folder / "trueup.yaml").write_text("name: columns\ndialect: duckdb\n")
    for table, columns in tables.items():
        listed = ", ".join(f"null::{kind} as {column}" for column, kind in columns.items())
        (definitions / f"{table}.sqlx").write_text(f'config {{ type: "table" }}\nselect {listed}\n')
    needs = json.dumps(list(tables))
    for name, text in texts.items():
        (definitions / f"{name}.sqlx").write_text(f'config {{ type: "view", dependencies: {needs} }}\n{text}\n')


def known(trueup: str, folder: pathlib.Path):
    """What trueup says, by the name of the action."""
    run = subprocess.run([trueup, "list", "--columns", "--format", "json"], cwd=folder, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{folder}:\n{run.stderr[:4000]}")
    if run.stderr:
        print(run.stderr[:4000])
    actions = [json.loads(line) for line in run.stdout.splitlines()]
    for action in actions:
        for column in action.get("columns", []):
            column["name"] = column["path"][0] if column["path"] else None
    return {action["name"]: action.get("columns", []) for action in actions}


def described(connection, text):
    return [(row[0], row[1]) for row in connection.execute(f"describe {text}").fetchall()]


def leaves(column: str, text: str, schema) -> set[str]:
    """The columns of tables that sqlglot finds at the end of a column's lineage."""
    found = set()
    for node in lineage(column, text, schema=schema, dialect="duckdb", trim_selects=False).walk():
        if not node.downstream and isinstance(node.expression, exp.Table):
            found.add(f"{node.expression.name}.{node.name.split('.')[-1]}".replace('"', "").lower())
    return found


def compare(suite: str, tables, texts, arguments) -> collections.Counter:
    folder = pathlib.Path(arguments.folder) / suite
    project(folder, tables, texts)
    actions = known(arguments.trueup, folder)
    connection = duckdb.connect()
    for table, columns in tables.items():
        connection.execute(f"create table {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
    count = collections.Counter()
    for name, text in texts.items():
        columns = actions[name]
        truth = described(connection, text)
        count["queries"] += 1
        if len(columns) != len(truth):
            count["queries with other columns"] += 1
            print(f"{suite} {name}: {len(columns)} columns, DuckDB has {len(truth)}")
            continue
        for column, (label, kind) in zip(columns, truth):
            count["columns"] += 1
            if column.get("name") is None:
                count["names unknown"] += 1
            elif column["name"] != label:
                count["names different"] += 1
                print(f"{suite} {name}: name {column['name']!r}, DuckDB has {label!r}")
            if "UNKNOWN" in (column.get("type") or "UNKNOWN"):
                count["types unknown"] += 1
                print(f"{suite} {name}: the type of {label} is not known, DuckDB has {kind}")
            elif column["type"] != kind:
                count["types different"] += 1
                print(f"{suite} {name}: {label} is {column['type']}, DuckDB has {kind}")
        origins_of(suite, name, text, columns, tables, count)
    return count


def origins_of(suite, name, text, columns, tables, count) -> None:
    for column in columns:
        label = column.get("name")
        if not label or sum(other.get("name") == label for other in columns) > 1:
            count["lineage not asked"] += 1
            continue
        try:
            theirs = leaves(label, text, tables)
        except (sqlglot.errors.SqlglotError, ValueError, KeyError) as error:
            count["lineage that sqlglot cannot tell"] += 1
            print(f"{suite} {name}.{label}: sqlglot: {str(error).splitlines()[0][:120]}")
            continue
        ours = {f"{origin['relation']}.{origin['column']}".lower() for origin in column.get("origins", [])}
        count["lineages"] += 1
        if ours != theirs:
            count["lineages different"] += 1
            print(f"{suite} {name}.{label}: only trueup {sorted(ours - theirs)}, only sqlglot {sorted(theirs - ours)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trueup", default="target/debug/trueup")
    parser.add_argument("--folder", default="target/differential/columns")
    parser.add_argument("--random", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.trueup = str(pathlib.Path(arguments.trueup).resolve())
    suites = {name: queries.benchmark(name) for name in ("tpch", "tpcds")}
    suites["random"] = queries.random_queries(arguments.random, arguments.seed)
    for suite, (tables, texts) in suites.items():
        count = compare(suite, tables, texts, arguments)
        print(suite, json.dumps(count))


if __name__ == "__main__":
    main()
