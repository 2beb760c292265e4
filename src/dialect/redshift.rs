use std::fmt::Write;

use crate::dialect::postgres::widened;
use crate::dialect::semantics::{self, Semantics};
use crate::dialect::syntax::{self, Grammar};
use crate::dialect::translate::Translation;
use crate::dialect::{
    Capabilities, Clauses, Command, Deletion, Dialect, Filling, MaterializedViews, NullSafe, Postgres, Publication,
    Replacement, SessionZone, Storage, Undoing, Upsert, Widening, Writes,
};
use crate::relation::{Column, DistStyle, PhysicalOptions, RelationKind, Target, Width};

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

    fn semantics(&self) -> &'static dyn Semantics {
        &semantics::Redshift
    }

    /// Names are folded, in quotes too, unless `enable_case_sensitive_identifier` is on.
    fn ignores_case(&self) -> bool {
        true
    }

    /// The tag of its CREATE TABLE AS is a bare `SELECT`.
    fn counts_made_rows(&self) -> bool {
        false
    }

    fn truncate_commits(&self) -> bool {
        true
    }

    fn ignores_trailing_blanks(&self) -> bool {
        true
    }

    fn session_values(&self) -> &'static [&'static str] {
        Postgres.session_values()
    }

    fn to_duckdb(&self) -> Option<Translation> {
        Some(Translation::REDSHIFT_TO_DUCKDB)
    }

    fn to_postgres(&self) -> Option<Translation> {
        Some(Translation::REDSHIFT_TO_POSTGRES)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            replacement: Replacement::Swap,
            upsert: Upsert::DeleteAndInsert,
            transactional_ddl: true,
            undoing: Undoing::Whole,
            retypes_columns: false,
            // "ALTER TABLE ALTER COLUMN cannot run inside a transaction block"
            widening: Widening::Apart,
            materialized_views: MaterializedViews::DroppedFirst,
            // It has no `is distinct from`.
            null_safe: NullSafe::Spelled,
            deletion: Deletion::Using,
            multi_statements: false,
            // "Concurrent transactions that write to the same table" are serialized.
            writes: Writes::OneByOne,
            zone: SessionZone::Utc,
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

    /// Materialized views are views to COMMENT.
    fn describe_relation(&self, kind: RelationKind, name: &str, description: &str) -> Option<String> {
        let kind = if kind == RelationKind::MaterializedView { RelationKind::View } else { kind };
        Postgres.describe_relation(kind, name, description)
    }

    fn describe_columns(&self, kind: RelationKind, target: &Target, columns: &[(&str, &str)]) -> Option<Command> {
        // A late-binding view has no columns in the catalogue.
        (kind == RelationKind::Table && !columns.is_empty()).then(|| described_columns(target, columns))
    }

    fn publish(&self, publication: &Publication<'_>) -> Vec<Command> {
        let Publication { target, made, existing, kind, materialized, .. } = *publication;
        let (place, new) = (self.relation(target), self.relation(made));
        let rename = format!("alter table {new} rename to {}", self.identifier(&target.name));
        let Some(existing) = existing else { return vec![Command::Run(rename)] };
        let mut commands: Vec<Command> = [privileges(target, &new), comments(target, made, kind)]
            .map(|query| Command::Each { query, between: Vec::new() })
            .into();
        if existing == RelationKind::MaterializedView {
            // One that cannot be renamed makes room first.
            commands.extend([format!("drop {existing} if exists {place}"), rename].map(Command::Run));
            return commands;
        }
        let old = Target { name: format!("{}_old", made.name), ..target.clone() };
        commands.push(Command::Each {
            query: bound_views(target),
            between: vec![format!("alter table {place} rename to {}", self.identifier(&old.name)), rename],
        });
        if existing == RelationKind::Table {
            // They keep the table from being dropped, and are about to be made anew.
            let drop =
                |view: &&Target| Command::Run(format!("drop materialized view if exists {}", self.relation(view)));
            commands.extend(materialized.iter().map(drop));
        }
        commands.push(Command::Run(format!("drop {existing} {}", self.relation(&old))));
        commands
    }

    /// Others are seen by a superuser alone.
    fn waits(&self, processes: &[String]) -> Option<String> {
        let processes = processes.join(", ");
        Some(format!(
            "select distinct 'session ' || holder.pid || ' (user ' || trim(holder.txn_owner) || ') holds a lock on ' || \
             trim(pg_class.relname) || ', in a transaction since ' || to_char(holder.txn_start, 'YYYY-MM-DD HH24:MI:SS')\n\
             from svv_transactions as waiter join svv_transactions as holder on holder.relation = waiter.relation\n\
             join pg_class on pg_class.oid = holder.relation\n\
             where not waiter.granted and waiter.pid in ({processes}) and holder.granted and holder.pid not in ({processes})\n\
             and (waiter.lock_mode = 'AccessExclusiveLock' or holder.lock_mode <> 'AccessShareLock')\n\
             order by 1"
        ))
    }

    fn materialized_views(&self) -> Option<&'static str> {
        Some("select trim(schema_name), trim(name) from svv_mv_info")
    }

    fn widened(&self, table: &str, query: &str) -> Option<String> {
        widened(table, query)
    }

    /// There is no text of a whole row: each value is written out, and NULL is told from all texts. 60 bits of `md5` are a
    /// number.
    fn row_hash(&self, columns: &[Column]) -> String {
        let text = |column: &Column| {
            let name = self.identifier(&column.name);
            let text = match column.data_type.as_str() {
                "boolean" => format!("case when {name} then 't' else 'f' end"),
                "super" => format!("json_serialize({name})"),
                _ => format!("cast({name} as varchar)"),
            };
            format!("case when {name} is null then 'n' else 'v' || {text} end")
        };
        let texts: Vec<String> = columns.iter().map(text).collect();
        format!("cast(strtol(left(md5({}), 15), 16) as decimal(38, 0))", texts.join(" || chr(31) || "))
    }

    fn seconds_between(&self, from: &str, from_type: &str, to: &str, to_type: &str) -> String {
        // It takes no zones; sessions are in UTC.
        let moment = |expression: &str, data_type: &str| {
            if data_type.to_ascii_lowercase().ends_with("with time zone") {
                format!("cast({expression} as timestamp)")
            } else {
                expression.to_owned()
            }
        };
        format!("datediff(second, {}, {})", moment(from, from_type), moment(to, to_type))
    }

    /// `current_timestamp` is for the leader node alone.
    fn now(&self) -> (&'static str, &'static str) {
        ("getdate()", "timestamp without time zone")
    }

    fn interval(&self, expression: &str, _data_type: &str, width: Width) -> String {
        format!("to_char({expression}, '{}')", width.to_char())
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

/// The condition that a schema and a name are those of a relation, in whatever case the catalogue has them.
fn is_relation(target: &Target, schema: &str, name: &str) -> String {
    let wanted = |text: &str| Redshift.string(text);
    let (wanted_schema, wanted_name) = (wanted(target.schema.as_deref().unwrap_or("public")), wanted(&target.name));
    format!("lower({schema}) = lower({wanted_schema}) and lower({name}) = lower({wanted_name})")
}

/// A query for the statements that give the relation `made` what may be done with the one in its place.
fn privileges(target: &Target, made: &str) -> String {
    let to = Redshift.string(&format!(" on {made} to "));
    format!(
        "select 'grant ' || privilege_type || {to} || case identity_type when 'public' then 'public' when 'user' then \
         quote_ident(identity_name) else identity_type || ' ' || quote_ident(identity_name) end || case when admin_option \
         then ' with grant option' else '' end\n\
         from svv_relation_privileges where {}",
        is_relation(target, "namespace_name", "relation_name")
    )
}

/// A query for the statements that give the relation `made` the comments of the one in its place that it has none for.
fn comments(target: &Target, made: &Target, kind: RelationKind) -> String {
    let new = Redshift.relation(made);
    let pair = format!(
        "from pg_class as old join pg_namespace as old_schema on old_schema.oid = old.relnamespace and {}\n\
         join pg_description on pg_description.objoid = old.oid\n\
         join pg_class as new on new.relnamespace = old.relnamespace and lower(new.relname) = lower({})\n",
        is_relation(target, "old_schema.nspname", "old.relname"),
        Redshift.string(&made.name),
    );
    let unless_described =
        "not exists (select 1 from pg_description as own where own.objoid = new.oid and own.objsubid =";
    let on_relation = format!(
        "select {} || quote_literal(pg_description.description)\n{pair}\
         where pg_description.objsubid = 0 and {unless_described} 0)",
        Redshift.string(&format!("comment on {kind} {new} is ")),
    );
    if kind != RelationKind::Table {
        return on_relation;
    }
    format!(
        "{on_relation}\nunion all\n\
         select {} || quote_ident(old_column.attname) || ' is ' || quote_literal(pg_description.description)\n{pair}\
         join pg_attribute as old_column on old_column.attrelid = old.oid and old_column.attnum = pg_description.objsubid\n\
         join pg_attribute as new_column on new_column.attrelid = new.oid and new_column.attname = old_column.attname\n\
         where pg_description.objsubid > 0 and {unless_described} new_column.attnum)",
        Redshift.string(&format!("comment on column {new}.")),
    )
}

/// A query whose rows are statements, one for each of the columns that is there.
fn described_columns(target: &Target, columns: &[(&str, &str)]) -> Command {
    let relation = Redshift.relation(target);
    let queries = columns.iter().map(|(name, text)| {
        let column = format!("{relation}.{}", Redshift.identifier(name));
        let statement = format!("comment on column {column} is {}", Redshift.string(text));
        format!(
            "select {} from pg_attribute join pg_class on pg_class.oid = attrelid\n\
             join pg_namespace on pg_namespace.oid = relnamespace\n\
             where {} and lower(attname) = lower({})",
            Redshift.string(&statement),
            is_relation(target, "nspname", "relname"),
            Redshift.string(name)
        )
    });
    Command::Each { query: queries.collect::<Vec<_>>().join("\nunion all\n"), between: Vec::new() }
}

/// A query for the statements that bind the views that stand on a relation to the one that takes its place. Materialized
/// views, which the catalogue has among them, cannot be bound to another table.
fn bound_views(target: &Target) -> String {
    format!(
        "select distinct 'create or replace view ' || quote_ident(dependent_schema.nspname) || '.' || \
         quote_ident(dependent.relname) || ' as ' || pg_get_viewdef(dependent.oid)\n\
         from pg_class as base join pg_namespace as base_schema on base_schema.oid = base.relnamespace\n\
         join pg_depend on pg_depend.refobjid = base.oid join pg_rewrite on pg_rewrite.oid = pg_depend.objid\n\
         join pg_class as dependent on dependent.oid = pg_rewrite.ev_class and dependent.oid <> base.oid\n\
         join pg_namespace as dependent_schema on dependent_schema.oid = dependent.relnamespace\n\
         where {} and dependent.relkind = 'v' and pg_get_viewdef(dependent.oid) not ilike 'create materialized view%'",
        is_relation(target, "base_schema.nspname", "base.relname")
    )
}
