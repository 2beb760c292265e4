//! `tests/plan/*.md`: the SQL that a run sends, without a warehouse.
//!
//! A heading is a test: the files of a project, by default under `definitions/`; a `state` block with what the warehouse
//! holds; a `run` block with flags of `trueup run`; and for each dialect a block such as `duckdb.sql` with what is sent.
//! A line of the state is `s.a: …` with what is told of how the relation lies (see `read_layout`) and who may read it (see
//! `read_access`), or `table s.orders (id INTEGER, at DATE)`, `view …`, `mview …` (materialized), or `query …` with the columns that the query
//! of an incremental model gives, if they are not those of its table; `(?)` where they cannot be known. A block such as
//! `bigquery.estimate.sql` holds what is asked before a run, for its columns and its bytes. The models of `redshift.md` are in Redshift's SQL,
//! and so on; in the other files they are in DuckDB's.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use trueup::compile::{Compilation, compile};
use trueup::dialect::{self, Dialect, Widening};
use trueup::files::{FileSystem, Memory};
use trueup::graph::Selector;
use trueup::plan::{
    FieldExtension, IncrementalWork, Plan, PlanOptions, SchemaMismatch, Script, ScriptStatement, Statement, Step, Work,
    plan,
};
use trueup::project::Overrides;
use trueup::relation::{
    Access, Column, Grant, JobOptions, Layout, Partitioning, Relation, RelationKind, RowPolicy, Target, TimeUnit,
    UNFINISHED_LABEL, WarehouseState,
};
use trueup::report::{DiagnosticFormat, render_diagnostics, script_statement_text, statement_text};

use crate::markdown::{self, Block};

/// One trial for each heading.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for path in markdown::files("tests/plan") {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let stem = markdown::stem(&path, "tests/plan");
        let mut tests: Vec<Vec<Block>> = Vec::new();
        for block in markdown::blocks(&text) {
            match tests.last_mut().filter(|test| test[0].heading == block.heading) {
                Some(test) => test.push(block),
                None => tests.push(vec![block]),
            }
        }
        for test in tests {
            let (path, text) = (path.clone(), text.clone());
            let name = format!("plan::{stem}::{}", test[0].heading);
            trials.push(Trial::test(name, move || run(&path, &text, &test)));
        }
    }
    trials
}

fn run(path: &Path, text: &str, blocks: &[Block]) -> Result<(), Failed> {
    let mut memory = Memory::default();
    let written = path.file_stem().and_then(|stem| stem.to_str()).and_then(dialect::named);
    let written = written.map_or("duckdb", Dialect::name);
    memory.write("trueup.yaml", format!("name: test\ndialect: {written}\ndefaults: {{ schema: s }}\n"));
    let (mut state, mut queries) = (WarehouseState::default(), HashMap::new());
    let mut flags: Vec<&str> = Vec::new();
    let mut outputs: Vec<(&Block, &dyn Dialect, Shown)> = Vec::new();
    for block in blocks {
        let body = block.text(text);
        match (block.file.as_deref(), block.language.as_str()) {
            (Some(name), "sql") => {
                let (name, shown) = match name.strip_suffix(".estimate.sql") {
                    Some(name) => (name, Shown::Estimate),
                    None => (name.trim_end_matches(".sql"), Shown::Sent),
                };
                let dialect = dialect::named(name).ok_or_else(|| format!("{name} is no dialect"))?;
                outputs.push((block, dialect, shown));
            }
            (Some(name), _) if name.contains('/') || block.language == "yaml" => memory.write(name, body),
            (Some(name), _) => memory.write(format!("definitions/{name}"), body),
            (None, "state") => body.lines().try_for_each(|line| read_state(line, &mut state, &mut queries))?,
            (None, "run") => flags.extend(body.split_whitespace()),
            (None, language) => return Err(format!("a block of `{language}` means nothing here").into()),
        }
    }
    if outputs.is_empty() {
        return Err("nothing says what is sent".into());
    }
    let memory: Arc<dyn FileSystem> = Arc::new(memory);
    let compilation = compile(&memory, &Overrides::default(), &|_| None).map_err(|error| error.to_string())?;
    if compilation.diagnostics.has_errors() {
        return Err(drawn(&compilation, &compilation.diagnostics).into());
    }
    let (selector, options) = read_flags(&flags)?;
    let selection = selector.select(&compilation.graph, &compilation.project.sources);
    let selection = selection.map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for (block, to, shown) in outputs {
        let from = compilation.project.settings.dialect;
        let (plan, diagnostics) = plan(&compilation.graph, &selection, &state, from, to, options);
        let text = match shown {
            Shown::Sent => sent(&plan, &compilation, &queries, to) + &drawn(&compilation, &diagnostics),
            Shown::Estimate => asked(&plan, to),
        };
        found.push((block.clone(), text));
    }
    markdown::compare(path, text, &found, |expected, found| expected == found)
}

