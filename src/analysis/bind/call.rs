//! Calls of functions and operators.

use std::borrow::Cow;

use sqlparser::ast::{
    self, DuplicateTreatment, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
};
use sqlparser::tokenizer::Span;

use super::expr::name_of_field;
use super::scope::Scope;
use super::spread::CHOICE;
use super::{Binder, around};
use crate::analysis::bound::{Call, Column, Expr, ExprKind, Query, RowForm, Unbound, Window};
use crate::dialect::semantics::FunctionKind;
use crate::relation::{DataType, Field, Nullability};

impl Binder<'_> {
    /// An operator that the dialect is not asked about.
    pub(super) fn operation(name: &str, arguments: Vec<Expr>, span: Span) -> Expr {
        let call = Call {
            name: name.to_owned(),
            kind: FunctionKind::Scalar,
            arguments,
            is_distinct: false,
            clauses: Vec::new(),
            window: None,
            detail: String::new(),
        };
        Expr {
            kind: ExprKind::Call(Box::new(call)),
            data_type: DataType::Unknown,
            nullable: Nullability::Unknown,
            span,
        }
    }

    /// Notes what of a call is not in the tree.
    pub(super) fn with_detail(mut made: Expr, detail: impl Into<String>) -> Expr {
        if let ExprKind::Call(call) = &mut made.kind {
            call.detail = detail.into();
        }
        made
    }

    /// A function or an operator of which the dialect says what it gives.
    pub(super) fn make_call(&self, name: &str, arguments: Vec<Expr>, span: Span) -> Expr {
        let types: Vec<&DataType> = arguments.iter().map(|argument| &argument.data_type).collect();
        let literals: Vec<Option<Cow<'_, str>>> = arguments.iter().map(literal).collect();
        let literals: Vec<Option<&str>> = literals.iter().map(Option::as_deref).collect();
        let known = self.semantics.call_with(name, &types, &literals);
        let nullable = known.nulls.apply(arguments.iter().map(|argument| argument.nullable));
        let mut made = Self::operation(name, arguments, span);
        if let ExprKind::Call(call) = &mut made.kind {
            call.kind = known.kind;
        }
        Expr { data_type: known.data_type, nullable, ..made }
    }

    pub(super) fn function(&mut self, function: &ast::Function) -> Expr {
        let parts: Vec<String> = function.name.0.iter().map(|part| part.to_string().to_lowercase()).collect();
        let name = parts.join(".").replace(['`', '"'], "");
        let names = function.name.0.iter().filter_map(|part| part.as_ident());
        let place = around(names.map(|name| name.span));
        if name == "array"
            && let FunctionArguments::Subquery(query) = &function.args
        {
            return self.array_of(query);
        }
        let (mut arguments, rest) = self.arguments(&name, &function.args);
        if let ("struct_extract", [value, index]) = (name.as_str(), arguments.as_slice())
            && let Some(field) = name_of_field(value, index)
        {
            return self.field(arguments.swap_remove(0), &field, place);
        }
        let mut clauses = rest.clauses;
        let order = self.exprs(function.within_group.iter().map(|order| &order.expr));
        let ordered = self.type_within_group(&name, &arguments, &order);
        clauses.extend(order);
        clauses.extend(self.exprs(function.filter.as_deref()));
        let window = function.over.as_ref().map(|over| self.window(over));
        let span = around(std::iter::once(place).chain(arguments.iter().map(|argument| argument.span)));
        let mut made = self.make_call(&name, arguments, span);
        let known = ordered.or_else(|| packed(&name, function, &made)).or_else(|| groups_of_pattern(&name, function));
        if let Some(data_type) = known {
            made.data_type = data_type;
        }
        let is_aggregate_with_window = window.is_some();
        if let ExprKind::Call(call) = &mut made.kind {
            call.is_distinct = rest.is_distinct;
            call.clauses = clauses;
            call.window = window;
            call.detail = detail(function);
            if is_aggregate_with_window {
                call.kind = FunctionKind::Window;
            }
        }
        if name == CHOICE && self.semantics.spreads_items() { self.choice(made) } else { made }
    }

    /// What WITHIN GROUP makes of a call, where that depends on what the rows are ordered by.
    fn type_within_group(&self, name: &str, arguments: &[Expr], order: &[Expr]) -> Option<DataType> {
        let types: Vec<&DataType> = arguments.iter().chain(order).map(|part| &part.data_type).collect();
        let given = (!order.is_empty()).then(|| self.semantics.call(name, &types).data_type)?;
        (given != DataType::Unknown).then_some(given)
    }

    fn array_of(&mut self, query: &ast::Query) -> Expr {
        let bound = self.query_within(query);
        let (data_type, span) = (value_of(&bound).array(), bound.span);
        Expr { kind: ExprKind::ArrayOf(bound), data_type, nullable: Nullability::NotNull, span }
    }

    /// The arguments of a function, and what else stands in its brackets.
    pub(super) fn arguments(&mut self, function: &str, arguments: &FunctionArguments) -> (Vec<Expr>, Rest) {
        let list = match arguments {
            FunctionArguments::None => return (Vec::new(), Rest::default()),
            FunctionArguments::Subquery(query) => {
                let query = self.query_within(query);
                let span = query.span;
                let value = Expr {
                    kind: ExprKind::Subquery(query),
                    data_type: DataType::Unknown,
                    nullable: Nullability::Unknown,
                    span,
                };
                return (vec![value], Rest::default());
            }
            FunctionArguments::List(list) => list,
        };
        let mut bound = Vec::with_capacity(list.args.len());
        for (place, argument) in list.args.iter().enumerate() {
            let (FunctionArg::Named { arg, .. } | FunctionArg::ExprNamed { arg, .. } | FunctionArg::Unnamed(arg)) =
                argument;
            match arg {
                FunctionArgExpr::Expr(ast::Expr::Lambda(lambda)) => {
                    let lambda = self.lambda_of(lambda, function, &bound);
                    bound.push(lambda);
                }
                FunctionArgExpr::Expr(expr) => {
                    let takes_word = takes_word(function, place, list.args.len());
                    bound.push(self.argument(expr, takes_word));
                }
                // `count(*)` looks at no column.
                FunctionArgExpr::Wildcard
                | FunctionArgExpr::QualifiedWildcard(_)
                | FunctionArgExpr::WildcardWithOptions(_) => {}
            }
        }
        let mut rest =
            Rest { is_distinct: list.duplicate_treatment == Some(DuplicateTreatment::Distinct), clauses: Vec::new() };
        for clause in &list.clauses {
            match clause {
                FunctionArgumentClause::OrderBy(order) => {
                    rest.clauses.extend(self.exprs(order.iter().map(|order| &order.expr)));
                }
                FunctionArgumentClause::Where(expr) | FunctionArgumentClause::Limit(expr) => {
                    rest.clauses.push(self.expr(expr));
                }
                FunctionArgumentClause::Having(bound) => rest.clauses.push(self.expr(&bound.1)),
                _ => {}
            }
        }
        (bound, rest)
    }

    /// An argument. A word that is a part of a date, such as the `day` of `date_trunc(d, day)`, is no column.
    fn argument(&mut self, expr: &ast::Expr, takes_word: bool) -> Expr {
        if let Some(word) = self.part_with_day(expr) {
            return word;
        }
        let ast::Expr::Identifier(name) = expr else { return self.expr(expr) };
        let lower = name.value.to_lowercase();
        if name.quote_style.is_some() || !self.semantics.keyword_arguments().contains(&lower.as_str()) {
            return self.expr(expr);
        }
        if takes_word {
            return Self::word(&lower, name.span);
        }
        // Most are columns; only where there is none of that name it is the word.
        let before = self.bound.unbound.len();
        let text = self.name(name);
        let found = self.column(&text, name.span);
        let is_unknown = self.bound.unbound.len() > before;
        self.bound.unbound.truncate(before);
        if is_unknown { Self::word(&lower, name.span) } else { found }
    }

    /// `week(monday)`, a part of a date that says on which day it begins.
    fn part_with_day(&self, expr: &ast::Expr) -> Option<Expr> {
        let ast::Expr::Function(ast::Function { name, args: FunctionArguments::List(list), .. }) = expr else {
            return None;
        };
        let ([part], [FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::Identifier(day)))]) =
            (name.0.as_slice(), list.args.as_slice())
        else {
            return None;
        };
        let part = part.as_ident()?;
        let words = self.semantics.keyword_arguments();
        let is_word =
            |name: &ast::Ident| name.quote_style.is_none() && words.contains(&name.value.to_lowercase().as_str());
        let is_day = is_word(day) && day.value.to_lowercase().ends_with("day") && day.value.len() > "day".len();
        (part.value.eq_ignore_ascii_case("week") && is_word(part) && is_day).then(|| {
            let text = format!("{}({})", part.value, day.value).to_lowercase();
            Self::word(&text, around([part.span, day.span]))
        })
    }

    /// A word that stands for itself.
    pub(super) fn word(word: &str, span: Span) -> Expr {
        Expr {
            kind: ExprKind::Literal(format!("'{word}'")),
            data_type: DataType::TEXT,
            nullable: Nullability::NotNull,
            span,
        }
    }

    fn window(&mut self, over: &ast::WindowType) -> Window {
        match over {
            ast::WindowType::WindowSpec(spec) => {
                spec.window_name.iter().for_each(|name| self.named_window(name));
                self.window_spec(spec)
            }
            // It is bound where it is defined.
            ast::WindowType::NamedWindow(name) => {
                self.named_window(name);
                Window::default()
            }
        }
    }

    /// Notes a name under which no window is defined, neither here nor further out.
    fn named_window(&mut self, identifier: &ast::Ident) {
        let name = self.name(identifier);
        let may_be_here = |scope: &Scope| {
            scope.windows.as_ref().is_none_or(|windows| windows.iter().any(|known| self.is_same(known, &name)))
        };
        if !self.scopes.iter().any(may_be_here) {
            self.unbound(&name, Unbound::Window, identifier.span);
        }
    }

    pub(super) fn window_spec(&mut self, spec: &ast::WindowSpec) -> Window {
        Window {
            partition_by: self.exprs(&spec.partition_by),
            order_by: self.exprs(spec.order_by.iter().map(|order| &order.expr)),
        }
    }
}

