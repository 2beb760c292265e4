//! A subquery over the own table alone, and whether it gives the same if it is asked a moment before.

use std::ops::{ControlFlow, Range};

use sqlparser::ast::{
    DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, ObjectName, Query,
    Select, SelectItem, SetExpr, Statement, TableFactor, Visit, Visitor,
};
use sqlparser::tokenizer::{Span, Token};

use crate::dialect::{Dialect, syntax};
use crate::plan::partitions::newest_partition;
use crate::plan::watermark::{OwnTable, is_word};
use crate::relation::Partitioning;

/// What a subquery asks for.
#[derive(Debug)]
pub(super) enum Kind {
    /// The greatest value of the column that the table is partitioned by, and nothing else of the table.
    Greatest {
        /// Not quoted.
        column: String,
        data_type: String,
        /// A subquery, in parentheses, for the value at which the newest partition begins.
        start: String,
        /// What is made of it, in the text.
        projection: Range<usize>,
        /// The calls of `max` in there.
        calls: Vec<Call>,
    },
    /// Any other single value, with its type where that is plain.
    Value(Option<String>),
}

/// A call of `max`. As what it is called with grows with the column, `max(date(ts))` is `date(…)` of the greatest `ts`.
#[derive(Debug)]
pub(super) struct Call {
    /// The word, or all of the call if it is of the column alone.
    pub(super) max: Range<usize>,
    /// The column behind that, if it is not in it.
    pub(super) column: Option<Range<usize>>,
}

/// How often a query stands in a text: everywhere, and where an expression may.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Occurrences {
    pub(super) all: usize,
    pub(super) scalar: usize,
}

impl Occurrences {
    pub(super) fn of(query: &Query, statements: &[Statement]) -> Self {
        let mut counter = Counter { query, found: Self::default() };
        let _: ControlFlow<()> = statements.to_vec().visit(&mut counter);
        counter.found
    }
}

struct Counter<'a> {
    query: &'a Query,
    found: Occurrences,
}

impl Visitor for Counter<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.found.all += usize::from(query == self.query);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Subquery(query) = expr {
            self.found.scalar += usize::from(**query == *self.query);
        }
        ControlFlow::Continue(())
    }
}

pub(super) fn parse(sql: &str, dialect: &dyn Dialect) -> Option<Query> {
    match syntax::parse(sql, dialect).ok()?.as_slice() {
        [Statement::Query(query)] => Some((**query).clone()),
        _ => None,
    }
}

/// What a subquery asks for, if it asks nothing but the own table and always gives one row. `words` are those of the
/// subquery, with its parentheses.
pub(super) fn kind(query: &Query, words: &[(Token, Range<usize>)], table: &OwnTable<'_>) -> Option<Kind> {
    let SetExpr::Select(select) = &*query.body else { return None };
    let alias = own_alias(query, select, table)?;
    let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = select.projection.first()? else {
        return None;
    };
    let mut names = Names::default();
    let is_known =
        select.projection.visit(&mut names).is_continue() && select.selection.visit(&mut names).is_continue();
    let is_own = |path: &Vec<Ident>| is_own_column(path, &alias, table);
    let paths = names.paths.iter().filter(|path| !path.first().is_some_and(|name| names.units.contains(&name.span)));
    if !is_known || !has_aggregate(expr) || !paths.clone().all(is_own) {
        return None;
    }
    let has_alias = matches!(select.projection.first(), Some(SelectItem::ExprWithAlias { .. }));
    let greatest = select.selection.is_none().then(|| greatest(&names, words, has_alias, table)).flatten();
    greatest.or_else(|| (!names.is_of_now).then(|| Kind::Value(type_of(expr, table))))
}

/// The name by which the table's columns may be called in a query that reads the own table and has no clause but WHERE.
fn own_alias(query: &Query, select: &Select, table: &OwnTable<'_>) -> Option<String> {
    let is_bare_query = query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && query.locks.is_empty()
        && query.for_clause.is_none()
        && query.pipe_operators.is_empty();
    let has_no_groups =
        matches!(&select.group_by, GroupByExpr::Expressions(by, more) if by.is_empty() && more.is_empty());
    let is_bare_select = select.distinct.is_none()
        && select.top.is_none()
        && select.exclude.is_none()
        && select.lateral_views.is_empty()
        && select.having.is_none()
        && select.named_window.is_empty()
        && select.qualify.is_none()
        && select.value_table_mode.is_none()
        && select.projection.len() == 1;
    let [from] = select.from.as_slice() else { return None };
    let TableFactor::Table { name, alias, args: None, version: None, sample: None, json_path: None, .. } =
        &from.relation
    else {
        return None;
    };
    let is_bare = is_bare_query && has_no_groups && is_bare_select && from.joins.is_empty();
    let name_here = || alias.as_ref().map_or_else(|| table.target.name.clone(), |alias| alias.name.value.clone());
    (is_bare && is_own(name, table)).then(name_here)
}

/// Backticks may hold the whole path.
fn is_own(name: &ObjectName, table: &OwnTable<'_>) -> bool {
    let parts = name.0.iter().filter_map(|part| part.as_ident()).flat_map(|part| part.value.split('.'));
    parts.eq(table.target.parts())
}

