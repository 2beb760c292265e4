//! An expression of DuckDB with places for arguments.

use std::ops::ControlFlow;

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, Ident,
    NullTreatment, Query, VisitMut, VisitorMut, WindowType,
};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::parser::Parser;

use super::Parameter;
use crate::dialect::translate::types::Type;

/// What a call says beside its arguments: it goes to the aggregate or window function of the body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Modifiers {
    pub(crate) distinct: Option<DuplicateTreatment>,
    pub(crate) clauses: Vec<FunctionArgumentClause>,
    pub(crate) filter: Option<Box<Expr>>,
    pub(crate) nulls: Option<NullTreatment>,
    pub(crate) over: Option<WindowType>,
}

impl Modifiers {
    pub(crate) fn is_empty(&self) -> bool {
        self.distinct.is_none()
            && self.clauses.is_empty()
            && self.filter.is_none()
            && self.nulls.is_none()
            && self.over.is_none()
    }
}

/// The body of a line.
#[derive(Debug)]
pub(crate) struct Template {
    body: Expr,
    parameters: Vec<String>,
    /// Whether the last parameter stands for any number of arguments.
    many: bool,
}

impl Template {
    pub(crate) fn read(body: &str, parameters: &[Parameter]) -> Option<Self> {
        let body = parse(body)?;
        let many = matches!(parameters.last(), Some(Parameter::Value { many: true, .. }));
        let parameters = parameters
            .iter()
            .map(|parameter| match parameter {
                Parameter::Value { name, .. } => name.clone(),
                // No identifier is empty, so that nothing stands for it.
                Parameter::Word(_) => String::new(),
            })
            .collect();
        Some(Self { body, parameters, many })
    }

    /// The body with the arguments in their places. `None` where the call says something beside its arguments that no
    /// function of the body takes.
    pub(crate) fn fill(&self, arguments: &[(Expr, Type)], modifiers: &Modifiers) -> Option<Expr> {
        let mut body = self.body.clone();
        let mut hand = Handover { modifiers, taken: modifiers.is_empty() };
        let _ = body.visit(&mut hand);
        if !hand.taken {
            return None;
        }
        let mut filler = Filler { template: self, arguments };
        let _ = body.visit(&mut filler);
        Some(body)
    }
}

/// The DuckDB expression of this text with `arguments` in the places of their names. The text is ours, never a person's.
pub(crate) fn build(text: &str, arguments: &[(&str, &Expr)]) -> Expr {
    let template = Template {
        body: parse(text).unwrap_or_else(|| unreachable!("DuckDB's grammar reads {text}")),
        parameters: arguments.iter().map(|(name, _)| (*name).to_owned()).collect(),
        many: false,
    };
    let arguments: Vec<_> = arguments.iter().map(|(_, value)| ((*value).clone(), Type::Unknown)).collect();
    template.fill(&arguments, &Modifiers::default()).unwrap_or_else(|| unreachable!("nothing to hand over"))
}

/// Whether an expression is too long to be put into several places, each of which may be put into several in its turn.
pub(crate) fn is_too_long(expr: &Expr) -> bool {
    const BYTES: usize = 100_000;
    expr.to_string().len() > BYTES
}

/// The DuckDB query of this text with `arguments` in the places of their names. The text is ours, never a person's.
pub(crate) fn build_query(text: &str, arguments: &[(&str, &Expr)]) -> Query {
    let mut query = Parser::new(&DuckDbDialect {})
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_query())
        .unwrap_or_else(|_| unreachable!("DuckDB's grammar reads {text}"));
    let template = Template {
        body: Expr::value(sqlparser::ast::Value::Null),
        parameters: arguments.iter().map(|(name, _)| (*name).to_owned()).collect(),
        many: false,
    };
    let arguments: Vec<_> = arguments.iter().map(|(_, value)| ((*value).clone(), Type::Unknown)).collect();
    let _ = query.visit(&mut Filler { template: &template, arguments: &arguments });
    *query
}

/// A DuckDB expression from its text; for the tables and for the odd functions that are code.
pub(crate) fn parse(text: &str) -> Option<Expr> {
    let mut parser = Parser::new(&DuckDbDialect {}).try_with_sql(text).ok()?;
    let expr = parser.parse_expr().ok()?;
    (parser.peek_token_ref().token == sqlparser::tokenizer::Token::EOF).then_some(expr)
}