/// The text of a literal without its quotes; of a number with the minus in front of it.
fn literal(expr: &Expr) -> Option<Cow<'_, str>> {
    match &expr.kind {
        ExprKind::Literal(text) => Some(text.trim_matches('\'').into()),
        ExprKind::Call(call) if call.name == "-" => match call.arguments.as_slice() {
            [Expr { kind: ExprKind::Literal(digits), data_type, .. }] if data_type.is_number() => {
                Some(format!("-{digits}").into())
            }
            _ => None,
        },
        _ => None,
    }
}

/// What stands in the brackets of a function besides its arguments.
#[derive(Default)]
pub(super) struct Rest {
    pub(super) is_distinct: bool,
    pub(super) clauses: Vec<Expr>,
}

/// Whether a function has a part of a date at this place: `dateadd(day, 1, d)`, `date_trunc(d, day)`.
fn takes_word(function: &str, place: usize, count: usize) -> bool {
    match function {
        "dateadd" | "datediff" | "date_part" | "datepart" => place == 0,
        "last_day" => place == 1,
        name => place > 0 && place + 1 == count && (name.ends_with("_trunc") || name.ends_with("_diff")),
    }
}

/// The type of `struct_pack(a := 1, b := 2)`.
fn packed(name: &str, function: &ast::Function, made: &Expr) -> Option<DataType> {
    let (FunctionArguments::List(list), Some(call)) = (&function.args, made.call()) else { return None };
    if name != "struct_pack" || list.args.len() != call.arguments.len() {
        return None;
    }
    let named = |(written, value): (&FunctionArg, &Expr)| match written {
        FunctionArg::Named { name, .. } => {
            Some(Field { name: Some(name.value.as_str().into()), data_type: value.data_type.clone() })
        }
        _ => None,
    };
    list.args.iter().zip(&call.arguments).map(named).collect::<Option<_>>().map(DataType::Struct)
}

