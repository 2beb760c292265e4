"""Queries with their tables: those of TPC-H and TPC-DS, as DuckDB's extensions ship them, and random ones."""

from __future__ import annotations

import random

TABLES = {
    "orders": {"o_id": "BIGINT", "o_customer": "BIGINT", "o_price": "DECIMAL(10,2)", "o_day": "DATE", "o_note": "VARCHAR"},
    "customers": {"c_id": "BIGINT", "c_name": "VARCHAR", "c_city": "VARCHAR", "c_since": "DATE"},
    "items": {"i_order": "BIGINT", "i_sku": "VARCHAR", "i_count": "INTEGER", "i_price": "DECIMAL(8,2)"},
    "cities": {"t_city": "VARCHAR", "t_country": "VARCHAR", "t_people": "BIGINT"},
}


def benchmark(name: str):
    """The tables and queries of a benchmark: `tpch` or `tpcds`."""
    import duckdb
    from duckdb_extensions import import_extension

    import_extension(name)
    connection = duckdb.connect()
    connection.execute(f"load {name}")
    connection.execute("call dbgen(sf=0)" if name == "tpch" else "call dsdgen(sf=0)")
    tables: dict[str, dict[str, str]] = {}
    columns = connection.execute(
        "select table_name, column_name, data_type from information_schema.columns order by table_name, ordinal_position"
    )
    for table, column, kind in columns.fetchall():
        tables.setdefault(table, {})[column] = kind
    queries = connection.execute(f"select query_nr, query from {name}_queries() order by 1").fetchall()
    return tables, {f"q{number}": query.strip().rstrip(";") for number, query in queries}


class Writer:
    """Writes random queries over `TABLES`. The same seed writes the same ones."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.names = 0

    def name(self) -> str:
        self.names += 1
        return f"n{self.names}"

    def query(self, depth: int = 3) -> tuple[str, dict[str, str]]:
        """SQL, and its columns with a rough type: `n` for numbers, `s` for texts, `d` for days."""
        ctes, known = [], []
        if depth > 1:
            for _ in range(self.random.choice([0, 0, 1, 2])):
                sql, columns = self.body(depth - 1, known)
                name = self.name()
                ctes.append(f"{name} as ({sql})")
                known.append((name, columns))
        sql, columns = self.body(depth, known)
        return (f"with {', '.join(ctes)} {sql}" if ctes else sql), columns

    def body(self, depth: int, known) -> tuple[str, dict[str, str]]:
        if depth > 1 and self.random.random() < 0.15:
            left, columns = self.select(depth - 1, known)
            right, others = self.select(depth - 1, known)
            word = self.random.choice(["union all", "union", "except", "intersect"])
            if list(columns.values()) == list(others.values()):
                return f"{left} {word} {right}", columns
            return left, columns
        return self.select(depth, known)

    def source(self, depth: int, known):
        kind = self.random.random()
        alias = self.name()
        if known and kind < 0.35:
            name, columns = self.random.choice(known)
            return f"{name} as {alias}", alias, columns
        if depth > 1 and kind < 0.5:
            sql, columns = self.body(depth - 1, known)
            return f"({sql}) as {alias}", alias, columns
        table = self.random.choice(list(TABLES))
        rough = {"BIGINT": "n", "INTEGER": "n", "VARCHAR": "s", "DATE": "d"}
        columns = {column: rough.get(kind, "n") for column, kind in TABLES[table].items()}
        return f"{table} as {alias}", alias, columns

    def select(self, depth: int, known) -> tuple[str, dict[str, str]]:
        sources = [self.source(depth, known) for _ in range(self.random.choice([1, 1, 2, 3]))]
        columns = [(f"{alias}.{name}", kind) for _, alias, cols in sources for name, kind in cols.items()]
        text = sources[0][0]
        for place, (sql, alias, cols) in enumerate(sources[1:], 1):
            before = [(f"{a}.{n}", k) for _, a, c in sources[:place] for n, k in c.items()]
            one, kind = self.random.choice(before)
            same = [name for name, other in cols.items() if other == kind]
            join = self.random.choice(["join", "left join", "full join"])
            text += f" {join} {sql} on {one} = {alias}.{self.random.choice(same)}" if same else f" cross join {sql}"
        where = f" where {self.condition(columns, depth)}" if self.random.random() < 0.5 else ""
        if self.random.random() < 0.35:
            keys = self.random.sample(columns, k=min(len(columns), self.random.choice([1, 2])))
            items = [(key, kind) for key, kind in keys] + [self.aggregate(columns) for _ in range(2)]
            group = f" group by {', '.join(key for key, _ in keys)}"
        else:
            items, group = [self.expression(columns, depth) for _ in range(self.random.randint(1, 4))], ""
            if self.random.random() < 0.1 and len(sources) == 1:
                return f"select * from {text}{where}", sources[0][2]
        named = {self.name(): (expr, kind) for expr, kind in items}
        listed = ", ".join(f"{expr} as {name}" for name, (expr, _) in named.items())
        word = "select distinct" if self.random.random() < 0.1 else "select"
        return f"{word} {listed} from {text}{where}{group}", {name: kind for name, (_, kind) in named.items()}

    def of(self, columns, kind):
        fitting = [name for name, other in columns if other == kind]
        return self.random.choice(fitting) if fitting else {"n": "1", "s": "'x'", "d": "date '2024-01-01'"}[kind]

    def expression(self, columns, depth: int) -> tuple[str, str]:
        n, s, d = (lambda kind=kind: self.of(columns, kind) for kind in "nsd")
        pick = self.random.randrange(12 if depth > 1 else 10)
        if pick < 4:
            return self.random.choice(columns)
        if pick == 4:
            return f"{n()} + {n()} * 2", "n"
        if pick == 5:
            return f"upper({s()}) || {s()}", "s"
        if pick == 6:
            return f"case when {n()} > 1 then {s()} else {s()} end", "s"
        if pick == 7:
            return f"coalesce({n()}, {n()}, 0)", "n"
        if pick == 8:
            return f"row_number() over (partition by {s()} order by {d()})", "n"
        if pick == 9:
            return f"cast({n()} as varchar)", "s"
        if pick == 10:
            return f"(select max(o_price) from orders where o_customer = {n()})", "n"
        return f"sum({n()}) over (partition by {s()})", "n"

    def aggregate(self, columns) -> tuple[str, str]:
        kind = self.random.choice("nsd")
        column = self.of(columns, kind)
        return self.random.choice(
            [(f"max({column})", kind), ("count(*)", "n"), (f"count(distinct {column})", "n"), (f"min({column})", kind)]
        )

    def condition(self, columns, depth: int) -> str:
        n, s, d = (lambda kind=kind: self.of(columns, kind) for kind in "nsd")
        pick = self.random.randrange(5)
        if pick == 0:
            return f"{n()} > 1 and {s()} <> 'x'"
        if pick == 1:
            return f"{n()} in (select i_order from items where i_count > 1)"
        if pick == 2:
            return f"exists (select 1 from customers where c_id = {n()})"
        if pick == 3:
            return f"{d()} between date '2024-01-01' and date '2024-02-01'"
        return f"{s()} like 'a%' or {n()} is null"


def random_queries(count: int, seed: int):
    """So many random queries, by name."""
    writer = Writer(seed)
    return TABLES, {f"r{number}": writer.query()[0] for number in range(count)}
