//! The tables of a property graph: what its entities and its relationships have.

use std::collections::BTreeMap;

use crate::action::{GraphEndpoint, GraphField, GraphLabel, GraphProperties, GraphTable};
use crate::config::{Reader, Spanned, Value, ValueKind};
use crate::diagnostic::{article, did_you_mean};
use crate::files::Span;
use crate::project::Defaults;
use crate::relation::Target;
use crate::template::config::plain;

/// What a label is besides its name.
struct Shown {
    description: Option<String>,
    synonyms: Vec<String>,
    properties: Option<GraphProperties>,
}

/// An entity, or what a relationship has in common with one: `word` says which. `place` is the start of it.
pub(super) fn table(reader: &mut Reader<'_>, word: &str, place: Span, defaults: &Defaults) -> Option<GraphTable> {
    let name = name(reader, &format!("{} {word}", article(word)), place);
    let (place, called) = match &name {
        Some(name) => (name.span, format!("{word} `{}`", name.value)),
        None => (place, format!("the {word}")),
    };
    let source = source(reader, &called, place, defaults);
    let has_keys = reader.has("keys");
    let keys = reader.string_or_strings("keys");
    if word == "entity" && (!has_keys || keys.as_ref().is_some_and(|keys| keys.value.is_empty())) {
        let help = "add `keys: …`, the columns that tell its rows apart".to_owned();
        reader.refuse(place, format!("{called} has no `keys`"), Some(help));
    }
    let keys = keys.map(|keys| plain(keys.value)).unwrap_or_default();
    let labels = labels(reader, name.as_ref().map_or("", |name| &name.value), &called);
    Some(GraphTable { name: name?.value, source: source?, keys, labels })
}

/// Reads an item of a list; what is no object is reported, and nothing is missed in it.
pub(super) fn object<'a, T>(
    reader: &mut Reader<'a>,
    item: &'a Value,
    what: &'a str,
    read: impl FnOnce(&mut Reader<'a>) -> Option<T>,
) -> Option<T> {
    if matches!(item.kind, ValueKind::Object { .. }) {
        return reader.item(item, what, read);
    }
    reader.refuse_type(what, "an object", item);
    None
}

/// The `name` of something.
pub(super) fn name(reader: &mut Reader<'_>, of: &str, place: Span) -> Option<Spanned<String>> {
    let is_there = reader.has("name");
    let name = reader.string("name").filter(|name| !name.value.is_empty());
    if !is_there {
        reader.refuse(place, format!("{of} needs a `name`"), Some("add `name: …`".to_owned()));
    }
    name
}

/// A text; an empty one counts as missing.
pub(super) fn text<'a>(reader: &mut Reader<'a>, key: &'a str) -> Option<String> {
    reader.string(key).map(|text| text.value).filter(|text| !text.is_empty())
}

fn texts<'a>(reader: &mut Reader<'a>, key: &'a str) -> Vec<String> {
    reader.strings(key).map(|texts| plain(texts.value)).unwrap_or_default()
}

/// The table in the warehouse.
fn source(reader: &mut Reader<'_>, called: &str, place: Span, defaults: &Defaults) -> Option<Target> {
    let help = || Some("write it as `project.dataset.table`".to_owned());
    let no_catalog = "Dataform takes no tables of external catalogs into a property graph";
    let catalog = reader.raw("dataSourceCatalog").map(|value| value.span);
    let has_source = reader.has("dataSourceString") || reader.has("dataSourceDataset") || catalog.is_some();
    let path = reader.string("dataSourceString");
    let dataset = reader.object("dataSourceDataset", "`dataSourceDataset`", |dataset| {
        (text(dataset, "project"), text(dataset, "dataset"), text(dataset, "table"))
    });
    if let Some(span) = catalog {
        reader.refuse(span, no_catalog, Some("name a table of BigQuery's in `dataSourceString`".to_owned()));
        return None;
    }
    if !has_source {
        let help = "add `dataSourceString: project.dataset.table`".to_owned();
        reader.refuse(place, format!("{called} does not say which table it is"), Some(help));
    }
    if let Some(path) = path {
        let parts: Vec<&str> = path.value.split('.').collect();
        return match parts[..] {
            [database, schema, name] if parts.iter().all(|part| !part.is_empty()) => Some(Target {
                database: Some(database.to_owned()),
                schema: Some(schema.to_owned()),
                name: name.to_owned(),
            }),
            [_, _, _, _] => {
                reader.refuse(path.span, no_catalog, help());
                None
            }
            _ => {
                reader.refuse(path.span, format!("`{}` is not the full name of a table", path.value), help());
                None
            }
        };
    }
    let Spanned { value: (database, schema, name), span } = dataset?;
    let schema = schema.or_else(|| defaults.schema.clone());
    for (key, is_missing) in [("dataset", schema.is_none()), ("table", name.is_none())] {
        if is_missing {
            reader.refuse(span, format!("`dataSourceDataset` has no `{key}`"), Some(format!("add `{key}: …`")));
        }
    }
    Some(Target { database: database.or_else(|| defaults.database.clone()), schema: Some(schema?), name: name? })
}

