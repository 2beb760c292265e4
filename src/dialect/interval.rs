use std::fmt;

/// How long the intervals are that rows are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Width {
    /// From one full hour to the next.
    Hour,
    /// A day.
    #[default]
    Day,
    /// A month.
    Month,
}

impl Width {
    /// How the name of an interval is written, in the words of `strftime`: `2024-01-31 23:00`, `2024-01-31`, `2024-01`.
    pub fn strftime(self) -> &'static str {
        match self {
            Self::Hour => "%Y-%m-%d %H:00",
            Self::Day => "%Y-%m-%d",
            Self::Month => "%Y-%m",
        }
    }

    /// The same in those of `to_char`.
    pub fn to_char(self) -> &'static str {
        match self {
            Self::Hour => "YYYY-MM-DD HH24:00",
            Self::Day => "YYYY-MM-DD",
            Self::Month => "YYYY-MM",
        }
    }
}

/// `hour`, `day`, `month`.
impl fmt::Display for Width {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        })
    }
}
