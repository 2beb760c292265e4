//! Types with places that are open: what a function wants of an argument, and what it makes of all.

use super::Semantics;
use super::types::{is_same, takes};
use crate::relation::DataType;

/// What a function wants of an argument.
#[derive(Debug)]
pub(super) enum Pattern {
    Any,
    Type(DataType),
    /// One and the same type wherever it stands, out of a family if there is one.
    Variable(usize, Option<Family>),
    Array(Box<Pattern>),
    Range(Box<Pattern>),
    Map(Box<(Pattern, Pattern)>),
    /// A word as a literal, in lower case.
    Word(Box<str>),
}

/// Types that have much in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Number,
    Integer,
    Unsigned,
    Decimal,
    Text,
    Char,
    Time,
    Timestamp,
    Struct,
}

/// How well an argument is what a function wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    No,
    /// It is for the value of a literal to say, and that is not known.
    Undecided,
    /// It could be converted, or it is not known.
    Perhaps,
    Exact,
}

/// What a call is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arguments<'a> {
    pub(super) types: &'a [&'a DataType],
    /// The texts of those that are literals; those that are left out are none, or nobody knows.
    pub(super) literals: &'a [Option<&'a str>],
}

/// The types that were found for variables.
#[derive(Debug, Default)]
pub(super) struct Slots([Option<DataType>; SLOTS]);

const SLOTS: usize = 12;

const VARIABLES: [(&str, Option<Family>); SLOTS] = [
    ("T", None),
    ("U", None),
    ("V", None),
    ("Number", Some(Family::Number)),
    ("Integer", Some(Family::Integer)),
    ("Unsigned", Some(Family::Unsigned)),
    ("Decimal", Some(Family::Decimal)),
    ("Text", Some(Family::Text)),
    ("Char", Some(Family::Char)),
    ("Time", Some(Family::Time)),
    ("Timestamp", Some(Family::Timestamp)),
    ("Struct", Some(Family::Struct)),
];

impl<'a> Arguments<'a> {
    /// The text of the argument at this place, if it is known to be a literal.
    pub(super) fn literal(&self, place: usize) -> Option<&'a str> {
        self.literals.get(place).copied().flatten()
    }
}

impl Family {
    fn holds(self, data_type: &DataType) -> bool {
        match self {
            Self::Number => data_type.is_number(),
            Self::Integer => matches!(data_type, DataType::Integer { .. }),
            Self::Unsigned => matches!(data_type, DataType::Integer { signed: false, .. }),
            Self::Decimal => matches!(data_type, DataType::Decimal(_)),
            Self::Text => data_type.is_text(),
            Self::Char => matches!(data_type, DataType::Char(_)),
            Self::Time => matches!(data_type, DataType::Time { .. }),
            Self::Timestamp => matches!(data_type, DataType::Timestamp { .. }),
            Self::Struct => matches!(data_type, DataType::Struct(_)),
        }
    }

    /// Whether a value of the type could be converted to one of the family.
    fn takes(self, data_type: &DataType) -> bool {
        let of = |wanted: &DataType| takes(wanted, data_type);
        match self {
            Self::Number => of(&DataType::Double),
            Self::Integer | Self::Unsigned => of(&DataType::Integer { bits: 128, signed: true }),
            Self::Decimal => of(&DataType::Decimal(None)),
            Self::Text | Self::Char => of(&DataType::TEXT),
            Self::Time => of(&DataType::Time { zoned: true }),
            Self::Timestamp => of(&DataType::INSTANT),
            Self::Struct => of(&DataType::Struct(Vec::new())),
        }
    }
}

