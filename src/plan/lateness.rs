//! How late rows are: the time from when something happened until the row came to be.

use crate::dialect::Dialect;
use crate::plan::statement::Statement;
use crate::relation::Column;

/// A query for one row: how many rows of a table have both times, how many do not, and how many came before they happened; for each
/// of these numbers of seconds how many came in that time; and for each how many are not older than that, beside the newest.
pub fn lateness(dialect: &dyn Dialect, table: &str, event: &Column, processed: &Column, seconds: &[u64]) -> Statement {
    let (happened, came) = (dialect.identifier(&event.name), dialect.identifier(&processed.name));
    let delay = dialect.seconds_between(&happened, &event.data_type, &came, &processed.data_type);
    let age = dialect.seconds_between(&happened, &event.data_type, "newest", &event.data_type);
    let number = |condition: String| format!("  sum(case when {condition} then 1 else 0 end)");
    let columns = ["delay is not null", "delay is null", "delay < 0"].map(|condition| number(condition.to_owned()));
    let columns = columns
        .into_iter()
        .chain(seconds.iter().map(|seconds| number(format!("delay <= {seconds}"))))
        .chain(seconds.iter().map(|seconds| number(format!("delay is not null and age <= {seconds}"))));
    // Each has a name, which not every warehouse would give it.
    let named = columns.enumerate().map(|(number, column)| format!("{column} as number_{number}"));
    Statement::new(format!(
        "select\n{}\nfrom (\n  select {delay} as delay, {age} as age\n  from {table}\n  cross join (select max({happened}) as newest \
         from {table}) as latest\n) as delays",
        named.collect::<Vec<_>>().join(",\n"),
    ))
}
