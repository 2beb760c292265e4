//! The parts of `docs/` that the program itself knows: its commands and its diagnostics. They stand between two marks;
//! what is around them is written by hand. `UPDATE=1` writes them anew.

use std::fmt::Write;
use std::path::Path;

use clap::{Arg, Command};
use libtest_mimic::{Failed, Trial};
use similar::TextDiff;
use trueup::diagnostic::Code;

const START: &str = "<!-- From here on written by the tests: UPDATE=1 tests/run.sh reference -->\n";
const END: &str = "<!-- Up to here -->\n";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("reference::commands", || check("docs/commands.md", &commands())),
        Trial::test("reference::diagnostics", || check("docs/diagnostics.md", &diagnostics())),
    ]
}

fn check(path: &str, expected: &str) -> Result<(), Failed> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(&file)?;
    let parts = text.split_once(START).and_then(|(before, rest)| Some((before, rest.split_once(END)?)));
    let (before, (found, behind)) = parts.ok_or_else(|| format!("{path} has no marks for what is written by tests"))?;
    if found == expected {
        return Ok(());
    }
    if std::env::var_os("UPDATE").is_some() {
        return Ok(std::fs::write(file, format!("{before}{START}{expected}{END}{behind}"))?);
    }
    let diff = TextDiff::from_lines(found, expected);
    Err(diff.unified_diff().header(path, "what the program says (UPDATE=1 takes it over)").to_string().into())
}

fn commands() -> String {
    let mut program = trueup::cli::command();
    program.build();
    let mut text = String::from("\n## Options of every command\n\n");
    options(&mut text, program.get_arguments());
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        let _ = write!(text, "\n## `trueup {}`\n\n{}.", command.get_name(), words(command.get_about()));
        let aliases: Vec<String> = command.get_visible_aliases().map(|alias| format!("`{alias}`")).collect();
        if !aliases.is_empty() {
            let _ = write!(text, " Also called {}.", aliases.join(", "));
        }
        let usage = command.clone().render_usage().to_string();
        let _ = write!(text, "\n\n```text\n{}\n```\n\n", usage.trim_start_matches("Usage: "));
        options(&mut text, own_arguments(command));
    }
    text.push('\n');
    text
}

/// Those that only this command has.
fn own_arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|argument| !argument.is_global_set() && argument.get_id() != "help")
}

fn options<'a>(text: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    text.push_str("| Argument | Means |\n|---|---|\n");
    for argument in arguments {
        let meaning = meaning(argument).replace('|', "\\|");
        let _ = writeln!(text, "| {} | {meaning} |", form(argument));
    }
}

/// How it is typed.
fn form(argument: &Arg) -> String {
    let takes_values = argument.get_action().takes_values();
    let names = argument.get_value_names().unwrap_or_default().iter().map(|name| format!("<{name}>"));
    let many = if argument.get_num_args().is_some_and(|number| number.max_values() > 1) { "…" } else { "" };
    let values = if takes_values { names.collect::<Vec<_>>().join(" ") + many } else { String::new() };
    let flags =
        [argument.get_short().map(|short| format!("-{short}")), argument.get_long().map(|long| format!("--{long}"))];
    let flags: Vec<String> = flags.into_iter().flatten().map(|flag| format!("`{flag}`")).collect();
    match (flags.is_empty(), values.is_empty()) {
        (true, _) => format!("`{values}`"),
        (false, true) => flags.join(", "),
        (false, false) => {
            let all = flags.join(", ");
            format!("{} {values}`", &all[..all.len() - 1])
        }
    }
}

fn meaning(argument: &Arg) -> String {
    let mut text = words(argument.get_help());
    // Flags have these too, which says nothing.
    if argument.get_action().takes_values() {
        let values = argument.get_possible_values();
        let values = values.iter().map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({})", value.get_name(), lower(&help.to_string())),
            None => format!("`{}`", value.get_name()),
        });
        let values: Vec<String> = values.collect();
        if !values.is_empty() {
            let _ = write!(text, ": {}", values.join(", "));
        }
        let defaults: Vec<String> =
            argument.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
        if !defaults.is_empty() {
            let _ = write!(text, "; by default {}", defaults.join(", "));
        }
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(text, "; also from the variable `{}`", variable.to_string_lossy());
    }
    text
}

fn words(help: Option<&clap::builder::StyledStr>) -> String {
    let text = help.map(ToString::to_string).unwrap_or_default();
    let text = text.split(" (see more with").next().unwrap_or_default().to_owned();
    // `[default: …]` for people who read the help on a narrow screen.
    match text.split_once(" [default: ") {
        Some((text, default)) => format!("{text}; by default {}", default.trim_end_matches(']')),
        None => text,
    }
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

fn diagnostics() -> String {
    let mut text = String::new();
    for code in Code::ALL {
        let _ = write!(text, "\n## `{}`\n\n{}\n", code.name(), code.page().trim_end());
    }
    text.push('\n');
    text
}
