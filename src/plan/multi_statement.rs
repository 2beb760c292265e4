//! A step as one job: its statements in one text, so that nothing can be lost between two of them.

use crate::dialect::Dialect;
use crate::dialect::syntax;
use crate::plan::audit::Audit;
use crate::plan::script::ScriptStatement;
use crate::plan::statement::{Statement, WarehouseText, in_order};

/// The message of the error of a job whose new rows are rejected.
pub const REJECTED: &str = "the new rows are rejected";

/// How many of the rows that an assertion finds go with that.
const SAMPLE: usize = 5;

/// Statements that are sent as one.
#[derive(Debug)]
pub struct MultiStatement {
    /// All of them.
    pub statement: Statement,
    /// What they look at before they write, in order. One that finds something wrong ends the job with an error whose
    /// message is its own; behind a line end come some of the rows that are wrong, as an array of JSON.
    pub guards: Vec<ScriptGuard>,
    /// What is asked before the new rows can be read. If they are rejected the job ends with an error whose message is
    /// [`REJECTED`]; behind a line end stands which assertions found how many rows, in any order, and behind another some of
    /// the rows that the first one found, each as an array of JSON.
    pub audit: Option<Audit>,
    /// The one whose number of rows is that of the step, as it stands among the others.
    pub counted: Option<String>,
}

/// A condition that the job raises an error on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptGuard {
    /// What is wrong. The message of the error begins with it.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Writes a [`MultiStatement`]. What stands on top of others may use the variables that they declare.
#[derive(Debug)]
pub(super) struct JobWriter<'a> {
    dialect: &'a dyn Dialect,
    text: Statement,
    guards: Vec<ScriptGuard>,
    audit: Option<Audit>,
    counted: Option<String>,
    /// How many statements there are, the words around blocks among them.
    length: usize,
    /// Whether a variable may be declared here: at the start of a block.
    may_declare: bool,
    /// Whether a transaction has begun.
    has_begun: bool,
    /// For each block that is open, how many declarations in it have opened a block of their own.
    blocks: Vec<usize>,
}

impl<'a> JobWriter<'a> {
    pub(super) fn new(dialect: &'a dyn Dialect) -> Self {
        Self {
            dialect,
            text: Statement::default(),
            guards: Vec::new(),
            audit: None,
            counted: None,
            length: 0,
            may_declare: true,
            has_begun: false,
            blocks: vec![0],
        }
    }

    /// Adds a statement with its part. Parts that need an answer before the next statement is known are not for a job.
    pub(super) fn push(&mut self, statement: &ScriptStatement) {
        match statement {
            ScriptStatement::Run(statement) => self.run(statement),
            ScriptStatement::Count(statement) => self.count(statement),
            ScriptStatement::Guard { query, message, help } => self.guard(query, message, help),
            ScriptStatement::Multi(more) => {
                self.run(&more.statement);
                self.guards.extend(more.guards.iter().cloned());
                self.audit = more.audit.clone().or(self.audit.take());
                self.counted = more.counted.clone().or(self.counted.take());
            }
            ScriptStatement::Audit(audit) => self.audit(audit),
            ScriptStatement::Each { .. } | ScriptStatement::Define(_) => {}
        }
    }

    pub(super) fn push_all(&mut self, statements: &[ScriptStatement]) {
        for statement in statements {
            self.push(statement);
        }
    }

    /// Adds statements that take effect together, with those around them if they are in a transaction already.
    pub(super) fn transaction(&mut self, statements: &[ScriptStatement]) {
        self.in_transaction(true, |job| job.push_all(statements));
    }

    /// Puts a transaction around what is written, if that is wanted. Nothing in it may make or change a relation that is
    /// not temporary.
    pub(super) fn in_transaction(&mut self, is_wanted: bool, write: impl FnOnce(&mut Self)) {
        if !is_wanted || self.has_begun {
            write(self);
            return;
        }
        self.run(&Statement::new("begin transaction"));
        self.has_begun = true;
        write(self);
        self.has_begun = false;
        self.run(&Statement::new("commit transaction"));
    }

