"""Runs the text of a job: the emulator's interpreter of scripts, with what BigQuery has and it lacks."""

import contextlib
import re
import time
from dataclasses import dataclass, field

import sqlglot
from bqemulator.domain.errors import DomainError
from bqemulator.jobs.ddl_result import ddl_result_schema_fields, resolve_ddl_operation
from bqemulator.jobs.error_mapper import translate_runtime_error
from bqemulator.jobs.executor import classify_statement_type
from bqemulator.scripting import ast
from bqemulator.scripting import interpreter as emulator_interpreter
from bqemulator.scripting.exceptions import ScriptRaise
from bqemulator.scripting.interpreter import ScriptInterpreter
from bqemulator.sql.inner_query import rewrite_and_translate_statement
from bqemulator.sql.parameters import bind_parameters
from bqemulator.sql.table_rewriter import rewrite_table_refs
from sqlglot import exp

import access
import googlesql
import ingestion
import locations
import positions
import rewrite
import tables
from cost import Cost, cost_of
from errors import ApiError, of

DDL = ("CREATE_", "DROP_", "ALTER_")
DML = ("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE_TABLE")


@dataclass
class Step:
    """A statement, or an expression with a query in it, that was run: a child job of a script."""

    sql: str
    offset: int
    kind: str = "STATEMENT"
    statement_type: str = "SELECT"
    cost: Cost = field(default_factory=Cost)
    dml: dict | None = None
    ddl_operation: str | None = None
    target: tuple | None = None
    rows: int = 0
    started: float = field(default_factory=time.time)
    ended: float = 0
    error: dict | None = None


