use std::io::{self, IsTerminal, Read};

use clap::Args;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::dialect::{self, Dialect, translate};
use crate::error::CommandError;
use crate::files::Sources;
use crate::report::{DiagnosticFormat, Terminal, render_diagnostics};

/// Translate SQL from standard input to another dialect
#[derive(Debug, Args)]
pub struct TranslateArgs {
    /// The dialect that it is written in: bigquery, duckdb, postgres or redshift
    #[arg(long, value_name = "DIALECT", value_parser = parse_dialect)]
    from: &'static dyn Dialect,
    /// The dialect that is wanted: duckdb or, from bigquery and redshift, postgres
    #[arg(long, value_name = "DIALECT", default_value = "duckdb", value_parser = parse_dialect)]
    to: &'static dyn Dialect,
}

fn parse_dialect(name: &str) -> Result<&'static dyn Dialect, String> {
    let known = || dialect::names().collect::<Vec<_>>().join(", ");
    dialect::named(name).ok_or_else(|| format!("the dialects are {}", known()))
}

pub(super) fn run(args: &TranslateArgs, terminal: &Terminal) -> Result<(), CommandError> {
    if args.from.name() != args.to.name() && args.to.translation_from(args.from).is_none() {
        let (from, to) = (args.from.name(), args.to.name());
        return Err(CommandError::unable(format!("there is no translation from {from} to {to}")));
    }
    let mut sql = String::new();
    if io::stdin().is_terminal() {
        terminal.progress("type SQL, and end it with Ctrl-D\n");
    }
    io::stdin()
        .read_to_string(&mut sql)
        .map_err(|error| CommandError::unable(format!("cannot read standard input: {error}")))?;
    let problems = match translate::translate(&sql, args.from, args.to) {
        Ok(translated) => {
            terminal.print(&format!("{}\n", translated.trim_end()));
            return Ok(());
        }
        Err(problems) => problems,
    };
    let sources = Sources::default();
    let file = sources.add("standard input", sql);
    let mut diagnostics = Diagnostics::default();
    for problem in problems {
        // What the parser refuses for sure is wrong in any dialect.
        let code = if problem.certain { Code::SqlSyntax } else { Code::Untranslatable };
        let help = problem.help.unwrap_or_else(|| translate::ADVICE.to_owned());
        let diagnostic = Diagnostic::error(code, problem.message).help(help);
        diagnostics.push(diagnostic.at(sources.get(file).span(problem.range), ""));
    }
    diagnostics.sort();
    let format = DiagnosticFormat::Text { color: terminal.color() };
    terminal.note(&render_diagnostics(&diagnostics, &sources, format));
    Err(CommandError::Failed)
}
