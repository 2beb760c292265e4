//! A query whose names are bound to what they mean: the small tree that types, lineage, keys and checks work on.

mod expr;
mod origin;
mod walk;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sqlparser::tokenizer::Span;

use crate::action::ActionId;
use crate::dialect::semantics::lower;
use crate::relation::{DataType, Nullability};

pub use expr::{Call, Expr, ExprKind, Window};
pub use origin::{Part, below, join};
pub use walk::Survey;

/// A place in [`Bound::sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// A place in [`Bound::ctes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CteId(pub u32);

/// The statements of one text.
#[derive(Debug, Default)]
pub struct Bound {
    /// What each of them is, as far as it is read.
    pub statements: Vec<Statement>,
    /// All that stands in a FROM, in all of its queries.
    pub sources: Vec<Source>,
    /// All common table expressions.
    pub ctes: Vec<Cte>,
    /// Names that mean nothing, or more than one thing.
    pub unbound: Vec<UnboundName>,
    /// Whether something that changes what a query gives is not in here: a sample, the time of a version.
    pub is_partial: bool,
    /// Whether a query stands in an expression somewhere.
    pub has_queries_in_exprs: bool,
    /// The paths of relations that its statements make.
    pub made: Vec<Vec<String>>,
}

/// A statement.
#[derive(Debug)]
pub enum Statement {
    /// A query.
    Query(Query),
    /// Rows of a query into a table, also by a MERGE.
    Insert {
        /// The table.
        into: SourceId,
        /// The columns that get the values, if they are named.
        columns: Vec<Expr>,
        /// What gives the rows.
        query: Query,
        /// Where it names the table.
        span: Span,
    },
    /// UPDATE, DELETE, MERGE: its expressions, and the columns that it assigns to.
    Change(Vec<Expr>),
    /// A relation made of a query.
    Create(Query),
    /// Variables of a script, in lower case, and what they are at first.
    Declare(Vec<String>, Option<Expr>),
    /// Anything else.
    Other,
}

/// A query with what stands around it.
#[derive(Debug)]
pub struct Query {
    /// The common table expressions that it brings.
    pub ctes: Vec<CteId>,
    /// What gives the rows.
    pub body: Body,
    /// ORDER BY.
    pub order_by: Vec<Expr>,
    /// LIMIT and its like.
    pub limit: Vec<Expr>,
    /// What of these is not in the expressions, as it is written: directions, and which of them there are.
    pub choice: String,
    /// What it gives.
    pub columns: Columns,
    /// What decides on its rows, but is not in them.
    pub influences: Vec<Influence>,
    /// Sets of columns, by their places, whose values no two rows share.
    pub keys: Vec<Key>,
    /// All of it.
    pub span: Span,
}

/// What gives the rows of a query.
#[derive(Debug)]
pub enum Body {
    /// A SELECT.
    Select(Box<Select>),
    /// UNION, INTERSECT, EXCEPT.
    SetOperation(Box<SetOperation>),
    /// A query in brackets.
    Nested(Box<Query>),
    /// Rows as they are written.
    Values(Vec<Vec<Expr>>),
    /// Something that is not understood.
    Opaque,
}

/// UNION, INTERSECT, EXCEPT.
#[derive(Debug)]
pub struct SetOperation {
    /// Before it.
    pub left: Query,
    /// Behind it.
    pub right: Query,
    /// Whether columns are matched by their names.
    pub by_name: bool,
    /// Whether the same row comes once.
    pub is_distinct: bool,
    /// In small letters: `union`, `intersect`, `except`.
    pub word: &'static str,
}

/// A SELECT.
#[derive(Debug)]
pub struct Select {
    /// What stands in its FROM, in order.
    pub sources: Vec<SourceId>,
    /// How each source but the first of its item is joined.
    pub joins: Vec<Join>,
    /// What it gives.
    pub projection: Vec<Item>,
    /// The stars in it.
    pub stars: Vec<Span>,
    /// DISTINCT.
    pub distinct: Distinct,
    /// WHERE.
    pub filter: Option<Expr>,
    /// GROUP BY.
    pub grouping: Grouping,
    /// HAVING.
    pub having: Option<Expr>,
    /// QUALIFY.
    pub qualify: Option<Expr>,
    /// What a row is for those around it.
    pub form: RowForm,
    /// The word SELECT.
    pub span: Span,
}

/// What a row of a query is for those around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowForm {
    /// Its columns.
    Columns,
    /// One value, a struct of them: SELECT AS STRUCT, SELECT AS VALUE.
    Struct,
}

/// Whether the same row comes once.
#[derive(Debug)]
pub enum Distinct {
    /// As often as it is.
    All,
    /// Once.
    Rows,
    /// One row for the values of these.
    On(Vec<Expr>),
}

/// GROUP BY.
#[derive(Debug)]
pub enum Grouping {
    /// None.
    None,
    /// By all columns that are no aggregates.
    All,
    /// By these.
    By {
        /// The expressions. A name or a number of a column of the select list is an [`ExprKind::Alias`].
        keys: Vec<Expr>,
        /// Whether there is a row for each of several sets of them (ROLLUP, CUBE, GROUPING SETS).
        has_sets: bool,
    },
}