/// What a block is to hold.
enum Shown {
    /// What a run sends.
    Sent,
    /// What is asked to know what a run would read.
    Estimate,
}

fn drawn(compilation: &Compilation, diagnostics: &trueup::diagnostic::Diagnostics) -> String {
    render_diagnostics(diagnostics, &compilation.project.sources, DiagnosticFormat::Text { color: false })
}

fn read_flags<'a>(flags: &[&'a str]) -> Result<(Selector, PlanOptions<'static>), Failed> {
    let (mut selector, mut options) = (Selector::default(), PlanOptions::default());
    let mut flags = flags.iter();
    while let Some(flag) = flags.next() {
        let mut value = || flags.next().map(|value: &&'a str| vec![(*value).to_owned()]).unwrap_or_default();
        match *flag {
            "--full-refresh" => options.full_refresh = true,
            "--select" => selector.select = value(),
            "--exclude" => selector.exclude = value(),
            other => return Err(format!("{other} is no flag here").into()),
        }
    }
    Ok((selector, options))
}

/// The columns of queries by the name of their table.
type Queries = HashMap<String, Vec<Column>>;

fn read_state(line: &str, state: &mut WarehouseState, queries: &mut Queries) -> Result<(), Failed> {
    let broken = || format!("`{line}` is no line of a state");
    if let Some((relation, said)) = line.split_once(": ") {
        let found = state.relations.iter_mut().find(|(target, _)| target.to_string() == relation);
        let (target, found) = found.ok_or_else(broken)?;
        let access = state.access.entry(target.clone()).or_default();
        let read = |said| read_access(said, access).or_else(|| read_layout(said, &mut found.layout));
        return said.split("; ").map(read).try_for_each(|read| read.ok_or_else(|| broken().into()));
    }
    let (head, columns) = line.split_once(" (").ok_or_else(broken)?;
    let (kind, name) = head.split_once(' ').ok_or_else(broken)?;
    let columns = columns.strip_suffix(')').unwrap_or(columns).split(", ").filter_map(|column| column.split_once(' '));
    let columns = columns.map(|(name, data_type)| Column { name: name.to_owned(), data_type: data_type.to_owned() });
    let columns: Vec<Column> = columns.collect();
    let mut parts = name.rsplit('.').map(str::to_owned);
    let (table, schema, database) = (parts.next().ok_or_else(broken)?, parts.next(), parts.next());
    let target = Target { database, schema, name: table };
    let kind = match kind {
        "table" => RelationKind::Table,
        "view" => RelationKind::View,
        "mview" => RelationKind::MaterializedView,
        "query" => {
            queries.insert(target.to_string(), columns);
            return Ok(());
        }
        _ => return Err(broken().into()),
    };
    state.relations.insert(target, Relation { kind, columns, layout: Layout::default() });
    Ok(())
}

/// `grant roles/a to user:b, group:c`, with ` if NAME` behind it for a condition, or `rows NAME to user:b where SQL`.
fn read_access(said: &str, access: &mut Access) -> Option<()> {
    let (key, value) = said.split_once(' ')?;
    let members = |list: &str| list.split(", ").map(str::to_owned).collect();
    let (name, rest) = value.split_once(" to ")?;
    let name = name.to_owned();
    match key {
        "grant" => {
            let (list, condition) = rest.split_once(" if ").map_or((rest, None), |(list, name)| (list, Some(name)));
            let condition = condition.map(str::to_owned);
            access.grants.push(Grant { role: name, members: members(list), condition });
        }
        "rows" => {
            let (list, filter) = rest.split_once(" where ")?;
            access.row_policies.push(RowPolicy { name, filter: filter.to_owned(), members: members(list) });
        }
        _ => return None,
    }
    Some(())
}

/// `partitions ts day`, `partitions n 0 100 10`, `clusters a, b`, `description It is`, `label team data`, `column a.b It is`,
/// `policy tags` or `is unfinished`. Partitions by the time at which rows come in are those of `_PARTITIONTIME`.
fn read_layout(said: &str, layout: &mut Layout) -> Option<()> {
    let (key, value) = said.split_once(' ')?;
    match key {
        "partitions" => {
            layout.partitioning = Some(match value.split(' ').collect::<Vec<_>>().as_slice() {
                [column, unit] => {
                    let column = Some(*column).filter(|column| *column != "_PARTITIONTIME").map(str::to_owned);
                    Partitioning::Time { column, unit: TimeUnit::named(unit)? }
                }
                [column, start, end, interval] => Partitioning::Range {
                    column: (*column).to_owned(),
                    start: start.parse().ok()?,
                    end: end.parse().ok()?,
                    interval: interval.parse().ok()?,
                },
                _ => return None,
            });
        }
        "clusters" => layout.clustering = value.split(", ").map(str::to_owned).collect(),
        "description" => layout.description = Some(value.to_owned()),
        "label" => layout.labels.extend(value.split_once(' ').map(|(key, value)| (key.to_owned(), value.to_owned()))),
        "column" => {
            let described = value.split_once(' ').map(|(path, text)| (path.to_owned(), text.to_owned()));
            layout.column_descriptions.extend(described);
        }
        "policy" => layout.has_policy_tags = true,
        "is" => layout.is_unfinished = true,
        _ => return None,
    }
    Some(())
}

/// All statements of a plan, in the order in which one thread sends them.
fn sent(plan: &Plan, compilation: &Compilation, queries: &Queries, dialect: &dyn Dialect) -> String {
    let mut text = String::new();
    for schema in &plan.schemas {
        text += &statement_text(schema.sql());
    }
    for step in &plan.steps {
        let name = |id| compilation.graph.get(id).target.to_string();
        let _ = write!(text, "{}-- {}", if text.is_empty() { "" } else { "\n" }, step.target);
        if !step.needs.is_empty() {
            let _ = write!(text, ", after {}", step.needs.iter().map(|id| name(*id)).collect::<Vec<_>>().join(", "));
        }
        text.push('\n');
        text += &beside(step);
        match &step.work {
            Work::Disabled => text += "-- disabled\n",
            Work::Build(script) | Work::Operations(script) => {
                text += &of_script(script, queries.get(&step.target.to_string()), dialect);
            }
            Work::Fill(work) => {
                let columns = known(queries.get(&step.target.to_string()), work.columns());
                text += &of_job(work.in_one(columns, dialect), dialect);
            }
            Work::Incremental(work) => text += &of_incremental(work, queries.get(&step.target.to_string()), dialect),
            Work::Intervals(work) => {
                text += &statement_text(work.ledger.create(dialect).sql());
                text += &of_incremental(work.outline(), queries.get(&step.target.to_string()), dialect);
            }
            Work::Assertion { create, count, rows } => {
                text += &of_script(create, None, dialect);
                text += &statement_text(count.sql());
                text += "-- if there are any:\n";
                text += &statement_text(rows.sql());
            }
        }
    }
    text
}

/// What goes along with the statements of a step.
fn beside(step: &Step) -> String {
    let mut text = String::new();
    let JobOptions { labels, reservation, maximum_bytes_billed, priority, timeout } = &step.job;
    let mut says = |what: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = writeln!(text, "-- {what}: {value}");
        }
    };
    let list = |map: &BTreeMap<String, String>| {
        let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        Some(pairs.join(", ")).filter(|list| !list.is_empty())
    };
    says("labels of its job", list(labels));
    says("its reservation", reservation.clone());
    says("bytes billed at most", maximum_bytes_billed.map(|bytes| bytes.to_string()));
    says("its priority", priority.map(|priority| priority.word().to_owned()));
    says("seconds at most", timeout.map(|timeout| timeout.as_secs().to_string()));
    for (path, tags) in &step.marks.policy_tags {
        says("then policy tags", Some(format!("{path}: {}", tags.join(", "))));
    }
    says("then descriptions", list(&step.marks.descriptions));
    says("then the label goes", step.work.is_marked().then(|| UNFINISHED_LABEL.to_owned()));
    text
}

