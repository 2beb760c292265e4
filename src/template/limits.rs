//! How much text a Jinja template may make. The engine counts its steps, but not the size of what they give.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, StringInput, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, escape_formatter, filters};

/// The most that one body may write, in bytes, what its macros write for it included: far more than any warehouse takes.
pub(super) const MOST_OUTPUT: usize = 64 << 20;

/// A filter that gives one text in the place of each piece of another: refused where the result is too large.
fn replace(
    state: &mut State<'_, '_>,
    value: StringInput<'_>,
    from: StringInput<'_>,
    to: StringInput<'_>,
) -> Result<Value, Error> {
    let found = value.as_str().matches(from.as_str()).count();
    within(found.saturating_mul(to.as_str().len()))?;
    filters::replace(state, value, from, to)
}

/// A filter that makes one text of many: refused where it is too large.
fn join(
    state: &mut State<'_, '_>,
    value: &Value,
    joiner: Option<StringInput<'_>>,
    attribute: Option<&str>,
    named: Kwargs,
) -> Result<Value, Error> {
    let between = joiner.as_ref().map_or(0, |joiner| joiner.as_str().len());
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return filters::join(state, value, joiner, attribute, named);
    }
    // Some values can be gone through only once.
    let items: Vec<Value> = value.try_iter()?.collect();
    let sizes = items.iter().map(|item| item.as_str().map_or(0, str::len).saturating_add(between));
    within(sizes.fold(0, usize::saturating_add))?;
    filters::join(state, &Value::from(items), joiner, attribute, named)
}

fn within(bytes: usize) -> Result<(), Error> {
    if bytes > MOST_OUTPUT { Err(Error::from(ErrorKind::WriteFailure)) } else { Ok(()) }
}

/// The work that one body may do, in instructions of the template machine: far more than any model needs. The engine
/// gives each call of a macro as much; together they may do no more either.
const FUEL: u64 = 20_000_000;

/// How many words and signs of a tag may follow each other without a comma, in one pair of brackets: `a + b + c` is a tree
/// as deep as it is long, and the engine goes down into it.
const CHAIN: usize = 1000;
/// How many `elif` one `if` may have, for the same reason.
const BRANCHES: usize = 300;

/// The first place in a template that is too deep for the engine.
pub(super) fn too_deep(text: &str, syntax: SyntaxConfig) -> Option<Range<usize>> {
    let mut outer: Vec<usize> = Vec::new();
    let mut chain = 0_usize;
    let mut branches: Vec<usize> = Vec::new();
    let mut begins = false;
    for (token, span) in tokenize(text, false, syntax).map_while(Result::ok) {
        let is_first = std::mem::take(&mut begins);
        match token {
            Token::VariableStart | Token::BlockStart => {
                outer.clear();
                chain = 0;
                begins = matches!(token, Token::BlockStart);
            }
            Token::TemplateData(_) => {}
            Token::BracketOpen | Token::BraceOpen | Token::ParenOpen => {
                outer.push(chain + 1);
                chain = 0;
            }
            Token::BracketClose | Token::BraceClose | Token::ParenClose => chain = outer.pop().unwrap_or_default(),
            Token::Comma => chain = 0,
            Token::Ident("if") if is_first => branches.push(0),
            Token::Ident("endif") if is_first => drop(branches.pop()),
            Token::Ident("elif") if is_first => {
                if let Some(count) = branches.last_mut() {
                    *count += 1;
                }
            }
            _ => chain += 1,
        }
        if chain > CHAIN || branches.last().is_some_and(|count| *count > BRANCHES) {
            return Some(span.start_offset as usize..span.end_offset as usize);
        }
    }
    None
}

/// What the tags of the body have written that is rendered now, and what work its macros have done.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    bytes: Arc<AtomicUsize>,
    work: Arc<AtomicU64>,
}

impl Written {
    /// Counts what the tags of an environment write, also into variables, and bounds what its filters give.
    pub(super) fn watch(&self, environment: &mut Environment<'static>) {
        environment.set_fuel(Some(FUEL));
        environment.add_filter("replace", replace);
        environment.add_filter("join", join);
        let written = self.clone();
        environment.set_formatter(move |out, state, value| {
            written.add(value.as_str().map_or(0, str::len))?;
            escape_formatter(out, state, value)
        });
    }

    /// Counts some more. An error if it is too much now.
    pub(super) fn add(&self, bytes: usize) -> Result<(), Error> {
        within(self.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes))
    }

    /// Counts the work of a call that is done. An error if it is too much now.
    pub(super) fn worked(&self, state: &State<'_, '_>) -> Result<(), Error> {
        let (done, _) = state.fuel_levels().unwrap_or_default();
        let before = self.work.fetch_add(done, Ordering::Relaxed);
        if before.saturating_add(done) > FUEL { Err(Error::from(ErrorKind::OutOfFuel)) } else { Ok(()) }
    }

    /// Renders a text, which begins to count anew. Too much is an error of the kind `WriteFailure`.
    pub(super) fn render(&self, environment: &Environment<'static>, name: &str, text: &str) -> Result<String, Error> {
        self.bytes.store(0, Ordering::Relaxed);
        self.work.store(0, Ordering::Relaxed);
        let mut sink = Sink::default();
        environment.template_from_named_str(name, text)?.render_captured_to((), &mut sink)?;
        Ok(String::from_utf8(sink.0).unwrap_or_default())
    }
}

/// Takes as much as a body may write.
#[derive(Default)]
struct Sink(Vec<u8>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_OUTPUT {
            return Err(io::Error::other("too much output"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
