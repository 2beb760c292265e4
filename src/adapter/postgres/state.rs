//! What the catalogue says of the targets of a project, in one query or two.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::adapter::{AdapterError, Session};
use crate::dialect::Dialect;
use crate::relation::{Column, Layout, Relation, RelationKind, Target, WarehouseState};

/// The schema of targets that name none is the session's own.
pub(super) fn read(
    session: &mut dyn Session,
    targets: &[Target],
    dialect: &dyn Dialect,
) -> Result<WarehouseState, AdapterError> {
    let fold = |name: &str| if dialect.ignores_case() { name.to_ascii_lowercase() } else { name.to_owned() };
    let literal = |text: &str| dialect.string(&fold(text));
    let materialized = match dialect.materialized_views() {
        None => Vec::new(),
        Some(sql) => session.rows(sql)?,
    };
    let is_materialized = |schema: &str, name: &str| {
        let is = |value: Option<&Option<String>>, wanted: &str| {
            value.and_then(Option::as_deref).map(fold).as_deref() == Some(wanted)
        };
        materialized.iter().any(|row| is(row.first(), schema) && is(row.get(1), name))
    };
    let schemas: BTreeSet<&str> = targets.iter().filter_map(|target| target.schema.as_deref()).collect();
    let schemas: Vec<String> = schemas.into_iter().map(literal).chain(["current_schema()".to_owned()]).collect();
    let schemas = schemas.join(", ");
    // The catalogue itself stays out: some projects have a schema with many thousands of tables that are not theirs.
    let names: BTreeSet<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    let names: Vec<String> = names.into_iter().map(literal).collect();
    let names = if names.is_empty() { "''".to_owned() } else { names.join(", ") };
    let (schema_name, name) =
        if dialect.ignores_case() { ("lower(n.nspname)", "lower(c.relname)") } else { ("n.nspname", "c.relname") };
    let sql = format!(
        "select {schema_name}, n.nspname = current_schema(), {name}, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod)\n\
         from pg_namespace n\n\
         left join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p', 'f', 'v', 'm') and {name} in ({names})\n\
         left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped\n\
         where {schema_name} in ({schemas})\n\
         order by n.nspname, c.relname, a.attnum"
    );
    let rows = session.rows(&sql)?;
    let mut found: HashMap<(String, String), Relation> = HashMap::new();
    let mut there = HashSet::new();
    let mut current = String::new();
    for row in rows {
        let mut values = row.into_iter();
        let mut next = || values.next().flatten();
        let (Some(schema), is_current) = (next(), next()) else { continue };
        if is_current.as_deref() == Some("t") {
            current.clone_from(&schema);
        }
        there.insert(schema.clone());
        let (Some(name), kind) = (next(), next()) else { continue };
        let kind = match kind.as_deref() {
            Some("v") if is_materialized(&schema, &name) => RelationKind::MaterializedView,
            Some("v") => RelationKind::View,
            Some("m") => RelationKind::MaterializedView,
            _ => RelationKind::Table,
        };
        let relation = found.entry((schema, name)).or_insert_with(|| Relation {
            kind,
            columns: Vec::new(),
            layout: Layout::default(),
        });
        if let (Some(name), Some(data_type)) = (next(), next()) {
            relation.columns.push(Column { name, data_type });
        }
    }
    let schema_of = |target: &Target| target.schema.as_deref().map_or_else(|| current.clone(), fold);
    let relations = targets.iter().filter_map(|target| {
        let relation = found.get(&(schema_of(target), fold(&target.name)))?;
        Some((target.clone(), relation.clone()))
    });
    let with_schema = targets.iter().filter(|target| there.contains(&schema_of(target))).cloned();
    Ok(WarehouseState {
        relations: relations.collect(),
        with_schema: with_schema.collect(),
        ..WarehouseState::default()
    })
}
