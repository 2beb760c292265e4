use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Object, Rest};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior, Value};

use crate::action::{Origin, Reference};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::files::{Sources, Span};
use crate::project::Project;
use crate::template::generated::Generated;
use crate::template::jinja_error::{can_go_on, help_with, innermost, undefined_name, without_origin, word};
use crate::template::limits::{self, MOST_OUTPUT, Written};
use crate::template::scope::{REF_ARGUMENTS, Scope, Use};
use crate::template::tags;

// Marks in template text, so that the output tells where it comes from. They are Unicode noncharacters, which no text
// that is meant for exchange contains.
const DATA_START: char = '\u{FDD0}';
const DATA_NUMBER_END: char = '\u{FDD1}';
const DATA_END: char = '\u{FDD2}';

/// What is taken out of one body before the rest is left as it is.
const MOST_MISTAKES: usize = 20;

/// How much text is rendered again for the sake of further mistakes, in bytes.
const MOST_RENDERED_AGAIN: usize = 4 << 20;

/// The name of a body in the engine's errors; macro files have their path.
const BODY: &str = "";

/// Renders Jinja. Each body is rendered twice, once as it is and once with marks in its text: the first gives the
/// text, the second the map. Where a template works on its own output in a way that the marks disturb, the two differ,
/// and the text is kept without a fine map.
#[derive(Debug)]
pub(super) struct Jinja {
    plain: Environment<'static>,
    marked: Environment<'static>,
    current: Current,
    written: Written,
    macros: BTreeMap<String, Template>,
    /// Names of macros, and the file of each.
    macro_files: BTreeMap<String, String>,
    /// Names of macros in files that do not parse, which has been reported.
    unreadable: BTreeSet<String>,
}

type Current = Arc<Mutex<Option<Arc<Scope>>>>;

/// A template's text, taken apart.
#[derive(Debug, Default)]
struct Template {
    source: Generated,
    /// What is not inside of a tag, in order.
    data: Vec<Range<usize>>,
    /// String literals inside of tags.
    strings: Vec<(String, Range<usize>)>,
    /// Identifiers inside of tags.
    identifiers: Vec<(String, Range<usize>)>,
}

/// A run of output and where it comes from.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) text: String,
    pub(super) origin: OutputOrigin,
}

/// Where output comes from.
#[derive(Debug)]
pub(super) enum OutputOrigin {
    /// From these bytes of the body's [`Generated`] text.
    Body(Range<usize>),
    /// Text of a macro, byte for byte.
    Macro(Origin),
    /// What a tag gave.
    Tag(Origin),
}

/// What a body gave.
#[derive(Debug, Default)]
pub(super) struct JinjaOutput {
    /// The text that was rendered: that of the body, without the tags that failed.
    pub(super) source: Generated,
    pub(super) runs: Vec<Output>,
    /// Whether something is missing in it.
    pub(super) is_broken: bool,
    /// What is wrong with it; nothing for a mistake that has been reported already.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Every call of `ref` and `resolve`, with its place.
    pub(super) uses: Vec<(Use, Origin)>,
}

impl Jinja {
    /// Reads the macros.
    pub(super) fn start(project: &Project) -> (Self, Diagnostics) {
        let current = Current::default();
        let written = Written::default();
        let mut jinja = Self {
            plain: environment(&current, &written),
            marked: environment(&current, &written),
            current,
            written,
            macros: BTreeMap::new(),
            macro_files: BTreeMap::new(),
            unreadable: BTreeSet::new(),
        };
        let mut diagnostics = Diagnostics::default();
        for id in &project.macros {
            let file = project.sources.get(*id);
            let path = file.path().to_string();
            let mut source = Generated::default();
            source.copy(file, file.whole());
            if let Some(diagnostic) = too_deep(&source) {
                diagnostics.push(diagnostic);
                continue;
            }
            let template = Template::new(source);
            let text = template.source.text().to_owned();
            let added = jinja.plain.add_template_owned(path.clone(), text);
            if let Err(error) = added {
                diagnostics.extend(jinja.diagnose(&error, &template, &project.sources, file.whole()));
                jinja.unreadable.extend(template.macro_names().into_iter().map(|(name, _)| name));
                continue;
            }
            let marked = jinja.marked.add_template_owned(path.clone(), template.marked(&path));
            debug_assert!(marked.is_ok(), "marks are plain text: {marked:?}");
            for (name, range) in template.macro_names() {
                let first = jinja.macro_files.insert(name.clone(), path.clone()).filter(|first| *first != path);
                if let Some(first) = first.and_then(|first| jinja.macros.get(&first)) {
                    let place = first.macro_names().into_iter().find(|(other, _)| *other == name);
                    let mut diagnostic =
                        Diagnostic::error(Code::InvalidJinja, format!("macro `{name}` is defined twice"))
                            .at(template.source.span(range).unwrap_or(file.whole()), "")
                            .help("rename one of them: a macro is known by its name in all files");
                    if let Some(place) = place.and_then(|(_, range)| first.source.span(range)) {
                        diagnostic = diagnostic.at(place, "the first one");
                    }
                    diagnostics.push(diagnostic);
                }
                for environment in [&mut jinja.plain, &mut jinja.marked] {
                    environment
                        .add_global(name.clone(), macro_function(path.clone(), name.clone(), jinja.written.clone()));
                }
            }
            jinja.macros.insert(path, template);
        }
        (jinja, diagnostics)
    }