    /// The statements of the project, one by one. A variable that is declared behind another statement lives in a block
    /// of its own from there to the end, since SQL has declarations only where a block begins.
    pub(super) fn texts(&mut self, texts: &[WarehouseText]) {
        for text in texts {
            self.run(&Statement::text(text));
        }
    }

    /// The same, in a transaction where they [`belong_together`].
    pub(super) fn operations(&mut self, texts: &[WarehouseText]) {
        // What begins with a declaration can stay as it is.
        let (before, within) = texts.split_at(texts.iter().take_while(|text| defines(text, self.dialect)).count());
        self.texts(before);
        self.in_transaction(belong_together(within, self.dialect), |job| job.texts(within));
    }

    pub(super) fn run(&mut self, statement: &Statement) {
        let declares = declares(statement.sql(), self.dialect);
        if declares && !self.may_declare {
            self.line("begin");
            if let Some(inner) = self.blocks.last_mut() {
                *inner += 1;
            }
        }
        self.text = std::mem::take(&mut self.text).then_statement(statement).ended().then("\n");
        self.length += 1;
        self.may_declare = declares;
    }

    pub(super) fn count(&mut self, statement: &Statement) {
        self.counted = Some(statement.sql().to_owned());
        self.run(statement);
    }

    /// Raises an error if the query, which gives few rows at most, gives any.
    pub(super) fn guard(&mut self, query: &Statement, message: &str, help: &str) {
        let start = self.dialect.string(&format!("{message}\n"));
        let raise = Statement::new("if exists (\n")
            .then_statement(query)
            .then(&format!(
                "\n) then\nraise using message = concat({start}, (select to_json_string(array_agg(wrong)) from (\n"
            ))
            .then_statement(query)
            .then("\n) as wrong));\nend if");
        self.guards.push(ScriptGuard { message: message.to_owned(), help: help.to_owned() });
        self.run(&raise);
    }

    /// Asks all assertions at once. If some find rows, these are looked at before what has been done is taken back.
    fn audit(&mut self, audit: &Audit) {
        const FOUND: &str = "trueup_found";
        // No rows are NULL, and NULL is the text `null` in JSON.
        const AS_JSON: &str = "(select nullif(to_json_string(array_agg(found)), 'null') from (";
        let mut found = Statement::new(AS_JSON).then("\n");
        let mut rows =
            Statement::new(format!("set {FOUND} = concat({FOUND}, {}, coalesce(", self.dialect.string("\n")));
        for (at, check) in audit.checks.iter().enumerate() {
            let (union, comma) = if at > 0 { ("union all ", ", ") } else { ("", "") };
            let name = self.dialect.string(&check.assertion);
            found = found
                .then(&format!("{union}select {name} as assertion, count(*) as number from (\n"))
                .then_statement(&check.rows)
                .then("\n) as found\n");
            rows = rows
                .then(&format!("{comma}{AS_JSON}select * from (\n"))
                .then_statement(&check.rows)
                .then(&format!("\n) limit {SAMPLE}) as found)"));
        }
        let found = found.then(") as found where number > 0)");
        let declaration = Statement::new(format!("declare {FOUND} string default ")).then_statement(&found);
        let raise = format!("raise using message = concat({}, {FOUND})", self.dialect.string(&format!("{REJECTED}\n")));
        self.audit = Some(audit.clone());
        self.with(&[declaration], |job| {
            let mut branch = Statement::new(format!("if {FOUND} is not null then\n"));
            let raise = Statement::new(raise);
            for statement in [&rows.then("))")].into_iter().chain(&audit.reject).chain([&raise]) {
                branch = branch.then_statement(statement).ended().then("\n");
            }
            job.run(&branch.then("end if"));
        });
    }

    /// Statements that use variables of trueup's own, in a block of theirs.
    pub(super) fn with(&mut self, declarations: &[Statement], write: impl FnOnce(&mut Self)) {
        if declarations.is_empty() {
            write(self);
            return;
        }
        self.line("begin");
        self.blocks.push(0);
        for declaration in declarations {
            self.run(declaration);
        }
        write(self);
        for _ in 0..=self.blocks.pop().unwrap_or_default() {
            self.line("end;");
        }
        self.may_declare = false;
    }

    fn line(&mut self, words: &str) {
        self.text = std::mem::take(&mut self.text).then(words).then("\n");
        self.length += 1;
        self.may_declare = true;
    }