/// The questions before a plan is run, where its statements are jobs.
fn asked(plan: &Plan, dialect: &dyn Dialect) -> String {
    let mut text = String::new();
    let mut says = |what: &str, statements: &[Statement]| {
        for statement in statements {
            let _ = write!(text, "-- {what}\n{}", statement_text(statement.sql()));
        }
    };
    for step in &plan.steps {
        match &step.work {
            Work::Incremental(work) => {
                let watermarks = work.watermarks(dialect);
                let values = vec!["timestamp '2024-01-01'".to_owned(); watermarks.len()];
                says("a watermark", &watermarks);
                says("the columns of the query", &[work.query_behind_pre_operations()]);
                says("the bytes", &work.estimate(&values, dialect));
            }
            Work::Fill(work) => {
                says("the columns of the query", &[work.query_behind_pre_operations()]);
                says("the bytes", work.estimate());
            }
            Work::Build(script) => says("the bytes", script.estimate()),
            Work::Disabled | Work::Intervals(_) | Work::Operations(_) | Work::Assertion { .. } => {}
        }
    }
    text
}

fn of_incremental(work: &IncrementalWork, query: Option<&Vec<Column>>, dialect: &dyn Dialect) -> String {
    let columns = query.map_or(work.columns(), Vec::as_slice);
    if dialect.capabilities().multi_statements {
        return of_job(work.in_one(known(query, work.columns()), dialect), dialect);
    }
    let widenings = work.widen(columns, dialect);
    let (inside, before): (Vec<_>, Vec<_>) =
        widenings.into_iter().partition(|_| dialect.capabilities().widening == Widening::InTransaction);
    let outside = of_script(&Script { statements: before, ..Script::default() }, None, dialect);
    let (before, mut statements) = (of_statements(&work.before(dialect), dialect), work.pre_operations(dialect));
    statements.extend(inside);
    before
        + &outside
        + &match work.finish(columns, dialect) {
            Ok(script) => {
                statements.extend(script.statements);
                of_script(&Script { statements, ..script }, query, dialect)
            }
            Err(mismatch) => {
                let before =
                    of_script(&Script { statements, in_transaction: true, ..Script::default() }, None, dialect);
                format!("{before}-- fails: {mismatch}\n-- help: {}\n", mismatch.help)
            }
        }
}

