//! Which part of a value a column has become.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Column, Origin, OriginKind};

/// Which part of a value a column has become.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Part {
    /// All of it; of an array each of its elements.
    #[default]
    Whole,
    /// What lies in it at the path of a field, with dots.
    Field(Arc<str>),
    /// None: it only has a say in what the value is.
    None,
}

impl Origin {
    /// The origin of what lies at the path of a field in the value; `None` if it has nothing to do with that.
    pub fn at(&self, path: &str) -> Option<Self> {
        let with = |column: Arc<str>, part| Some(Self { column, part, ..self.clone() });
        match &self.part {
            _ if path.is_empty() => Some(self.clone()),
            Part::None => Some(self.clone()),
            Part::Whole => with(join(&self.column, path).into(), Part::Whole),
            Part::Field(field) => match (below(path, field), below(field, path)) {
                (Some(""), _) => with(Arc::clone(&self.column), Part::Whole),
                (Some(rest), _) => with(join(&self.column, rest).into(), Part::Whole),
                (None, Some(rest)) => with(Arc::clone(&self.column), Part::Field(rest.into())),
                (None, None) => None,
            },
        }
    }

    /// The same of a struct that has the value in a field.
    #[must_use]
    pub fn inside(self, field: Option<&Arc<str>>) -> Self {
        let part = match (field, self.part) {
            (None, _) | (_, Part::None) => Part::None,
            (Some(field), Part::Whole) => Part::Field(Arc::clone(field)),
            (Some(field), Part::Field(path)) => Part::Field(join(field, &path).into()),
        };
        Self { part, ..self }
    }

    /// The same column after one more step.
    #[must_use]
    pub fn went_through(self, kind: OriginKind) -> Self {
        Self { kind: self.kind.max(kind), ..self }
    }

    /// What has become of it for those who see only the whole value: of that it is a part at most.
    pub fn kind_of_whole(&self) -> OriginKind {
        match self.part {
            Part::Whole => self.kind,
            Part::Field(_) | Part::None => self.kind.max(OriginKind::Transformed),
        }
    }
}

impl Column {
    /// The columns that it comes from, each once with what has become of it for those who see only the whole value.
    pub fn origins_of_whole(&self) -> Vec<(&Origin, OriginKind)> {
        let mut origins: Vec<_> = self.origins.iter().map(|origin| (origin, origin.kind_of_whole())).collect();
        let of = |(origin, kind): &(&Origin, OriginKind)| (origin.relation.clone(), Arc::clone(&origin.column), *kind);
        origins.sort_by_key(of);
        origins.dedup_by_key(|origin| of(origin));
        origins
    }
}

/// What comes behind `above` in the path of a field, if it begins like that.
pub fn below<'p>(path: &'p str, above: &str) -> Option<&'p str> {
    if above.is_empty() {
        return Some(path);
    }
    let rest = path.get(..above.len()).filter(|start| start.eq_ignore_ascii_case(above)).map(|_| &path[above.len()..]);
    rest.filter(|rest| rest.is_empty()).or_else(|| rest?.strip_prefix('.'))
}

/// The path of a field, and of another one in it. Either may be empty.
pub fn join(path: &str, field: &str) -> String {
    match (path, field) {
        (path, "") => path.to_owned(),
        ("", field) => field.to_owned(),
        _ => format!("{path}.{field}"),
    }
}
