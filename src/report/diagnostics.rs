use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::json;

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::files::{Sources, Span};

/// How diagnostics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiagnosticFormat {
    /// For people: the source line with carets. Coloured or not.
    Text {
        /// Whether to use colours.
        color: bool,
    },
    /// One JSON object a line.
    Json,
    /// Commands that GitHub shows as annotations on the lines of a pull request.
    GitHub,
}

/// All diagnostics in that format; each ends in a line break.
pub fn render_diagnostics(diagnostics: &Diagnostics, sources: &Sources, format: DiagnosticFormat) -> String {
    let mut left = MOST_DRAWN;
    let each = diagnostics.iter().map(|diagnostic| match format {
        DiagnosticFormat::Text { color } => text(diagnostic, sources, color, &mut left),
        DiagnosticFormat::Json => json_line(diagnostic, sources),
        DiagnosticFormat::GitHub => github(diagnostic, sources),
    });
    each.collect()
}

/// How much of the sources is drawn, in bytes; what comes then is told with its place alone. Ten thousand mistakes in one
/// line of a hundred thousand characters would take an hour.
const MOST_DRAWN: usize = 16 << 20;

fn text(diagnostic: &Diagnostic, sources: &Sources, color: bool, left: &mut usize) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.name());
    let mut group = Group::with_title(title);
    // One snippet for each file, the place of the mistake first.
    let mut files = Vec::new();
    for label in &diagnostic.labels {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    for id in files {
        let file = sources.get(id);
        if file.text().is_empty() {
            group = group.element(Origin::path(file.path().as_ref()));
            continue;
        }
        let labels = || diagnostic.labels.iter().filter(|label| label.span.file == id);
        let window = lines_around(file.text(), labels().map(|label| label.span));
        if window.len() > *left {
            let place = diagnostic.labels.iter().find(|label| label.span.file == id);
            let place = file.line_column(place.map_or(window.start, |label| label.span.range().start));
            let origin = Origin::path(file.path().as_ref()).line(place.line).char_column(place.column);
            group = group.element(origin);
            continue;
        }
        *left -= window.len();
        let line = file.line_column(window.start).line;
        let mut snippet = Snippet::source(&file.text()[window.clone()]).line_start(line).path(file.path().as_ref());
        for label in labels() {
            let is_first = diagnostic.labels.first() == Some(label);
            let kind = if is_first { AnnotationKind::Primary } else { AnnotationKind::Context };
            let range = first_line(label.span, file.text());
            let annotation = kind.span(range.start - window.start..range.end - window.start);
            snippet = snippet.annotation(if label.text.is_empty() {
                annotation
            } else {
                annotation.label(label.text.as_str())
            });
        }
        group = group.element(snippet);
    }
    if let Some(note) = place_in_code(diagnostic) {
        group = group.element(Level::NOTE.message(note));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    format!("{}\n\n", renderer.render(&[group]))
}

/// The whole lines in which the spans start and end: drawing a mistake must not take longer in a longer file.
fn lines_around(text: &str, spans: impl Iterator<Item = Span>) -> std::ops::Range<usize> {
    let (start, end) =
        spans.fold((text.len(), 0), |(start, end), span| (start.min(span.range().start), end.max(span.range().end)));
    let (start, end) = (text.floor_char_boundary(start), text.ceil_char_boundary(end));
    let start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[end.max(start)..].find('\n').map_or(text.len(), |length| end.max(start) + length + 1);
    start..end
}

/// Carets under one line are easier to read than a frame around many.
fn first_line(span: Span, text: &str) -> std::ops::Range<usize> {
    let range = span.range();
    let length = text.get(range.clone()).and_then(|text| text.trim_end().lines().next()).map_or(0, str::len);
    range.start..range.start + length
}

fn json_line(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let labels = diagnostic.labels.iter().map(|label| {
        let file = sources.get(label.span.file);
        let (start, end) = (file.line_column(label.span.range().start), file.line_column(label.span.range().end));
        json!({
            "file": file.path().as_ref(),
            "start": { "line": start.line, "column": start.column },
            "end": { "line": end.line, "column": end.column },
            "text": label.text,
        })
    });
    let labels: Vec<_> = labels.collect();
    let mut value = json!({
        "code": diagnostic.code.name(),
        "severity": severity(diagnostic),
        "message": diagnostic.message,
        "labels": labels,
        "help": diagnostic.help,
    });
    if !diagnostic.actions.is_empty() {
        value["actions"] = json!(diagnostic.actions);
    }
    format!("{value}\n")
}

/// Which of the actions that code makes it is about.
fn place_in_code(diagnostic: &Diagnostic) -> Option<String> {
    let (first, others) = diagnostic.actions.split_first()?;
    Some(match others.len() {
        0 => format!("in the text of `{first}`"),
        1 => format!("in the texts of `{first}` and `{}`", others[0]),
        others => format!("in the texts of `{first}` and {others} others"),
    })
}

fn severity(diagnostic: &Diagnostic) -> &'static str {
    match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// `::error file=…,line=…,col=…,title=…::message`, as GitHub's workflow commands are defined.
fn github(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let mut properties = Vec::new();
    if let Some(span) = diagnostic.span() {
        let file = sources.get(span.file);
        let (start, end) = (file.line_column(span.range().start), file.line_column(span.range().end));
        properties.push(format!("file={}", property(file.path())));
        properties.push(format!("line={},col={}", start.line, start.column));
        if end.line == start.line {
            properties.push(format!("endColumn={}", end.column));
        }
    }
    properties.push(format!("title={}", property(diagnostic.code.name())));
    let mut message = diagnostic.message.clone();
    if let Some(note) = place_in_code(diagnostic) {
        message.push_str("\nnote: ");
        message.push_str(&note);
    }
    for help in &diagnostic.help {
        message.push_str("\nhelp: ");
        message.push_str(help);
    }
    format!("::{} {}::{}\n", severity(diagnostic), properties.join(","), data(&message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
