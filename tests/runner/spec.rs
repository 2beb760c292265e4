//! `tests/spec/**/*.md`: what the language means, and what each diagnostic says.
//!
//! A heading is a test. A fenced block with its name in backticks above it is a file of a project that is compiled in
//! memory; a file under `.trueup/compiled/` is what comes out, one under `.trueup/columns/` holds the columns of an action. `-- error: [code]` at the end of a line, in a comment of
//! whatever language, says that a diagnostic of that code points at the line. An `output` block holds all diagnostics as
//! they are drawn. A test with neither must have none. Each diagnostic must say what to do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use trueup::artifact::compiled;
use trueup::compile::{Compilation, compile};
use trueup::diagnostic::{Code, Severity};
use trueup::error::CommandError;
use trueup::files::{FileSystem, Memory};
use trueup::project::{Overrides, SETTINGS_FILES};
use trueup::report::{DiagnosticFormat, columns, render_diagnostics};

use crate::markdown::{self, Block};

/// For tests that bring none.
const SETTINGS: &str = "name: test\ndialect: duckdb\ndefaults: { schema: main }\n";

const COMPILED: &str = ".trueup/compiled/";

/// The columns of an action, by its name.
const COLUMNS: &str = ".trueup/columns/";

/// One trial for each heading, in the specification and in those documents that show no commands.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut shown = String::new();
    for (folder, prefix) in [("tests/spec", "spec"), ("docs", "spec::docs")] {
        for path in markdown::files(folder) {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let blocks = markdown::blocks(&text);
            if folder == "docs" && blocks.iter().any(|block| block.language == "console") {
                continue;
            }
            for block in blocks.iter().filter(|block| block.language == "output") {
                shown += block.text(&text);
            }
            let stem = markdown::stem(&path, folder);
            let mut tests: Vec<(String, Vec<Block>)> = Vec::new();
            for block in blocks {
                match tests.last_mut().filter(|(heading, _)| *heading == block.heading) {
                    Some((_, test)) => test.push(block),
                    None => tests.push((block.heading.clone(), vec![block])),
                }
            }
            for (heading, test) in tests {
                if folder == "docs" && test.iter().all(|block| block.file.is_none()) {
                    continue;
                }
                let (path, text) = (path.clone(), text.clone());
                trials.push(Trial::test(format!("{prefix}::{stem}::{heading}"), move || run(&path, &text, &test)));
            }
        }
    }
    trials.push(Trial::test("spec::every_code_has_a_test", move || every_code_is_shown(shown)));
    trials
}

fn run(path: &Path, text: &str, blocks: &[Block]) -> Result<(), Failed> {
    let files: Vec<(&str, &Block)> = blocks.iter().filter_map(|block| Some((block.file.as_deref()?, block))).collect();
    if files.is_empty() {
        return Err("this heading holds no file".into());
    }
    let (project, secrets) = project(text, &files);
    let is_asserting = |(name, block): &&(&str, &Block)| {
        !name.starts_with(COMPILED) && !name.starts_with(COLUMNS) && *name != ".env" && block.language != "escaped"
    };
    let asserted = files.iter().filter(is_asserting);
    let mut expected: Vec<String> = asserted.flat_map(|(name, block)| assertions(name, block.text(text))).collect();
    let result = compile(&project, &Overrides::default(), &|name| secrets.get(name).cloned());
    let (output, found, compilation) = match result {
        Ok(compilation) => {
            let format = DiagnosticFormat::Text { color: false };
            let drawn = render_diagnostics(&compilation.diagnostics, &compilation.project.sources, format);
            (drawn.trim_end().to_owned() + "\n", places(&compilation), Some(compilation))
        }
        Err(error) => (unable(error.into()), Vec::new(), None),
    };

    let outputs: Vec<&Block> = blocks.iter().filter(|block| block.language == "output").collect();
    let mut comparisons: Vec<(Block, String)> =
        outputs.iter().map(|block| ((*block).clone(), output.clone())).collect();
    let compiled: BTreeMap<PathBuf, String> = compilation.iter().flat_map(compiled).collect();
    for (name, block) in &files {
        if let Some(name) = name.strip_prefix(COLUMNS) {
            let found = compilation.iter().find_map(|compilation| {
                let (id, _) = compilation.graph.iter().find(|(_, action)| action.target.name == name)?;
                Some(columns(compilation, id))
            });
            comparisons.push(((*block).clone(), found.unwrap_or_else(|| format!("there is no action {name}\n"))));
        }
        if let Some(name) = name.strip_prefix(COMPILED) {
            let found = compiled.get(Path::new(name)).cloned();
            let others = || compiled.keys().map(|path| path.display().to_string()).collect::<Vec<_>>().join("\n");
            let found = found.unwrap_or_else(|| format!("there is no {name}, but\n{}\n", others()));
            comparisons.push(((*block).clone(), found));
        }
    }
    markdown::compare(path, text, &comparisons, |expected, found| expected == found)?;
    if let Some(diagnostic) = compilation.iter().flat_map(|it| &it.diagnostics).find(|found| found.help.is_empty()) {
        return Err(format!("no help says what to do about `{}`", diagnostic.message).into());
    }

    if !expected.is_empty() || outputs.is_empty() {
        expected.sort();
        if expected != found {
            let lines = |lines: &[String]| lines.iter().map(|line| format!("  {line}\n")).collect::<String>();
            let message = format!("expected:\n{}found:\n{}{output}", lines(&expected), lines(&found));
            return Err(message.into());
        }
    }
    Ok(())
}

