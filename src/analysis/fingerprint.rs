//! What a text means, as numbers: two texts with the same numbers give the same rows. Names that a query gives only to
//! itself, the order of conditions, and subqueries that only pass on what they read, make no difference.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::hash::Hasher;
use std::rc::Rc;

use fnv::FnvHasher;
use serde::{Deserialize, Serialize};

use crate::action::ActionId;
use crate::analysis::bound::{
    Body, Bound, Column, Columns, CteId, Distinct, Expr, ExprKind, Grouping, JoinKind, Query, RowForm, Select,
    SetOperation, SourceId, SourceKind, Statement, Turn, Turned,
};
use crate::dialect::semantics::{FunctionKind, lower};

/// What the texts of an action mean: its query, and what runs beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Of its text, whatever its layout and its comments.
    pub text: u64,
    /// Of which rows it gives, whatever is in them.
    pub rows: u64,
    /// Of what each of its columns is, in their order.
    pub columns: Vec<u64>,
    /// Of what an incremental run selects, whatever the layout.
    pub increment: u64,
    /// Of the statements that run as they are, whatever the layout.
    pub statements: u64,
    /// Whether `rows` and `columns` hold everything. If not, only `text` can say that nothing has changed.
    pub is_exact: bool,
}

impl Fingerprint {
    /// Of the number of a text and what its names mean. `name` is what an action is called in every environment.
    pub(super) fn new(text: u64, bound: &Bound, name: &dyn Fn(ActionId) -> String) -> Self {
        let [Statement::Query(query)] = bound.statements.as_slice() else {
            return Self { text, is_exact: false, ..Self::default() };
        };
        let is_exact = !bound.is_partial;
        let mut prints = Prints { bound, name, is_exact, ctes: HashMap::new(), sources: HashMap::new() };
        let of_query = prints.query(query);
        let is_exact = prints.is_exact && !query.columns.is_open;
        Self { text, rows: of_query.rows, columns: of_query.columns, is_exact, ..Self::default() }
    }
}

impl Fingerprint {
    /// Of a text that gives these columns: of what it means, whatever their order; of one that is not understood, of the text.
    pub(super) fn meaning(&self, columns: &Columns) -> u64 {
        if !self.is_exact || self.columns.len() != columns.known.len() {
            return self.text;
        }
        let named = columns
            .known
            .iter()
            .zip(&self.columns)
            .map(|(column, print)| of_column(*print, column.name.as_deref().unwrap_or_default()));
        let mut parts: Vec<u64> = named.collect();
        parts.sort_unstable();
        parts.push(self.rows);
        combine("meaning", &parts)
    }

    /// Of its text and of what an incremental run selects.
    pub fn texts(&self) -> u64 {
        combine("texts", &[self.text, self.increment])
    }
}

/// Takes texts in without keeping them.
#[derive(Default)]
pub struct Letters(FnvHasher);

impl Letters {
    /// Takes the next one.
    pub fn add(&mut self, text: fmt::Arguments<'_>) {
        // It fails nowhere: there is no end to the letters that are taken.
        let _ = self.write_fmt(text);
        self.0.write_u8(END);
    }

    /// Of the letters so far and numbers behind them.
    fn numbers(mut self, parts: &[u64]) -> u64 {
        for part in parts {
            self.0.write(&part.to_le_bytes());
        }
        self.hash()
    }

    /// What [`hash`] gives of them.
    pub fn hash(&self) -> u64 {
        self.0.finish()
    }
}

impl fmt::Write for Letters {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

/// Stands behind each text: no text has such a byte.
const END: u8 = 0xff;

/// Of texts, in order. It is the same on every machine.
pub fn hash(parts: impl IntoIterator<Item = impl AsRef<str>>) -> u64 {
    let mut hasher = FnvHasher::default();
    for part in parts {
        hasher.write(part.as_ref().as_bytes());
        hasher.write_u8(END);
    }
    hasher.finish()
}

/// Of a word and numbers, in order.
pub(super) fn combine(word: &str, parts: &[u64]) -> u64 {
    let mut letters = Letters::default();
    letters.0.write(word.as_bytes());
    letters.numbers(parts)
}

/// Of words and numbers, in order.
fn combine_words(words: fmt::Arguments<'_>, parts: &[u64]) -> u64 {
    let mut letters = Letters::default();
    // It fails nowhere.
    let _ = letters.write_fmt(words);
    letters.numbers(parts)
}

/// Of a query.
#[derive(Debug, Clone)]
struct Print {
    rows: u64,
    columns: Vec<u64>,
}

struct Prints<'a> {
    bound: &'a Bound,
    name: &'a dyn Fn(ActionId) -> String,
    is_exact: bool,
    ctes: HashMap<CteId, Rc<Print>>,
    sources: HashMap<SourceId, Rc<Print>>,
}

