use std::fmt::Write;

use crate::compile::Compilation;
use crate::dialect::Dialect;
use crate::execute::{Estimates, Reads};
use crate::plan::{Audit, IncrementalWork, Plan, Script, ScriptStatement, Step, Work};
use crate::report::{count, read_text};

/// A plan for people: each step, what it needs, and its SQL as it would be sent.
pub fn plan_text(plan: &Plan, compilation: &Compilation, dialect: &dyn Dialect) -> String {
    let mut text = String::new();
    if let Some(session) = dialect.session().filter(|_| !plan.steps.is_empty()) {
        let _ = write!(text, "-- at the start of each session:\n\n{}\n-- then:\n\n", statement_text(session));
    }
    for schema in &plan.schemas {
        text.push_str(&statement_text(schema.sql()));
    }
    for (at, step) in plan.steps.iter().enumerate() {
        let action = compilation.graph.get(step.id);
        let needs: Vec<&str> = step.needs.iter().map(|id| compilation.graph.get(*id).target.name.as_str()).collect();
        let _ =
            write!(text, "\n-- {}/{} {} {}: {}", at + 1, plan.steps.len(), action.kind.word(), step.target, what(step));
        if !needs.is_empty() {
            let _ = write!(text, ", after {}", needs.join(", "));
        }
        text.push('\n');
        write_work(&mut text, &step.work, dialect);
    }
    let _ = writeln!(text, "\n-- {}; nothing was run", count(plan.steps.len(), "step"));
    text
}

/// What each step of a plan would read, and all of them together; nothing where the warehouse does not tell.
pub fn estimates_text(estimates: &Estimates, compilation: &Compilation) -> String {
    if estimates.steps.is_empty() {
        return String::new();
    }
    let cost = |bytes| compilation.project.environment.connection.cost(bytes);
    let mut text = String::from("\n-- would read:\n");
    for step in &estimates.steps {
        let reads = match &step.reads {
            Reads::Bytes(bytes) => read_text(*bytes, cost(*bytes)),
            Reads::AtLeast(bytes) => format!("at least {}", read_text(*bytes, cost(*bytes))),
            Reads::Unknown(why) => format!("not known: {}", why.lines().next().unwrap_or_default()),
        };
        let _ = writeln!(text, "--   {}: {reads}", compilation.graph.get(step.id).target);
    }
    let at_least = if estimates.is_lower_bound() { "at least " } else { "" };
    let bytes = estimates.bytes();
    let _ = writeln!(text, "-- all together: {at_least}{}", read_text(bytes, cost(bytes)));
    text
}

fn what(step: &Step) -> &'static str {
    match &step.work {
        Work::Disabled => "disabled",
        Work::Build(_) | Work::Fill(_) => "build",
        Work::Incremental(_) => "add new rows",
        Work::Intervals(_) => "replace the intervals that have changed",
        Work::Operations(_) => "run",
        Work::Assertion { .. } => "check",
    }
}

fn write_work(text: &mut String, work: &Work, dialect: &dyn Dialect) {
    match work {
        Work::Disabled => {}
        Work::Build(script) | Work::Operations(script) => write_script(text, script, dialect),
        Work::Fill(work) => match work.in_one(Some(work.columns()), dialect) {
            Ok(script) => write_script(text, &script, dialect),
            Err(mismatch) => {
                let _ = writeln!(text, "-- {mismatch}");
            }
        },
        Work::Incremental(work) => write_incremental(text, work, dialect),
        Work::Intervals(work) => {
            text.push_str(&statement_text(work.ledger.create(dialect).sql()));
            if let Some(build) = work.start.build() {
                write_work(text, build, dialect);
            } else {
                text.push_str("-- for each range of intervals that has changed by then, with its own bounds:\n");
                write_incremental(text, work.outline(), dialect);
            }
        }
        Work::Assertion { create, count, .. } => {
            write_script(text, create, dialect);
            text.push_str(&statement_text(count.sql()));
        }
    }
}

/// As long as the columns of the query are those of the table.
fn write_incremental(text: &mut String, work: &IncrementalWork, dialect: &dyn Dialect) {
    let script = if dialect.capabilities().multi_statements {
        work.in_one(Some(work.columns()), dialect)
    } else {
        work.finish(work.columns(), dialect).map(|script| {
            let (before, mut statements) = (work.before(dialect), work.pre_operations(dialect));
            statements.extend(script.statements);
            Script { before, statements, ..script }
        })
    };
    match script {
        Ok(script) => write_script(text, &script, dialect),
        Err(mismatch) => {
            let _ = writeln!(text, "-- {mismatch}");
        }
    }
}

fn write_script(text: &mut String, script: &Script, dialect: &dyn Dialect) {
    text.extend(script.before.iter().map(|statement| script_statement_text(statement, dialect)));
    if script.in_transaction {
        text.push_str("begin transaction;\n");
    }
    for statement in &script.statements {
        text.push_str(&script_statement_text(statement, dialect));
    }
    if script.in_transaction {
        text.push_str("commit;\n");
    }
    text.extend(script.after.iter().map(|statement| script_statement_text(statement, dialect)));
}

/// What is sent for a part of a script.
pub fn script_statement_text(statement: &ScriptStatement, dialect: &dyn Dialect) -> String {
    match statement {
        ScriptStatement::Run(statement) | ScriptStatement::Count(statement) => statement_text(statement.sql()),
        ScriptStatement::Guard { query, message, .. } => {
            format!("-- must give no rows: {message}\n{}", statement_text(query.sql()))
        }
        ScriptStatement::Audit(audit) => audit_text(audit),
        ScriptStatement::Multi(multi) => statement_text(multi.statement.sql()),
        ScriptStatement::Define(definition) => {
            let columns = statement_text(definition.query.sql());
            format!("-- with the columns of {columns}{}", statement_text(&definition.outline(dialect)))
        }
        ScriptStatement::Each { query, between } => {
            let between: String = between.iter().map(|statement| statement_text(statement.sql())).collect();
            let when = if between.is_empty() {
                "each row is a statement, and runs"
            } else {
                "each row is a statement, and runs behind the next ones"
            };
            format!("-- {when}:\n{}{between}", statement_text(query.sql()))
        }
    }
}

fn audit_text(audit: &Audit) -> String {
    let checks = audit
        .checks
        .iter()
        .map(|check| format!("-- audit, must be 0: {}\n{}", check.assertion, statement_text(check.count.sql())));
    let reject = audit.reject.iter().map(|statement| format!("--   {}", statement_text(statement.sql())));
    format!("{}-- or else the new rows are rejected:\n{}", checks.collect::<String>(), reject.collect::<String>())
}

/// SQL with a semicolon behind it, where it is no part of a comment.
pub fn statement_text(sql: &str) -> String {
    let sql = sql.trim_end();
    let last_line = sql.lines().last().unwrap_or_default();
    let may_be_comment = last_line.contains("--") || last_line.contains('#');
    match (sql.ends_with(';'), may_be_comment) {
        (_, true) => format!("{sql}\n;\n"),
        (true, false) => format!("{sql}\n"),
        (false, false) => format!("{sql};\n"),
    }
}