    /// Renders a body. `at` is its place as a whole. A tag that fails is taken out, and the rest rendered again, so that
    /// its mistakes are found too.
    pub(super) fn render(&self, source: Generated, scope: &Arc<Scope>, sources: &Sources, at: Span) -> JinjaOutput {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(scope));
        let mut output = JinjaOutput::default();
        if let Some(diagnostic) = too_deep(&source) {
            output.diagnostics.push(diagnostic);
            output.is_broken = true;
            return output;
        }
        let mut body = Template::new(source);
        let mut missing: Vec<String> = Vec::new();
        let length = body.source.text().len().max(1);
        let mut rounds = 0..MOST_MISTAKES.min(MOST_RENDERED_AGAIN / length);
        let text = loop {
            let rendered = self.written.render(&self.plain, BODY, body.source.text());
            for call in scope.take_uses() {
                let origin = self.place_of_use(&call.reference, &body, at);
                if !output.uses.contains(&(call.clone(), origin)) {
                    output.uses.push((call, origin));
                }
            }
            let error = match rendered {
                Ok(text) => break text,
                Err(error) => error,
            };
            output.is_broken = true;
            let follows = undefined_name(&error).is_some_and(|name| missing.iter().any(|missing| missing == name));
            output.diagnostics.extend(self.diagnose(&error, &body, sources, at).filter(|_| !follows));
            let place = error.range().filter(|_| error.name() == Some(BODY) && can_go_on(&error));
            let blanked = place.and_then(|range| tags::blank(body.source.text(), range.start, syntax()));
            let Some(blanked) = blanked.filter(|_| rounds.next().is_some()) else {
                break String::new();
            };
            if body.source.text().get(blanked.range.clone()) == Some(&blanked.text) {
                break String::new();
            }
            missing.extend(blanked.names);
            body.source.replace(blanked.range, &blanked.text);
            body = Template::new(body.source);
        };
        output.runs = if output.is_broken {
            vec![Output { text, origin: OutputOrigin::Tag(Origin::here(at)) }]
        } else {
            self.runs(text, &body, at)
        };
        scope.take_uses();
        output.source = body.source;
        output
    }

    /// A rendered text, cut where its parts come from different places.
    fn runs(&self, text: String, body: &Template, at: Span) -> Vec<Output> {
        let marked = self.written.render(&self.marked, BODY, &body.marked(BODY));
        let runs = marked.ok().map(|marked| self.read_marks(&marked, body, at));
        let runs = runs.filter(|runs| {
            let mut rest = text.as_str();
            runs.iter().all(|run| rest.strip_prefix(run.text.as_str()).map(|behind| rest = behind).is_some())
                && rest.is_empty()
        });
        runs.unwrap_or_else(|| vec![Output { text, origin: OutputOrigin::Tag(Origin::here(at)) }])
    }

    /// Takes the marks out of an output.
    fn read_marks(&self, marked: &str, body: &Template, at: Span) -> Vec<Output> {
        let mut runs = Vec::new();
        let mut reader = MarkReader { jinja: self, body, at, last_body: None, last_macro: None };
        let mut rest = marked;
        while !rest.is_empty() {
            if let Some(behind) = rest.strip_prefix(DATA_START) {
                let Some((number, behind)) = behind.split_once(DATA_NUMBER_END) else { break };
                let Some((data, behind)) = behind.split_once(DATA_END) else { break };
                runs.extend(reader.data(number, data));
                rest = behind;
            } else {
                let end = rest.find(DATA_START).unwrap_or(rest.len());
                runs.push(Output { text: rest[..end].to_owned(), origin: OutputOrigin::Tag(reader.tag()) });
                rest = &rest[end..];
            }
        }
        runs
    }

    /// The string that names it: in the body, or else in a macro that the body calls.
    fn place_of_use(&self, reference: &Reference, body: &Template, at: Span) -> Origin {
        if let Some(span) = body.string(&reference.name) {
            return Origin::here(span);
        }
        for (name, range) in &body.identifiers {
            let Some(file) = self.macro_files.get(name).and_then(|path| self.macros.get(path)) else { continue };
            let Some(call) = body.source.span(range.clone()) else { continue };
            let mut everywhere = std::iter::once(file).chain(self.macros.values());
            if let Some(definition) = everywhere.find_map(|file| file.string(&reference.name)) {
                return Origin { call, definition: Some(definition) };
            }
        }
        Origin::here(at)
    }

    fn diagnose(&self, error: &Error, body: &Template, sources: &Sources, at: Span) -> Option<Diagnostic> {
        let tag = error.range().filter(|_| error.name() == Some(BODY));
        let error = innermost(error);
        let unknown = std::error::Error::source(error).and_then(|source| source.downcast_ref::<UnknownVariable>());
        let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        let (message, origin) = without_origin(&detail);
        let code = if unknown.is_some() { Code::UnknownVariable } else { Code::InvalidJinja };
        let mut diagnostic = Diagnostic::error(code, message.as_str());
        let in_macro = error.name().and_then(|name| self.macros.get(name));
        let template = in_macro.unwrap_or(body);
        let place = error
            .range()
            .and_then(|range| template.source.span(range))
            .or_else(|| error.line().and_then(|line| template.source.origin(line, 1)));
        diagnostic = match (in_macro, place) {
            (Some(_), Some(place)) => {
                let is_call = |(name, range): &&(String, Range<usize>)| {
                    self.macro_files.contains_key(name)
                        && tag.as_ref().is_none_or(|tag| tag.start <= range.start && range.end <= tag.end)
                };
                let called = body.identifiers.iter().find(is_call).map(|(_, range)| range.clone()).or(tag);
                let call = called.and_then(|range| body.source.span(range)).unwrap_or(at);
                diagnostic.at(call, "called here").at(place, "fails here")
            }
            (None, Some(place)) => match origin.and_then(|line| body.word_of_line(line, undefined_name(error)?)) {
                Some(origin) => diagnostic.at(origin, "").at(place, "used here"),
                None => diagnostic.at(place, ""),
            },
            (_, None) => diagnostic.at(at, ""),
        };
        match error.kind() {
            ErrorKind::OutOfFuel => {
                diagnostic.message = String::from("this template does not come to an end");
                diagnostic = diagnostic.help("look for a loop over too much, or a macro that calls itself");
            }
            ErrorKind::WriteFailure => {
                diagnostic.message = format!("this template writes more than {} MiB", MOST_OUTPUT >> 20);
                diagnostic = diagnostic.help("look for a loop over too much, or a text that is doubled in one");
            }
            ErrorKind::UnknownFunction | ErrorKind::UndefinedError => {
                return self.unknown_name(diagnostic, error.kind(), body, sources);
            }
            _ => diagnostic = diagnostic.maybe_help(help_with(&message).map(str::to_owned)),
        }
        Some(diagnostic.maybe_help(unknown.map(|unknown| unknown.help.clone())))
    }

    /// A function or a variable that is not known: at the word itself, with what may be meant. `None` for a macro whose
    /// file could not be read.
    fn unknown_name(
        &self,
        mut diagnostic: Diagnostic,
        kind: ErrorKind,
        body: &Template,
        sources: &Sources,
    ) -> Option<Diagnostic> {
        let message = diagnostic.message.clone();
        let name = match kind {
            ErrorKind::UnknownFunction => message.strip_suffix(" is unknown").unwrap_or(&message),
            _ => message.split('`').nth(1).unwrap_or_default(),
        };
        if self.unreadable.contains(name) {
            return None;
        }
        if kind == ErrorKind::UnknownFunction {
            diagnostic.message = format!("there is no function `{name}`");
        }
        if let Some(label) = diagnostic.labels.last_mut().filter(|label| label.text != "used here")
            && let Some(at) = word(sources.text(label.span), name)
        {
            label.span = label.span.part(at..at + name.len());
        }
        let scope = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let names_an_action =
            scope.is_some_and(|scope| scope.catalog.names.find(&Reference::named(name)).next().is_some());
        if names_an_action {
            return Some(diagnostic.help(format!("the name of an action is a string: `ref(\"{name}\")`")));
        }
        let own = body.identifiers.iter().map(|(name, _)| name.as_str()).filter(|own| *own != name);
        let known = self.macro_files.keys().map(String::as_str).chain(FUNCTIONS).chain(own);
        Some(diagnostic.maybe_help(did_you_mean(name, known)))
    }
}

