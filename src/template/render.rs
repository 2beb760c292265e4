use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::action::{Origin, Reference, Rendered};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::files::{FileId, SourceFile, Span};
use crate::project::Project;
use crate::sqlx::{PieceKind, SimpleCall, SimpleValue, Text, literals, simple_value};
use crate::template::engine::{Engine, TextKey, Thunk};
use crate::template::generated::Generated;
use crate::template::jinja::{Jinja, OutputOrigin};
use crate::template::scope::{Scope, Use};

// Stand in a Jinja body for a `${…}`, whose text takes their place when Jinja is done. Unicode noncharacters, like the
// marks of `jinja`.
const PLACEHOLDER_START: char = '\u{FDD3}';
const PLACEHOLDER_END: char = '\u{FDD4}';

/// Static text shorter than this is not searched for in what JavaScript gives: it would be found in wrong places.
const SHORTEST_LITERAL: usize = 4;

/// Bytes of text times literals; beyond that the text of code is mapped only to where its action was made.
const MOST_COMPARED: usize = 1 << 20;

/// A text with so many mistakes is not looked at any further.
const MOST_MISTAKES: usize = 100;

/// Static texts, and where they stand.
type Literals = Rc<Vec<(String, Span)>>;

/// What renders the parts of a text that are not plain: one after the other, since code may remember what it has done.
#[derive(Clone, Copy)]
pub(super) struct Engines<'a> {
    pub(super) javascript: &'a Engine,
    pub(super) jinja: &'a Jinja,
}

/// What renders texts.
#[derive(Clone, Copy)]
pub(super) enum Means<'a> {
    Engines(Engines<'a>),
    /// Nothing but this, for plain texts: many are rendered at once, and this is how long all of them are by now.
    Plain(&'a AtomicUsize),
}

/// What the includes say in plain sight.
pub(super) struct Includes<'a> {
    project: &'a Project,
    /// The static texts of each, under its name.
    texts: OnceLock<HashMap<String, Vec<(String, Span)>>>,
}

impl<'a> Includes<'a> {
    pub(super) fn new(project: &'a Project) -> Self {
        Self { project, texts: OnceLock::new() }
    }

    fn texts(&self) -> &HashMap<String, Vec<(String, Span)>> {
        self.texts.get_or_init(|| {
            let files = self.project.includes.iter().map(|id| self.project.sources.get(*id));
            files.map(|file| (file.stem().to_owned(), static_texts(file, file.whole()))).collect()
        })
    }

    /// The place in an include where an action is named that code at `call` refers to.
    fn origin(&self, reference: &Reference, call: Span) -> Origin {
        let includes = self.texts();
        let mut names: Vec<&String> = includes.keys().collect();
        names.sort();
        let mut texts = names.into_iter().flat_map(|name| &includes[name]);
        Origin { call, definition: texts.find(|(text, _)| *text == reference.name).map(|found| found.1) }
    }
}

/// Renders texts, one after the other.
pub(super) struct Renderer<'a> {
    project: &'a Project,
    includes: &'a Includes<'a>,
    means: Means<'a>,
    /// Whether a text has asked for more than there is. What is rendered then is of no use.
    is_stuck: Cell<bool>,
    /// The static texts of files under `definitions/`.
    code: RefCell<BTreeMap<FileId, Literals>>,
    /// How much has been rendered so far, in bytes.
    pub(super) written: Cell<usize>,
}

/// A rendered text, what it refers to, and what went wrong.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) rendered: Rendered,
    pub(super) uses: Vec<(Use, Origin)>,
    pub(super) diagnostics: Diagnostics,
}

impl<'a> Renderer<'a> {
    pub(super) fn new(project: &'a Project, includes: &'a Includes<'a>, means: Means<'a>) -> Self {
        let (is_stuck, code, written) = (Cell::new(false), RefCell::default(), Cell::new(0));
        Self { project, includes, means, is_stuck, code, written }
    }

    /// What it knows of the includes.
    pub(super) fn includes(&self) -> &'a Includes<'a> {
        self.includes
    }

    /// Whether more was needed than there is.
    pub(super) fn is_stuck(&self) -> bool {
        self.is_stuck.get()
    }