/// A column of a select list.
#[derive(Debug)]
pub struct Item {
    /// What it is.
    pub expr: Expr,
    /// Whether it comes out of a star.
    pub from_star: bool,
    /// Where it is given its name, if it is.
    pub alias: Option<Span>,
}

/// How a source is joined to those before it.
#[derive(Debug)]
pub struct Join {
    /// The source.
    pub source: SourceId,
    /// How.
    pub kind: JoinKind,
    /// ON; of USING and NATURAL the comparisons that they mean.
    pub condition: Option<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// What becomes of rows that find no partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// They are left out.
    Inner,
    /// Those before it stay.
    Left,
    /// Those of the source stay.
    Right,
    /// All stay.
    Full,
    /// Every row with every row.
    Cross,
    /// Rows are only looked for: SEMI and ANTI.
    Semi,
    /// A form that is not understood.
    Other,
}

/// Something that stands in a FROM.
#[derive(Debug)]
pub struct Source {
    /// The name that its columns can be written with.
    pub name: Option<String>,
    /// The whole path, if it is a relation that is named by one.
    pub path: Vec<String>,
    /// What it is.
    pub kind: SourceKind,
    /// What it gives.
    pub columns: Columns,
    /// Its keys, by the places of the columns.
    pub keys: Vec<Key>,
    /// Whether it is a relation of the project of which all rows are there that its keys say something of.
    pub is_whole: bool,
    /// Whether a join can make a row of NULLs of it.
    pub is_optional: bool,
    /// Where it is named.
    pub span: Span,
}

/// What stands in a FROM.
#[derive(Debug)]
pub enum SourceKind {
    /// A relation of the project.
    Action(ActionId),
    /// The table of the model itself.
    Own,
    /// A relation that nobody declares.
    Undeclared,
    /// A common table expression.
    Cte(CteId),
    /// A query in brackets.
    Derived(Box<Query>),
    /// The elements of arrays, or the rows that a function gives.
    Values(Vec<Expr>),
    /// PIVOT and UNPIVOT of another source.
    Turned(Box<Turned>),
    /// Something that is not understood.
    Opaque,
}

/// PIVOT or UNPIVOT of another source.
#[derive(Debug)]
pub struct Turned {
    /// What is turned.
    pub of: SourceId,
    /// Which of the two.
    pub turn: Turn,
    /// The columns of it that stay as they are, by their places there. They come first.
    pub kept: Vec<usize>,
    /// All expressions that stand in it.
    pub exprs: Vec<Expr>,
    /// What the columns behind those are made of.
    pub made: Vec<Made>,
}

/// Which way a source is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Values become columns: a row for each group.
    Pivot,
    /// Columns become rows.
    Unpivot {
        /// Whether a NULL becomes a row, too.
        keeps_nulls: bool,
    },
}

/// What a column is made of that comes of turning a source.
#[derive(Debug)]
pub struct Made {
    /// Expressions, by their places in [`Turned::exprs`].
    pub of: Vec<usize>,
    /// Of which value, as it is written.
    pub detail: String,
    /// Whether it is one of those that make the groups.
    pub is_group: bool,
}

/// A common table expression.
#[derive(Debug)]
pub struct Cte {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub query: Query,
    /// Its columns, with the names that it gives them.
    pub columns: Columns,
    /// How often it is read.
    pub uses: usize,
    /// Whether it reads itself.
    pub is_recursive: bool,
    /// Its name where it is defined.
    pub span: Span,
}

/// Columns in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Columns {
    /// Those that are known.
    pub known: Vec<Column>,
    /// Whether there may be others, at any place.
    pub is_open: bool,
}

/// A column of a query or of a relation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    /// As the warehouse has it; `None` where nobody knows it or it has none.
    pub name: Option<Arc<str>>,
    /// Its type.
    pub data_type: DataType,
    /// Whether it can be NULL.
    pub nullable: Nullability,
    /// Where it comes from, each once, in order.
    pub origins: Vec<Origin>,
    /// Whether a star leaves it out.
    pub is_hidden: bool,
    /// Whether it has other values each time that the query runs.
    pub is_volatile: bool,
}

/// A relation that a query reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Relation {
    /// One of the project.
    Action(ActionId),
    /// The table of the model itself.
    Own,
    /// One that nobody declares, by its path.
    Undeclared(Arc<str>),
}

/// A column that another one comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// Of which relation.
    pub relation: Relation,
    /// Which one; the fields of a struct behind it, with dots.
    pub column: Arc<str>,
    /// Which part of the value it has become.
    pub part: Part,
    /// What has become of it on the way into that part.
    pub kind: OriginKind,
}

/// What has become of a column on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OriginKind {
    /// Nothing.
    Passed,
    /// It went through an expression.
    Transformed,
    /// It was brought together with others of its kind.
    Aggregated,
}