/// The same expression, in brackets unless it needs none wherever it stands.
pub(crate) fn bracketed(expr: Expr) -> Expr {
    match expr {
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::Value(_)
        | Expr::Function(_)
        | Expr::Nested(_)
        | Expr::Array(_)
        | Expr::Subquery(_)
        | Expr::Case { .. }
        | Expr::Cast { kind: sqlparser::ast::CastKind::Cast | sqlparser::ast::CastKind::TryCast, .. } => expr,
        _ => Expr::Nested(Box::new(expr)),
    }
}

struct Filler<'a> {
    template: &'a Template,
    arguments: &'a [(Expr, Type)],
}

impl Filler<'_> {
    fn place(&self, expr: &Expr) -> Option<usize> {
        let Expr::Identifier(Ident { value, quote_style: None, .. }) = expr else { return None };
        self.template.parameters.iter().position(|parameter| parameter == value)
    }

    fn is_rest(&self, place: usize) -> bool {
        self.template.many && place + 1 == self.template.parameters.len()
    }
}

impl VisitorMut for Filler<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let rest = |arg: &FunctionArg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) => self.place(arg).filter(|place| self.is_rest(*place)),
            _ => None,
        };
        match expr {
            Expr::Function(Function { args: FunctionArguments::List(list), .. }) => {
                list.args = std::mem::take(&mut list.args)
                    .into_iter()
                    .flat_map(|arg| match rest(&arg) {
                        Some(place) => self
                            .arguments
                            .iter()
                            .skip(place)
                            .map(|(value, _)| FunctionArg::Unnamed(FunctionArgExpr::Expr(value.clone())))
                            .collect(),
                        None => vec![arg],
                    })
                    .collect();
            }
            Expr::Array(array) => {
                array.elem = std::mem::take(&mut array.elem)
                    .into_iter()
                    .flat_map(|element| match self.place(&element).filter(|place| self.is_rest(*place)) {
                        Some(place) => self.arguments.iter().skip(place).map(|(value, _)| value.clone()).collect(),
                        None => vec![element],
                    })
                    .collect();
            }
            _ => {
                if let Some(place) = self.place(expr).filter(|place| !self.is_rest(*place))
                    && let Some((value, _)) = self.arguments.get(place)
                {
                    *expr = bracketed(value.clone());
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// Gives the modifiers of the call to every aggregate or window function of the body.
struct Handover<'a> {
    modifiers: &'a Modifiers,
    taken: bool,
}

impl VisitorMut for Handover<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr
            && is_aggregate(&function.name.to_string())
        {
            give(function, self.modifiers);
            self.taken = true;
        }
        ControlFlow::Continue(())
    }
}

/// Puts the modifiers onto one call.
pub(crate) fn give(function: &mut Function, modifiers: &Modifiers) {
    if let FunctionArguments::List(list) = &mut function.args {
        if modifiers.distinct.is_some() {
            list.duplicate_treatment = modifiers.distinct;
        }
        list.clauses.extend(modifiers.clauses.iter().cloned());
        // DuckDB wants it inside of the brackets.
        list.clauses.extend(modifiers.nulls.map(FunctionArgumentClause::IgnoreOrRespectNulls));
    }
    if modifiers.filter.is_some() {
        function.filter.clone_from(&modifiers.filter);
    }
    if modifiers.over.is_some() {
        function.over.clone_from(&modifiers.over);
    }
}

/// The functions over many rows that the tables use.
pub(crate) fn is_aggregate(name: &str) -> bool {
    const NAMES: [&str; 53] = [
        "any_value",
        "approx_count_distinct",
        "approx_quantile",
        "approx_top_k",
        "arg_max",
        "arg_max_null",
        "arg_min",
        "arg_min_null",
        "avg",
        "bit_and",
        "bit_or",
        "bit_xor",
        "bool_and",
        "bool_or",
        "corr",
        "count",
        "count_if",
        "covar_pop",
        "covar_samp",
        "cume_dist",
        "dense_rank",
        "first",
        "first_value",
        "kurtosis",
        "lag",
        "last",
        "last_value",
        "lead",
        "list",
        "max",
        "median",
        "min",
        "mode",
        "nth_value",
        "ntile",
        "percent_rank",
        "product",
        "quantile_cont",
        "quantile_disc",
        "rank",
        "row_number",
        "stddev_pop",
        "stddev_samp",
        "string_agg",
        "sum",
        "var_pop",
        "var_samp",
        "histogram",
        "fsum",
        "percentile_cont",
        "percentile_disc",
        "every",
        "array_agg",
    ];
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}
