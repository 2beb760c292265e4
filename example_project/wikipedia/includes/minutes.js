// Words for time, so that every model means the same by them.

const { late_after_minutes, fresh_within_minutes } = dataform.projectConfig.vars;

// Minutes between two moments, with fractions.
function between(earlier, later) {
  return `timestamp_diff(${later}, ${earlier}, second) / 60`;
}

// True where an edit has arrived too late to be counted on.
function isLate(happenedAt, arrivedAt) {
  return `timestamp_diff(${arrivedAt}, ${happenedAt}, second) > 60 * ${late_after_minutes}`;
}

// True where an edit has arrived while it was fresh.
function isFresh(happenedAt, arrivedAt) {
  return `timestamp_diff(${arrivedAt}, ${happenedAt}, second) <= 60 * ${fresh_within_minutes}`;
}

module.exports = { between, isLate, isFresh };
