//! Calls of functions.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList, FunctionArguments,
    ObjectName, ObjectNamePart, Spanned, WindowType,
};

use super::Rewriter;
use crate::dialect::translate::functions::{Meaning, Modifiers, is_too_long};
use crate::dialect::translate::types::Type;

impl Rewriter<'_> {
    /// A call whose arguments are not yet translated.
    pub(crate) fn call(&mut self, mut function: Function) -> (Expr, Type) {
        let name = simple_name(&function.name);
        let user_defined = function.name.0.len() > 1 || self.own_functions.contains(&name);
        let (arguments, modifiers) = self.take_arguments(&name, &mut function);
        if user_defined {
            let list =
                arguments.into_iter().map(|(value, _)| FunctionArg::Unnamed(FunctionArgExpr::Expr(value))).collect();
            function.args = FunctionArguments::List(FunctionArgumentList {
                duplicate_treatment: None,
                args: list,
                clauses: Vec::new(),
            });
            crate::dialect::translate::functions::give(&mut function, &modifiers);
            return (Expr::Function(function), Type::Unknown);
        }
        self.known_call(&function, &name, &arguments, &modifiers)
    }

    /// A call of a function of the table, with its arguments translated.
    pub(crate) fn known_call(
        &mut self,
        function: &Function,
        name: &str,
        arguments: &[(Expr, Type)],
        modifiers: &Modifiers,
    ) -> (Expr, Type) {
        let place = function.name.span();
        let untranslated = |function: &Function| (Expr::Function(function.clone()), Type::Unknown);
        let Some(lines) = self.rules.functions().named(name) else {
            self.missing(place, &format!("function `{name}`"));
            return untranslated(function);
        };
        let Some(line) = lines.iter().find(|line| line.fits(arguments)) else {
            let kinds = match arguments.len() {
                1 => "1 argument".to_owned(),
                count => format!("{count} arguments"),
            };
            let words: Vec<_> = arguments
                .iter()
                .enumerate()
                .filter(|(place, _)| self.rules.functions().wants_word(name, *place))
                .map(|(_, (word, _))| format!(" and `{word}`"))
                .collect();
            self.missing(place, &format!("function `{name}` with {kinds}{}", words.concat()));
            return untranslated(function);
        };
        let kind = line.result(arguments);
        match &line.meaning {
            Meaning::Same => {
                let list = arguments
                    .iter()
                    .map(|(value, _)| FunctionArg::Unnamed(FunctionArgExpr::Expr(value.clone())))
                    .collect();
                let mut same = Function {
                    name: ObjectName::from(vec![sqlparser::ast::Ident::new(name)]),
                    args: FunctionArguments::List(FunctionArgumentList {
                        duplicate_treatment: None,
                        args: list,
                        clauses: Vec::new(),
                    }),
                    uses_odbc_syntax: false,
                    parameters: FunctionArguments::None,
                    within_group: Vec::new(),
                    filter: None,
                    null_treatment: None,
                    over: None,
                };
                crate::dialect::translate::functions::give(&mut same, modifiers);
                (Expr::Function(same), kind)
            }
            Meaning::Template(_) if arguments.iter().any(|(argument, _)| is_too_long(argument)) => {
                self.missing_because(
                    place,
                    &format!("function `{name}` of so long a value"),
                    "name its parts in a WITH clause",
                );
                untranslated(function)
            }
            Meaning::Template(template) => {
                if let Some(expr) = template.fill(arguments, modifiers) {
                    return (expr, kind);
                }
                self.missing(place, &format!("function `{name}` with DISTINCT, FILTER or OVER"));
                untranslated(function)
            }
            Meaning::Missing(reason) => {
                let reason = reason.clone();
                self.missing_because(place, &format!("function `{name}`"), &reason);
                untranslated(function)
            }
        }
    }

    /// Takes the arguments out of a call, translated, and what it says beside them.
    pub(crate) fn take_arguments(&mut self, name: &str, function: &mut Function) -> (Vec<(Expr, Type)>, Modifiers) {
        let place = function.name.span();
        let mut modifiers = Modifiers {
            filter: function.filter.take(),
            nulls: function.null_treatment.take(),
            over: function.over.take(),
            ..Modifiers::default()
        };
        let mut arguments = Vec::new();
        match std::mem::replace(&mut function.args, FunctionArguments::None) {
            FunctionArguments::None => {}
            FunctionArguments::Subquery(mut query) => {
                self.nameless_query(&mut query);
                arguments.push((Expr::Subquery(query), Type::Unknown));
            }
            FunctionArguments::List(list) => {
                modifiers.distinct = list.duplicate_treatment;
                modifiers.clauses = list.clauses;
                for (index, argument) in list.args.into_iter().enumerate() {
                    let FunctionArg::Unnamed(argument) = argument else {
                        self.missing(place, &format!("named argument of `{name}`"));
                        continue;
                    };
                    arguments.push(match argument {
                        FunctionArgExpr::Expr(value)
                            if self.rules.functions().wants_word(name, index) && is_word(&value) =>
                        {
                            (value, Type::Unknown)
                        }
                        FunctionArgExpr::Expr(mut value) => {
                            let kind = self.expr(&mut value);
                            (value, kind)
                        }
                        FunctionArgExpr::Wildcard => (Expr::Identifier(sqlparser::ast::Ident::new("*")), Type::Unknown),
                        _ => {
                            self.missing(place, &format!("wildcard in `{name}`"));
                            continue;
                        }
                    });
                }
            }
        }
        if !function.within_group.is_empty() {
            self.missing(place, &format!("WITHIN GROUP of `{name}`"));
        }
        if let Some(filter) = &mut modifiers.filter {
            self.expr(filter);
        }
        let mut clauses = std::mem::take(&mut modifiers.clauses);
        for clause in &mut clauses {
            self.clause(name, clause, place);
        }
        modifiers.clauses = clauses;
        if let Some(WindowType::WindowSpec(window)) = &mut modifiers.over {
            self.window(window);
        }
        (arguments, modifiers)
    }

    fn clause(&mut self, name: &str, clause: &mut FunctionArgumentClause, place: sqlparser::tokenizer::Span) {
        match clause {
            FunctionArgumentClause::OrderBy(order) => {
                for item in order {
                    self.order_by_expr(item);
                }
            }
            FunctionArgumentClause::IgnoreOrRespectNulls(_) => {}
            other => {
                let other = other.to_string();
                let word = other.split(' ').next().unwrap_or_default();
                self.missing(place, &format!("{word} in `{name}`"));
            }
        }
    }
}

/// The name of a function without its path, in lower case.
pub(crate) fn simple_name(name: &ObjectName) -> String {
    match name.0.last() {
        Some(ObjectNamePart::Identifier(ident)) => ident.value.to_ascii_lowercase(),
        _ => String::new(),
    }
}

/// Whether it looks like `DAY` or `WEEK(MONDAY)`.
fn is_word(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(_))
        || matches!(expr, Expr::Function(function) if simple_name(&function.name) == "week")
}