/// The columns of a query, if they can be known: those that the state names, or else those of the table.
fn known<'a>(query: Option<&'a Vec<Column>>, table: &'a [Column]) -> Option<&'a [Column]> {
    Some(query.map_or(table, Vec::as_slice)).filter(|columns| query.is_none() || !columns.is_empty())
}

fn of_job(script: Result<Script, SchemaMismatch>, dialect: &dyn Dialect) -> String {
    match script {
        Ok(script) => of_extension(&script) + &of_script(&script, None, dialect),
        Err(mismatch) => format!("-- fails: {mismatch}\n-- help: {}\n", mismatch.help),
    }
}

/// What is done before a job, since no statement can do it.
fn of_extension(script: &Script) -> String {
    let Some(FieldExtension { table, columns }) = &script.extension else { return String::new() };
    columns.iter().map(|column| format!("-- first, {table}: {} is {}\n", column.name, column.data_type)).collect()
}

fn of_script(script: &Script, query: Option<&Vec<Column>>, dialect: &dyn Dialect) -> String {
    let mut text = of_statements(&script.before, dialect);
    if script.in_transaction {
        text += "begin transaction;\n";
    }
    for statement in &script.statements {
        text += &script_statement_text(statement, dialect);
        if let (ScriptStatement::Define(definition), Some(columns)) = (statement, query) {
            let made = definition.create(columns, dialect);
            text += &made.map_or_else(|error| format!("-- fails: {error}\n"), |made| statement_text(made.sql()));
        }
        if let ScriptStatement::Guard { help, .. } = statement {
            let _ = writeln!(text, "-- help: {help}");
        }
    }
    if script.in_transaction {
        text += "commit;\n";
    }
    text += &of_statements(&script.after, dialect);
    text
}

fn of_statements(statements: &[ScriptStatement], dialect: &dyn Dialect) -> String {
    statements.iter().map(|statement| script_statement_text(statement, dialect)).collect()
}
