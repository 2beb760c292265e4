//! The functions and operators of a dialect as a table:
//!
//! ```text
//! # a comment
//! @ aggregate                                  what the functions below are: a kind, and when their result is NULL
//! length(text) -> bigint                       types are called as the dialect calls them
//! trim(text, text?) -> varchar                 an argument that can be left out
//! concat(any...) -> varchar : never            any number of arguments; never NULL, whatever is said above: `strict`,
//!                                              `coalesce`, `always`, `never`; `perhaps` is what holds if nothing is said
//! coalesce(T...) -> T : coalesce               a type that is the same in all places, or the common one of them
//! abs(Number) -> Number                        the same for types of one family
//! array_agg(T) -> T[]
//! extract('epoch', any) -> double              only for this very word
//! round(Decimal, Integer) -> =rounded          a rule in Rust, which the dialect names
//! farm(any...) -> ?                            it is there, and that is all that is known
//! ```
//!
//! The first line whose types are those of the arguments counts. If there is none, all lines count that the arguments could be
//! converted for, and they have to agree: so a table holds all forms of a function whose types differ, or says `?`.

use std::collections::HashMap;

use fnv::FnvBuildHasher;

use super::pattern::{Arguments, Fit, Pattern, Slots};
use super::types::split;
use super::{Call, FunctionKind, NullRule, Semantics};
use crate::relation::DataType;

/// What a call gives, where no form of words says it. Literals stand beside the types.
pub(super) type Rule = fn(&Arguments<'_>) -> DataType;

/// The functions of one dialect.
#[derive(Debug)]
pub(super) struct Signatures(HashMap<Box<str>, Vec<Signature>, FnvBuildHasher>);

/// One line.
#[derive(Debug)]
struct Signature {
    parameters: Vec<Pattern>,
    /// How many there have to be.
    needed: usize,
    /// Whether the last one can come again and again.
    repeats: bool,
    outcome: Outcome,
    kind: FunctionKind,
    nulls: NullRule,
}

#[derive(Debug)]
enum Outcome {
    Unknown,
    /// With the types that were found for its variables.
    Pattern(Pattern),
    Rule(Rule),
}

/// What is in the table, in the words of a dialect.
pub(super) struct Words<'a> {
    /// The type of that name.
    pub(super) data_type: &'a dyn Fn(&str) -> DataType,
    /// The rule of that name.
    pub(super) rule: &'a dyn Fn(&str) -> Option<Rule>,
}

impl Signatures {
    /// Reads tables. The error is the line.
    pub(super) fn read(texts: &[&str], words: &Words<'_>) -> Result<Self, String> {
        let mut signatures: HashMap<Box<str>, Vec<Signature>, FnvBuildHasher> = HashMap::default();
        for text in texts {
            let mut standing = (FunctionKind::Scalar, NullRule::Unknown);
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("# "));
            for line in lines.filter(|line| *line != "#") {
                if let Some(manner) = line.strip_prefix("@ ") {
                    standing = read_manner(manner, (FunctionKind::Scalar, NullRule::Unknown)).ok_or(line)?;
                    continue;
                }
                let (name, signature) = read_line(line, standing, words).ok_or(line)?;
                signatures.entry(name.into()).or_default().push(signature);
            }
        }
        Ok(Self(signatures))
    }

    /// What a call gives.
    pub(super) fn call(&self, name: &str, arguments: &Arguments<'_>, dialect: &dyn Semantics) -> Call {
        let Some(forms) = self.0.get(name) else { return Call::UNKNOWN };
        let mut found: Option<Call> = None;
        let mut is_undecided = false;
        for form in forms {
            let mut slots = Slots::default();
            let fit = form.fit(arguments, &mut slots, dialect);
            if fit == Fit::No {
                continue;
            }
            let call = form.call(arguments, &slots);
            if fit == Fit::Exact && !is_undecided {
                return call;
            }
            is_undecided |= fit == Fit::Undecided;
            found = Some(found.map_or_else(|| call.clone(), |before| before.or(&call)));
        }
        let kind = forms.first().map_or(FunctionKind::Unknown, |form| form.kind);
        found.unwrap_or(Call { kind, ..Call::UNKNOWN })
    }
}