/// The type of DuckDB's `regexp_extract(text, pattern, ['year', 'month'])`, a struct of texts.
fn groups_of_pattern(name: &str, function: &ast::Function) -> Option<DataType> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let [_, _, FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::Array(names))), ..] = list.args.as_slice() else {
        return None;
    };
    let field = |name: &ast::Expr| match name {
        ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::SingleQuotedString(name), .. }) => {
            Some(Field { name: Some(name.as_str().into()), data_type: DataType::TEXT })
        }
        _ => None,
    };
    let fields: Option<Vec<Field>> = names.elem.iter().map(field).collect();
    fields.filter(|_| name == "regexp_extract").map(DataType::Struct)
}

/// What of a function is not in the tree.
fn detail(function: &ast::Function) -> String {
    let mut detail = Vec::new();
    if let FunctionArguments::List(list) = &function.args {
        detail.extend(list.clauses.iter().map(ToString::to_string));
        let is_named = |argument: &FunctionArg| !matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Expr(_)));
        detail.extend(list.args.iter().filter(|argument| is_named(argument)).map(ToString::to_string));
    }
    detail.extend(function.within_group.iter().map(|order| order.options.to_string()));
    detail.extend(function.null_treatment.iter().map(ToString::to_string));
    if function.filter.is_some() {
        detail.push("filter".to_owned());
    }
    match &function.over {
        Some(ast::WindowType::WindowSpec(spec)) => {
            detail.push(format!("over {}", spec.partition_by.len()));
            detail.extend(spec.order_by.iter().map(|order| order.options.to_string()));
            detail.extend(spec.window_frame.iter().map(|frame| format!("{} {:?}", frame.units, frame)));
            detail.extend(spec.window_name.iter().map(ToString::to_string));
        }
        Some(ast::WindowType::NamedWindow(name)) => detail.push(format!("over {name}")),
        None => {}
    }
    detail.join(" ")
}

/// The type of the one value that each row of a query is: that of its column, or a struct of all of them.
pub(super) fn value_of(query: &Query) -> DataType {
    let columns = &query.columns;
    match (query.form(), columns.known.as_slice()) {
        _ if columns.is_open => DataType::Unknown,
        (RowForm::Struct, all) => {
            let field = |column: &Column| Field {
                name: column.name.as_deref().map(Into::into),
                data_type: column.data_type.clone(),
            };
            DataType::Struct(all.iter().map(field).collect())
        }
        (RowForm::Columns, [only]) => only.data_type.clone(),
        (RowForm::Columns, _) => DataType::Unknown,
    }
}