impl Pattern {
    /// Reads `T`, `Number`, `T[]`, `range<T>`, `map<T, U>`, `'epoch'`, `any`, or a type in the words of the dialect.
    pub(super) fn read(text: &str, data_type: &dyn Fn(&str) -> DataType) -> Option<Self> {
        let text = text.trim();
        if text == "any" {
            return Some(Self::Any);
        }
        if let Some(word) = text.strip_prefix('\'') {
            return Some(Self::Word(word.strip_suffix('\'')?.into()));
        }
        if let Some(slot) = VARIABLES.iter().position(|(name, _)| *name == text) {
            return Some(Self::Variable(slot, VARIABLES[slot].1));
        }
        if let Some(element) = text.strip_suffix("[]") {
            return Some(Self::Array(Box::new(Self::read(element, data_type)?)));
        }
        let inside = |outer: &str| text.strip_prefix(outer)?.strip_prefix('<')?.strip_suffix('>');
        if let Some(element) = inside("array") {
            return Some(Self::Array(Box::new(Self::read(element, data_type)?)));
        }
        if let Some(element) = inside("range") {
            return Some(Self::Range(Box::new(Self::read(element, data_type)?)));
        }
        if let Some((key, value)) = inside("map").and_then(|entry| entry.split_once(',')) {
            return Some(Self::Map(Box::new((Self::read(key, data_type)?, Self::read(value, data_type)?))));
        }
        match data_type(text) {
            DataType::Unknown => None,
            known => Some(Self::Type(known)),
        }
    }

    /// How well an argument fits. What is found for variables goes to the slots.
    pub(super) fn fit(
        &self,
        argument: &DataType,
        literal: Option<&str>,
        slots: &mut Slots,
        dialect: &dyn Semantics,
    ) -> Fit {
        if let Self::Variable(slot, family) = self {
            return fit_variable(*slot, *family, argument, slots, dialect);
        }
        if let Self::Word(word) = self {
            return match literal {
                None => Fit::Undecided,
                Some(literal) if literal.eq_ignore_ascii_case(word) => Fit::Exact,
                Some(_) => Fit::No,
            };
        }
        match (self, argument) {
            // What is written as text can be a literal, which becomes what is wanted.
            (_, DataType::Unknown | DataType::Null)
            | (Self::Array(_) | Self::Range(_) | Self::Map(_), DataType::Text(_) | DataType::Named(_)) => Fit::Perhaps,
            (Self::Any, _) => Fit::Exact,
            (Self::Array(pattern), DataType::Array(element)) | (Self::Range(pattern), DataType::Range(element)) => {
                pattern.fit(element, None, slots, dialect)
            }
            (Self::Map(patterns), DataType::Map(entry)) => {
                let key = patterns.0.fit(&entry.0, None, slots, dialect);
                key.min(patterns.1.fit(&entry.1, None, slots, dialect))
            }
            (Self::Type(wanted), _) if argument.is_vague() => {
                if takes(wanted, argument) {
                    Fit::Perhaps
                } else {
                    Fit::No
                }
            }
            (Self::Type(wanted), _) if is_same(wanted, argument) => Fit::Exact,
            (Self::Type(wanted), _) if takes(wanted, argument) => Fit::Perhaps,
            _ => Fit::No,
        }
    }

    /// The type, with what was found for its variables.
    pub(super) fn filled(&self, slots: &Slots) -> DataType {
        match self {
            Self::Any | Self::Word(_) => DataType::Unknown,
            Self::Type(data_type) => data_type.clone(),
            Self::Variable(slot, family) => match &slots.0[*slot] {
                // A NULL alone says nothing of the type in a family.
                Some(DataType::Null) if family.is_some() => DataType::Unknown,
                found => found.clone().unwrap_or_default(),
            },
            Self::Array(element) => element.filled(slots).array(),
            Self::Range(element) => DataType::Range(Box::new(element.filled(slots))),
            Self::Map(entry) => DataType::Map(Box::new((entry.0.filled(slots), entry.1.filled(slots)))),
        }
    }
}

fn fit_variable(
    slot: usize,
    family: Option<Family>,
    argument: &DataType,
    slots: &mut Slots,
    dialect: &dyn Semantics,
) -> Fit {
    let is_known = !matches!(argument, DataType::Unknown | DataType::Null);
    let belongs = family.is_none_or(|family| family.holds(argument));
    if is_known && !belongs && !family.is_none_or(|family| family.takes(argument)) {
        return Fit::No;
    }
    let found = if belongs || *argument == DataType::Null { argument } else { &DataType::Unknown };
    let bound = &mut slots.0[slot];
    match bound {
        None => *bound = Some(found.clone()),
        Some(before) if before != found => *bound = Some(dialect.common(&[before, found]).unwrap_or_default()),
        Some(_) => {}
    }
    if is_known && belongs { Fit::Exact } else { Fit::Perhaps }
}
