use std::collections::BTreeMap;

use crate::diagnostic::{Code, Diagnostics, Severity};

/// What becomes of the diagnostics of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// They are left out.
    Off,
    /// They are reported as that.
    As(Severity),
}

/// How a project sets its checks; those that are not here stay as they are.
pub type Levels = BTreeMap<Code, Level>;

impl Level {
    /// As people write it.
    pub const WORDS: [(&'static str, Self); 3] =
        [("off", Self::Off), ("warning", Self::As(Severity::Warning)), ("error", Self::As(Severity::Error))];
}

impl Diagnostics {
    /// Makes of each what the project wants.
    pub fn set(&mut self, levels: &Levels) {
        self.found.retain(|found| levels.get(&found.code) != Some(&Level::Off));
        for found in &mut self.found {
            if let Some(Level::As(severity)) = levels.get(&found.code) {
                found.severity = *severity;
            }
        }
    }
}