    /// The engines for a text that needs them; where there are none it is stuck.
    fn engines(&self) -> Option<Engines<'a>> {
        match self.means {
            Means::Engines(engines) => Some(engines),
            Means::Plain(_) => {
                self.is_stuck.set(true);
                None
            }
        }
    }

    /// Counts a text of so many bytes in. Among plain ones it is stuck if that makes more than `most` of all of them.
    pub(super) fn count(&self, bytes: usize, most: usize) {
        self.written.set(self.written.get().saturating_add(bytes));
        if let Means::Plain(all) = self.means {
            let all = all.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
            self.is_stuck.set(self.is_stuck.get() || all > most);
        }
    }

    /// Renders one text of a file. `js` are the file's `js {}` blocks.
    pub(super) fn render(&self, file: FileId, js: &[Span], text: &Text, scope: &Arc<Scope>) -> Outcome {
        let is_plain = !text.has_jinja && js.is_empty();
        if !is_plain && self.engines().is_none() {
            return Outcome::default();
        }
        let file = self.project.sources.get(file);
        // What is put in for a placeholder is often longer than that.
        let length = text.span.range().len();
        let rendered = Rendered::with_room(length + length / 8);
        let outcome = Outcome { rendered, ..Outcome::default() };
        let mut body = Body { renderer: self, file, js, text, scope, thunks: OnceCell::new(), outcome };
        if text.has_jinja {
            body.render_jinja();
        } else {
            body.render_pieces();
        }
        if !js.is_empty() {
            body.run_js();
        }
        body.outcome
    }

    /// The file of that id.
    pub(super) fn source(&self, id: FileId) -> &SourceFile {
        self.project.sources.get(id)
    }

    /// Renders one text of an action that code has made at `place`: one outcome for each statement.
    pub(super) fn render_code(&self, number: usize, key: TextKey<'_>, place: Span, scope: &Arc<Scope>) -> Vec<Outcome> {
        let Some(Engines { javascript, .. }) = self.engines() else { return Vec::new() };
        javascript.enter(scope);
        let values = javascript.texts(number, key, place);
        let literals = self.code_literals(place.file);
        let mut uses: Vec<(Use, Origin)> = Vec::new();
        for call in scope.take_uses() {
            let named = literals.iter().find(|(text, _)| *text == call.reference.name);
            let origin =
                named.map_or_else(|| self.includes.origin(&call.reference, place), |(_, at)| Origin::here(*at));
            uses.push((call, origin));
        }
        let values = match values {
            Ok(values) => values,
            Err(diagnostic) => {
                let mut outcome = Outcome { uses, ..Outcome::default() };
                outcome.diagnostics.push(diagnostic);
                outcome.rendered.break_off();
                return vec![outcome];
            }
        };
        let mut outcomes: Vec<Outcome> = values
            .iter()
            .map(|value| {
                let mut outcome = Outcome::default();
                let is_cheap = value.len().saturating_mul(literals.len()) <= MOST_COMPARED;
                let own = if is_cheap { literals.as_slice() } else { &[] };
                let own = own.iter().map(|(text, span)| (text.as_str(), Origin::here(*span)));
                push_with_literals(&mut outcome.rendered, value, Origin::here(place), own);
                outcome
            })
            .collect();
        if let Some(first) = outcomes.first_mut() {
            first.uses = uses;
        } else {
            outcomes.push(Outcome { uses, ..Outcome::default() });
        }
        outcomes
    }

    /// The static texts of a file of JavaScript.
    fn code_literals(&self, file: FileId) -> Literals {
        let mut known = self.code.borrow_mut();
        let file = self.source(file);
        Rc::clone(known.entry(file.id()).or_insert_with(|| Rc::new(static_texts(file, file.whole()))))
    }
}

/// The string and template literals in a piece of JavaScript whose value is what is written.
fn static_texts(file: &SourceFile, span: Span) -> Vec<(String, Span)> {
    let text = &file.text()[span.range()];
    let all = literals(text).into_iter().filter_map(|literal| {
        let written = &text[literal.content.clone()];
        (literal.cooked.as_deref() == Some(written)).then(|| (written.to_owned(), span.part(literal.content)))
    });
    all.collect()
}

