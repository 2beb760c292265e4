//! `graph.yaml`: the property graph of a project.

use std::collections::BTreeMap;

use crate::action::{GraphRelationship, GraphTable, Kind, Node, PropertyGraph};
use crate::config::{Entry, Reader, Spanned, Value, ValueKind};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::files::{SourceFile, Span};
use crate::project::Defaults;
use crate::relation::Target;
use crate::template::declare::graph_body::body;
use crate::template::declare::graph_table::{endpoint, name, object, table, text};
use crate::template::declare::{Declared, Declarer, What};

/// The keys of several words, which may be written in either way.
const SPELLINGS: [(&str, &str); 11] = [
    ("data_source_catalog", "dataSourceCatalog"),
    ("data_source_dataset", "dataSourceDataset"),
    ("data_source_string", "dataSourceString"),
    ("dataset_id", "datasetId"),
    ("entity_columns", "entityColumns"),
    ("field_wildcard", "fieldWildcard"),
    ("import_all", "importAll"),
    ("join_keys", "joinKeys"),
    ("project_id", "projectId"),
    ("relationship_columns", "relationshipColumns"),
    ("target_dataset", "targetDataset"),
];

const HOW: &str =
    "a property graph is a `name` and its `entities`, each with a `name`, a `dataSourceString` and `keys`";

/// A property graph as it is written.
#[derive(Debug)]
struct GraphFile {
    name: Spanned<String>,
    database: Option<String>,
    schema: Option<String>,
    description: Option<String>,
    graph: PropertyGraph,
}

impl Declarer<'_> {
    /// Declares the property graph of the project, if it has one.
    pub(super) fn property_graph(&mut self) {
        let files = self.project.property_graphs.iter().map(|id| self.project.sources.get(*id));
        let files: Vec<&SourceFile> = files.collect();
        let Some((file, others)) = files.split_first() else { return };
        self.diagnostics.extend(others.iter().map(|other| {
            Diagnostic::error(Code::InvalidConfig, "a project has one property graph at the most")
                .at(other.whole().at_start(), "")
                .at(file.whole().at_start(), "the first one")
                .help("make one file of them: a graph may hold any number of entities")
        }));
        let mut tree = match crate::config::parse_yaml(file) {
            Ok(tree) => tree,
            Err(diagnostic) => return self.diagnostics.push(Diagnostic { code: Code::InvalidConfig, ..diagnostic }),
        };
        spell_alike(&mut tree);
        let defaults = &self.project.settings.defaults;
        let (read, found) = read(&tree, defaults);
        self.diagnostics.extend(found);
        let Some(GraphFile { name, database, schema, description, graph }) = read else { return };
        let named = Target {
            database: database.or_else(|| defaults.database.clone()),
            schema: schema.or_else(|| defaults.schema.clone()),
            name: name.value,
        };
        self.declared.push(Declared {
            canonical: named.clone(),
            target: self.naming.apply(&named),
            named,
            name_span: name.span,
            file_name: None,
            what: What::Ready { kind: Box::new(Kind::Node(Box::new(Node::PropertyGraph(graph)))), description },
        });
    }
}

/// Writes all keys that are known as Dataform's code does.
fn spell_alike(value: &mut Value) {
    match &mut value.kind {
        ValueKind::Array(items) => items.iter_mut().for_each(spell_alike),
        ValueKind::Object { entries, .. } => {
            for Entry { key, value, .. } in entries {
                if let Some((_, known)) = SPELLINGS.iter().find(|(snake, _)| snake == key) {
                    (*known).clone_into(key);
                }
                spell_alike(value);
            }
        }
        _ => {}
    }
}

/// The graph, if it has a name.
fn read(tree: &Value, defaults: &Defaults) -> (Option<GraphFile>, Diagnostics) {
    let is_graph = matches!(&tree.kind, ValueKind::Object { entries, .. } if !entries.is_empty());
    if !is_graph {
        let diagnostic = Diagnostic::error(Code::InvalidConfig, "there is no property graph in this file");
        let mut found = Diagnostics::default();
        found.push(diagnostic.at(tree.span, "").help(HOW));
        return (None, found);
    }
    let mut reader =
        Reader::new(tree, "a property graph", Code::UnknownConfigKey, Code::InvalidConfig).lists_only(true);
    let name = name(&mut reader, "the property graph", tree.span);
    let description = text(&mut reader, "description");
    let dataset = reader
        .object("targetDataset", "`targetDataset`", |dataset| (text(dataset, "projectId"), text(dataset, "datasetId")));
    let (database, schema) = dataset.map(|dataset| dataset.value).unwrap_or_default();

    let has_entities = reader.has("entities");
    let items = reader.list("entities");
    if !has_entities || items.is_some_and(<[Value]>::is_empty) {
        let place = name.as_ref().map_or(tree.span, |name| name.span);
        reader.refuse(place, "the property graph has no `entities`", Some(HOW.to_owned()));
    }
    let items = items.unwrap_or_default();
    let entities: Vec<Option<GraphTable>> = items
        .iter()
        .map(|item| object(&mut reader, item, "an entity", |entity| table(entity, "entity", item.span, defaults)))
        .collect();
    // An entity that has a mistake in it is an entity all the same.
    let known = items.iter().zip(&entities).filter_map(|(item, entity)| {
        let ValueKind::String(name) = &item.entry("name")?.value.kind else { return None };
        Some((name.as_str(), entity.as_ref().map(|entity| entity.keys.as_slice()).filter(|keys| !keys.is_empty())))
    });
    let known: BTreeMap<&str, Option<&[String]>> = known.collect();

    let edges = reader.list("relationships").unwrap_or_default();
    let relationships: Vec<Option<GraphRelationship>> = edges
        .iter()
        .map(|item| {
            object(&mut reader, item, "a relationship", |edge| {
                let table = table(edge, "relationship", item.span, defaults);
                let place = item.entry("name").map_or(item.span, |name| name.value.span);
                let source = endpoint(edge, "source", place, &known);
                let destination = endpoint(edge, "destination", place, &known);
                Some(GraphRelationship { table: table?, source: source?, destination: destination? })
            })
        })
        .collect();

    let mut found = reader.finish();
    found.extend(twice(items, "entities"));
    found.extend(twice(edges, "relationships"));
    let entities: Vec<GraphTable> = entities.into_iter().flatten().collect();
    let relationships: Vec<GraphRelationship> = relationships.into_iter().flatten().collect();
    let body = body(&entities, &relationships, description.as_ref());
    let graph = PropertyGraph { entities, relationships, body };
    (name.map(|name| GraphFile { name, database, schema, description, graph }), found)
}

/// Names that two things of a list have.
fn twice(items: &[Value], what: &str) -> Vec<Diagnostic> {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mut found = Vec::new();
    for entry in items.iter().filter_map(|item| item.entry("name")) {
        let ValueKind::String(name) = &entry.value.kind else { continue };
        if let Some(first) = seen.get(name.as_str()) {
            found.push(
                Diagnostic::error(Code::InvalidConfig, format!("two {what} are called `{name}`"))
                    .at(entry.value.span, "")
                    .at(*first, "the first one")
                    .help("rename one of them"),
            );
        } else {
            seen.insert(name, entry.value.span);
        }
    }
    found
}
