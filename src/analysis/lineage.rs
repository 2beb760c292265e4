//! How the columns of a project come from each other, from action to action.

use std::collections::{BTreeMap, HashSet};

use crate::action::{ActionId, Kind};
use crate::analysis::Analysis;
use crate::analysis::bound::{Column, InfluenceKind, OriginKind, Part, Relation, below, join};
use crate::graph::Graph;
use crate::relation::{DataType, Field};

/// A column of a relation, or its rows as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// Of which relation; never [`Relation::Own`].
    pub relation: Relation,
    /// Its name, with dots before the names of fields inside of it; `None` for which rows there are.
    pub column: Option<String>,
}

/// One column that comes from another, in one step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// What is read.
    pub from: Node,
    /// What it becomes, or decides on.
    pub to: Node,
    /// In what way.
    pub kind: FlowKind,
}

/// What a column does to another one, or to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlowKind {
    /// It becomes the column.
    Origin(OriginKind),
    /// It decides on the rows.
    Influence(InfluenceKind),
}

/// Which way to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To where columns come from.
    Up,
    /// To what is made of them.
    Down,
}

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// So many steps.
    pub depth: usize,
    /// Whether columns count that only decide on rows.
    pub influences: bool,
}

/// All flows of a project.
#[derive(Debug)]
pub struct Lineage<'a> {
    analysis: &'a Analysis,
    /// By relation and the column in lower case, without the fields inside of it.
    readers: BTreeMap<(Relation, String), Vec<Reading>>,
}

/// A flow into the part of a value that it becomes.
#[derive(Debug)]
struct Reading {
    flow: Flow,
    /// Whether the fields of what is read are those of what it becomes.
    keeps_fields: bool,
}

impl FlowKind {
    /// One word: `passed`, `transformed`, `aggregated`; `filter`, `join`, `group`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Origin(OriginKind::Passed) => "passed",
            Self::Origin(OriginKind::Transformed) => "transformed",
            Self::Origin(OriginKind::Aggregated) => "aggregated",
            Self::Influence(InfluenceKind::Filter) => "filter",
            Self::Influence(InfluenceKind::Join) => "join",
            Self::Influence(InfluenceKind::Group) => "group",
        }
    }
}

impl Node {
    /// The rows of the same relation.
    #[must_use]
    pub fn rows(&self) -> Self {
        Self { relation: self.relation.clone(), column: None }
    }
}

impl<'a> Lineage<'a> {
    /// Of all actions of a project.
    pub fn new(graph: &Graph, analysis: &'a Analysis) -> Self {
        let mut lineage = Self { analysis, readers: BTreeMap::new() };
        let mut readers: BTreeMap<(Relation, String), Vec<Reading>> = BTreeMap::new();
        for (id, action) in graph.iter() {
            // What an assertion selects is read by nobody.
            let columns = match action.kind {
                Kind::Assertion(_) => &[],
                _ => analysis.facts(id).map(|facts| facts.columns.known.as_slice()).unwrap_or_default(),
            };
            let parts = columns.iter().flat_map(|column| lineage.readings_of(id, column));
            let influences = lineage.influences_on(id).map(|flow| Reading { flow, keeps_fields: false });
            for reading in parts.chain(influences) {
                readers.entry(lineage.key(&reading.flow.from)).or_default().push(reading);
            }
        }
        lineage.readers = readers;
        lineage
    }

    /// A column of an action, by its name or the path of a field; as the action has it, if it is known to have it.
    pub fn node(&self, relation: Relation, path: &str) -> Node {
        let (column, field) = self.split(&relation, path);
        let known = self.column(&relation, &column).and_then(|column| column.name.as_deref());
        let name = join(known.unwrap_or(&column), &field);
        Node { relation, column: Some(name) }
    }

    /// The columns of an action that are known; where there may be others also those that somebody reads.
    pub fn columns(&self, id: ActionId) -> Vec<Node> {
        let relation = Relation::Action(id);
        let facts = self.analysis.facts(id);
        let names = facts.into_iter().flat_map(|facts| facts.columns.visible()).filter_map(|(_, column)| {
            Some(Node { relation: relation.clone(), column: Some(column.name.as_deref()?.to_owned()) })
        });
        let mut columns: Vec<Node> = names.collect();
        let read = self.readers.range((relation.clone(), String::new())..).map_while(|(key, readings)| {
            let (column, _) = self.split(&key.0, readings.first()?.flow.from.column.as_deref()?);
            (key.0 == relation).then(|| Node { relation: relation.clone(), column: Some(column) })
        });
        let read: Vec<Node> = read.filter(|node| !columns.contains(node)).collect();
        columns.extend(read);
        columns
    }

    /// What is known of the column of a node; `None` too if it is a field inside of it.
    pub fn described(&self, node: &Node) -> Option<&Column> {
        self.column(&node.relation, node.column.as_deref()?)
    }

    /// The type of a column, or of a field inside of it; unknown too where the node is no column.
    pub fn data_type(&self, node: &Node) -> DataType {
        let (name, field) = self.split(&node.relation, node.column.as_deref().unwrap_or_default());
        let column = self.column(&node.relation, &name).map(|column| column.data_type.clone()).unwrap_or_default();
        field.split('.').filter(|step| !step.is_empty()).fold(column, |data_type, step| field_of(&data_type, step))
    }