/// One text while it is rendered.
struct Body<'a> {
    renderer: &'a Renderer<'a>,
    file: &'a SourceFile,
    js: &'a [Span],
    text: &'a Text,
    scope: &'a Arc<Scope>,
    /// Functions for the placeholders that need JavaScript, by index of the piece; nothing if the code does not parse.
    thunks: OnceCell<HashMap<usize, Thunk>>,
    outcome: Outcome,
}

impl Body<'_> {
    fn render_pieces(&mut self) {
        for (index, piece) in self.text.pieces.iter().enumerate() {
            if self.outcome.diagnostics.len() >= MOST_MISTAKES {
                break;
            }
            match piece.kind {
                PieceKind::Verbatim => {
                    let text = &self.file.text()[piece.span.range()];
                    push_verbatim(&mut self.outcome.rendered, text, piece.span);
                }
                PieceKind::Placeholder { .. } => self.placeholder(index),
            }
        }
    }

    /// Jinja goes first, with marks where the placeholders are, so that `${…}` in a branch that is not taken is not
    /// evaluated.
    fn render_jinja(&mut self) {
        let Some(Engines { jinja, .. }) = self.renderer.engines() else { return };
        let mut source = Generated::default();
        for (index, piece) in self.text.pieces.iter().enumerate() {
            match piece.kind {
                PieceKind::Verbatim => source.copy(self.file, piece.span),
                PieceKind::Placeholder { .. } => source.push(&format!("{PLACEHOLDER_START}{index}{PLACEHOLDER_END}")),
            }
        }
        let sources = &self.renderer.project.sources;
        let output = jinja.render(source, self.scope, sources, self.text.span);
        let source = output.source;
        self.outcome.uses.extend(output.uses);
        self.outcome.diagnostics.extend(output.diagnostics);
        if output.is_broken {
            self.outcome.rendered.break_off();
        }
        for run in output.runs {
            match run.origin {
                OutputOrigin::Body(range) => {
                    for (part, span) in source.split(range) {
                        match span {
                            Some(span) => push_verbatim(&mut self.outcome.rendered, &source.text()[part], span),
                            None => self.with_placeholders(&source.text()[part], Origin::here(self.text.span), false),
                        }
                    }
                }
                OutputOrigin::Macro(origin) => self.with_placeholders(&run.text, origin, true),
                OutputOrigin::Tag(origin) => self.with_placeholders(&run.text, origin, false),
            }
        }
    }

    /// Adds output in which placeholders may stand.
    fn with_placeholders(&mut self, text: &str, origin: Origin, verbatim: bool) {
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once(PLACEHOLDER_START) {
            let Some((index, after)) = behind.split_once(PLACEHOLDER_END) else { break };
            self.outcome.rendered.push_computed(before, origin);
            if let Ok(index) = index.parse() {
                self.placeholder(index);
            }
            rest = after;
        }
        if verbatim && rest.len() == text.len() {
            self.outcome.rendered.push_verbatim(rest, origin);
        } else {
            self.outcome.rendered.push_computed(rest, origin);
        }
    }

    /// Adds the text of the placeholder that is the piece `index`.
    fn placeholder(&mut self, index: usize) {
        let Some(piece) = self.text.pieces.get(index) else { return };
        let PieceKind::Placeholder { expression } = piece.kind else { return };
        if self.short_way(piece.span, expression) {
            return;
        }
        let Some(Engines { javascript, .. }) = self.renderer.engines() else { return };
        self.run_js();
        let Some(thunk) = self.thunks.get().and_then(|thunks| thunks.get(&index)) else { return };
        let value = javascript.call(thunk, expression);
        self.take_uses(expression);
        match value {
            Ok((value, warning)) => {
                self.outcome.diagnostics.extend(warning);
                self.push_evaluated(&value, piece.span, expression);
            }
            Err(diagnostic) => self.fail(diagnostic),
        }
    }

    /// Runs the `js {}` blocks, unless they have run for this text, and reads the placeholders. Dataform runs blocks of
    /// which no placeholder needs anything, too.
    fn run_js(&mut self) {
        if self.thunks.get().is_none()
            && let Some(Engines { javascript, .. }) = self.renderer.engines()
        {
            javascript.enter(self.scope);
            let thunks = self.thunks(javascript);
            let _ = self.thunks.set(thunks);
            self.take_uses(self.js.first().copied().unwrap_or(self.text.span));
        }
    }

    /// Takes over what code at `place` has referred to.
    fn take_uses(&mut self, place: Span) {
        for call in self.scope.take_uses() {
            let origin = self.place_of_use(&call.reference, place);
            self.outcome.uses.push((call, origin));
        }
    }

    fn thunks(&mut self, javascript: &Engine) -> HashMap<usize, Thunk> {
        let needed = self.text.pieces.iter().enumerate().filter_map(|(index, piece)| match piece.kind {
            PieceKind::Placeholder { expression } => Some((index, expression)),
            PieceKind::Verbatim => None,
        });
        let (indices, expressions): (Vec<usize>, Vec<Span>) = needed.unzip();
        match javascript.thunks(self.file, self.js, &expressions) {
            Ok(thunks) => indices.into_iter().zip(thunks).collect(),
            Err(diagnostic) if expressions.is_empty() || diagnostic.code == Code::JavascriptLimit => {
                self.fail(diagnostic);
                HashMap::new()
            }
            // One by one, so that each that is wrong is reported and the others still give their refs.
            Err(_) => indices
                .into_iter()
                .zip(expressions)
                .filter_map(|(index, expression)| {
                    let one = javascript.thunks(self.file, self.js, &[expression]);
                    one.map_err(|diagnostic| self.fail(diagnostic)).ok().and_then(|mut one| Some((index, one.pop()?)))
                })
                .collect(),
        }
    }

    /// Adds the value of `ref("x")`, `when(incremental(), "…")` and the like without JavaScript; `false` if that cannot be. A
    /// `js {}` block may give these names another meaning, so then there is no short way.
    fn short_way(&mut self, placeholder: Span, expression: Span) -> bool {
        if !self.js.is_empty() {
            return false;
        }
        let expression_text = &self.file.text()[expression.range()];
        let of_interval = match expression_text.trim() {
            "interval.start" => Some(Scope::interval_start(self.scope)),
            "interval.end" => Some(Scope::interval_end(self.scope)),
            _ => None,
        };
        if let Some(Ok(mark)) = of_interval {
            self.outcome.rendered.push_computed(&mark, Origin::here(placeholder));
            return true;
        }
        let Some(value) = simple_value(expression_text) else { return false };
        let known = self.outcome.uses.len();
        let Some(text) = self.value(&value, expression) else {
            // JavaScript comes to them again.
            self.outcome.uses.truncate(known);
            return false;
        };
        match value {
            SimpleValue::Call(call) if call.name != "when" => {
                self.outcome.rendered.push_computed(&text, Origin::here(placeholder));
            }
            _ => self.push_evaluated(&text, placeholder, expression),
        }
        true
    }

    fn value(&mut self, value: &SimpleValue<'_>, expression: Span) -> Option<String> {
        match value {
            SimpleValue::Text(text) => Some(text.value.to_string()),
            SimpleValue::Template(parts) => parts.iter().map(|part| self.value(part, expression)).collect(),
            SimpleValue::Call(call) => self.call(call, expression),
        }
    }

    fn call(&mut self, call: &SimpleCall<'_>, expression: Span) -> Option<String> {
        let read = |read: fn(&Scope) -> Result<String, String>| {
            if call.arguments.is_empty() { read(self.scope).ok() } else { None }
        };
        match call.name {
            "self" => read(Scope::own_relation),
            "name" => read(Scope::name),
            "schema" => read(Scope::schema),
            "ref" | "resolve" => {
                let parts = call.texts()?;
                let reference = Reference::from_parts(parts.iter().map(|part| part.value.to_string()))?;
                let use_ = Use { is_dependency: call.name == "ref", ..Use::dependency(reference) };
                let text = self.scope.refer(use_).ok()?;
                let span = parts.last().map_or(expression, |part| expression.part(part.range.clone()));
                self.outcome.uses.extend(self.scope.take_uses().into_iter().map(|call| (call, Origin::here(span))));
                Some(text)
            }
            "when" => {
                let (condition, texts) = call.arguments.split_first()?;
                if !is_incremental(condition) || !(1..=2).contains(&texts.len()) {
                    return None;
                }
                // Both are evaluated, and what they refer to counts, as in JavaScript.
                let mut values = texts.iter().map(|text| self.value(text, expression)).collect::<Option<Vec<_>>>()?;
                let no = if values.len() == 2 { values.pop()? } else { String::new() };
                if self.scope.incremental { values.pop() } else { Some(no) }
            }
            _ => None,
        }
    }

    /// The string that names it: in the expression, or else in an include.
    fn place_of_use(&self, reference: &Reference, expression: Span) -> Origin {
        let named =
            |texts: &[(String, Span)]| texts.iter().find(|(text, _)| *text == reference.name).map(|found| found.1);
        let mut own = std::iter::once(expression).chain(self.js.iter().copied());
        if let Some(span) = own.find_map(|span| named(&static_texts(self.file, span))) {
            return Origin::here(span);
        }
        self.renderer.includes.origin(reference, expression)
    }

    /// Adds what JavaScript gave. Static text in it, of this expression or of the includes that it names, is found again
    /// by search, longest first: what is equal to the letter is mapped to the letter.
    fn push_evaluated(&mut self, value: &str, placeholder: Span, expression: Span) {
        let text = &self.file.text()[expression.range()];
        let own = static_texts(self.file, expression);
        let own = own.iter().map(|(text, span)| (text.as_str(), Origin::here(*span)));
        let mut candidates: Vec<(&str, Origin)> = own.collect();
        if value.len() >= SHORTEST_LITERAL && !self.renderer.project.includes.is_empty() {
            let named = self.renderer.includes.texts().iter().filter(|(name, _)| text.contains(name.as_str()));
            for (_, texts) in named {
                let here = texts
                    .iter()
                    .map(|(text, span)| (text.as_str(), Origin { call: placeholder, definition: Some(*span) }));
                candidates.extend(here);
            }
        }
        push_with_literals(&mut self.outcome.rendered, value, Origin::here(placeholder), candidates);
    }

    fn fail(&mut self, diagnostic: Diagnostic) {
        self.outcome.diagnostics.push(diagnostic);
        self.outcome.rendered.break_off();
    }
}