const FUNCTIONS: [&str; 10] =
    ["ref", "resolve", "self", "name", "schema", "database", "incremental", "interval", "when", "var"];

struct MarkReader<'a> {
    jinja: &'a Jinja,
    body: &'a Template,
    at: Span,
    last_body: Option<usize>,
    last_macro: Option<(&'a Template, usize)>,
}

impl<'a> MarkReader<'a> {
    /// A run of data: `number` is `7` for the eighth piece of the body, `macros/a.jinja:7` for one of a macro file.
    fn data(&mut self, number: &str, data: &str) -> Option<Output> {
        if data.is_empty() && number.is_empty() {
            return None;
        }
        let text = data.to_owned();
        if let Some((path, index)) = number.rsplit_once(':') {
            let template: &'a Template = self.jinja.macros.get(path)?;
            let index: usize = index.parse().ok()?;
            self.last_macro = Some((template, index));
            let definition = template.source.span(template.data.get(index)?.clone());
            let origin = Origin { call: self.tag_of_body(), definition };
            return Some(Output { text, origin: OutputOrigin::Macro(origin) });
        }
        let index: usize = number.parse().ok()?;
        self.last_body = Some(index);
        self.last_macro = None;
        Some(Output { text, origin: OutputOrigin::Body(self.body.data.get(index)?.clone()) })
    }

