// How the staged table takes in what has arrived: early, late, twice, in any order.

const days = dataform.projectConfig.vars.days_to_read;

// Keeps rows of which the table holds no copy yet, or only a copy that arrived after this one. So whatever comes first
// and whatever comes last, in the end the table holds the first copy of each row, as a full refresh does.
function unseen(table) {
  return `not exists (
    select 1
    from ${table} as kept
    where kept.id = arrived.id and kept.processed_time <= arrived.ingested_at
  )`;
}

// Leaves out the partitions that nothing can arrive in any more. Their dates come from a constant, and not from a
// subquery, because only then does BigQuery leave them unread, and unpaid.
function partitionsToRead() {
  return days === "all"
    ? ""
    : `and arrived.ingested_at >= timestamp_sub(timestamp_trunc(current_timestamp(), day), interval ${days} day)`;
}

module.exports = { unseen, partitionsToRead };