/// Whether a name is the time at which rows came in, where the partitions go by that.
fn is_pseudo(name: &Ident, table: &OwnTable<'_>) -> bool {
    let by_arrival = matches!(table.layout.partitioning, Some(Partitioning::Time { column: None, .. }));
    by_arrival && ["_PARTITIONTIME", "_PARTITIONDATE"].iter().any(|known| name.value.eq_ignore_ascii_case(known))
}

fn is_own_column(path: &[Ident], alias: &str, table: &OwnTable<'_>) -> bool {
    let is_column = |name: &Ident| {
        is_pseudo(name, table) || table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(&name.value))
    };
    match path {
        [first, second, ..] if first.value.eq_ignore_ascii_case(alias) => is_column(second),
        [first, ..] => is_column(first),
        [] => false,
    }
}

/// Aggregates that give the same for the same rows.
const AGGREGATES: [&str; 8] = ["avg", "count", "countif", "logical_and", "logical_or", "max", "min", "sum"];

/// Other functions that do.
const STABLE: [&str; 48] = [
    "abs",
    "ceil",
    "coalesce",
    "concat",
    "date",
    "date_add",
    "date_diff",
    "date_from_unix_date",
    "date_sub",
    "date_trunc",
    "datetime",
    "datetime_add",
    "datetime_diff",
    "datetime_sub",
    "datetime_trunc",
    "floor",
    "format",
    "format_date",
    "format_datetime",
    "format_timestamp",
    "greatest",
    "if",
    "ifnull",
    "last_day",
    "least",
    "length",
    "lower",
    "mod",
    "nullif",
    "parse_date",
    "parse_datetime",
    "parse_timestamp",
    "round",
    "safe_add",
    "string",
    "substr",
    "timestamp",
    "timestamp_add",
    "timestamp_diff",
    "timestamp_micros",
    "timestamp_millis",
    "timestamp_seconds",
    "timestamp_sub",
    "timestamp_trunc",
    "trim",
    "trunc",
    "unix_seconds",
    "upper",
];

/// Functions that tell the time, which is another one a moment before.
const OF_NOW: [&str; 4] = ["current_date", "current_datetime", "current_time", "current_timestamp"];

fn name_of(function: &Function) -> String {
    let name = function.name.to_string().to_ascii_lowercase();
    name.strip_prefix("safe.").unwrap_or(&name).to_owned()
}

fn has_aggregate(expr: &Expr) -> bool {
    struct Search;
    impl Visitor for Search {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function) if AGGREGATES.contains(&name_of(function).as_str()) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut Search).is_break()
}

/// The columns that expressions name. What is not known to give the same each time ends the search.
#[derive(Debug, Default)]
struct Names {
    paths: Vec<Vec<Ident>>,
    /// Where parts of dates are named, as in `date_trunc(day, month)`.
    units: Vec<Span>,
    is_of_now: bool,
    /// How many calls are of aggregates.
    aggregates: usize,
    /// The column of each call of `max` that is of nothing else, and grows with it.
    greatest: Vec<String>,
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        ControlFlow::Break(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => self.paths.push(vec![name.clone()]),
            Expr::CompoundIdentifier(path) => self.paths.push(path.clone()),
            Expr::Function(function) => return self.see_call(function),
            Expr::BinaryOp { .. }
            | Expr::UnaryOp { .. }
            | Expr::Nested(_)
            | Expr::Value(_)
            | Expr::TypedString { .. }
            | Expr::Interval(_)
            | Expr::Cast { .. }
            | Expr::Case { .. }
            | Expr::Between { .. }
            | Expr::InList { .. }
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::Extract { .. }
            | Expr::Like { .. } => {}
            _ => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }
}

impl Names {
    fn see_call(&mut self, function: &Function) -> ControlFlow<()> {
        let name = name_of(function);
        let is_plain = function.over.is_none() && function.filter.is_none() && function.within_group.is_empty();
        let of_now = OF_NOW.contains(&name.as_str());
        let aggregates = AGGREGATES.contains(&name.as_str());
        self.is_of_now |= of_now;
        self.aggregates += usize::from(aggregates);
        if !is_plain || !(of_now || aggregates || STABLE.contains(&name.as_str())) {
            return ControlFlow::Break(());
        }
        let FunctionArguments::List(list) = &function.args else { return ControlFlow::Continue(()) };
        let argument = |arg: &FunctionArg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
            _ => None,
        };
        let last = list.args.last().and_then(argument);
        if let Some(Expr::Identifier(unit)) = &last
            && (name.ends_with("_trunc") || name.ends_with("_diff") || name == "last_day")
        {
            self.units.push(unit.span);
        }
        if name == "max" && list.args.len() == 1 && list.duplicate_treatment.is_none() {
            self.greatest.extend(last.as_ref().and_then(growing));
        }
        ControlFlow::Continue(())
    }
}

