use std::fmt::Write;

use crate::dialect::postgres::{describe_columns, widened};
use crate::dialect::syntax::{self, Grammar};
use crate::dialect::translate::ToDuckDb;
use crate::dialect::{
    Capabilities, Clauses, Command, Deletion, Dialect, Filling, MaterializedViews, NullSafe, Postgres, Publication,
    Replacement, Storage, Upsert, Widening,
};
use crate::relation::{DistStyle, PhysicalOptions, RelationKind, Target};

/// Amazon Redshift.
#[derive(Debug)]
pub struct Redshift;

impl Dialect for Redshift {
    fn name(&self) -> &'static str {
        "redshift"
    }

    fn identifier(&self, name: &str) -> String {
        Postgres.identifier(name)
    }

    fn string(&self, text: &str) -> String {
        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    }

    /// Without its database, as Dataform writes it.
    fn relation(&self, target: &Target) -> String {
        Postgres.relation(target)
    }

    fn schema(&self, target: &Target) -> Option<String> {
        Postgres.schema(target)
    }

    fn grammar(&self) -> &dyn Grammar {
        &syntax::Redshift
    }

    fn ignores_trailing_blanks(&self) -> bool {
        true
    }

    fn session_values(&self) -> &'static [&'static str] {
        Postgres.session_values()
    }

    fn to_duckdb(&self) -> Option<ToDuckDb> {
        Some(ToDuckDb::REDSHIFT)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            replacement: Replacement::Swap,
            upsert: Upsert::DeleteAndInsert,
            transactional_ddl: true,
            retypes_columns: false,
            // "ALTER TABLE ALTER COLUMN cannot run inside a transaction block"
            widening: Widening::Apart,
            materialized_views: MaterializedViews::DroppedFirst,
            // It has no `is distinct from`.
            null_safe: NullSafe::Spelled,
            deletion: Deletion::Using,
        }
    }

    fn longest_name(&self) -> usize {
        127
    }

    fn clauses(&self, kind: RelationKind, storage: &Storage<'_>) -> Clauses {
        let options = storage.options;
        match kind {
            // What a late-binding view stands on can be replaced under it.
            RelationKind::View if !options.redshift.bind => {
                Clauses { after: "\nwith no schema binding", ..Clauses::default() }
            }
            RelationKind::View => Clauses::default(),
            RelationKind::Table | RelationKind::MaterializedView => {
                let backup = if options.redshift.no_backup { "backup no " } else { "" };
                Clauses { before: format!("{backup}{}", keys(options)), ..Clauses::default() }
            }
        }
    }

    /// "You can't specify column compression encodings for CTAS tables […] To explicitly assign column encodings, use CREATE
    /// TABLE" (the manual, CTAS usage notes). `alter column … encode` would write the table twice, and the manual does not
    /// say that it can be in a transaction, as `alter column … type` cannot.
    fn filling(&self, options: &PhysicalOptions) -> Filling {
        if options.redshift.encode.is_empty() { Filling::FromQuery } else { Filling::Defined }
    }

    fn column_clause(&self, column: &str, options: &PhysicalOptions) -> String {
        let mut encodings = options.redshift.encode.iter();
        let encoding = encodings.find(|(name, _)| name.eq_ignore_ascii_case(column));
        encoding.map(|(_, encoding)| format!(" encode {}", encoding.word())).unwrap_or_default()
    }

    /// With the keys of the table, so that rows find each other without being sent around.
    fn temporary_table(&self, name: &str, options: &PhysicalOptions) -> String {
        format!("create temporary table {name} {}as\n", keys(options))
    }

    fn cast_if_possible(&self, expression: &str, data_type: &str) -> String {
        Postgres.cast_if_possible(expression, data_type)
    }

    fn describe_columns(&self, kind: RelationKind, target: &Target, columns: &[(&str, &str)]) -> Option<Command> {
        // A late-binding view has no columns in the catalogue.
        describe_columns(self, target, columns).filter(|_| kind == RelationKind::Table)
    }

    fn publish(&self, publication: &Publication<'_>) -> Vec<Command> {
        let Publication { target, made, existing, .. } = *publication;
        let (place, new) = (self.relation(target), self.relation(made));
        let rename = format!("alter table {new} rename to {}", self.identifier(&target.name));
        let Some(existing) = existing else { return vec![Command::Run(rename)] };
        let old = Target { name: format!("{}_old", made.name), ..target.clone() };
        vec![
            Command::Each { query: privileges(target, &new), between: Vec::new() },
            Command::Each {
                query: bound_views(target),
                between: vec![format!("alter table {place} rename to {}", self.identifier(&old.name)), rename],
            },
            Command::Run(format!("drop {existing} {}", self.relation(&old))),
        ]
    }

    fn widened(&self, table: &str, query: &str) -> Option<String> {
        widened(table, query)
    }
}

/// `diststyle … distkey(…) … sortkey(…)`, with a blank at its end.
fn keys(options: &PhysicalOptions) -> String {
    let options = &options.redshift;
    let mut keys = String::new();
    let style = options.dist_style.or(options.dist_key.as_ref().map(|_| DistStyle::Key));
    if let Some(style) = style {
        let _ = write!(keys, "diststyle {} ", style.word());
    }
    if let Some(key) = &options.dist_key {
        let _ = write!(keys, "distkey ({}) ", Postgres.identifier(key));
    }
    if !options.sort_keys.is_empty() {
        let columns: Vec<String> = options.sort_keys.iter().map(|key| Postgres.identifier(key)).collect();
        let style = options.sort_style.map(|style| format!("{} ", style.word())).unwrap_or_default();
        let _ = write!(keys, "{style}sortkey ({}) ", columns.join(", "));
    }
    keys
}

/// The schema and the name of a relation as literals.
fn literals(target: &Target) -> (String, String) {
    (Redshift.string(target.schema.as_deref().unwrap_or("public")), Redshift.string(&target.name))
}

/// A query for the statements that give the relation `made` what may be done with the one in its place.
fn privileges(target: &Target, made: &str) -> String {
    let (schema, name) = literals(target);
    let to = Redshift.string(&format!(" on {made} to "));
    format!(
        "select 'grant ' || privilege_type || {to} || case identity_type when 'public' then 'public' when 'user' then \
         quote_ident(identity_name) else identity_type || ' ' || quote_ident(identity_name) end\n\
         from svv_relation_privileges where namespace_name = {schema} and relation_name = {name}"
    )
}

/// A query for the statements that bind the views that stand on a relation to the one that takes its place.
fn bound_views(target: &Target) -> String {
    let (schema, name) = literals(target);
    format!(
        "select distinct 'create or replace view ' || quote_ident(dependent_schema.nspname) || '.' || \
         quote_ident(dependent.relname) || ' as ' || pg_get_viewdef(dependent.oid)\n\
         from pg_class as base join pg_namespace as base_schema on base_schema.oid = base.relnamespace\n\
         join pg_depend on pg_depend.refobjid = base.oid join pg_rewrite on pg_rewrite.oid = pg_depend.objid\n\
         join pg_class as dependent on dependent.oid = pg_rewrite.ev_class and dependent.oid <> base.oid\n\
         join pg_namespace as dependent_schema on dependent_schema.oid = dependent.relnamespace\n\
         where base_schema.nspname = {schema} and base.relname = {name} and dependent.relkind = 'v'"
    )
}
