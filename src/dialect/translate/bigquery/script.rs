//! Scripts: variables, blocks, functions.

use sqlparser::ast::{
    CreateFunction, CreateFunctionBody, DeclareAssignment, Expr, FunctionReturnType, Ident, MacroArg, MacroDefinition,
    ObjectName, Set, Spanned, Statement, Value,
};
use sqlparser::tokenizer::Span;

use super::casts::{cast, convert};
use crate::dialect::translate::functions::build;
use crate::dialect::translate::rewrite::{Rewriter, simple_name};
use crate::dialect::translate::types::Type;

/// A name that is a variable of the script; a column of that name comes first.
pub(crate) fn variable(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let Expr::Identifier(name) = expr else { return None };
    if name.quote_style.is_none() && name.value.starts_with('@') {
        let (place, what) =
            (name.span, if name.value.starts_with("@@") { "system variable" } else { "query parameter" });
        let what = format!("{what} `{}`", name.value);
        rewriter.missing(place, &what);
        return Some(Type::Unknown);
    }
    let lower = name.value.to_ascii_lowercase();
    if rewriter.scopes.has_column(&name.value) {
        return None;
    }
    let (_, kind) = rewriter.variables.iter().find(|(known, _)| *known == lower)?.clone();
    let text = Expr::value(Value::SingleQuotedString(lower));
    *expr = build("getvariable(n)", &[("n", &text)]);
    Some(kind)
}

/// A statement of a script that is none of SQL itself.
pub(crate) fn translate(statement: &mut Statement, rewriter: &mut Rewriter) -> Option<Vec<Statement>> {
    match statement {
        Statement::Declare { stmts } => {
            let mut made = Vec::new();
            for declare in stmts {
                let mut value = match declare.assignment.take() {
                    None => Expr::value(Value::Null),
                    Some(
                        DeclareAssignment::Default(value)
                        | DeclareAssignment::Expr(value)
                        | DeclareAssignment::DuckAssignment(value),
                    ) => *value,
                    Some(_) => {
                        rewriter.missing(Span::empty(), "DECLARE of this form");
                        return Some(Vec::new());
                    }
                };
                let from = rewriter.expr(&mut value);
                let mut kind = from.clone();
                if let Some(data_type) = &mut declare.data_type {
                    rewriter.data_type(data_type, declare.names.first().map_or_else(Span::empty, |name| name.span));
                    kind = Type::of(data_type);
                    value = match kind {
                        Type::Decimal | Type::Array(_) | Type::Struct(_) | Type::Unknown => {
                            cast(value, data_type.clone())
                        }
                        _ if matches!(&value, Expr::Value(literal) if literal.value == Value::Null) => {
                            cast(value, data_type.clone())
                        }
                        _ if from == kind => cast(value, data_type.clone()),
                        _ => convert(value, &from, &kind, false),
                    };
                }
                for name in &declare.names {
                    let name = name.value.to_ascii_lowercase();
                    made.push(assignment(&name, value.clone()));
                    rewriter.variables.push((name, kind.clone()));
                }
            }
            Some(made)
        }
        Statement::Set(Set::SingleAssignment { variable, values, .. }) => {
            let [value] = values.as_mut_slice() else {
                rewriter.missing(variable.span(), "SET of several values");
                return Some(Vec::new());
            };
            Some(set(variable, value, rewriter))
        }
        Statement::Set(Set::ParenthesizedAssignments { variables, values }) => {
            // A tuple of as many values.
            let values = match values.as_mut_slice() {
                [Expr::Tuple(values)] => values,
                _ => values,
            };
            if variables.len() != values.len() {
                rewriter.missing(Span::empty(), "SET of several variables by one value");
                return Some(Vec::new());
            }
            let set =
                variables.iter().zip(values.iter_mut()).flat_map(|(variable, value)| set(variable, value, rewriter));
            Some(set.collect())
        }
        Statement::StartTransaction { statements, exception: None, has_end_keyword: true, .. } => {
            let statements = std::mem::take(statements);
            Some(statements.into_iter().flat_map(|statement| rewriter.statement(statement)).collect())
        }
        Statement::CreateFunction(function) => Some(create_function(function, rewriter)),
        Statement::Assert { condition, message } => {
            let mut message = message
                .clone()
                .unwrap_or_else(|| Expr::value(Value::SingleQuotedString("assertion failed".to_owned())));
            rewriter.expr(condition);
            rewriter.expr(&mut message);
            let check = crate::dialect::translate::functions::build_query(
                "select case when c then true else error(m) end",
                &[("c", condition), ("m", &message)],
            );
            Some(vec![Statement::Query(Box::new(check))])
        }
        _ => None,
    }
}

fn set(variable: &ObjectName, value: &mut Expr, rewriter: &mut Rewriter) -> Vec<Statement> {
    let name = simple_name(variable);
    let Some((_, kind)) = rewriter.variables.iter().find(|(known, _)| *known == name).cloned() else {
        rewriter.missing(variable.span(), &format!("SET of `{name}`, which the script does not declare,"));
        return Vec::new();
    };
    let from = rewriter.expr(value);
    vec![assignment(&name, convert(value.clone(), &from, &kind, false))]
}

/// `SET VARIABLE name = value`: the tree has no word for it.
fn assignment(name: &str, value: Expr) -> Statement {
    Statement::Set(Set::SingleAssignment {
        scope: None,
        hivevar: false,
        variable: ObjectName::from(vec![Ident::new("VARIABLE"), Ident::new(name)]),
        values: vec![value],
    })
}

/// A function whose body is an expression is a macro.
fn create_function(function: &mut CreateFunction, rewriter: &mut Rewriter) -> Vec<Statement> {
    let place = function.name.span();
    let name = simple_name(&function.name);
    let (
        None,
        Some(
            CreateFunctionBody::AsAfterOptions(mut body)
            | CreateFunctionBody::AsBeforeOptions { mut body, .. }
            | CreateFunctionBody::AsReturnExpr(mut body),
        ),
    ) = (&function.language, function.function_body.take())
    else {
        rewriter.missing(place, &format!("function `{name}` that is not written in SQL"));
        return Vec::new();
    };
    rewriter.scopes.open();
    let mut columns = Vec::new();
    let mut args = Vec::new();
    for argument in function.args.iter_mut().flatten() {
        let Some(name) = &argument.name else { continue };
        let kind = if rewriter.rules.data_type(&mut argument.data_type) {
            Type::of(&argument.data_type)
        } else {
            Type::Unknown
        };
        columns.push((name.value.clone(), kind));
        args.push(MacroArg { name: name.clone(), default_expr: None });
    }
    rewriter.scopes.add("", Some(columns));
    let from = rewriter.expr(&mut body);
    rewriter.scopes.close();
    if let Some(FunctionReturnType::DataType(data_type)) = &mut function.return_type {
        rewriter.data_type(data_type, place);
        let kind = Type::of(data_type);
        body = if from == kind { body } else { cast(body, data_type.clone()) };
    }
    rewriter.own_functions.push(name);
    vec![Statement::CreateMacro {
        or_replace: true,
        temporary: function.temporary,
        name: function.name.clone(),
        args: Some(args),
        definition: MacroDefinition::Expr(body),
    }]
}
