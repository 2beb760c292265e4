use std::hash::{Hash, Hasher};

use fnv::FnvHasher;

use crate::dialect::semantics::{self, Semantics};
use crate::dialect::syntax::{self, Grammar};
use crate::dialect::translate::Translation;
use crate::dialect::{
    Capabilities, Clauses, Command, Deletion, Dialect, Filling, MaterializedViews, NullSafe, Publication, Replacement,
    SessionZone, Storage, Undoing, Upsert, Widening, Writes,
};
use crate::relation::{
    Column, Index, PhysicalOptions, PostgresOptions, RangePartitioning, RangeWidth, RelationKind, Target, Width,
};

/// PostgreSQL, with standard-conforming strings.
#[derive(Debug)]
pub struct Postgres;

impl Dialect for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn identifier(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn string(&self, text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    fn relation(&self, target: &Target) -> String {
        let parts = target.schema.iter().chain([&target.name]);
        parts.map(|part| self.identifier(part)).collect::<Vec<_>>().join(".")
    }

    fn schema(&self, target: &Target) -> Option<String> {
        target.schema.as_ref().map(|schema| self.identifier(schema))
    }

    fn grammar(&self) -> &dyn Grammar {
        &syntax::Postgres
    }

    fn semantics(&self) -> &'static dyn Semantics {
        &semantics::Postgres
    }

    /// "`user` is equivalent to `current_user`" (the manual, Session Information Functions).
    fn session_values(&self) -> &'static [&'static str] {
        &["user"]
    }

    fn translation_from(&self, from: &dyn Dialect) -> Option<Translation> {
        from.to_postgres()
    }

    fn to_duckdb(&self) -> Option<Translation> {
        Some(Translation::POSTGRES_TO_DUCKDB)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            replacement: Replacement::Swap,
            upsert: Upsert::DeleteAndInsert,
            transactional_ddl: true,
            undoing: Undoing::ToSavepoint,
            retypes_columns: true,
            widening: Widening::InTransaction,
            materialized_views: MaterializedViews::Replaced,
            null_safe: NullSafe::NotDistinct,
            deletion: Deletion::AliasAndUsing,
            multi_statements: false,
            writes: Writes::Parallel,
            zone: SessionZone::Any,
        }
    }

    fn longest_name(&self) -> usize {
        63
    }

    fn clauses(&self, kind: RelationKind, storage: &Storage<'_>) -> Clauses {
        let options = &storage.options.postgres;
        match &options.partition_by {
            _ if kind != RelationKind::Table => Clauses::default(),
            None => Clauses { modifier: if options.unlogged { "unlogged " } else { "" }, ..Clauses::default() },
            // It has no rows of its own to log.
            Some(partitioning) => {
                let column = self.identifier(&partitioning.column);
                Clauses { before: format!("partition by range ({column}) "), ..Clauses::default() }
            }
        }
    }

    /// `create table … as` makes no partitioned table (the manual, CREATE TABLE AS), and a row needs its partition.
    fn filling(&self, options: &PhysicalOptions) -> Filling {
        if options.postgres.partition_by.is_some() { Filling::Staged } else { Filling::FromQuery }
    }

    fn make_partitions(&self, table: &str, place: &Target, staged: &str, options: &PhysicalOptions) -> Option<String> {
        let PostgresOptions { partition_by, unlogged, .. } = &options.postgres;
        let RangePartitioning { column, width } = partition_by.as_ref()?;
        let width = match width {
            RangeWidth::Granularity(granularity) => format!("{}, null", self.string(granularity.word())),
            RangeWidth::Step(step) => format!("null, {step}"),
        };
        let table = full_name(place, table);
        let [name, staged, column] = [&place.name, staged, column].map(|text| self.string(text));
        let modifier = if *unlogged { "'unlogged'" } else { "''" };
        Some(format!("select pg_temp.trueup_make_partitions({table}, {name}, {staged}, {column}, {width}, {modifier})"))
    }

    fn temporary_table(&self, name: &str, _options: &PhysicalOptions) -> String {
        format!("create temporary table {name} on commit drop as\n")
    }

    fn cast_if_possible(&self, expression: &str, data_type: &str) -> String {
        format!("cast({expression} as {data_type})")
    }

    fn describe_columns(&self, _kind: RelationKind, target: &Target, columns: &[(&str, &str)]) -> Option<Command> {
        let relation = self.relation(target);
        let queries = columns.iter().map(|(name, text)| {
            let column = format!("{relation}.{}", self.identifier(name));
            let statement = self.string(&format!("comment on column {column} is {}", self.string(text)));
            let (relation, name) = (self.string(&relation), self.string(name));
            format!("select {statement} from pg_attribute where attrelid = {relation}::regclass and attname = {name}")
        });
        let queries: Vec<String> = queries.collect();
        (!queries.is_empty()).then(|| Command::Each { query: queries.join("\nunion all\n"), between: Vec::new() })
    }

    fn lock(&self, target: &Target) -> Option<String> {
        let name = self.string(&format!("trueup {}", self.relation(target)));
        Some(format!("select pg_advisory_xact_lock(hashtextextended({name}, 0))"))
    }

    fn publish(&self, publication: &Publication<'_>) -> Vec<Command> {
        let text = |target: &Target| full_name(target, &self.relation(target));
        let rebuilt: Vec<String> = publication.rebuilt.iter().map(|target| text(target)).collect();
        let rebuilt = if rebuilt.is_empty() { "'{}'".to_owned() } else { format!("array[{}]", rebuilt.join(", ")) };
        let Publication { target, made, options, .. } = *publication;
        let indexes = &options.postgres.indexes;
        let mut commands: Vec<Command> = Vec::new();
        for index in indexes {
            commands.push(Command::Run(create_index(index, &format!("trueup_new_{}", number(index, target)), made)));
        }
        commands.push(Command::Run(format!(
            "select pg_temp.trueup_publish({}, {}, {rebuilt})",
            text(target),
            text(made)
        )));
        for index in indexes {
            let new = Target { name: format!("trueup_new_{}", number(index, target)), ..target.clone() };
            let (new, name) = (self.relation(&new), self.identifier(&index_name(index, target)));
            commands.push(Command::Run(format!("alter index {new} rename to {name}")));
        }
        commands
    }

    /// Indexes that others have made.
    fn inherit(&self, publication: &Publication<'_>) -> Option<String> {
        let may_have = |kind: RelationKind| kind != RelationKind::View;
        let has_both = publication.existing.is_some_and(may_have) && may_have(publication.kind);
        let target = full_name(publication.target, &self.relation(publication.target));
        has_both.then(|| format!("select pg_temp.trueup_keep_indexes({target})"))
    }

    fn missing_indexes(&self, target: &Target, options: &PhysicalOptions) -> Option<Command> {
        let queries = options.postgres.indexes.iter().map(|index| {
            let name = index_name(index, target);
            let statement = self.string(&create_index(index, &name, target));
            let index = self.string(&self.relation(&Target { name, ..target.clone() }));
            format!("select {statement} where to_regclass({index}) is null")
        });
        let queries: Vec<String> = queries.collect();
        (!queries.is_empty()).then(|| Command::Each { query: queries.join("\nunion all\n"), between: Vec::new() })
    }

    fn waits(&self, processes: &[String]) -> Option<String> {
        let processes = processes.join(", ");
        Some(format!(
            "select format('session %s (%s, user %s) holds a lock, in a transaction since %s: %s', holder.pid, \
             coalesce(nullif(holder.application_name, ''), 'unnamed'), holder.usename, \
             to_char(holder.xact_start, 'YYYY-MM-DD HH24:MI:SS'), left(regexp_replace(holder.query, '\\s+', ' ', 'g'), 80))\n\
             from pg_stat_activity as holder\n\
             where holder.pid in (select unnest(pg_blocking_pids(waiter.pid)) from pg_stat_activity as waiter where \
             waiter.pid in ({processes})) and holder.pid not in ({processes})\n\
             order by holder.pid"
        ))
    }

    fn session(&self) -> Option<&'static str> {
        Some(include_str!("postgres/session.sql"))
    }

    fn widened(&self, table: &str, query: &str) -> Option<String> {
        widened(table, query)
    }

    /// As text a row tells NULL from an empty text.
    fn row_hash(&self, columns: &[Column]) -> String {
        let names: Vec<String> = columns.iter().map(|column| self.identifier(&column.name)).collect();
        format!("cast(hashtextextended(cast(row({}) as text), 0) as numeric)", names.join(", "))
    }

    fn seconds_between(&self, from: &str, _from_type: &str, to: &str, _to_type: &str) -> String {
        format!("(extract(epoch from {to}) - extract(epoch from {from}))")
    }

    fn interval(&self, expression: &str, _data_type: &str, width: Width) -> String {
        format!("to_char({expression}, '{}')", width.to_char())
    }

    fn one_state(&self) -> Option<&'static str> {
        Some("set transaction isolation level repeatable read")
    }
}

