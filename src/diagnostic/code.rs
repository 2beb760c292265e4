use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Declares every code with its name; a file of that name under `pages/` is what `trueup explain` prints. `check` stands behind
/// those that only the analysis of the SQL gives: a project can set how bad these are.
macro_rules! codes {
    ($($variant:ident = $name:literal $($check:ident)?,)+) => {
        /// A kind of mistake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = include_str!(concat!("pages/", $name, ".md"))] $variant,)+
        }

        impl Code {
            /// Every code, in alphabetical order of its name.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// As people write it: `unknown-ref`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Those of which a project can set how bad they are.
            pub const CHECKS: &'static [Self] = &[$($(codes!(@$check $variant),)?)+];

            /// Its page, in Markdown: what it means, an example, what to do.
            pub fn page(self) -> &'static str {
                let page = match self {
                    $(Self::$variant => include_str!(concat!("pages/", $name, ".md")),)+
                };
                page.trim_end()
            }
        }
    };
    (@check $variant:ident) => { Self::$variant };
}

codes! {
    AccessLost = "access-lost",
    AmbiguousColumn = "ambiguous-column" check,
    AmbiguousRef = "ambiguous-ref",
    AssertionFailed = "assertion-failed",
    BlockSpacing = "block-spacing",
    BrokenContract = "broken-contract" check,
    CircularDependency = "circular-dependency",
    ColumnCount = "column-count" check,
    DuplicateAction = "duplicate-action",
    DuplicateAlias = "duplicate-alias" check,
    DuplicateBlock = "duplicate-block",
    DuplicateColumn = "duplicate-column" check,
    DuplicateKey = "duplicate-key",
    FanOut = "fan-out" check,
    IgnoredFile = "ignored-file",
    IncrementColumns = "increment-columns" check,
    IntegerDivision = "integer-division" check,
    InvalidCatalog = "invalid-catalog",
    InvalidConfig = "invalid-config",
    InvalidJavascript = "invalid-javascript",
    InvalidJinja = "invalid-jinja",
    InvalidSettings = "invalid-settings",
    JavascriptLimit = "javascript-limit",
    LayoutDiffers = "layout-differs",
    LostLeftJoin = "lost-left-join" check,
    MisplacedAggregate = "misplaced-aggregate" check,
    MisplacedBlock = "misplaced-block",
    MissingInput = "missing-input",
    NoIncrement = "no-increment" check,
    NotRun = "not-run",
    NullableCount = "nullable-count" check,
    NullableKey = "nullable-key" check,
    NullableNotIn = "nullable-not-in" check,
    OuterName = "outer-name" check,
    ReservedName = "reserved-name" check,
    SessionValue = "session-value" check,
    SqlNotUnderstood = "sql-not-understood" check,
    SqlSyntax = "sql-syntax" check,
    StrictWatermark = "strict-watermark" check,
    TrailingBlanks = "trailing-blanks",
    TypeMismatch = "type-mismatch" check,
    UndeclaredTable = "undeclared-table" check,
    UndescribedStar = "undescribed-star" check,
    UnfitAction = "unfit-action",
    UngroupedColumn = "ungrouped-column" check,
    UnitTestFailed = "unit-test-failed",
    UnknownAlias = "unknown-alias" check,
    UnknownColumn = "unknown-column" check,
    UnknownConfigKey = "unknown-config-key",
    UnknownRef = "unknown-ref",
    UnknownVariable = "unknown-variable",
    UnnamedColumn = "unnamed-column" check,
    UnprintableValue = "unprintable-value",
    UnreadableFile = "unreadable-file",
    Unterminated = "unterminated",
    Untranslatable = "untranslatable",
    UnusedColumn = "unused-column" check,
    UnusedCte = "unused-cte" check,
    UnusedInput = "unused-input",
    UnusedSql = "unused-sql",
    UselessIgnore = "useless-ignore" check,
    WarehouseError = "warehouse-error",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Code {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|code| code.name() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_documented() {
        let names: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
        for code in Code::ALL {
            assert!(code.page().lines().count() > 2, "{code} has no page");
            assert_eq!(code.name().parse(), Ok(*code));
        }
    }
}
