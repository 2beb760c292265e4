"""Dry runs: what a statement would read and give, without doing it.

Scripts as in https://cloud.google.com/bigquery/docs/multi-statement-queries#dry_run_a_multi-statement_query: all up to the first DDL, CALL,
EXECUTE IMMEDIATE, IF, FOR or WHILE; variables have no values.
"""

from bqemulator.catalog.models import TableMeta
from bqemulator.jobs.error_mapper import translate_runtime_error
from bqemulator.jobs.executor import build_response_schema
from bqemulator.scripting import ast
from bqemulator.sql.inner_query import rewrite_and_translate_statement
from bqemulator.sql.parameters import bind_parameters
from bqemulator.sql.table_rewriter import rewrite_table_refs
from bqemulator.sql.translator import SQLTranslator
from sqlglot import exp

import googlesql
import ingestion
import locations
import positions
from cost import Cost, cost_of
from errors import ApiError
from script import DDL, DML, parse, statement_type, variable_type
from tables import columns, parts


def resource(emulator, job):
    """The job as jobs.insert answers it. Nothing of it is kept."""
    if job.kind != "query":
        raise ApiError("invalid", "Dry run is only supported for query jobs")
    googlesql.check(job.sql)
    job.statistics = emulator.call(DryRun(emulator, job).run())
    job.state = "DONE"
    return job.resource()


class DryRun:
    def __init__(self, emulator, job):
        self.context = emulator.context
        self.turn = emulator.turn
        self.job = job
        self.project = job.project.id
        self.parameters = job.query.get("queryParameters")
        self.variables = {}

    async def run(self):
        async with self.turn:
            statements = googlesql.ScriptParser(self.job.sql).parse_script().statements
            self.offsets = positions.offsets(self.job.sql, statements)
            self.is_script = len(statements) != 1 or not isinstance(statements[0], ast.SqlStmt)
            if self.is_script:
                self.total = Cost()
                await self.statements(statements)
                return self.statistics(self.total, "SCRIPT", None, None)
            return await self.single(statements[0].sql)

    async def statements(self, statements):
        """Says whether the run goes on behind them."""
        for statement in statements:
            match statement:
                case ast.DeclareStmt():
                    self.variables |= dict.fromkeys(statement.names, variable_type(statement))
                    self.expression(statement.default_expr)
                case ast.SetStmt():
                    self.expression(statement.source_expr)
                case ast.BeginStmt():
                    if not await self.statements(statement.body):
                        return False
                case ast.SqlStmt():
                    kind = statement_type(statement.sql)
                    if kind.endswith("_TRANSACTION"):
                        continue
                    tree = parse(statement.sql)
                    properties = tree is not None and tree.args.get("properties")
                    if properties and properties.find(exp.TemporaryProperty):
                        raise ApiError("invalidQuery", "Dry run is not supported for CREATE TEMP TABLE statements")
                    self.total += await self.checked(statement.sql, kind)
                    if kind.startswith(DDL):
                        return False
                case _:
                    return False
        return True

    def expression(self, text):
        if text:
            self.total += cost_of(f"select {text}", [], self.parameters, self.project, self.context)

    async def single(self, sql):
        kind = statement_type(sql)
        cost = await self.checked(sql, kind)
        return self.statistics(cost, kind, self.schema, parse(sql))

    async def checked(self, sql, kind):
        """The cost of a statement, after it was bound to the tables that are there; or the error that it has."""
        self.schema = None
        try:
            tree = parse(sql)
            if tree is not None:
                locations.check(tree, self.project, self.job.location, self.context)
            googlesql.analyze(sql, kind, lambda names: columns(names, self.project, self.context), self.variables)
            seen = ingestion.rewritten(sql, self.project, self.context)
            cost = cost_of(seen, [], self.parameters, self.project, self.context)
            if not self.variables:
                await self.bind(seen, parse(seen), kind)
            return cost
        except Exception as error:
            raise positions.located(error, sql, self.offsets.get(id(sql), 0), self.job.sql, self.is_script) from error

    async def bind(self, sql, tree, kind):
        """DuckDB looks at the statement and plans it."""
        if isinstance(tree, exp.Create):
            if tree.expression is None:
                return
            sql = tree.expression.sql("bigquery")
        elif kind not in DML and kind != "SELECT" or kind == "TRUNCATE_TABLE":
            return
        translated = await rewrite_and_translate_statement(
            sql, project_id=self.project, ctx=self.context, caller=None, translator=SQLTranslator()
        )
        duckdb_sql, values = bind_parameters(rewrite_table_refs(translated, self.project), self.parameters)
        try:
            if kind in DML:
                self.context.engine.execute(f"explain {duckdb_sql}", values or None)
            else:
                table = self.context.engine.fetch_arrow(f"select * from ({duckdb_sql}) limit 0", values or None)
                self.schema = build_response_schema(table.schema)
        except Exception as error:
            raise translate_runtime_error(error, duckdb_sql=duckdb_sql) from error

    def statistics(self, cost, kind, schema, tree):
        query = {
            "totalBytesProcessed": str(cost.processed),
            "totalBytesBilled": "0",
            "cacheHit": False,
            "statementType": kind,
            "totalBytesProcessedAccuracy": "PRECISE" if kind != "SCRIPT" else "UPPER_BOUND",
        }
        if schema is not None:
            query["schema"] = {"fields": schema}
        if tree is not None:
            query["referencedTables"] = self.referenced(tree)
        return {"totalBytesProcessed": str(cost.processed), "query": query}

    def referenced(self, tree):
        made = tree.this if isinstance(tree, (exp.Create, exp.Insert)) else None
        made = made.this if isinstance(made, exp.Schema) else made
        found = {
            tuple(parts(table, self.project)) for table in tree.find_all(exp.Table) if table.db and table is not made
        }
        known = [names for names in sorted(found) if isinstance(self.context.catalog.get_table(*names), TableMeta)]
        return [dict(zip(("projectId", "datasetId", "tableId"), names, strict=True)) for names in known]
