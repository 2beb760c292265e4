"""Runs every statement of this folder through sqlglot and DuckDB, and shows where the rows differ from the expected.

Needs: pip install sqlglot duckdb pytz. Prints one line for each difference and a count; it is read by people.
"""

import pathlib
import re

import duckdb
import sqlglot

FOLDER = pathlib.Path(__file__).parent
BLOCK = re.compile(r"^```(\w+) ?(\w*)\n(.*?)^```$", re.M | re.S)


def cases(text):
    for part in re.split(r"^#+ ", text, flags=re.M)[1:]:
        title, _, body = part.partition("\n")
        blocks = {(kind, word): content for kind, word, content in BLOCK.findall(body)}
        yield title, blocks


def rows(setup, statements):
    connection = duckdb.connect()
    connection.execute("set timezone = 'America/New_York'")
    connection.execute(setup)
    for statement in statements[:-1]:
        connection.execute(statement)
    connection.execute(f"create temp table _result as {statements[-1]}")
    connection.execute("set timezone = 'UTC'")
    result = connection.execute("select columns(*)::varchar from _result order by rowid")
    lines = [" | ".join(column[0] for column in result.description)]
    lines += [" | ".join("NULL" if cell is None else cell for cell in row) for row in result.fetchall()]
    return "\n".join(line.rstrip() for line in lines)


def main():
    same = different = 0
    for file in sorted(FOLDER.glob("*/*.md")):
        warehouse = file.parent.name
        for title, blocks in cases(file.read_text()):
            expected = blocks.get(("rows", ""))
            sql = blocks.get(("sql", warehouse))
            if expected is None or sql is None:
                continue
            expected = "\n".join(line.rstrip() for line in expected.splitlines() if line.strip())
            try:
                found = rows(blocks.get(("sql", "duckdb"), ""), sqlglot.transpile(sql, read=warehouse, write="duckdb"))
            except Exception as error:  # whatever either of them says is an opinion
                found = "error: " + str(error).splitlines()[0]
            if found == expected or (expected.startswith("error: ") and expected[7:] in found):
                same += 1
            else:
                different += 1
                print(f"{warehouse}/{file.stem}: {title}\n  expected {expected!r}\n  sqlglot  {found!r}")
    print(f"{same} the same, {different} different")


if __name__ == "__main__":
    main()