    /// All that has been written, as it is.
    pub(super) fn into_text(self) -> Statement {
        self.text.without("\n")
    }

    /// A statement that is alone stays what it is.
    pub(super) fn finish(mut self) -> ScriptStatement {
        for _ in 0..self.blocks.pop().unwrap_or_default() {
            self.line("end;");
        }
        let Self { text, guards, audit, counted, length, .. } = self;
        match counted {
            counted if length != 1 || !guards.is_empty() || audit.is_some() => {
                let statement = text.without("\n");
                ScriptStatement::Multi(Box::new(MultiStatement { statement, guards, audit, counted }))
            }
            Some(_) => ScriptStatement::Count(text.without(";\n")),
            None => ScriptStatement::Run(text.without(";\n")),
        }
    }
}

/// A variable with a value. Without a type it has that of the value.
pub(super) fn declare(name: &str, data_type: Option<&str>, value: &str) -> Statement {
    let data_type = data_type.map(|data_type| format!("{data_type} ")).unwrap_or_default();
    Statement::new(format!("declare {name} {data_type}default {value}"))
}

/// Whether a statement declares a variable.
fn declares(sql: &str, dialect: &dyn Dialect) -> bool {
    sql.to_ascii_lowercase().contains("declare") && first_words(sql, dialect).starts_with("declare ")
}

/// The statements that only say what a name means in those that follow, each with a semicolon and a line end behind it.
pub(super) fn definitions(texts: &[WarehouseText], dialect: &dyn Dialect) -> Statement {
    in_order(texts.iter().filter(|text| defines(text, dialect)))
}

/// Whether a statement only says what a name means in those that follow.
pub(super) fn defines(text: &WarehouseText, dialect: &dyn Dialect) -> bool {
    is_definition(&first_words(text.sql(), dialect))
}

fn is_definition(words: &str) -> bool {
    const STARTS: [&str; 4] = ["declare ", "set ", "create temp function ", "create temporary function "];
    STARTS.iter().any(|start| words.starts_with(start))
}

/// Whether nothing that a statement makes or changes outlives the session or the job.
pub(super) fn is_temporary(sql: &str, dialect: &dyn Dialect) -> bool {
    let words = first_words(sql, dialect);
    is_definition(&words) || is_reading(&words)
}

/// Whether a statement changes rows and nothing else, so that a transaction can hold it.
pub(super) fn changes_rows(text: &WarehouseText, dialect: &dyn Dialect) -> bool {
    const WORDS: [&str; 5] = ["insert ", "update ", "delete ", "merge ", "truncate "];
    let words = first_words(text.sql(), dialect);
    WORDS.iter().any(|word| words.starts_with(word))
}

/// Whether statements change rows in more than one of them, and nothing else that outlives the job: a transaction can hold
/// them together, and has to, or else a job that fails half-way would leave a part.
pub(super) fn belong_together(texts: &[WarehouseText], dialect: &dyn Dialect) -> bool {
    let changes = |text: &&WarehouseText| changes_rows(text, dialect);
    let is_fit = |text: &WarehouseText| changes(&text) || defines(text, dialect) || leaves_nothing(text, dialect);
    texts.iter().filter(changes).count() > 1 && texts.iter().all(is_fit)
}

/// Whether a statement only reads, or makes what goes with the job.
fn leaves_nothing(text: &WarehouseText, dialect: &dyn Dialect) -> bool {
    is_reading(&first_words(text.sql(), dialect))
}

fn is_reading(words: &str) -> bool {
    const STARTS: [&str; 6] = [
        "select ",
        "with ",
        "create temp ",
        "create temporary ",
        "create or replace temp ",
        "create or replace temporary ",
    ];
    STARTS.iter().any(|start| words.starts_with(start))
}

/// The start of a statement in small letters, each word with one blank behind it.
fn first_words(sql: &str, dialect: &dyn Dialect) -> String {
    let start = syntax::read(sql, dialect).first().map_or(0, |piece| piece.range.start);
    let words = sql.get(start..).unwrap_or_default().split_whitespace().take(4);
    words.map(|word| word.to_ascii_lowercase() + " ").collect()
}
