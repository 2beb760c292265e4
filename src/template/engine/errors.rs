//! What the engine throws, in the words of trueup, at the place in the file.

use rquickjs::{CaughtError, Exception, Object};

use crate::action::Reference;
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::files::{Sources, Span};
use crate::template::engine::{Engine, MEMORY_LIMIT, TIME_LIMIT, places};

/// How much of a message is shown, in bytes.
const LONGEST_MESSAGE: usize = 1_000;

/// How many lines of a stack trace are looked at; the engine writes far fewer.
pub(super) const MOST_FRAMES: usize = 100;

/// The functions that JavaScript has in SQL.
const FUNCTIONS: [&str; 8] = ["ref", "resolve", "self", "name", "schema", "database", "incremental", "when"];

impl Engine {
    /// What was thrown, with its place: in one of the pieces `evaluated`, or in something that these called.
    pub(super) fn diagnose(&self, error: &CaughtError<'_>, evaluated: &[Span]) -> Diagnostic {
        let sources = &*self.sources;
        let (message, stack) = match error {
            CaughtError::Exception(exception) => (worded(exception), exception.stack().unwrap_or_default()),
            CaughtError::Value(value) => (
                value
                    .as_string()
                    .and_then(|text| text.to_string().ok())
                    .filter(|text| !text.trim().is_empty())
                    .map_or_else(|| "a value was thrown".to_owned(), cut),
                String::new(),
            ),
            CaughtError::Error(error) => (error.to_string(), String::new()),
        };
        let mut frames = stack.lines().take(MOST_FRAMES).map(|line| self.frame(line)).peekable();
        let is_thrown_within = frames.peek().is_some_and(Option::is_none);
        let mut places: Vec<Span> = frames.flatten().collect();
        let assigned = places.first().and_then(|place| assigned(&message, *place, sources));
        if let Some(place) = places.first_mut() {
            *place = match &assigned {
                Some((name, _)) => *name,
                None if is_thrown_within => self.making(*place),
                None => *place,
            };
        }
        let is_evaluated = |place: &Span| {
            let around = |span: &Span| span.file == place.file && span.start <= place.start && place.end <= span.end;
            evaluated.iter().any(around)
        };
        let call = places.iter().copied().find(is_evaluated).or(evaluated.first().copied());
        let definition = places.first().copied().filter(|first| !is_evaluated(first));
        let (diagnostic, thrown) = if message == "interrupted" && self.is_late() {
            let text = format!("this ran for more than {} seconds", TIME_LIMIT.as_secs());
            let diagnostic = Diagnostic::error(Code::JavascriptLimit, text).help("look for a loop that does not end");
            (diagnostic, "still running here")
        } else if message.contains("out of memory") {
            let text = format!("this took more than {} MiB of memory", MEMORY_LIMIT >> 20);
            let diagnostic =
                Diagnostic::error(Code::JavascriptLimit, text).help("look for a loop that makes more and more");
            (diagnostic, "here")
        } else if message.contains("call stack size exceeded") {
            let text = "functions call each other too deeply";
            let help = "look for a function that calls itself without an end";
            (Diagnostic::error(Code::JavascriptLimit, text).help(help), "here")
        } else if let Some((name, near)) = call.and_then(|call| no_function(error, &message, call, sources)) {
            let message = format!("`{name}` is not a function");
            (Diagnostic::error(Code::InvalidJavascript, message).maybe_help(near), "thrown here")
        } else {
            let is_whole_file = |span: &Span| *span == sources.get(span.file).whole();
            let help = assigned.map(|(_, help)| help).or_else(|| {
                // In a whole file anything may stand.
                let is_file = evaluated.iter().any(is_whole_file);
                let text = evaluated.first().copied().or(call).filter(|_| !is_file);
                self.help_with(&message, text.map(|text| sources.text(text)).unwrap_or_default())
            });
            (Diagnostic::error(Code::InvalidJavascript, message).maybe_help(help), "thrown here")
        };
        match (call, definition) {
            (Some(call), Some(definition)) => diagnostic.at(call, "called here").at(definition, thrown),
            (Some(place), None) | (None, Some(place)) => diagnostic.at(place, ""),
            (None, None) => diagnostic,
        }
    }

