//! Lambdas: `x -> x + 1`. Their parameters are elements of a list, or names that nobody else knows.

use std::sync::Arc;

use sqlparser::ast::{self, LambdaFunction, LambdaFunctionParameter, LambdaSyntax, OneOrManyWithParens};
use sqlparser::tokenizer::Span;

use super::{Binder, around};
use crate::analysis::bound::{Expr, ExprKind, Origin};
use crate::dialect::semantics::FunctionKind;
use crate::relation::{DataType, Nullability};

/// A parameter of a lambda.
#[derive(Debug)]
pub(super) struct Parameter {
    name: Arc<str>,
    data_type: DataType,
    origins: Vec<Origin>,
}

/// What a function does with the elements of its first argument.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// It gives each to the lambda, with its place.
    Each,
    /// It gives the lambda what came of those before, too.
    All,
}

fn manner(function: &str) -> Option<Manner> {
    match function {
        "list_transform" | "list_apply" | "array_transform" | "array_apply" | "apply" | "list_filter"
        | "array_filter" | "filter" => Some(Manner::Each),
        "list_reduce" | "array_reduce" | "reduce" => Some(Manner::All),
        _ => None,
    }
}

impl Binder<'_> {
    /// A lambda as an argument of a function behind these. What is none is an arrow: `json_type(j -> '$.a')`.
    pub(super) fn lambda_of(&mut self, lambda: &LambdaFunction, function: &str, before: &[Expr]) -> Expr {
        let (Some(manner), [list, ..]) = (manner(function), before) else { return self.lambda(lambda) };
        let element = match &list.data_type {
            DataType::Array(element) if manner == Manner::Each => (**element).clone(),
            _ => DataType::Unknown,
        };
        let origins = self.origins_of(list, "");
        let mut parameters = Vec::new();
        for (place, name) in names(lambda).into_iter().enumerate() {
            let (data_type, origins) = match (place, manner) {
                (0, _) => (element.clone(), origins.clone()),
                (1, Manner::Each) => (DataType::BIGINT, Vec::new()),
                _ => (DataType::Unknown, origins.clone()),
            };
            parameters.push(Parameter { name: self.name(name).into(), data_type, origins });
        }
        self.with_parameters(parameters, lambda)
    }

    /// One of which nobody knows what it is given.
    pub(super) fn lambda(&mut self, lambda: &LambdaFunction) -> Expr {
        // The parser takes an arrow behind a name for a lambda, also where it is an operator.
        let is_operator = self.semantics.call("->", &[&DataType::Json, &DataType::TEXT]).kind == FunctionKind::Scalar;
        if let (LambdaSyntax::Arrow, OneOrManyWithParens::One(LambdaFunctionParameter { name, data_type: None })) =
            (lambda.syntax, &lambda.params)
            && is_operator
            && (self.is_in_sight(&self.name(name)) || matches!(*lambda.body, ast::Expr::Value(_)))
        {
            let parts = vec![self.expr(&ast::Expr::Identifier(name.clone())), self.expr(&lambda.body)];
            let span = around(parts.iter().map(|part| part.span));
            return self.make_call("->", parts, span);
        }
        let names = names(lambda).into_iter();
        let unknown = |name| Parameter { name, data_type: DataType::Unknown, origins: Vec::new() };
        let parameters = names.map(|name| unknown(self.name(name).into())).collect();
        let made = self.with_parameters(parameters, lambda);
        Expr { data_type: DataType::Unknown, nullable: Nullability::Unknown, ..made }
    }

    fn with_parameters(&mut self, parameters: Vec<Parameter>, lambda: &LambdaFunction) -> Expr {
        let before = self.parameters.len();
        self.parameters.extend(parameters);
        let body = self.expr(&lambda.body);
        self.parameters.truncate(before);
        let (data_type, nullable, span) = (body.data_type.clone(), body.nullable, body.span);
        Expr { kind: ExprKind::Lambda(Box::new(body)), data_type, nullable, span }
    }

    /// The parameter of that name, if there is one: it hides all else that is called so.
    pub(super) fn parameter(&self, name: &str, span: Span) -> Option<Expr> {
        let number = self.parameters.iter().rposition(|parameter| self.is_same(&parameter.name, name))?;
        let Parameter { data_type, origins, .. } = &self.parameters[number];
        let kind = ExprKind::Parameter { number, origins: origins.clone() };
        Some(Expr { kind, data_type: data_type.clone(), nullable: Nullability::Unknown, span })
    }
}

fn names(lambda: &LambdaFunction) -> Vec<&ast::Ident> {
    match &lambda.params {
        OneOrManyWithParens::One(parameter) => vec![&parameter.name],
        OneOrManyWithParens::Many(parameters) => parameters.iter().map(|parameter| &parameter.name).collect(),
    }
}