    /// All flows that can be reached from some nodes, each once, the nearest first.
    pub fn walk(&self, roots: &[Node], direction: Direction, reach: Reach) -> Vec<Flow> {
        let mut flows = Vec::new();
        let mut known = HashSet::new();
        let mut expanded: HashSet<Node> = HashSet::new();
        let mut edge = roots.to_vec();
        for _ in 0..reach.depth {
            let mut next = Vec::new();
            for node in std::mem::take(&mut edge) {
                if !expanded.insert(node.clone()) {
                    continue;
                }
                let mut found = match direction {
                    Direction::Up => self.sources(&node),
                    Direction::Down => self.targets(&node),
                };
                if direction == Direction::Up && expanded.insert(node.rows()) {
                    found.extend(self.sources(&node.rows()));
                }
                found.retain(|flow| reach.influences || matches!(flow.kind, FlowKind::Origin(_)));
                for flow in found.into_iter().filter(|flow| known.insert(flow.clone())) {
                    next.push(match direction {
                        Direction::Up => flow.from.clone(),
                        Direction::Down => flow.to.clone(),
                    });
                    flows.push(flow);
                }
            }
            edge = next;
            if edge.is_empty() {
                break;
            }
        }
        flows
    }

    /// What a node comes from.
    fn sources(&self, node: &Node) -> Vec<Flow> {
        let Relation::Action(id) = node.relation else { return Vec::new() };
        let Some(path) = &node.column else { return self.influences_on(id).collect() };
        let (name, field) = self.split(&node.relation, path);
        let Some(column) = self.column(&node.relation, &name) else { return Vec::new() };
        let origins = column.origins.iter().filter_map(|origin| origin.at(&field));
        let flows = origins.map(|origin| Flow {
            from: self.node(own_as(&origin.relation, id), &origin.column),
            to: node.clone(),
            kind: FlowKind::Origin(origin.kind_of_whole()),
        });
        flows.collect()
    }

    /// What a node becomes.
    fn targets(&self, node: &Node) -> Vec<Flow> {
        let Some(path) = &node.column else { return Vec::new() };
        let field = self.split(&node.relation, path).1;
        let readers = self.readers.get(&self.key(node)).map(Vec::as_slice).unwrap_or_default();
        let flows = readers.iter().filter_map(|Reading { flow, keeps_fields }| {
            let read = self.split(&flow.from.relation, flow.from.column.as_deref()?).1;
            let to = match below(&field, &read) {
                // All of the field goes there, with what is inside of it.
                Some(rest) if *keeps_fields => within(flow.to.clone(), rest),
                Some(_) => flow.to.clone(),
                // A part of it is read.
                None => below(&read, &field).map(|_| flow.to.clone())?,
            };
            Some(Flow { from: node.clone(), to, kind: flow.kind })
        });
        flows.collect()
    }

    fn readings_of<'s>(&'s self, id: ActionId, column: &'s Column) -> impl Iterator<Item = Reading> + 's {
        let name = column.name.as_deref();
        column.origins.iter().filter_map(move |origin| {
            let field = if let Part::Field(field) = &origin.part { field } else { "" };
            let from = self.node(own_as(&origin.relation, id), &origin.column);
            let to = Node { relation: Relation::Action(id), column: Some(join(name?, field)) };
            let flow = Flow { from, to, kind: FlowKind::Origin(origin.kind) };
            Some(Reading { flow, keeps_fields: origin.part != Part::None })
        })
    }

    fn influences_on(&self, id: ActionId) -> impl Iterator<Item = Flow> + '_ {
        let influences = self.analysis.facts(id).into_iter().flat_map(|facts| &facts.influences);
        influences.map(move |influence| Flow {
            from: self.node(own_as(&influence.relation, id), &influence.column),
            to: Node { relation: Relation::Action(id), column: None },
            kind: FlowKind::Influence(influence.kind),
        })
    }

    fn key(&self, node: &Node) -> (Relation, String) {
        let column = node.column.as_deref().unwrap_or_default();
        (node.relation.clone(), self.split(&node.relation, column).0.to_lowercase())
    }

    fn column(&self, relation: &Relation, name: &str) -> Option<&Column> {
        let Relation::Action(id) = relation else { return None };
        let known = &self.analysis.facts(*id)?.columns.known;
        let is =
            |column: &&Column, same: fn(&str, &str) -> bool| column.name.as_deref().is_some_and(|own| same(own, name));
        let exact = known.iter().find(|column| is(column, |one, other| one == other));
        exact.or_else(|| known.iter().find(|column| is(column, str::eq_ignore_ascii_case)))
    }

    /// The name of a column and the path of the field in it. A name may have dots in it itself.
    fn split(&self, relation: &Relation, path: &str) -> (String, String) {
        let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
        let known = ends.rev().find(|end| self.column(relation, &path[..*end]).is_some());
        let end = known.or_else(|| path.find('.')).unwrap_or(path.len());
        (path[..end].to_owned(), path[end..].trim_start_matches('.').to_owned())
    }
}

/// The table of the model itself is the model's.
fn own_as(relation: &Relation, id: ActionId) -> Relation {
    match relation {
        Relation::Own => Relation::Action(id),
        other => other.clone(),
    }
}

/// The field of a column; the column if the path is empty.
fn within(node: Node, field: &str) -> Node {
    Node { column: node.column.map(|column| join(&column, field)), ..node }
}

/// The type of a field; of an array of structs that of the field in each.
fn field_of(data_type: &DataType, name: &str) -> DataType {
    match data_type {
        DataType::Array(element) => field_of(element, name),
        DataType::Struct(fields) => {
            let is_it = |field: &&Field| field.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name));
            fields.iter().find(is_it).map(|field| field.data_type.clone()).unwrap_or_default()
        }
        _ => DataType::Unknown,
    }
}
