use std::iter;

use crate::dialect::{Command, Dialect};
use crate::plan::SchemaMismatch;
use crate::plan::audit::Audit;
use crate::plan::multi_statement::MultiStatement;
use crate::plan::statement::Statement;
use crate::relation::{Column, PhysicalOptions, Target};

/// Statements that take effect together or not at all.
#[derive(Debug, Default)]
pub struct Script {
    /// Run first, each by itself: what cannot be in a transaction.
    pub before: Vec<ScriptStatement>,
    /// In order.
    pub statements: Vec<ScriptStatement>,
    /// Whether the warehouse has to put a transaction around them.
    pub in_transaction: bool,
    /// Run behind that, each by itself: what cannot be in a transaction.
    pub after: Vec<ScriptStatement>,
    /// Queries that read what the script reads, where it is sent as one job.
    pub reads: Vec<Statement>,
    /// Whether it marks the table that it makes as unfinished, with a label that has to go when the step is done.
    pub is_marked: bool,
    /// What no statement can do, and what is done before all of them.
    pub extension: Option<FieldExtension>,
}

/// Columns of a table that get new fields inside of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldExtension {
    /// The table.
    pub table: Target,
    /// Those of its columns, with the types that they are to have.
    pub columns: Vec<Column>,
}

impl Script {
    /// What is sent, as far as is known before it runs.
    pub fn sent(&self) -> impl Iterator<Item = &Statement> {
        self.before.iter().chain(&self.statements).chain(&self.after).flat_map(|statement| match statement {
            ScriptStatement::Run(statement)
            | ScriptStatement::Count(statement)
            | ScriptStatement::Guard { query: statement, .. } => vec![statement],
            ScriptStatement::Each { query, between } => iter::once(query).chain(between).collect(),
            ScriptStatement::Define(definition) => vec![&definition.query],
            ScriptStatement::Multi(multi) => vec![&multi.statement],
            ScriptStatement::Audit(audit) => audit.checks.iter().map(|check| &check.count).collect(),
        })
    }

    /// What to ask the warehouse about to know what the script will read. Empty where that cannot be asked.
    pub fn estimate(&self) -> &[Statement] {
        &self.reads
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
    /// Asks assertions of what no reader sees yet; if they find something, only that is left of the script which keeps it.
    Audit(Box<Audit>),
    /// A query whose rows are statements. They run behind those that are given.
    Each {
        /// Gives the statements, in one column.
        query: Statement,
        /// Run between the query and what it gives.
        between: Vec<Statement>,
    },
    /// Makes a table.
    Define(Box<TableDefinition>),
    /// Several that are sent as one job.
    Multi(Box<MultiStatement>),
}

/// An empty table with the columns of a query, which are known only when its turn comes.
#[derive(Debug)]
pub struct TableDefinition {
    /// Gives the columns.
    pub query: Statement,
    pub(super) head: String,
    pub(super) tail: String,
    pub(super) options: PhysicalOptions,
}

impl TableDefinition {
    /// The statement that makes it, given the columns of the query. An error says which of them the config names and the
    /// query does not give.
    pub fn create(&self, columns: &[Column], dialect: &dyn Dialect) -> Result<Statement, SchemaMismatch> {
        let has = |name: &str| columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        if let Some(missing) = self.options.redshift.encode.keys().find(|name| !has(name)) {
            return Err(SchemaMismatch {
                message: format!("`encode` names the column `{missing}`, which the query does not give"),
                help: "name a column of the query, or leave it out".to_owned(),
            });
        }
        let column = |column: &Column| column_definition(column, &self.options, dialect);
        let columns = columns.iter().map(column).collect::<Vec<_>>().join(", ");
        Ok(Statement::new(format!("{} ({columns}){}", self.head, self.tail)))
    }

    /// The same with ellipses for what is not known yet.
    pub fn outline(&self, dialect: &dyn Dialect) -> String {
        let of_column = |name: &String| {
            let column = Column { name: name.clone(), data_type: "…".to_owned() };
            format!(", {}", column_definition(&column, &self.options, dialect))
        };
        let columns: String = self.options.redshift.encode.keys().map(of_column).collect();
        format!("{} (…{columns}){}", self.head, self.tail)
    }
}

/// `"name" type`, and what the options say of the column.
pub(super) fn column_definition(column: &Column, options: &PhysicalOptions, dialect: &dyn Dialect) -> String {
    let (name, clause) = (dialect.identifier(&column.name), dialect.column_clause(&column.name, options));
    format!("{name} {}{clause}", column.data_type)
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