/// The labels in a list, or the default one if the table says itself what it shows.
fn labels(reader: &mut Reader<'_>, table: &str, called: &str) -> Vec<GraphLabel> {
    let Shown { description, synonyms, properties } = shown(reader);
    let list = reader.raw("labels").map(|value| value.span);
    let items = reader.list("labels").unwrap_or_default();
    if items.is_empty() {
        let is_default = properties.is_some() || description.is_some() || !synonyms.is_empty();
        let label = GraphLabel { name: table.to_owned(), is_default, description, synonyms, properties };
        return is_default.then_some(label).into_iter().collect();
    }
    if let (Some(_), Some(list)) = (properties, list) {
        let help = "move the `fields` into one of its labels".to_owned();
        reader.refuse(list, format!("{called} has both `fields` and `labels`"), Some(help));
    }
    let labels = items.iter().filter_map(|item| object(reader, item, "a label", |reader| label(reader, item.span)));
    labels.collect()
}

fn label(reader: &mut Reader<'_>, place: Span) -> Option<GraphLabel> {
    let name = name(reader, "a label", place);
    let before = reader.count_of_problems();
    let Shown { description, synonyms, properties } = shown(reader);
    let name = name?;
    let is_empty = properties.is_none() && description.is_none() && synonyms.is_empty();
    if is_empty && reader.count_of_problems() == before {
        let help = "add `fields`, a list of columns, or `fields: { importAll: true }`".to_owned();
        reader.refuse(name.span, format!("label `{}` shows nothing", name.value), Some(help));
    }
    Some(GraphLabel { name: name.value, is_default: false, description, synonyms, properties })
}

fn shown(reader: &mut Reader<'_>) -> Shown {
    let (description, synonyms) = (text(reader, "description"), texts(reader, "synonyms"));
    let wildcard = reader.object("fieldWildcard", "`fieldWildcard`", all_columns);
    let wildcard = wildcard.and_then(|wildcard| wildcard.value);
    let fields = match reader.raw("fields") {
        Some(Value { kind: ValueKind::Object { .. }, .. }) => {
            reader.object("fields", "`fields`", all_columns).and_then(|wildcard| wildcard.value)
        }
        Some(Value { kind: ValueKind::Array(items), .. }) => {
            let fields = items.iter().filter_map(|item| field(reader, item)).collect::<Vec<_>>();
            (!fields.is_empty()).then_some(GraphProperties::Fields(fields))
        }
        Some(other) => {
            reader.refuse_type("`fields`", "a list or an object", other);
            None
        }
        None => None,
    };
    if let (Some(_), Some(_), Some(value)) = (&wildcard, &fields, reader.raw("fields")) {
        let help = "take out one of the two: all columns are shown already".to_owned();
        reader.warn(value.span, "`fields` have no effect beside `fieldWildcard`", Some(help));
    }
    Shown { description, synonyms, properties: wildcard.or(fields) }
}

fn all_columns(reader: &mut Reader<'_>) -> Option<GraphProperties> {
    let import_all = reader.bool("importAll").is_some_and(|all| all.value);
    let except = reader.strings("except");
    if let Some(except) = except.as_ref().filter(|except| !import_all && !except.value.is_empty()) {
        let help = "add `importAll: true`, or list the columns that are shown".to_owned();
        reader.refuse(except.span, "`except` has no meaning without `importAll`", Some(help));
    }
    import_all.then(|| GraphProperties::All { except: except.map(|except| plain(except.value)).unwrap_or_default() })
}

