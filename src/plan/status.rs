//! How fresh a relation is, and how many of its newest rows came late: one look at it.

use crate::config::TimeSpan;
use crate::dialect::Dialect;
use crate::plan::multi_statement::{JobWriter, declare};
use crate::plan::partitions::newest_partitions;
use crate::plan::statement::Statement;
use crate::relation::{Column, Layout, Target};

/// Rows are looked at whose event is not older than that, beside the newest one: 30 days.
const WINDOW: u64 = 30 * 86_400;

/// Late facts must have had the time to come: the rows that are looked at go back so many times as far as they may come late.
const TIMES_LATENESS: u64 = 4;

/// Holds from which time on rows are looked at.
const SINCE: &str = "trueup_since";

/// What is asked of a relation.
#[derive(Debug, Clone, Copy)]
pub struct StatusQuery<'a> {
    /// The SQL of the warehouse.
    pub dialect: &'a dyn Dialect,
    /// The relation.
    pub target: &'a Target,
    /// How it lies.
    pub layout: &'a Layout,
    /// The column that says when something happened.
    pub event: &'a Column,
    /// The column that says when the row came.
    pub processed: Option<&'a Column>,
    /// How much later that may be; nothing is asked of arrivals without it, or without that column.
    pub lateness: Option<TimeSpan>,
}