/// Whether an expression is `incremental()`.
fn is_incremental(value: &SimpleValue<'_>) -> bool {
    matches!(value, SimpleValue::Call(call) if call.name == "incremental" && call.arguments.is_empty())
}

/// Adds what code gave at `origin`. What is equal to one of the literals is mapped to where that is written, the longest
/// first.
fn push_with_literals<'t>(
    rendered: &mut Rendered,
    value: &str,
    origin: Origin,
    literals: impl IntoIterator<Item = (&'t str, Origin)>,
) {
    let is_telling = |text: &str| text.len() >= SHORTEST_LITERAL && text.chars().any(char::is_alphanumeric);
    let mut literals: Vec<(&str, Origin)> = literals.into_iter().filter(|(text, _)| is_telling(text)).collect();
    literals.sort_by(|(a, at), (b, bt)| {
        b.len().cmp(&a.len()).then(at.call.cmp(&bt.call)).then(at.definition.cmp(&bt.definition))
    });
    let mut found: BTreeMap<usize, (usize, Origin)> = BTreeMap::new();
    for (text, origin) in literals {
        for (start, _) in value.match_indices(text) {
            let end = start + text.len();
            let before = found.range(..end).next_back();
            if before.is_none_or(|(_, (last, _))| *last <= start) {
                found.insert(start, (end, origin));
            }
        }
    }
    let mut at = 0;
    for (start, (end, literal)) in found {
        rendered.push_computed(&value[at..start], origin);
        rendered.push_verbatim(&value[start..end], literal);
        at = end;
    }
    rendered.push_computed(&value[at..], origin);
}

/// Adds text of a file. A line ends in LF alone, as it does in a template of JavaScript.
fn push_verbatim(rendered: &mut Rendered, text: &str, span: Span) {
    let mut start = 0;
    // Most texts have none, and one letter is found faster than two.
    let breaks = text.contains('\r').then(|| text.match_indices("\r\n"));
    for (at, _) in breaks.into_iter().flatten() {
        rendered.push_verbatim(&text[start..at], Origin::here(span.part(start..at)));
        start = at + 1;
    }
    rendered.push_verbatim(&text[start..], Origin::here(span.part(start..text.len())));
}