/// Tells an index of a table from all others, in every run and every version of trueup alike.
fn number(index: &Index, target: &Target) -> String {
    let mut hasher = FnvHasher::default();
    (target.schema.as_deref(), &target.name, index).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// An expression for the name of a relation beside a target, for functions that have a path of their own: what names no schema
/// lies in that of the session.
fn full_name(target: &Target, relation: &str) -> String {
    let name = Postgres.string(relation);
    if target.schema.is_some() { name } else { format!("quote_ident(current_schema()) || '.' || {name}") }
}

/// `trueup_orders_9f86d081884c7d65`; of a long name the start is kept.
fn index_name(index: &Index, target: &Target) -> String {
    let kept = target.name.floor_char_boundary(Postgres.longest_name() - "trueup__".len() - 16);
    format!("trueup_{}_{}", &target.name[..kept], number(index, target))
}

fn create_index(index: &Index, name: &str, on: &Target) -> String {
    let is_name = |text: &str| text.chars().all(|char| char.is_alphanumeric() || char == '_');
    let column = |text: &String| if is_name(text) { Postgres.identifier(text) } else { text.clone() };
    let columns: Vec<String> = index.columns.iter().map(column).collect();
    let unique = if index.unique { "unique " } else { "" };
    let (name, on) = (Postgres.identifier(name), Postgres.relation(on));
    let method = index.method.as_ref().map(|method| format!("using {} ", Postgres.identifier(method)));
    let mut sql = format!("create {unique}index {name} on {on} {}({})", method.unwrap_or_default(), columns.join(", "));
    if !index.include.is_empty() {
        let beside: Vec<String> = index.include.iter().map(|name| Postgres.identifier(name)).collect();
        sql += &format!(" include ({})", beside.join(", "));
    }
    if let Some(condition) = &index.condition {
        sql += &format!(" where {condition}");
    }
    sql
}

/// `character varying(10)` holds no `character varying(20)`, and neither holds a `text`.
pub(super) fn widened(table: &str, query: &str) -> Option<String> {
    let length = |data_type: &str| {
        let rest = data_type.strip_prefix("character varying")?;
        if rest.is_empty() {
            return Some(usize::MAX);
        }
        rest.strip_prefix('(')?.strip_suffix(')')?.parse().ok()
    };
    let (table, wanted) = (length(table)?, length(query).or((query == "text").then_some(usize::MAX))?);
    (wanted > table).then(|| query.to_owned())
}