impl Signature {
    fn fit(&self, arguments: &Arguments<'_>, slots: &mut Slots, dialect: &dyn Semantics) -> Fit {
        let count = arguments.types.len();
        if count < self.needed || count > self.parameters.len() && !self.repeats {
            return Fit::No;
        }
        let mut fit = Fit::Exact;
        for (place, argument) in arguments.types.iter().enumerate() {
            let Some(pattern) = self.parameters.get(place).or(self.parameters.last()) else { return Fit::No };
            fit = fit.min(pattern.fit(argument, arguments.literal(place), slots, dialect));
            if fit == Fit::No {
                return fit;
            }
        }
        fit
    }

    fn call(&self, arguments: &Arguments<'_>, slots: &Slots) -> Call {
        let data_type = match &self.outcome {
            Outcome::Unknown => DataType::Unknown,
            Outcome::Pattern(pattern) => pattern.filled(slots),
            Outcome::Rule(rule) => rule(arguments),
        };
        Call { kind: self.kind, data_type, nulls: self.nulls }
    }
}

impl Call {
    /// What is true of both.
    fn or(self, other: &Self) -> Self {
        Self {
            kind: if self.kind == other.kind { self.kind } else { FunctionKind::Unknown },
            data_type: if self.data_type == other.data_type { self.data_type } else { DataType::Unknown },
            nulls: if self.nulls == other.nulls { self.nulls } else { NullRule::Unknown },
        }
    }
}

type Manner = (FunctionKind, NullRule);

fn read_line<'a>(line: &'a str, standing: Manner, words: &Words<'_>) -> Option<(&'a str, Signature)> {
    // An operator can hold a bracket of its own: the last one that is open before the arrow starts the arguments.
    let (call, result) = line.split_once(" -> ")?;
    let (name, parameters) = call.strip_suffix(')')?.split_once('(').filter(|(name, _)| !name.is_empty())?;
    let (result, manner) = result.split_once(" : ").unwrap_or((result, ""));
    let (kind, nulls) = read_manner(manner, standing)?;
    let parameters = split(parameters);
    let repeats = parameters.last().is_some_and(|last| last.ends_with("..."));
    let needed = parameters.iter().take_while(|text| !text.ends_with('?') && !text.ends_with("...")).count();
    let parameters: Vec<Pattern> = parameters
        .iter()
        .map(|text| Pattern::read(text.trim_end_matches("...").trim_end_matches('?'), words.data_type))
        .collect::<Option<_>>()?;
    let outcome = match result.trim() {
        "?" => Outcome::Unknown,
        rule if rule.starts_with('=') => Outcome::Rule((words.rule)(rule.strip_prefix('=')?)?),
        pattern => Outcome::Pattern(Pattern::read(pattern, words.data_type)?),
    };
    Some((name, Signature { parameters, needed, repeats, outcome, kind, nulls }))
}

fn read_manner(text: &str, standing: Manner) -> Option<Manner> {
    let (mut kind, mut nulls) = standing;
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match word {
            "scalar" => kind = FunctionKind::Scalar,
            "aggregate" => kind = FunctionKind::Aggregate,
            "window" => kind = FunctionKind::Window,
            "table" => kind = FunctionKind::Table,
            "strict" => nulls = NullRule::Strict,
            "coalesce" => nulls = NullRule::Coalesce,
            "never" => nulls = NullRule::Never,
            "always" => nulls = NullRule::Always,
            "perhaps" => nulls = NullRule::Unknown,
            _ => return None,
        }
    }
    Some((kind, nulls))
}