/// A column that decides on the rows of a query.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Influence {
    /// Of which relation.
    pub relation: Relation,
    /// Which one.
    pub column: Arc<str>,
    /// In what way.
    pub kind: InfluenceKind,
}

/// In what way a column decides on rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum InfluenceKind {
    /// In WHERE, HAVING, QUALIFY.
    Filter,
    /// In the condition of a join.
    Join,
    /// In GROUP BY, DISTINCT ON and the like.
    Group,
}

/// Columns whose values no two rows share, by their places, in order.
pub type Key = Vec<usize>;

/// A name that is bound to nothing.
#[derive(Debug)]
pub struct UnboundName {
    /// As it is written.
    pub name: String,
    /// Why.
    pub reason: Unbound,
    /// Where.
    pub span: Span,
}

/// Why a name is bound to nothing.
#[derive(Debug)]
pub enum Unbound {
    /// Nothing in sight has a column of that name. These are in sight.
    Column(Vec<SourceId>),
    /// The source has no column of that name.
    ColumnOf(SourceId),
    /// The type has no field of that name.
    Field(DataType),
    /// No source is called so. These are in sight.
    Source(Vec<SourceId>),
    /// All of these have one.
    Ambiguous(Vec<SourceId>),
    /// It is the number of a column in a select list that has only so many.
    Place(usize),
    /// No window is defined under that name.
    Window,
}

impl Bound {
    /// What a column refers to.
    pub fn source(&self, id: SourceId) -> &Source {
        &self.sources[id.0 as usize]
    }

    /// Those sources that are so.
    pub fn sources_that(&self, is_so: impl Fn(&SourceKind) -> bool) -> Vec<SourceId> {
        self.sources
            .iter()
            .zip(0..)
            .filter(|(source, _)| is_so(&source.kind))
            .map(|(_, place)| SourceId(place))
            .collect()
    }

    /// What a name of WITH stands for.
    pub fn cte(&self, id: CteId) -> &Cte {
        &self.ctes[id.0 as usize]
    }
}

impl Columns {
    /// Nobody knows any of them.
    pub fn unknown() -> Self {
        Self { known: Vec::new(), is_open: true }
    }

    /// All of them.
    pub fn closed(known: Vec<Column>) -> Self {
        Self { known, is_open: false }
    }

    /// Whether there may be one of a name that is not among those that are known.
    pub fn may_have_others(&self) -> bool {
        self.is_open || self.known.iter().any(|column| column.name.is_none())
    }

    /// Calls each further column of the same name as DuckDB does: `id_1`, `id_2`. Where there may be others nobody knows how far
    /// it has counted.
    pub fn rename_repeated(&mut self) {
        let names = self.known.iter().filter_map(|column| column.name.as_deref());
        let mut names: Vec<Cow<'_, str>> = names.map(lower).collect();
        names.sort_unstable();
        if names.windows(2).all(|pair| pair[0] != pair[1]) {
            return;
        }
        let mut taken: BTreeMap<String, usize> = BTreeMap::new();
        let width = self.known.len();
        for column in &mut self.known {
            let Some(name) = column.name.as_deref() else { continue };
            let Some(count) = taken.get(&name.to_lowercase()).copied() else {
                taken.insert(name.to_lowercase(), 1);
                continue;
            };
            let is_free = |number: &usize| !taken.contains_key(&format!("{name}_{number}").to_lowercase());
            let number = (count..=count + width).find(is_free);
            let new = number.map(|number| format!("{name}_{number}"));
            taken.extend([(name.to_lowercase(), number.unwrap_or(count))]);
            taken.extend(new.iter().map(|new| (new.to_lowercase(), 1)));
            column.name = new.filter(|_| !self.is_open).map(Into::into);
        }
    }

    /// Those that are there for sure and that a star gives.
    pub fn visible(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.known.iter().enumerate().filter(|(_, column)| !column.is_hidden)
    }
}

impl Query {
    /// The item of the select list that makes a column, if that can be seen.
    pub fn item_of(&self, place: usize) -> Option<&Item> {
        self.without_brackets().select()?.projection.get(place)
    }

    /// What makes a column, if that can be seen.
    pub fn item(&self, place: usize) -> Option<&Expr> {
        self.item_of(place).map(|item| &item.expr)
    }

    /// Where a column is made, or else the whole query.
    pub fn span_of(&self, place: usize) -> Span {
        self.item(place).map_or(self.span, |expr| expr.span)
    }

    /// What a row is for those around it.
    pub fn form(&self) -> RowForm {
        let mut query = self;
        loop {
            query = match &query.body {
                Body::Select(select) => return select.form,
                Body::SetOperation(operation) => &operation.left,
                Body::Nested(inner) => inner,
                Body::Values(_) | Body::Opaque => return RowForm::Columns,
            };
        }
    }

    /// One of which nothing is known.
    pub fn opaque(span: Span) -> Self {
        Self {
            ctes: Vec::new(),
            body: Body::Opaque,
            order_by: Vec::new(),
            limit: Vec::new(),
            choice: String::new(),
            columns: Columns::unknown(),
            influences: Vec::new(),
            keys: Vec::new(),
            span,
        }
    }
}