    /// Where output between two runs of data comes from.
    fn tag(&self) -> Origin {
        let call = self.tag_of_body();
        let definition = self.last_macro.and_then(|(template, index)| {
            let gap = template.gap(Some(index));
            let left_the_macro = template.source.text()[gap.clone()].contains("endmacro");
            if left_the_macro { None } else { template.source.span(gap) }
        });
        Origin { call, definition }
    }

    fn tag_of_body(&self) -> Span {
        self.body.source.span(self.body.gap(self.last_body)).unwrap_or(self.at)
    }
}

impl Template {
    fn new(source: Generated) -> Self {
        let mut template = Self { source, ..Self::default() };
        let text = template.source.text();
        for (token, span) in tokenize(text, false, syntax()).map_while(Result::ok) {
            let range = span.start_offset as usize..span.end_offset as usize;
            match token {
                Token::TemplateData(data) => {
                    // The data is a part of the text, so its place follows from its address; the span of the token also
                    // covers the white space that a `-` takes away.
                    let start = data.as_ptr() as usize - text.as_ptr() as usize;
                    template.data.push(start..start + data.len());
                }
                Token::Str(value) => template.strings.push((value.to_owned(), range)),
                Token::String(value) => template.strings.push((value.into(), range)),
                Token::Ident(name) => template.identifiers.push((name.to_owned(), range)),
                _ => {}
            }
        }
        template
    }

    /// The text with a mark around each piece of data.
    fn marked(&self, path: &str) -> String {
        let text = self.source.text();
        let mut marked = String::with_capacity(text.len() + 16 * self.data.len());
        let mut at = 0;
        for (number, range) in self.data.iter().enumerate() {
            marked.push_str(&text[at..range.start]);
            marked.push(DATA_START);
            if !path.is_empty() {
                marked.push_str(path);
                marked.push(':');
            }
            marked.push_str(&number.to_string());
            marked.push(DATA_NUMBER_END);
            marked.push_str(&text[range.clone()]);
            marked.push(DATA_END);
            at = range.end;
        }
        marked.push_str(&text[at..]);
        marked
    }

    /// The tags behind a piece of data, up to the next one; those before the first for `None`.
    fn gap(&self, data: Option<usize>) -> Range<usize> {
        let start = data.and_then(|index| self.data.get(index)).map_or(0, |range| range.end);
        let next = data.map_or(0, |index| index + 1);
        let end = self.data.get(next).map_or(self.source.text().len(), |range| range.start);
        start..end.max(start)
    }

    /// A word in a line (from 1).
    fn word_of_line(&self, line: usize, name: &str) -> Option<Span> {
        let text = self.source.text();
        let start = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
        let at = start + word(text.get(start..)?.lines().next()?, name)?;
        self.source.span(at..at + name.len())
    }

    fn string(&self, value: &str) -> Option<Span> {
        let (_, range) = self.strings.iter().find(|(text, _)| text == value)?;
        self.source.span(range.start + 1..range.end - 1)
    }

    /// The macros that it defines: identifiers that stand behind the word `macro`.
    fn macro_names(&self) -> Vec<(String, Range<usize>)> {
        let pairs = self.identifiers.windows(2);
        pairs.filter(|pair| pair[0].0 == "macro").map(|pair| pair[1].clone()).collect()
    }
}