class Script(ScriptInterpreter):
    """The run of one job. Everything in it happens in the emulator's thread."""

    def __init__(self, emulator, job):
        super().__init__(emulator.context, job.project.id)
        self.context = emulator.context
        self.turn = emulator.turn
        self.job = job
        self.parameters = job.query.get("queryParameters")
        self.steps = []
        self.temporary = {}  # names of temporary tables, and what they are called in the emulator
        self.row_count = None
        self.types = {}  # of variables, by their names in lower case
        self.handled = []  # errors whose handlers run
        self.raised_at = 0
        self.has_turn = False
        self.is_script = False
        self.step = None

    async def run(self):
        source = self.job.sql
        try:
            statements = googlesql.ScriptParser(source).parse_script().statements
        except DomainError as error:
            raise translate_runtime_error(error) from None
        self.offsets = positions.offsets(source, statements)
        self.is_script = len(statements) != 1 or not isinstance(statements[0], ast.SqlStmt)
        try:
            for statement in statements:
                await self._exec_statement(statement)
        except ScriptRaise as raised:
            message = f"Query error: {raised.message} at {positions.place(source, self.raised_at)}"
            raise ApiError("invalidQuery", message, location="query") from None
        finally:
            await self.clean_up()
        return self._final_table

    async def clean_up(self):
        """A transaction that is open at the end is rolled back; temporary tables go."""
        async with self.turn_taken():
            await self._restore_txn_snapshots()
            for name in self.temporary.values():
                for kind in ("table", "view"):
                    with contextlib.suppress(Exception):
                        self.context.engine.execute(f'drop {kind} if exists "{name}"')
            if self._temp_routines is not None:
                self._temp_routines.cleanup()
        self.leave_turn()

    # The turn

    @contextlib.asynccontextmanager
    async def turn_taken(self):
        """One statement at a time, of all jobs. A transaction keeps the turn, so that none sees half of it."""
        if not self.has_turn:
            await self.turn.acquire()
            self.has_turn = True
        try:
            yield
        finally:
            if self._active_txn is None:
                self.leave_turn()

    def leave_turn(self):
        if self.has_turn:
            self.has_turn = False
            self.turn.release()

    # Statements

    async def _exec_sql(self, sql):
        offset = self.offsets.get(id(sql), 0)
        done = sum(step.kind == "STATEMENT" for step in self.steps)
        await self.job.pause(done, self.is_script)
        async with self.turn_taken():
            step = Step(sql, offset, statement_type=statement_type(sql))
            await self.take(step, self.run_statement(step))

    async def _eval_expr_scalar(self, expr):
        if not re.search(r"(?i)\bselect\b", expr):
            return await self.located(expr, super()._eval_expr_scalar(self.prepared(expr)))
        async with self.turn_taken():
            step = Step(expr, self.offsets.get(id(expr), 0), kind="EXPRESSION")
            return await self.take(step, super()._eval_expr_scalar(self.prepared(expr)))

    async def _exec_begin(self, statement):
        """The emulator ends a transaction when an error is caught. In BigQuery it goes on, and can be rolled back."""
        try:
            await self._run_block(statement.body, frame_kind="block")
        except (ScriptRaise, DomainError) as error:
            if statement.exception_handler is None:
                raise
            self._frames.push(kind="block")
            self._frames.declare("__error_message__", "STRING", error.message)
            self.handled.append(error)
            try:
                for inner in statement.exception_handler:
                    await self._exec_statement(inner)
            finally:
                self.handled.pop()
                self._frames.pop()

    async def _exec_raise(self, statement):
        if statement.message_expr is None and self.handled:
            raise self.handled[-1]
        before = self.job.sql[: self.offsets.get(id(statement.message_expr), 0)]
        self.raised_at = max(before.lower().rfind("raise"), 0)
        await super()._exec_raise(statement)

    async def _run_statement_with_params(self, bq_sql, using_values):
        """EXECUTE IMMEDIATE: a statement like any other, if it has no parameters."""
        if using_values:
            await super()._run_statement_with_params(bq_sql, using_values)
        else:
            await self._exec_sql(bq_sql)

    async def take(self, step, work):
        """Does the work of a step and keeps what came of it."""
        self.steps.append(step)
        outer, self.step = self.step, step
        try:
            return await self.located(step.sql, work, step.offset)
        except Exception as error:
            step.error = of(error).proto()
            step.cost = Cost()  # what fails is not billed
            raise
        finally:
            step.ended = time.time()
            self.step = outer

    async def located(self, text, work, offset=None):
        """Errors get their place in the text of the job, in the words of BigQuery."""
        try:
            return await work
        except ScriptRaise:
            raise
        except Exception as error:
            start = self.offsets.get(id(text), 0) if offset is None else offset
            raise positions.located(error, text, start, self.job.sql, self.is_script) from error

    def prepared(self, sql):
        return rewrite.system_variables(sql, self.row_count, self._frames)

    async def run_statement(self, step):
        sql = self.prepared(step.sql)
        if check := rewrite.assertion(sql):
            condition, message = check
            step.statement_type = "ASSERT"
            if await super()._eval_expr_scalar(condition) is not True:
                raise ApiError("invalidQuery", f"Assertion failed: {message or 'ASSERT'}")
            self._final_table = None
            return
        if access.statement(sql, self._project_id, self.context):
            self._final_table = None
            return
        tree = parse(sql)
        if tree is None:
            await super()._exec_sql(sql)
            return
        locations.check(tree, self._project_id, self.job.location, self.context)
        self.analyze(step.sql, step.statement_type)
        is_temporary = self.name_temporary(tree)
        kind = step.statement_type
        if kind in DML:
            access.check_dml(tree, self._project_id, self._caller, self.context)
        if self._active_txn is not None and kind.startswith(DDL) and not is_temporary:
            raise ApiError(
                "invalidQuery",
                "DDL statements are not supported in a transaction, except for those creating or droping temporary "
                "tables or temporary functions.",
            )
        if isinstance(tree, exp.TruncateTable):
            await self._snapshot_dml_targets(f"delete from {tree.expressions[0].sql('bigquery')} where true")
        change = None
        if not is_temporary:
            change = tables.Change.of(tree, sql, self.job.project, self.context)
        if change:
            step.target = change.target
            change.check()
            self.job.project.quotas.table_operation(kind, change)
        if kind.startswith(DDL):
            step.ddl_operation = resolve_ddl_operation(sql, kind, self._project_id, self.context)
        if not (change and change.is_only_metadata()):
            text = tree.sql("bigquery") if self.temporary else sql
            await super()._exec_sql(change.plain() or text if change else text)
        else:
            self._final_table = None
        if change:
            change.apply(self.job.location)
        if kind in DML:
            self.row_count = sum(int(count) for count in step.dml.values()) if step.dml else 0
        if self._final_table is not None:
            step.rows = self._final_table.num_rows

    def analyze(self, sql, kind):
        """Names and types, with the variables that are seen; none of a loop or a procedure, whose types nobody knows."""
        variables = {name: self.types.get(name.lower()) for name in self._frames.all_visible() if name[0] != "_"}
        googlesql.analyze(
            sql, kind, lambda names: tables.columns(names, self._project_id, self.context, self.temporary), variables
        )

    async def _exec_declare(self, statement):
        for name in statement.names:
            self.types[name.lower()] = variable_type(statement)
        await super()._exec_declare(statement)

    def name_temporary(self, tree):
        """Temporary tables are the job's own: they get names that no other job has. Says whether the statement is
        about one of them."""
        target = tree.this if isinstance(tree, (exp.Create, exp.Drop, exp.Alter)) else None
        if isinstance(target, exp.Schema):
            target = target.this
        properties = tree.args.get("properties")
        if isinstance(tree, exp.Create) and properties and properties.find(exp.TemporaryProperty):
            if tree.kind == "TABLE":
                name = target.name.lower()
                if name in self.temporary and not tree.args.get("replace") and not tree.args.get("exists"):
                    raise ApiError("duplicate", f"Already Exists: Table {self._project_id}:_script.{target.name}")
                self.temporary[name] = f"_temp_{self.job.number}_{name}"
            rewrite.rename_tables(tree, self.temporary)
            return True
        rewrite.rename_tables(tree, self.temporary)
        return isinstance(target, exp.Table) and target.name in self.temporary.values()

    # Queries

    async def _run_query(self, bq_sql):
        """As the emulator's, with parameters of the job, costs, counts of DML, and at most one match for a row."""
        bq_sql = self._rewrite_temp_calls(bq_sql)
        if self.temporary and (tree := parse(bq_sql)):
            rewrite.rename_tables(tree, self.temporary)
            bq_sql = tree.sql("bigquery")
        bq_sql = ingestion.rewritten(bq_sql, self._project_id, self.context)
        self.refuse_ambiguous(bq_sql)
        rewritten, values = emulator_interpreter._rewrite_vars_to_params(bq_sql, self._frames)
        if self.step and self.step.kind == "EXPRESSION" and (tree := parse(bq_sql)):
            locations.check(tree, self._project_id, self.job.location, self.context)
        if self.step:
            self.step.cost += cost_of(rewritten, values, self.parameters, self._project_id, self.context)
            self.job.check_billed(self.steps)
        translated = await rewrite_and_translate_statement(
            rewritten,
            project_id=self._project_id,
            ctx=self.context,
            caller=self._caller,
            translator=self._translator,
        )
        duckdb_sql = rewrite_table_refs(translated, self._project_id)
        duckdb_sql, bound = bind_parameters(duckdb_sql, self.parameters)
        duckdb_sql = rewrite.insert_row(duckdb_sql)
        try:
            return self.fetch(duckdb_sql, (values + (bound or [])) or None)
        except (DomainError, ApiError):
            raise
        except Exception as error:
            raise translate_runtime_error(error, duckdb_sql=duckdb_sql) from error

    def refuse_ambiguous(self, bq_sql):
        """A name can be that of a variable and of a column: BigQuery takes the column, the emulator the variable."""
        variables = {name.lower() for name in self._frames.all_visible()}
        tree = parse(bq_sql) if variables else None
        if tree is None:
            return
        used = {column.name.lower() for column in tree.find_all(exp.Column) if not column.table} & variables
        for table in tree.find_all(exp.Table) if used else ():
            meta = self.context.catalog.get_table(*tables.parts(table, self._project_id)) if table.db else None
            for column in meta.schema_.fields if meta else ():
                if column.name.lower() in used:
                    raise ApiError("notImplemented", f"stand-in: {column.name} is a variable and a column")

    def fetch(self, duckdb_sql, values):
        engine = self.context.engine
        kind = self.step.statement_type if self.step else ""
        if kind not in DML or self.step.kind == "EXPRESSION":
            return engine.fetch_arrow(duckdb_sql, values)
        if kind in ("MERGE", "UPDATE"):
            rewrite.refuse_several_matches(duckdb_sql, values, engine)
        if kind == "MERGE":
            duckdb_sql += " returning merge_action"
        table = engine.fetch_arrow(duckdb_sql, values)
        if kind == "MERGE":
            actions = table.column(0).to_pylist()
            counts = {name: actions.count(name.upper()) for name in ("insert", "update", "delete")}
        else:
            affected = int(table.column(0)[0].as_py()) if table.num_rows else 0
            name = {"INSERT": "insert", "UPDATE": "update"}.get(kind, "delete")
            counts = {name: affected}
        words = {"insert": "insertedRowCount", "update": "updatedRowCount", "delete": "deletedRowCount"}
        self.step.dml = {words[name]: str(count) for name, count in counts.items()}
        return table

    # Results

    def schema(self, step):
        """The columns that a statement of DDL gives its table."""
        if step.statement_type in ("CREATE_TABLE", "CREATE_TABLE_AS_SELECT", "CREATE_VIEW"):
            return ddl_result_schema_fields(step.sql, self._project_id, self.context) or []
        return []


def parse(sql):
    try:
        return sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.SqlglotError:
        return None


def variable_type(statement):
    """Of a DECLARE: what it says, or what its DEFAULT has."""
    written = statement.type_name
    return googlesql.analyzer.type_of(statement.default_expr if written == "ANY" else f"cast(null as {written})")


def statement_type(sql):
    if found := re.match(r"(?i)\s*(create|drop|alter)(\s+or\s+replace)?\s+materialized\s+view\b", sql):
        return f"{found[1].upper()}_MATERIALIZED_VIEW"
    for word in ("begin", "commit", "rollback"):
        if re.match(rf"(?i)\s*{word}(\s+transaction)?\s*;?\s*$", sql):
            return f"{word.upper()}_TRANSACTION"
    return classify_statement_type(sql) or first_words(sql)


def first_words(sql):
    """Of a statement that the emulator does not read."""
    words = re.findall(r"\w+", re.sub(r"--.*|(?s:/\*.*?\*/)", "", sql))[:2]
    if not words or words[0].upper() in ("SELECT", "WITH", "FROM"):
        return "SELECT"
    return "_".join(words).upper() if words[0].upper() in ("CREATE", "ALTER", "DROP") else words[0].upper()
