//! What is known of the columns of an action, as the manifest and `list` have it.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::action::{ActionId, ColumnDocumentation};
use crate::analysis::bound::{Column, Relation};
use crate::analysis::{Facts, FlowKind};
use crate::compile::Compilation;

#[derive(Serialize)]
pub(super) struct KnownColumns<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    columns: Vec<ColumnEntry<'a>>,
    /// Whether there are no others; missing where nothing can be selected from the action.
    #[serde(skip_serializing_if = "Option::is_none")]
    columns_complete: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    influences: Vec<FlowEntry<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys: Vec<Vec<&'a str>>,
    /// How many of the columns are not only documented.
    #[serde(skip)]
    pub(super) count: usize,
}

#[derive(Serialize)]
struct ColumnEntry<'a> {
    path: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nullability: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    origins: Vec<FlowEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
}

/// A column of another relation that becomes this one, or decides on the rows.
#[derive(Serialize)]
struct FlowEntry<'a> {
    relation: &'a str,
    column: &'a str,
    kind: &'static str,
}

/// Tells of the columns of actions.
pub struct Columns<'a> {
    compilation: &'a Compilation,
    /// The full names of all actions, by their ids: each is told many times.
    names: Vec<String>,
}

impl<'a> Columns<'a> {
    /// Of a project that has been compiled.
    pub fn new(compilation: &'a Compilation) -> Self {
        Self { compilation, names: compilation.graph.iter().map(|(_, action)| action.target.to_string()).collect() }
    }

    /// The columns of an action as an object of JSON: `columns`, `columns_complete`, `influences`, `keys`.
    pub fn of(&self, id: ActionId) -> Map<String, Value> {
        match serde_json::to_value(self.known(id)) {
            Ok(Value::Object(columns)) => columns,
            _ => Map::new(),
        }
    }

    /// The full name of an action.
    pub(super) fn name(&self, id: ActionId) -> &str {
        &self.names[id.index()]
    }

    /// First the columns of the action in their order, then what is documented besides: fields inside of them, and columns that
    /// are not known to be there.
    pub(super) fn known(&self, id: ActionId) -> KnownColumns<'_> {
        let Self { compilation, .. } = self;
        let action = compilation.graph.get(id);
        let documented = action.documentation.columns.as_slice();
        let Some(facts) = compilation.analysis.facts(id).filter(|_| action.kind.has_output()) else {
            return KnownColumns {
                columns: documented.iter().map(only_documented).collect(),
                columns_complete: None,
                influences: Vec::new(),
                keys: Vec::new(),
                count: 0,
            };
        };
        let case = compilation.project.settings.dialect.semantics().names().case;
        let is_of = |documented: &ColumnDocumentation, column: &Column| match documented.path.as_slice() {
            [name] => column.name.as_deref().is_some_and(|own| case.is_same(own, name)),
            _ => false,
        };
        let visible = || facts.columns.visible().map(|(_, column)| column);
        let known = visible().map(|column| {
            let documented = documented.iter().find(|documented| is_of(documented, column));
            self.describe(id, column, documented)
        });
        let others = documented.iter().filter(|documented| !visible().any(|column| is_of(documented, column)));
        KnownColumns {
            columns: known.chain(others.map(only_documented)).collect(),
            columns_complete: Some(!facts.columns.is_open),
            influences: self.influences(id, facts),
            keys: keys(facts),
            count: visible().count(),
        }
    }

    fn describe<'s>(
        &'s self,
        id: ActionId,
        column: &'s Column,
        documented: Option<&'s ColumnDocumentation>,
    ) -> ColumnEntry<'s> {
        let semantics = self.compilation.project.settings.dialect.semantics();
        let is_known = !column.data_type.is_vague();
        let origins = column.origins_of_whole().into_iter().map(|(origin, kind)| FlowEntry {
            relation: self.relation(id, &origin.relation),
            column: &origin.column,
            kind: FlowKind::Origin(kind).word(),
        });
        ColumnEntry {
            path: column.name.as_deref().into_iter().collect(),
            r#type: is_known.then(|| semantics.type_name(&column.data_type)),
            nullability: column.nullable.word(),
            origins: origins.collect(),
            description: documented.and_then(|documented| documented.description.as_deref()),
            tags: documented.map(|documented| documented.tags.as_slice()).unwrap_or_default(),
        }
    }

    fn influences<'s>(&'s self, id: ActionId, facts: &'s Facts) -> Vec<FlowEntry<'s>> {
        let entries = facts.influences.iter().map(|influence| FlowEntry {
            relation: self.relation(id, &influence.relation),
            column: &influence.column,
            kind: FlowKind::Influence(influence.kind).word(),
        });
        entries.collect()
    }

    fn relation<'s>(&'s self, id: ActionId, relation: &'s Relation) -> &'s str {
        match relation {
            Relation::Action(id) => self.name(*id),
            Relation::Own => self.name(id),
            Relation::Undeclared(path) => path,
        }
    }
}

fn only_documented(documented: &ColumnDocumentation) -> ColumnEntry<'_> {
    ColumnEntry {
        path: documented.path.iter().map(String::as_str).collect(),
        r#type: None,
        nullability: None,
        origins: Vec::new(),
        description: documented.description.as_deref(),
        tags: &documented.tags,
    }
}

/// By the names of their columns.
fn keys(facts: &Facts) -> Vec<Vec<&str>> {
    let name = |place: &usize| facts.columns.known.get(*place)?.name.as_deref();
    facts.keys.iter().filter_map(|key| key.iter().map(name).collect()).collect()
}