/// The files of a test as a project, and the variables that it is given.
fn project(text: &str, files: &[(&str, &Block)]) -> (Arc<dyn FileSystem>, BTreeMap<String, String>) {
    let mut memory = Memory::default();
    let mut secrets = BTreeMap::new();
    if !files.iter().any(|(name, _)| SETTINGS_FILES.contains(name)) {
        memory.write("trueup.yaml", SETTINGS);
    }
    for (name, block) in files.iter().filter(|(name, _)| !name.starts_with(COMPILED) && !name.starts_with(COLUMNS)) {
        let body = block.text(text);
        if *name == ".env" {
            let pairs = body.lines().filter_map(|line| line.split_once('='));
            secrets.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        } else if block.language == "escaped" {
            memory.write(*name, unescaped(body));
        } else {
            memory.write(*name, body);
        }
    }
    (Arc::new(memory), secrets)
}

/// The projects of a file of the specification, in order.
pub(crate) fn projects(text: &str) -> Vec<Arc<dyn FileSystem>> {
    let blocks = markdown::blocks(text);
    let tests = blocks.chunk_by(|one, next| one.heading == next.heading);
    let files = |test: &[Block]| {
        let files: Vec<(&str, &Block)> =
            test.iter().filter_map(|block| Some((block.file.as_deref()?, block))).collect();
        project(text, &files).0
    };
    tests.map(files).collect()
}

fn unable(error: CommandError) -> String {
    match error {
        CommandError::Unable { message, help: Some(help) } => format!("error: {message}\nhelp: {help}\n"),
        error => format!("error: {error}\n"),
    }
}

/// `file:line: error: [code]` of each diagnostic, sorted.
fn places(compilation: &Compilation) -> Vec<String> {
    let all = compilation.diagnostics.iter().map(|diagnostic| {
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = diagnostic.span().map(|span| {
            let file = compilation.project.sources.get(span.file);
            format!("{}:{}: ", file.path(), file.line_column(span.range().start).line)
        });
        format!("{}{severity}: [{}]", place.unwrap_or_default(), diagnostic.code)
    });
    let mut all: Vec<String> = all.collect();
    all.sort();
    all
}

/// What comments in a file say of its lines, in the same form.
fn assertions(name: &str, body: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (number, line) in (1..).zip(body.lines()) {
        for severity in ["error", "warning"] {
            let opening = format!("{severity}: [");
            let codes = line.split(&opening).skip(1).filter_map(|rest| rest.split_once(']'));
            all.extend(codes.map(|(code, _)| format!("{name}:{number}: {severity}: [{code}]")));
        }
    }
    all
}

/// The bytes of a text in which `\r`, `\\` and `\xFF` stand for what could not be seen.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        bytes.extend(before.as_bytes());
        let hex = behind.strip_prefix('x').and_then(|hex| hex.get(..2));
        let (byte, length) = match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => (byte, 3),
            None if behind.starts_with('r') => (b'\r', 1),
            None => (b'\\', usize::from(behind.starts_with('\\'))),
        };
        bytes.push(byte);
        rest = &behind[length..];
    }
    bytes.extend(rest.as_bytes());
    bytes
}

/// Of all that the code gives. What commands other than `compile` find may be shown in `tests/cases/`.
fn every_code_is_shown(mut outputs: String) -> Result<(), Failed> {
    for path in ["tests/cases", "tests/plan"].into_iter().flat_map(markdown::files) {
        outputs += &std::fs::read_to_string(path)?;
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut source = String::new();
    for entry in walkdir::WalkDir::new(sources).into_iter().filter_map(Result::ok) {
        if entry.file_type().is_file() {
            source += &std::fs::read_to_string(entry.path())?;
        }
    }
    let given = Code::ALL.iter().filter(|code| source.contains(&format!("Code::{code:?}")));
    let missing: Vec<&str> =
        given.map(|code| code.name()).filter(|name| !outputs.contains(&format!("[{name}]: "))).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no `output` block shows {}", missing.join(", ")).into()) }
}
