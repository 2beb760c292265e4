use std::fmt;

/// The full name of an action's output. The parts are as written, unquoted.
///
/// Order is by database, schema, name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    /// `None` where neither the action nor the project names one.
    pub database: Option<String>,
    /// `None` where neither the action nor the project names one.
    pub schema: Option<String>,
    /// Never empty.
    pub name: String,
}

impl Target {
    /// The parts that are there, outermost first.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.database.as_deref().into_iter().chain(self.schema.as_deref()).chain([self.name.as_str()])
    }
}

/// `database.schema.name`, unquoted, for people.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for part in self.parts() {
            write!(f, "{separator}{part}")?;
            separator = ".";
        }
        Ok(())
    }
}
