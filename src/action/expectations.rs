use crate::config::TimeSpan;

/// What is expected of rows as time goes by. It changes nothing that a run does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expectations {
    /// How old the newest event may be.
    pub freshness: Option<Freshness>,
    /// How long after it happened what a row tells of may come; later ones are late facts.
    pub lateness: Option<TimeSpan>,
}

/// How old the newest event may be. At least one of the two is there, and the first one is not longer than the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// When somebody should know.
    pub warn_after: Option<TimeSpan>,
    /// When it is wrong.
    pub error_after: Option<TimeSpan>,
}

/// How fresh something is, beside what is expected. The worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Age {
    /// As it should be.
    Fresh,
    /// Older than `warnAfter`.
    Old(TimeSpan),
    /// Older than `errorAfter`.
    TooOld(TimeSpan),
}

impl Freshness {
    /// What is to be said of an event that is so many seconds ago; `None` where there is no event.
    pub fn judge(self, seconds: Option<u64>) -> Age {
        let is_past = |limit: &TimeSpan| seconds.is_none_or(|seconds| seconds > limit.seconds());
        let too_old = self.error_after.filter(is_past).map(Age::TooOld);
        too_old.or(self.warn_after.filter(is_past).map(Age::Old)).unwrap_or(Age::Fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_may_be_as_old_as_the_limit() {
        let hours = |hours: u64| TimeSpan::from_seconds(hours * 3_600);
        let freshness = Freshness { warn_after: hours(1), error_after: hours(6) };
        let one = TimeSpan::parse("1 hour").unwrap();
        let six = TimeSpan::parse("6 hours").unwrap();
        assert_eq!(freshness.judge(Some(3_600)), Age::Fresh);
        assert_eq!(freshness.judge(Some(3_601)), Age::Old(one));
        assert_eq!(freshness.judge(Some(21_601)), Age::TooOld(six));
        assert_eq!(freshness.judge(None), Age::TooOld(six));
        let warns = Freshness { error_after: None, ..freshness };
        assert_eq!(warns.judge(Some(u64::MAX)), Age::Old(one));
    }
}