impl Prints<'_> {
    #[recursive::recursive]
    fn query(&mut self, query: &Query) -> Print {
        let mut print = match &query.body {
            Body::Select(select) => self.select(select),
            Body::Nested(query) => self.query(query),
            Body::SetOperation(operation) => self.set_operation(operation, &query.columns.known),
            Body::Values(rows) => self.values(rows),
            Body::Opaque => {
                self.is_exact = false;
                Print { rows: 0, columns: vec![0; query.columns.known.len()] }
            }
        };
        // Which rows are left is for the order to say.
        let is_first_of_each = query.select().is_some_and(|select| matches!(select.distinct, Distinct::On(_)));
        if !query.limit.is_empty() || is_first_of_each {
            let mut parts = vec![print.rows];
            parts.extend(self.exprs(&query.limit));
            parts.extend(query.order_by.iter().map(|expr| self.expr(expr, query.select())));
            print.rows = combine_words(format_args!("limit {}", query.choice), &parts);
        }
        print
    }

    fn select(&mut self, select: &Select) -> Print {
        let columns: Vec<u64> = select.projection.iter().map(|item| self.expr(&item.expr, Some(select))).collect();
        if let [source] = select.sources.as_slice()
            && passes_on(select)
        {
            return Print { rows: self.source(*source).rows, columns };
        }
        let mut parts: Vec<u64> = select.sources.iter().map(|source| self.source(*source).rows).collect();
        for join in &select.joins {
            let mut conditions = vec![combine(word(join.kind), &[])];
            self.conjuncts(join.condition.as_ref(), select, &mut conditions);
            conditions.sort_unstable();
            parts.push(combine("join", &conditions));
        }
        let mut filters = Vec::new();
        self.conjuncts(select.filter.as_ref(), select, &mut filters);
        filters.sort_unstable();
        filters.dedup();
        parts.push(combine("where", &filters));
        let mut groups = match &select.grouping {
            Grouping::None => vec![u64::from(select.projection.iter().any(|item| item.expr.is_aggregated()))],
            Grouping::All => vec![2],
            Grouping::By { keys, has_sets } => {
                let mut keys: Vec<u64> = keys.iter().map(|key| self.expr(key, Some(select))).collect();
                if *has_sets {
                    // Which sets they are is not in the tree.
                    self.is_exact = false;
                } else {
                    keys.sort_unstable();
                    keys.dedup();
                }
                keys.push(3);
                keys
            }
        };
        parts.append(&mut groups);
        for condition in [&select.having, &select.qualify] {
            let mut conditions = Vec::new();
            self.conjuncts(condition.as_ref(), select, &mut conditions);
            conditions.sort_unstable();
            parts.push(combine("having", &conditions));
        }
        match &select.distinct {
            Distinct::All => {}
            Distinct::Rows => parts.push(combine("distinct", &columns)),
            Distinct::On(exprs) => {
                let exprs: Vec<u64> = exprs.iter().map(|expr| self.expr(expr, Some(select))).collect();
                parts.push(combine("distinct on", &exprs));
            }
        }
        Print { rows: combine("select", &parts), columns }
    }

    /// The conditions that have to hold together.
    fn conjuncts(&mut self, condition: Option<&Expr>, select: &Select, found: &mut Vec<u64>) {
        let Some(condition) = condition else { return };
        match condition.call_of("and") {
            Some(and) => {
                for part in &and.arguments {
                    self.conjuncts(Some(part), select, found);
                }
            }
            None => found.push(self.expr(condition, Some(select))),
        }
    }

    fn set_operation(&mut self, operation: &SetOperation, columns: &[Column]) -> Print {
        let (left, right) = (self.query(&operation.left), self.query(&operation.right));
        let SetOperation { word, is_distinct, by_name, .. } = operation;
        let mut parts = vec![left.rows, right.rows, u64::from(*is_distinct)];
        if *is_distinct || *word != "union" {
            parts.extend(left.columns.iter().chain(&right.columns));
        }
        let rows = combine(word, &parts);
        let place =
            |query: &Query, column: &Column| query.columns.known.iter().position(|other| other.name == column.name);
        let column = |(number, column): (usize, &Column)| {
            let of = |query: &Query, print: &Print| {
                let place = if *by_name { place(query, column) } else { Some(number) };
                place.and_then(|place| print.columns.get(place)).copied().unwrap_or_default()
            };
            combine(word, &[of(&operation.left, &left), of(&operation.right, &right)])
        };
        Print { rows, columns: columns.iter().enumerate().map(column).collect() }
    }

    fn values(&mut self, rows: &[Vec<Expr>]) -> Print {
        let cells: Vec<Vec<u64>> = rows.iter().map(|row| self.exprs(row)).collect();
        let width = cells.first().map_or(0, Vec::len);
        let column = |place: usize| {
            let column: Vec<u64> = cells.iter().filter_map(|row| row.get(place).copied()).collect();
            combine("values", &column)
        };
        let columns: Vec<u64> = (0..width).map(column).collect();
        Print { rows: combine("values", &columns), columns }
    }

    /// Of a source, with a number for each of its columns.
    fn source(&mut self, id: SourceId) -> Rc<Print> {
        if let Some(print) = self.sources.get(&id) {
            return Rc::clone(print);
        }
        let print = self.new_source(id);
        self.sources.insert(id, Rc::clone(&print));
        print
    }

    fn new_source(&mut self, id: SourceId) -> Rc<Print> {
        let source = self.bound.source(id);
        Rc::new(match &source.kind {
            SourceKind::Cte(id) => return self.cte(*id),
            SourceKind::Action(_) | SourceKind::Own | SourceKind::Undeclared => {
                let rows = match &source.kind {
                    SourceKind::Action(id) => hash([(self.name)(*id)]),
                    SourceKind::Own => hash(["self"]),
                    _ => hash(&source.path),
                };
                let names = source.columns.known.iter().map(|column| column.name.as_deref().unwrap_or_default());
                Print { rows, columns: names.map(|name| of_column(rows, name)).collect() }
            }
            SourceKind::Derived(query) => self.query(query),
            SourceKind::Values(exprs) => {
                let exprs = self.exprs(exprs);
                let rows = combine("rows of", &exprs);
                let columns = (0u64..).take(source.columns.known.len());
                Print { rows, columns: columns.map(|place| combine("row", &[rows, place])).collect() }
            }
            SourceKind::Turned(turned) => self.turned(turned),
            SourceKind::Opaque => {
                self.is_exact = false;
                Print { rows: 0, columns: vec![0; source.columns.known.len()] }
            }
        })
    }

    /// The rows of PIVOT are the groups, whatever is in the other columns.
    fn turned(&mut self, turned: &Turned) -> Print {
        let of = self.source(turned.of);
        let exprs = self.exprs(&turned.exprs);
        let kept: Vec<u64> = turned.kept.iter().filter_map(|place| of.columns.get(*place).copied()).collect();
        let groups = turned.made.iter().filter(|made| made.is_group).flat_map(|made| &made.of);
        let groups: Vec<u64> = groups.filter_map(|place| exprs.get(*place).copied()).collect();
        let rows = match turned.turn {
            Turn::Pivot => combine("pivot", &[&[of.rows], kept.as_slice(), &groups].concat()),
            Turn::Unpivot { keeps_nulls } => {
                combine("unpivot", &[&[of.rows, u64::from(keeps_nulls)], exprs.as_slice()].concat())
            }
        };
        let made = turned.made.iter().map(|made| {
            let parts = made.of.iter().filter_map(|place| exprs.get(*place).copied());
            combine(&made.detail, &parts.collect::<Vec<u64>>())
        });
        Print { rows, columns: kept.iter().copied().chain(made).collect() }
    }

    fn cte(&mut self, id: CteId) -> Rc<Print> {
        if let Some(print) = self.ctes.get(&id) {
            return Rc::clone(print);
        }
        let cte = self.bound.cte(id);
        // What it reads of itself.
        let own = Print { rows: 1, columns: (0..).take(cte.columns.known.len()).collect() };
        self.ctes.insert(id, Rc::new(own));
        let print = Rc::new(self.query(&cte.query));
        self.ctes.insert(id, Rc::clone(&print));
        print
    }

    fn exprs(&mut self, exprs: &[Expr]) -> Vec<u64> {
        exprs.iter().map(|expr| self.expr(expr, None)).collect()
    }

    /// Of an expression in a SELECT, if it is in one.
    #[recursive::recursive]
    fn expr(&mut self, expr: &Expr, select: Option<&Select>) -> u64 {
        match &expr.kind {
            ExprKind::Column { source, column, name, levels, .. } => {
                let print = self.source(*source);
                let column = match column.and_then(|column| print.columns.get(column)) {
                    Some(print) => *print,
                    None => of_column(print.rows, name),
                };
                match self.occurrence(*source, select) {
                    0 if *levels == 0 => column,
                    number => combine("of", &[column, number, *levels as u64]),
                }
            }
            ExprKind::Alias(place) => match select.and_then(|select| select.projection.get(*place)) {
                Some(item) => self.expr(&item.expr, select),
                None => combine("place", &[*place as u64]),
            },
            ExprKind::Row(source) => combine("row", &[self.source(*source).rows, self.occurrence(*source, select)]),
            ExprKind::Field { of, name } => combine(&name.to_lowercase(), &[self.expr(of, select)]),
            ExprKind::Literal(text) => hash(["literal", text]),
            ExprKind::Parameter { number, .. } => combine("parameter", &[*number as u64]),
            ExprKind::Lambda(body) => combine("lambda", &[self.expr(body, select)]),
            ExprKind::Unbound | ExprKind::Other(_) => {
                self.is_exact = false;
                0
            }
            ExprKind::Subquery(query) | ExprKind::Exists(query) | ExprKind::ArrayOf(query) => {
                let Print { rows, columns } = self.query(query);
                let word = match &expr.kind {
                    ExprKind::Exists(_) => return combine("exists", &[rows]),
                    ExprKind::ArrayOf(_) => "array",
                    _ => "scalar",
                };
                let form = u64::from(query.form() == RowForm::Struct);
                combine(word, &[&[rows, form], columns.as_slice()].concat())
            }
            ExprKind::InSubquery { value, query, is_negated } => {
                let Print { rows, columns } = self.query(query);
                let value = self.expr(value, select);
                let word = if *is_negated { "not in" } else { "in" };
                combine(word, &[&[value, rows], columns.as_slice()].concat())
            }
            ExprKind::Cast { value, is_safe } => {
                self.is_exact &= !expr.data_type.is_vague();
                let value = self.expr(value, select);
                combine_words(format_args!("cast {is_safe} {:?}", expr.data_type), &[value])
            }
            ExprKind::Call(call) => {
                self.is_exact &= call.kind != FunctionKind::Table;
                let mut parts: Vec<u64> = operands(expr).into_iter().map(|part| self.expr(part, select)).collect();
                let mut name = call.name.as_str();
                // What says the same the other way round is the same.
                match name {
                    "and" | "or" => {
                        parts.sort_unstable();
                        parts.dedup();
                    }
                    "=" | "<>" | "is distinct from" | "is not distinct from" => parts.sort_unstable(),
                    "in" | "not in" => {
                        parts.get_mut(1..).unwrap_or_default().sort_unstable();
                    }
                    ">" | ">=" => {
                        parts.reverse();
                        name = if name == ">" { "<" } else { "<=" };
                    }
                    _ => {}
                }
                combine_words(format_args!("{name} {} {}", call.is_distinct, call.detail), &parts)
            }
        }
    }

    /// How many sources before this one are the same.
    fn occurrence(&mut self, id: SourceId, select: Option<&Select>) -> u64 {
        let Some(select) = select.filter(|select| select.sources.len() > 1) else { return 0 };
        let rows = self.source(id).rows;
        let before = select.sources.iter().take_while(|source| **source != id);
        let same: Vec<SourceId> = before.copied().collect();
        same.into_iter().filter(|source| self.source(*source).rows == rows).count() as u64
    }
}