/// A column, or an expression with its name.
fn field<'a>(reader: &mut Reader<'a>, item: &'a Value) -> Option<GraphField> {
    if let ValueKind::String(name) = &item.kind {
        let (name, expression) = (name.clone(), name.clone());
        return Some(GraphField { name, expression, description: None, synonyms: Vec::new() });
    }
    object(reader, item, "a field", |field| {
        let name = name(field, "a field", item.span);
        let expression = text(field, "expression");
        let (description, synonyms) = (text(field, "description"), texts(field, "synonyms"));
        let name = name?.value;
        Some(GraphField { expression: expression.unwrap_or_else(|| name.clone()), name, description, synonyms })
    })
}

/// The `source` or `destination` of a relationship. `entities` are those of the graph with their keys, if these are known.
pub(super) fn endpoint(
    reader: &mut Reader<'_>,
    key: &'static str,
    place: Span,
    entities: &BTreeMap<&str, Option<&[String]>>,
) -> Option<GraphEndpoint> {
    let Some(whole) = reader.raw(key).map(|value| value.span) else {
        let help = format!("add `{key}: {{ entity: …, joinKeys: […] }}`");
        reader.refuse(place, format!("the relationship has no `{key}`"), Some(help));
        return None;
    };
    let what = if key == "source" { "`source`" } else { "`destination`" };
    let end = reader.object(key, what, |end| {
        let has_entity = end.has("entity");
        let entity = end.string("entity");
        if !has_entity {
            let help = "add `entity: …`, the name of one of the `entities`".to_owned();
            end.refuse(whole, format!("{what} names no entity"), Some(help));
        }
        let keys = join_keys(end, what, whole);
        let entity = entity?;
        let Some(entity_keys) = entities.get(entity.value.as_str()) else {
            let all = || format!("the entities are `{}`", entities.keys().copied().collect::<Vec<_>>().join("`, `"));
            let near = did_you_mean(&entity.value, entities.keys().copied());
            let help = near.or_else(|| (!entities.is_empty()).then(all));
            end.refuse(entity.span, format!("there is no entity `{}`", entity.value), help);
            return None;
        };
        let Spanned { value: (columns, own), span } = keys?;
        let entity_columns = if own.is_empty() { entity_keys.map(<[String]>::to_vec)? } else { own };
        if columns.len() != entity_columns.len() {
            let message = format!(
                "{what} joins {} of the relationship with {} of `{}`",
                count_of_columns(columns.len()),
                count_of_columns(entity_columns.len()),
                entity.value,
            );
            let help = format!("name a column of the relationship for each of `{}`", entity_columns.join("`, `"));
            end.refuse(span, message, Some(help));
            return None;
        }
        Some(GraphEndpoint { entity: entity.value, columns, entity_columns })
    });
    end.and_then(|end| end.value)
}

/// Columns of the relationship, and those of the entity if they are written.
fn join_keys(end: &mut Reader<'_>, what: &str, whole: Span) -> Option<Spanned<(Vec<String>, Vec<String>)>> {
    let help = || Some("write `joinKeys: […]`, columns of the relationship".to_owned());
    let Some(value) = end.raw("joinKeys") else {
        end.refuse(whole, format!("{what} has no `joinKeys`"), help());
        return None;
    };
    let (columns, entity_columns) = match &value.kind {
        ValueKind::Object { .. } => {
            let keys = end.object("joinKeys", "`joinKeys`", |keys| {
                let before = keys.count_of_problems();
                let both = (texts(keys, "relationshipColumns"), texts(keys, "entityColumns"));
                (keys.count_of_problems() == before).then_some(both)
            });
            keys?.value?
        }
        _ => (plain(end.strings("joinKeys")?.value), Vec::new()),
    };
    if columns.is_empty() {
        end.refuse(value.span, "`joinKeys` name no columns of the relationship", help());
        return None;
    }
    Some(Spanned { value: (columns, entity_columns), span: value.span })
}

fn count_of_columns(count: usize) -> String {
    if count == 1 { "1 column".to_owned() } else { format!("{count} columns") }
}