/// What is wrong with a template that the engine could not go through.
fn too_deep(source: &Generated) -> Option<Diagnostic> {
    let range = limits::too_deep(source.text(), syntax())?;
    let diagnostic = Diagnostic::error(Code::InvalidJinja, "this tag goes on for too long");
    let diagnostic = diagnostic.help("split it: give names to parts of it by `{% set name = … %}`");
    Some(match source.span(range) {
        Some(place) => diagnostic.at(place, ""),
        None => diagnostic,
    })
}

fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder().keep_trailing_newline(true).build().unwrap_or_default()
}

fn environment(current: &Current, written: &Written) -> Environment<'static> {
    let mut environment = Environment::new();
    written.watch(&mut environment);
    environment.set_syntax(syntax());
    environment.set_debug(true);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    for (name, is_dependency) in [("ref", true), ("resolve", false)] {
        let current = Arc::clone(current);
        environment.add_function(name, move |parts: Rest<String>| {
            with_scope(&current, |scope| {
                let reference = Reference::from_parts(parts.0).ok_or(REF_ARGUMENTS)?;
                scope.refer(Use { reference, is_dependency, with_assertions: None })
            })
        });
    }
    let mut about_this = |name: &'static str, read: fn(&Scope) -> Result<String, String>| {
        let current = Arc::clone(current);
        environment.add_function(name, move || with_scope(&current, read));
    };
    about_this("self", Scope::own_relation);
    about_this("name", Scope::name);
    about_this("schema", Scope::schema);
    about_this("database", Scope::database);
    environment.add_global("interval", Value::from_object(Interval { current: Arc::clone(current) }));
    let seen = Arc::clone(current);
    environment.add_function("incremental", move || with_scope(&seen, |scope| Ok(scope.incremental)));
    environment.add_function(
        "when",
        |condition: Value, yes: Value, no: Option<Value>| {
            if condition.is_true() { yes } else { no.unwrap_or_else(|| Value::from("")) }
        },
    );
    let seen = Arc::clone(current);
    environment.add_function("var", move |name: String, default: Option<Value>| {
        let vars = with_scope(&seen, |scope| Ok(scope.catalog.vars.clone()))?;
        if let Some(value) = vars.get(&name) {
            return Ok(Value::from(value.as_str()));
        }
        default.ok_or_else(|| {
            let near = did_you_mean(&name, vars.keys().map(String::as_str));
            let help = near.unwrap_or_else(|| {
                format!("add it under `vars` in the settings, or a default: `var(\"{name}\", \"…\")`")
            });
            Error::new(ErrorKind::InvalidOperation, format!("there is no variable `{name}`"))
                .with_source(UnknownVariable { help })
        })
    });
    environment
}

/// `interval.start` and `interval.end`.
#[derive(Debug)]
struct Interval {
    current: Current,
}

impl Object for Interval {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let read = match key.as_str()? {
            "start" => Scope::interval_start,
            "end" => Scope::interval_end,
            _ => return None,
        };
        Some(with_scope(&self.current, read).map_or_else(Value::from, Value::from_safe_string))
    }
}

/// Marks an error as one of `var()`.
#[derive(Debug, thiserror::Error)]
#[error("unknown variable")]
struct UnknownVariable {
    help: String,
}

fn with_scope<T>(current: &Current, call: impl FnOnce(&Scope) -> Result<T, String>) -> Result<T, Error> {
    let scope = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let result = scope.map_or_else(|| Err("this function has no meaning here".to_owned()), |scope| call(&scope));
    result.map_err(|message| Error::new(ErrorKind::InvalidOperation, message))
}

/// A macro as a global function, so that bodies and other macros call it by its name.
fn macro_function(path: String, name: String, written: Written) -> Value {
    Value::from_function(move |state: &State<'_, '_>, arguments: Rest<Value>, named: Kwargs| {
        let mut all = arguments.0;
        if named.args().next().is_some() {
            all.push(Value::from(named));
        }
        let template = state.env().get_template(&path)?;
        let mut captured = template.render_captured(())?;
        let (text, worked) = captured.with_state_mut(|state| {
            let text = state.call_macro(&name, &all);
            (text, written.worked(state))
        });
        // Around it, so that the place of the call is known too.
        let text = text.map_err(|error| Error::new(error.kind(), "this macro fails").with_source(error))?;
        worked?;
        written.add(text.len())?;
        Ok::<Value, Error>(Value::from_safe_string(text))
    })
}