/// The column that an expression grows with, as `date(ts)` does with `ts`: never less for what is later.
fn growing(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(column) => Some(column.value.clone()),
        Expr::CompoundIdentifier(path) if path.len() == 2 => path.last().map(|column| column.value.clone()),
        Expr::Cast { expr, data_type: DataType::Date, .. } => growing(expr),
        Expr::Function(function) => {
            let FunctionArguments::List(list) = &function.args else { return None };
            // With a time zone the clock may go back.
            let most = match name_of(function).as_str() {
                "date" | "datetime" | "timestamp" => 1,
                "date_trunc" | "datetime_trunc" | "timestamp_trunc" => 2,
                _ => return None,
            };
            match list.args.first()? {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if list.args.len() <= most => growing(expr),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The type of an expression, as far as it can be told without knowing all functions.
fn type_of(expr: &Expr, table: &OwnTable<'_>) -> Option<String> {
    let of_column = |name: &Ident| {
        if is_pseudo(name, table) {
            let is_date = name.value.eq_ignore_ascii_case("_PARTITIONDATE");
            return Some(if is_date { "date" } else { "timestamp" }.to_owned());
        }
        let column = table.columns.iter().find(|column| column.name.eq_ignore_ascii_case(&name.value))?;
        // What is said of lengths is no part of the type of a variable.
        Some(column.data_type.split('(').next().unwrap_or_default().to_owned())
    };
    match expr {
        Expr::Identifier(name) => of_column(name),
        Expr::CompoundIdentifier(path) if path.len() == 2 => path.last().and_then(of_column),
        Expr::Function(function) => {
            let FunctionArguments::List(list) = &function.args else { return None };
            let name = name_of(function);
            match name.as_str() {
                "count" | "countif" => return Some("int64".to_owned()),
                "date" | "datetime" | "timestamp" => return Some(name),
                _ => {}
            }
            let is_of_time = ["date", "timestamp"].iter().any(|start| name.starts_with(start));
            let keeps_type = is_of_time && ["_trunc", "_add", "_sub"].iter().any(|end| name.ends_with(end));
            match list.args.first()? {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(first))
                    if keeps_type || ["max", "min"].contains(&&*name) =>
                {
                    type_of(first, table)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether all that is asked is the greatest value of the column that the partitions go by.
fn greatest(names: &Names, words: &[(Token, Range<usize>)], has_alias: bool, table: &OwnTable<'_>) -> Option<Kind> {
    let partitioning = table.layout.partitioning.as_ref()?;
    let column = table
        .columns
        .iter()
        .find(|column| partitioning.column().is_some_and(|name| name.eq_ignore_ascii_case(&column.name)))?;
    let is_it = |name: &String| name.eq_ignore_ascii_case(&column.name);
    let is_nothing_else =
        names.greatest.len() + names.units.len() == names.paths.len() && names.greatest.len() == names.aggregates;
    if names.greatest.is_empty() || !is_nothing_else || !names.greatest.iter().all(is_it) {
        return None;
    }
    // `( select … from`: no word of the projection is FROM, since EXTRACT is not in it.
    let from = words.iter().position(|(token, _)| is_word(token, "from"))?;
    let projection = words.get(2..from)?;
    let projection = if has_alias { without_alias(projection)? } else { projection };
    let calls = calls_of_max(projection, &column.name);
    if calls.len() != names.greatest.len() {
        return None;
    }
    let projection = projection.first()?.1.start..projection.last()?.1.end;
    let start = newest_partition(partitioning, &column.data_type, table.target, table.dialect)?;
    let (column, data_type) = (column.name.clone(), column.data_type.clone());
    Some(Kind::Greatest { column, data_type, start, projection, calls })
}

/// `max(ts) as newest` and `max(ts) newest` without the name.
fn without_alias(words: &[(Token, Range<usize>)]) -> Option<&[(Token, Range<usize>)]> {
    match words {
        [before @ .., (keyword, _), _] if is_word(keyword, "as") => Some(before),
        [before @ .., _] => Some(before),
        [] => None,
    }
}

fn calls_of_max(words: &[(Token, Range<usize>)], column: &str) -> Vec<Call> {
    let is_column = |token: &Token| matches!(token, Token::Word(word) if word.value.eq_ignore_ascii_case(column));
    let starts = words.iter().enumerate().filter(|(at, (token, _))| {
        is_word(token, "max") && words.get(at + 1).is_some_and(|(next, _)| *next == Token::LParen)
    });
    let call = |(at, (_, max)): (usize, &(Token, Range<usize>))| {
        let inside = words.get(at + 2..)?;
        let is_call = |at: usize| inside.get(at + 1).is_some_and(|(next, _)| *next == Token::LParen);
        let mut names = inside.iter().enumerate().filter(|(at, (token, _))| is_column(token) && !is_call(*at));
        let (name, _) = names.next()?;
        let is_qualified = name >= 2 && inside.get(name - 1).is_some_and(|(token, _)| *token == Token::Period);
        let first = if is_qualified { name - 2 } else { name };
        let column = inside.get(first)?.1.start..inside.get(name)?.1.end;
        Some(match inside.get(name + 1)? {
            (Token::RParen, end) if first == 0 => Call { max: max.start..end.end, column: None },
            _ => Call { max: max.clone(), column: Some(column) },
        })
    };
    starts.filter_map(call).collect()
}