impl StatusQuery<'_> {
    /// A query, or a script whose last statement is one, for one row: the newest event, how many seconds ago that is, how many of
    /// the newest rows have both times, and how many of these came late. Where nothing is asked of arrivals the last two are 0.
    pub fn statement(&self) -> Statement {
        self.of_partitions().unwrap_or_else(|| Statement::new(self.query(&self.newest_rows())))
    }

    /// The column that says when the row came, and how much later that may be.
    fn arrival(&self) -> Option<(&Column, TimeSpan)> {
        self.processed.zip(self.lateness)
    }

    /// How far back rows are looked at, beside the newest event: a second is enough for that event itself.
    fn window(&self) -> u64 {
        self.arrival().map_or(1, |(_, lateness)| WINDOW.max(lateness.seconds().saturating_mul(TIMES_LATENESS)))
    }

    /// Where rows lie by the time of their events, or by that at which they came, only the newest partitions are read: the newest
    /// event has not come long ago.
    fn of_partitions(&self) -> Option<Statement> {
        let partitioning = self.layout.partitioning.as_ref()?;
        let by = partitioning.column()?;
        let mut times = [Some(self.event), self.processed].into_iter().flatten();
        let by = times.find(|column| column.name.eq_ignore_ascii_case(by))?;
        if !self.dialect.capabilities().multi_statements {
            return None;
        }
        let since = newest_partitions(partitioning, self.window(), &by.data_type, self.target, self.dialect)?;
        let (name, table) = (self.dialect.identifier(&by.name), self.dialect.relation(self.target));
        let mut job = JobWriter::new(self.dialect);
        job.with(&[declare(SINCE, Some(&by.data_type), &since)], |job| {
            job.run(&Statement::new(format!(
                "if {SINCE} is null then\nset {SINCE} = (select min({name}) from {table});\nend if"
            )));
            job.run(&Statement::new(self.query(&format!("{table} where {name} >= {SINCE}"))));
        });
        Some(job.into_text())
    }

    /// The rows that are looked at, as they stand after FROM.
    fn newest_rows(&self) -> String {
        let (event, table) = (self.event(), self.dialect.relation(self.target));
        if self.arrival().is_none() {
            return table;
        }
        let age = self.seconds(&event, self.event, "newest", self.event);
        let window = self.window();
        format!("{table} cross join (select max({event}) as newest from {table}) as latest where {age} <= {window}")
    }

    fn query(&self, rows: &str) -> String {
        let event = self.event();
        let (timed, late) = match self.arrival() {
            None => ("0".to_owned(), "0".to_owned()),
            Some((processed, lateness)) => {
                let delay = self.seconds(&event, self.event, &self.dialect.identifier(&processed.name), processed);
                let late = format!("sum(case when {delay} > {} then 1 else 0 end)", lateness.seconds());
                (format!("count({delay})"), late)
            }
        };
        let (now, now_type) = self.dialect.now();
        let ago = self.dialect.seconds_between("newest_event", &self.event.data_type, now, now_type);
        format!(
            "select newest_event, {ago} as seconds_ago, timed_rows, late_rows\nfrom (\n  select max({event}) as newest_event, {timed} as \
             timed_rows, {late} as late_rows\n  from {rows}\n) as seen"
        )
    }

    fn event(&self) -> String {
        self.dialect.identifier(&self.event.name)
    }

    fn seconds(&self, from: &str, from_column: &Column, to: &str, to_column: &Column) -> String {
        self.dialect.seconds_between(from, &from_column.data_type, to, &to_column.data_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{BigQuery, DuckDb};
    use crate::relation::{Partitioning, TimeUnit};

    fn column(name: &str, data_type: &str) -> Column {
        Column { name: name.to_owned(), data_type: data_type.to_owned() }
    }

    #[test]
    fn only_the_newest_partitions_are_read() {
        let target = Target { database: None, schema: Some("s".to_owned()), name: "t".to_owned() };
        let partitioning = Partitioning::Time { column: Some("day".to_owned()), unit: TimeUnit::Day };
        let layout = Layout { partitioning: Some(partitioning), ..Layout::default() };
        let (event, processed) = (column("day", "DATE"), column("came", "TIMESTAMP"));
        let fresh = StatusQuery {
            dialect: &BigQuery,
            target: &target,
            layout: &layout,
            event: &event,
            processed: None,
            lateness: None,
        };
        assert_eq!(
            fresh.statement().sql(),
            "begin\n\
             declare trueup_since DATE default (select min(partition_start) from (select distinct parse_date('%Y%m%d', \
             regexp_extract(partition_id, r'^[0-9]{8}$')) as partition_start from `s`.INFORMATION_SCHEMA.PARTITIONS where \
             table_name = 't' order by partition_start desc limit 2));\n\
             if trueup_since is null then\n\
             set trueup_since = (select min(`day`) from `s.t`);\n\
             end if;\n\
             select newest_event, timestamp_diff(current_timestamp(), cast(newest_event as timestamp), second) as seconds_ago, \
             timed_rows, late_rows\n\
             from (\n  \
             select max(`day`) as newest_event, 0 as timed_rows, 0 as late_rows\n  \
             from `s.t` where `day` >= trueup_since\n\
             ) as seen;\n\
             end;"
        );
        let lateness = TimeSpan::parse("10 days").ok();
        let late = StatusQuery { processed: Some(&processed), lateness, ..fresh };
        let sql = late.statement().sql().to_owned();
        assert!(sql.contains(" desc limit 41)"), "{sql}");
        assert!(
            sql.contains(
                "second) > 864000 then 1 else 0 end) as late_rows\n  from `s.t` where `day` >= trueup_since\n"
            )
        );
    }

    #[test]
    fn a_table_in_one_piece_is_asked_once() {
        let target = Target { database: None, schema: Some("s".to_owned()), name: "t".to_owned() };
        let (layout, event) = (Layout::default(), column("at", "TIMESTAMP"));
        let fresh = StatusQuery {
            dialect: &DuckDb,
            target: &target,
            layout: &layout,
            event: &event,
            processed: None,
            lateness: None,
        };
        assert_eq!(
            fresh.statement().sql(),
            "select newest_event, (epoch(current_timestamp) - epoch(newest_event)) as seconds_ago, timed_rows, late_rows\n\
             from (\n  \
             select max(\"at\") as newest_event, 0 as timed_rows, 0 as late_rows\n  \
             from \"s\".\"t\"\n\
             ) as seen"
        );
        let lateness = TimeSpan::parse("1h").ok();
        let late = StatusQuery { processed: Some(&event), lateness, ..fresh };
        let window = "from \"s\".\"t\" cross join (select max(\"at\") as newest from \"s\".\"t\") as latest where (epoch(newest) - \
                      epoch(\"at\")) <= 2592000\n";
        assert!(late.statement().sql().contains(window), "{}", late.statement().sql());
    }
}