/// The expressions right below one; of a chain of ANDs or ORs all that it holds together.
fn operands(expr: &Expr) -> Vec<&Expr> {
    match expr.call() {
        Some(call) if matches!(call.name.as_str(), "and" | "or") => {
            let is_same = |part: &&Expr| part.call_of(&call.name).is_some();
            let chained = call.arguments.iter().map(|part| if is_same(&part) { operands(part) } else { vec![part] });
            chained.flatten().collect()
        }
        _ => expr.children(),
    }
}

fn of_column(relation: u64, name: &str) -> u64 {
    combine(&lower(name), &[relation])
}

/// Whether a SELECT gives every row of its only source once.
fn passes_on(select: &Select) -> bool {
    let Select { joins, distinct, filter, grouping, having, qualify, projection, .. } = select;
    joins.is_empty()
        && matches!(distinct, Distinct::All)
        && matches!(grouping, Grouping::None)
        && filter.is_none()
        && having.is_none()
        && qualify.is_none()
        && !projection.iter().any(|item| item.expr.is_aggregated())
        && !projection.iter().any(|item| item.expr.any(&|part| is_table(part)))
}

fn is_table(expr: &Expr) -> bool {
    expr.call().is_some_and(|call| matches!(call.kind, FunctionKind::Table | FunctionKind::Unknown))
}

fn word(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::Inner => "inner",
        JoinKind::Left => "left",
        JoinKind::Right => "right",
        JoinKind::Full => "full",
        JoinKind::Cross => "cross",
        JoinKind::Semi => "semi",
        JoinKind::Other => "other",
    }
}
