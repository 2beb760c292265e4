//! A warehouse's functions as a table: each line is a call and what it is in DuckDB.
//!
//! ```text
//! # a comment
//! abs(x) -> x                                    the same function in DuckDB; its type is that of `x`
//! if(c, x, y) -> x|y = …                         its type holds both
//! safe_divide(x, y) -> float = x / nullif(y, 0)  another expression
//! length(x: bytes) -> int = octet_length(x)      only for arguments known to be of that type
//! date_trunc(x, WEEK) = …                        only for this very word
//! concat(xs...) -> text = …                      any number of arguments
//! farm_fingerprint(x) ! its hash is not in DuckDB    a problem, with the reason
//! ```
//!
//! The first line that fits counts. A line that starts with a blank continues the one above. Where the body calls an
//! aggregate or a window function, `distinct`, `filter` and `over` of the call go to it.

mod template;

pub(crate) use template::{Modifiers, Template, bracketed, build, build_query, give, is_aggregate, is_too_long};

use std::collections::HashMap;

use sqlparser::ast::Expr;

use crate::dialect::translate::types::Type;

/// The functions of one warehouse.
#[derive(Debug)]
pub(crate) struct Functions(HashMap<String, Vec<Function>>);

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) result: Result,
    pub(crate) meaning: Meaning,
}

/// What a line says of the call.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// DuckDB has the function under this name with the same meaning.
    Same,
    Template(Box<Template>),
    /// There is no equal, for this reason.
    Missing(String),
}

/// One place of the call.
#[derive(Debug)]
pub(crate) enum Parameter {
    Value {
        name: String,
        kind: Type,
        many: bool,
    },
    /// A word that is no value, such as `DAY` or `WEEK(MONDAY)`.
    Word(String),
}

/// How the type of the result is found.
#[derive(Debug)]
pub(crate) enum Result {
    Fixed(Type),
    /// That of the argument at this place.
    Argument(usize),
    /// What holds the arguments at both places.
    Either(usize, usize),
    /// An array of what the argument at this place is.
    ArrayOf(usize),
    /// That of the elements of the array at this place.
    ElementOf(usize),
}

impl Functions {
    /// Reads a table. The error names the line.
    pub(crate) fn read(text: &str) -> std::result::Result<Self, String> {
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            match lines.last_mut() {
                Some(last) if line.starts_with(' ') => {
                    last.push(' ');
                    last.push_str(line.trim());
                }
                _ => lines.push(line.to_owned()),
            }
        }
        let mut functions: HashMap<String, Vec<Function>> = HashMap::new();
        for line in &lines {
            let (name, function) = read_line(line).ok_or_else(|| format!("not understood: {line}"))?;
            functions.entry(name).or_default().push(function);
        }
        Ok(Self(functions))
    }

    /// The lines for a name, in any case of letters.
    pub(crate) fn named(&self, name: &str) -> Option<&[Function]> {
        self.0.get(&name.to_ascii_lowercase()).map(Vec::as_slice)
    }

    /// Whether some line wants a word, not a value, at this place.
    pub(crate) fn wants_word(&self, name: &str, place: usize) -> bool {
        self.named(name).is_some_and(|lines| {
            lines.iter().any(|line| matches!(line.parameters.get(place), Some(Parameter::Word(_))))
        })
    }
}

impl Function {
    /// Whether a call with these arguments is meant.
    pub(crate) fn fits(&self, arguments: &[(Expr, Type)]) -> bool {
        let many = matches!(self.parameters.last(), Some(Parameter::Value { many: true, .. }));
        if !(self.parameters.len() == arguments.len() || many && arguments.len() + 1 >= self.parameters.len()) {
            return false;
        }
        let last = self.parameters.len().saturating_sub(1);
        arguments.iter().enumerate().all(|(place, (value, known))| match self.parameters.get(place.min(last)) {
            Some(Parameter::Value { kind, .. }) => known.fits(kind),
            Some(Parameter::Word(word)) => value.to_string().eq_ignore_ascii_case(word),
            None => false,
        })
    }

    /// The type of the result of a call with these arguments.
    pub(crate) fn result(&self, arguments: &[(Expr, Type)]) -> Type {
        let of = |place: &usize| arguments.get(*place).map(|(_, kind)| kind.clone()).unwrap_or_default();
        match &self.result {
            Result::Fixed(kind) => kind.clone(),
            // Where several arguments share the type, the result holds them all.
            Result::Argument(place) => match self.parameters.get(*place) {
                Some(Parameter::Value { many: true, .. }) => {
                    arguments.iter().skip(*place).map(|(_, kind)| kind.clone()).reduce(Type::and).unwrap_or_default()
                }
                _ => of(place),
            },
            Result::Either(one, other) => of(one).and(of(other)),
            Result::ArrayOf(place) => Type::Array(Box::new(of(place))),
            Result::ElementOf(place) => of(place).element(),
        }
    }
}

fn read_line(line: &str) -> Option<(String, Function)> {
    let open = line.find('(')?;
    let close = open + closing(line.get(open..)?)?;
    let name = line.get(..open)?.trim().to_ascii_lowercase();
    let parameters: Vec<Parameter> =
        split(line.get(open + 1..close)?).into_iter().map(read_parameter).collect::<Option<_>>()?;
    let mut rest = line.get(close + 1..)?.trim();
    let mut result = Result::Fixed(Type::Unknown);
    if let Some(after) = rest.strip_prefix("->") {
        let after = after.trim_start();
        let end = after.find(' ').unwrap_or(after.len());
        result = read_result(after.get(..end)?, &parameters)?;
        rest = after.get(end..)?.trim();
    }
    let meaning = if rest.is_empty() {
        Meaning::Same
    } else if let Some(body) = rest.strip_prefix('=') {
        Meaning::Template(Box::new(Template::read(body, &parameters)?))
    } else {
        Meaning::Missing(rest.strip_prefix('!')?.trim().to_owned())
    };
    Some((name, Function { parameters, result, meaning }))
}

fn read_parameter(text: &str) -> Option<Parameter> {
    let text = text.trim();
    if text.starts_with(|first: char| first.is_ascii_uppercase() || first.is_ascii_digit()) {
        return Some(Parameter::Word(text.to_owned()));
    }
    let (name, kind) =
        text.split_once(':').map_or((text, Some(Type::Unknown)), |(name, kind)| (name, Type::named(kind.trim())));
    let (name, many) = name.strip_suffix("...").map_or((name, false), |name| (name, true));
    Some(Parameter::Value { name: name.trim().to_owned(), kind: kind?, many })
}

fn read_result(word: &str, parameters: &[Parameter]) -> Option<Result> {
    let place = |wanted: &str| {
        parameters.iter().position(|parameter| matches!(parameter, Parameter::Value { name, .. } if name == wanted))
    };
    let inside = |outer: &str| word.strip_prefix(outer)?.strip_prefix('<')?.strip_suffix('>').and_then(place);
    if let Some(argument) = place(word) {
        return Some(Result::Argument(argument));
    }
    if let Some((one, other)) = word.split_once('|') {
        return Some(Result::Either(place(one)?, place(other)?));
    }
    if let Some(argument) = inside("array") {
        return Some(Result::ArrayOf(argument));
    }
    if let Some(argument) = inside("element") {
        return Some(Result::ElementOf(argument));
    }
    Type::named(word).map(Result::Fixed)
}

/// The place of the bracket that closes the first one.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (place, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth == 1 => return Some(place),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The parts between commas that stand in no bracket.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0;
    text.split(|letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    })
    .filter(|part| !part.trim().is_empty())
    .collect()
}
