use std::iter;

use crate::dialect::Command;
use crate::plan::statement::Statement;

/// Statements that take effect together or not at all.
#[derive(Debug, Default)]
pub struct Script {
    /// In order.
    pub statements: Vec<ScriptStatement>,
    /// Whether the warehouse has to put a transaction around them.
    pub in_transaction: bool,
    /// Run behind that, each by itself: what cannot be in a transaction.
    pub after: Vec<ScriptStatement>,
}

impl Script {
    /// What is sent, as far as is known before it runs.
    pub fn sent(&self) -> impl Iterator<Item = &Statement> {
        self.statements.iter().chain(&self.after).flat_map(|statement| match statement {
            ScriptStatement::Run(statement)
            | ScriptStatement::Count(statement)
            | ScriptStatement::Guard { query: statement, .. } => vec![statement],
            ScriptStatement::Each { query, between } => iter::once(query).chain(between).collect(),
        })
    }
}

/// A statement with its part in a script.
#[derive(Debug)]
pub enum ScriptStatement {
    /// Just runs.
    Run(Statement),
    /// Its number of rows is that of the step.
    Count(Statement),
    /// A query that gives rows if something is wrong; then nothing of the script takes effect.
    Guard {
        /// The query. Its rows are shown.
        query: Statement,
        /// What is wrong if there are rows.
        message: String,
        /// What to do.
        help: String,
    },
    /// A query whose rows are statements. They run behind those that are given.
    Each {
        /// Gives the statements, in one column.
        query: Statement,
        /// Run between the query and what it gives.
        between: Vec<Statement>,
    },
}

impl ScriptStatement {
    /// SQL of trueup's own that just runs.
    pub fn run(sql: impl Into<String>) -> Self {
        Self::Run(Statement::new(sql))
    }
}

impl From<Command> for ScriptStatement {
    fn from(command: Command) -> Self {
        match command {
            Command::Run(sql) => Self::run(sql),
            Command::Each { query, between } => {
                Self::Each { query: Statement::new(query), between: between.into_iter().map(Statement::new).collect() }
            }
        }
    }
}
