use crate::dialect::syntax::{self, Grammar};
use crate::dialect::translate::ToDuckDb;
use crate::dialect::{
    Capabilities, Command, Dialect, MaterializedViews, NullSafe, Publication, Replacement, Upsert, Widening,
};
use crate::relation::{PhysicalOptions, RelationKind, Target};

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

    fn to_duckdb(&self) -> Option<ToDuckDb> {
        Some(ToDuckDb::POSTGRES)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            replacement: Replacement::Swap,
            upsert: Upsert::DeleteAndInsert,
            transactional_ddl: true,
            retypes_columns: true,
            widening: Widening::InTransaction,
            materialized_views: MaterializedViews::Replaced,
            null_safe: NullSafe::NotDistinct,
            aliases_deleted: true,
            deletes_using: true,
        }
    }

    fn longest_name(&self) -> usize {
        63
    }

    fn temporary_table(&self, name: &str, _options: &PhysicalOptions) -> String {
        format!("create temporary table {name} on commit drop as\n")
    }

    fn cast_if_possible(&self, expression: &str, data_type: &str) -> String {
        format!("cast({expression} as {data_type})")
    }

    fn describe_columns(&self, _kind: RelationKind, target: &Target, columns: &[(&str, &str)]) -> Option<Command> {
        describe_columns(self, target, columns)
    }

    fn lock(&self, target: &Target) -> Option<String> {
        let name = self.string(&format!("trueup {}", self.relation(target)));
        Some(format!("select pg_advisory_xact_lock(hashtextextended({name}, 0))"))
    }

    fn publish(&self, publication: &Publication<'_>) -> Vec<Command> {
        let text = |target| self.string(&self.relation(target));
        let rebuilt: Vec<String> = publication.rebuilt.iter().map(|target| text(target)).collect();
        let rebuilt = if rebuilt.is_empty() { "'{}'".to_owned() } else { format!("array[{}]", rebuilt.join(", ")) };
        vec![Command::Run(format!(
            "select pg_temp.trueup_publish({}, {}, {rebuilt})",
            text(publication.target),
            text(publication.made)
        ))]
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
}

/// A query whose rows are statements, one for each of the columns that is there.
pub(super) fn describe_columns(dialect: &dyn Dialect, target: &Target, columns: &[(&str, &str)]) -> Option<Command> {
    let relation = dialect.relation(target);
    let queries: Vec<String> = columns
        .iter()
        .map(|(name, text)| {
            let column = format!("{relation}.{}", dialect.identifier(name));
            let statement = format!("comment on column {column} is {}", dialect.string(text));
            let (name, statement) = (dialect.string(name), dialect.string(&statement));
            format!(
                "select {statement} from pg_attribute where attrelid = {}::regclass and attname = {name}",
                dialect.string(&relation)
            )
        })
        .collect();
    (!queries.is_empty()).then(|| Command::Each { query: queries.join("\nunion all\n"), between: Vec::new() })
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