    /// What to do about an error of the engine in the code `text`.
    fn help_with(&self, message: &str, text: &str) -> Option<String> {
        if text.contains("var(") {
            let help = "`var` is a keyword of JavaScript; a variable of the project is \
                        `dataform.projectConfig.vars.name`, or `{{ var(\"name\") }}` in Jinja";
            return Some(help.to_owned());
        }
        if message.starts_with("cannot find module") {
            let help = "what can be required are files of the project, by their path from the file or from the project's \
                        root, and packages in `node_modules`, where `trueup install` puts them";
            return Some(help.to_owned());
        }
        let name = message.strip_suffix(" is not defined")?.trim_matches('`');
        if ["process", "fetch", "Buffer", "XMLHttpRequest"].contains(&name) {
            return Some("code in a project has no access to files, the network or the process".to_owned());
        }
        let scope = self.current.borrow().clone();
        let known = |name: &str| {
            scope.as_ref().is_some_and(|scope| scope.catalog.names.find(&Reference::named(name)).next().is_some())
        };
        if text.contains(&format!("ref({name}")) || text.contains(&format!("resolve({name}")) || known(name) {
            return Some(format!("the name of an action is a string: `ref(\"{name}\")`"));
        }
        did_you_mean(name, FUNCTIONS.into_iter().chain(self.includes.iter().map(String::as_str)))
    }

    /// The function that makes an action, if `place` is in its arguments.
    pub(super) fn making(&self, place: Span) -> Span {
        let name = places::making(self.sources.get(place.file).text(), place.range().start);
        name.map_or(place, |name| self.sources.get(place.file).span(name))
    }

    /// The place of a line of a stack trace: `at f (includes/x.js:3:10)`.
    pub(super) fn frame(&self, line: &str) -> Option<Span> {
        let line = line.trim().trim_end_matches(')');
        let place = line.rsplit(['(', ' ']).next()?;
        let mut parts = place.rsplitn(3, ':');
        let column = parts.next()?.parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        let number: usize = parts.next()?.rsplit('#').next()?.parse().ok()?;
        self.modules.code(number)?.origin(line, column)
    }
}

/// The name that strict mode refuses to assign to, and what declares it.
fn assigned(message: &str, place: Span, sources: &Sources) -> Option<(Span, String)> {
    let name = message.strip_suffix(" is not defined")?.trim_matches('`');
    let file = sources.get(place.file);
    let (range, help) = places::assigned(file.text(), name, place.range().start)?;
    Some((file.span(range), help))
}

/// A `value` that has no text of its own: `undefined`, `null` or `object`.
pub(super) fn unprintable(value: &str, span: Span) -> Diagnostic {
    let (what, word, help) = match value {
        "object" => ("an object", "`[object Object]`", "name what is meant: `x.name`, `JSON.stringify(x)`"),
        "null" => ("`null`", "that word", "give a string: `\"null\"` if SQL's NULL is meant, `\"\"` if nothing is"),
        _ => ("`undefined`", "that word", "see how it is spelt; if it may be missing, give a default: `x ?? \"\"`"),
    };
    let message = format!("this is {what}, and {word} becomes a part of the SQL");
    Diagnostic::warning(Code::UnprintableValue, message).at(span, "").help(help)
}

/// A message that a person can read.
fn cut(mut message: String) -> String {
    let end = message.floor_char_boundary(LONGEST_MESSAGE);
    if end < message.len() {
        message.truncate(end);
        message.push('…');
    }
    message
}

/// The message of an exception. Those of the engine itself are worded as trueup's own.
fn worded(exception: &Exception<'_>) -> String {
    let message = cut(exception.message().unwrap_or_default());
    if message.trim().is_empty() {
        return "an error without a message was thrown".to_owned();
    }
    if let Some(name) = message.strip_suffix(" is not defined").filter(|name| !name.contains(' ')) {
        return format!("`{}` is not defined", name.trim_matches('\''));
    }
    let class: Option<String> = exception.as_object().get("name").ok();
    let mut letters = message.chars();
    match letters.next() {
        Some(first) if class.as_deref() == Some("SyntaxError") => {
            first.to_lowercase().collect::<String>() + letters.as_str()
        }
        _ => message,
    }
}

/// What was called at `call` although it is no function, with the near functions of the object that it was looked for in.
fn no_function(
    error: &CaughtError<'_>,
    message: &str,
    call: Span,
    sources: &Sources,
) -> Option<(String, Option<String>)> {
    let CaughtError::Exception(exception) = error else { return None };
    if message != "not a function" {
        return None;
    }
    let is_part = |char: char| char.is_alphanumeric() || "_$.".contains(char);
    let text = sources.get(call.file).text();
    let before = text.get(..call.range().start)?;
    let start = before.trim_end_matches(is_part).len();
    let after = text.get(start..)?;
    let name = &after[..after.find(|char| !is_part(char)).unwrap_or(after.len())];
    let (object, function) = name.rsplit_once('.')?;
    let object: Option<Object<'_>> = exception.as_object().ctx().globals().get(object).ok();
    let known: Vec<String> = object.iter().flat_map(|object| object.keys::<String>().flatten()).collect();
    Some((name.to_owned(), did_you_mean(function, known.iter().map(String::as_str))))
}
