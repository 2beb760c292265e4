//! Where the newest partitions of a table begin, which the warehouse's own list of partitions tells without a look at any row.
//! That list may be old, and rows that have just been streamed in are in no partition yet; so it is only a hint.

use crate::dialect::Dialect;
use crate::relation::{Partitioning, Target, TimeUnit};

/// A subquery, in parentheses, for the value at which the newest partition begins. NULL if there is none; `None` where that
/// cannot be asked.
pub(super) fn newest_partition(
    partitioning: &Partitioning,
    data_type: &str,
    table: &Target,
    dialect: &dyn Dialect,
) -> Option<String> {
    let start = start(partitioning, data_type)?;
    Some(format!("(select max({start}) from {})", list(table, dialect)?))
}

/// A subquery, in parentheses, for the value at which the oldest of those newest partitions begins that hold so many seconds, if
/// there are that many, and one at least.
pub(super) fn newest_partitions(
    partitioning: &Partitioning,
    seconds: u64,
    data_type: &str,
    table: &Target,
    dialect: &dyn Dialect,
) -> Option<String> {
    let Partitioning::Time { unit, .. } = partitioning else { return None };
    let start = start(partitioning, data_type)?;
    // The newest one is not full yet.
    let number = seconds.div_ceil(shortest(*unit)) + 1;
    Some(format!(
        "(select min(partition_start) from (select distinct {start} as partition_start from {} order by partition_start desc limit {number}))",
        list(table, dialect)?
    ))
}

/// How many seconds a partition holds at the least.
fn shortest(unit: TimeUnit) -> u64 {
    const DAY: u64 = 86_400;
    match unit {
        TimeUnit::Hour => 3_600,
        TimeUnit::Day => DAY,
        TimeUnit::Month => 28 * DAY,
        TimeUnit::Year => 365 * DAY,
    }
}

/// The value at which a partition begins. NULL for rows without a value, and for those that are in no partition yet: their
/// partitions are under names that are no date and no number.
fn start(partitioning: &Partitioning, data_type: &str) -> Option<String> {
    let Partitioning::Time { unit, .. } = partitioning else {
        return Some("safe_cast(partition_id as int64)".to_owned());
    };
    let (format, digits) = match unit {
        TimeUnit::Hour => ("%Y%m%d%H", 10),
        TimeUnit::Day => ("%Y%m%d", 8),
        TimeUnit::Month => ("%Y%m", 6),
        TimeUnit::Year => ("%Y", 4),
    };
    let data_type = data_type.to_ascii_lowercase();
    let known = ["date", "datetime", "timestamp"].into_iter().find(|known| *known == data_type)?;
    Some(format!("parse_{known}('{format}', regexp_extract(partition_id, r'^[0-9]{{{digits}}}$'))"))
}

/// The partitions of a table, as they stand after FROM.
fn list(table: &Target, dialect: &dyn Dialect) -> Option<String> {
    let (schema, name) = (dialect.schema(table)?, dialect.string(&table.name));
    Some(format!("{schema}.INFORMATION_SCHEMA.PARTITIONS where table_name = {name}"))
}
