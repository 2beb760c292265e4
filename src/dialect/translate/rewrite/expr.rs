//! Expressions.

use sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, Expr, Ident, Spanned, Subscript, TypedString, UnaryOperator, Value,
};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use crate::dialect::translate::functions::is_too_long;
use crate::dialect::translate::types::Type;

impl Rewriter<'_> {
    /// Changes an expression, and says what is known of its type.
    #[recursive::recursive]
    pub(crate) fn expr(&mut self, expr: &mut Expr) -> Type {
        let rules = self.rules;
        if let Some(kind) = rules.expr(expr, self) {
            if is_too_long(expr) {
                self.missing_because(Span::empty(), "nesting of functions", "name their values in a WITH clause");
                *expr = Expr::value(Value::Null);
            }
            return kind;
        }
        match expr {
            Expr::Identifier(name) => self.name(name),
            Expr::CompoundIdentifier(parts) => {
                let parts: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
                self.scopes.path(&parts)
            }
            Expr::Value(value) => type_of_value(&value.value),
            Expr::Nested(inner) => self.expr(inner),
            Expr::IsNull(operand)
            | Expr::IsNotNull(operand)
            | Expr::IsTrue(operand)
            | Expr::IsNotTrue(operand)
            | Expr::IsFalse(operand)
            | Expr::IsNotFalse(operand) => {
                self.expr(operand);
                Type::Bool
            }
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.expr(left);
                self.expr(right);
                Type::Bool
            }
            Expr::InList { expr: operand, list, .. } => {
                self.expr(operand);
                for item in list {
                    self.expr(item);
                }
                Type::Bool
            }
            Expr::InSubquery { expr: operand, subquery, .. } => {
                self.expr(operand);
                self.nameless_query(subquery);
                Type::Bool
            }
            Expr::Between { expr: operand, low, high, .. } => {
                self.expr(operand);
                self.expr(low);
                self.expr(high);
                Type::Bool
            }
            Expr::Like { any: false, expr: operand, pattern, escape_char, .. }
            | Expr::ILike { any: false, expr: operand, pattern, escape_char, .. }
            | Expr::SimilarTo { expr: operand, pattern, escape_char, .. } => {
                self.expr(operand);
                self.expr(pattern);
                if let Some(escape) = escape_char {
                    self.expr(escape);
                }
                Type::Bool
            }
            Expr::BinaryOp { left, right, .. } => {
                let (left, right) = (self.expr(left), self.expr(right));
                rules.binary(expr, &left, &right, self)
            }
            Expr::UnaryOp { op, expr: operand } => {
                let kind = self.expr(operand);
                match op {
                    UnaryOperator::Not => Type::Bool,
                    UnaryOperator::Plus | UnaryOperator::Minus | UnaryOperator::BitwiseNot => kind,
                    _ => {
                        let what = format!("operator `{op}`");
                        self.missing(expr.span(), &what);
                        Type::Unknown
                    }
                }
            }
            Expr::Cast { .. } => self.cast(expr),
            Expr::TypedString(TypedString { data_type, value, .. }) => {
                let place = value.span;
                self.data_type(data_type, place);
                let kind = Type::of(data_type);
                let text = value.value.clone().into_string().unwrap_or_default();
                *expr = cast(Expr::Value(Value::SingleQuotedString(text).with_span(place)), data_type.clone());
                kind
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                if let Some(operand) = operand {
                    self.expr(operand);
                }
                let mut kinds = Vec::new();
                for branch in conditions {
                    self.expr(&mut branch.condition);
                    kinds.push((is_null(&branch.result), self.expr(&mut branch.result)));
                }
                if let Some(result) = else_result {
                    kinds.push((is_null(result), self.expr(result)));
                }
                kinds.into_iter().filter(|(null, _)| !null).map(|(_, kind)| kind).reduce(Type::and).unwrap_or_default()
            }
            Expr::Exists { subquery, .. } => {
                self.nameless_query(subquery);
                Type::Bool
            }
            Expr::Subquery(query) => {
                let columns = self.nameless_query(query);
                match columns.as_deref() {
                    Some([(_, kind)]) => kind.clone(),
                    _ => Type::Unknown,
                }
            }
            Expr::Function(function) => {
                let function = function.clone();
                let (translated, kind) = self.call(function);
                *expr = translated;
                kind
            }
            Expr::Tuple(items) => {
                for item in items {
                    self.expr(item);
                }
                Type::Unknown
            }
            Expr::Array(array) => {
                let kind =
                    array.elem.iter_mut().map(|element| self.expr(element)).reduce(Type::and).unwrap_or_default();
                array.named = !rules.target().bare_arrays;
                Type::Array(Box::new(kind))
            }
            Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                for item in sets.iter_mut().flatten() {
                    self.expr(item);
                }
                Type::Unknown
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                let kind = self.expr(root);
                self.accesses(root.span(), kind, access_chain)
            }
            Expr::AtTimeZone { timestamp, time_zone } => {
                let kind = self.expr(timestamp);
                self.expr(time_zone);
                match kind {
                    Type::TimestampTz => Type::Timestamp,
                    Type::Timestamp | Type::Date => Type::TimestampTz,
                    _ => Type::Unknown,
                }
            }
            Expr::Interval(interval) => {
                self.expr(&mut interval.value);
                if interval.leading_precision.is_some()
                    || interval.last_field.is_some()
                    || interval.fractional_seconds_precision.is_some()
                {
                    self.missing(expr.span(), "interval of several parts");
                } else if !matches!(*interval.value, Expr::Value(_)) {
                    *interval.value = match (*interval.value).clone() {
                        nested @ Expr::Nested(_) => nested,
                        other => Expr::Nested(Box::new(other)),
                    };
                }
                Type::Interval
            }
            Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => Type::Unknown,
            other => {
                let text = other.to_string();
                let start: String = text.chars().take(40).collect();
                let place = other.span();
                self.missing(place, &format!("expression `{start}`"));
                Type::Unknown
            }
        }
    }

    /// Fields and elements of a value of that type.
    pub(crate) fn accesses(&mut self, place: Span, mut kind: Type, chain: &mut [AccessExpr]) -> Type {
        for access in chain {
            kind = match access {
                AccessExpr::Dot(Expr::Identifier(field)) => kind.field(&field.value),
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    self.expr(index);
                    kind.element()
                }
                _ => {
                    self.missing(place, "subscript");
                    Type::Unknown
                }
            };
        }
        kind
    }

    fn name(&mut self, name: &Ident) -> Type {
        self.scopes.column(&name.value)
    }

    fn cast(&mut self, expr: &mut Expr) -> Type {
        let Expr::Cast { kind, expr: operand, data_type, format } = expr else { return Type::Unknown };
        self.expr(operand);
        let place = operand.span();
        if format.is_some() {
            self.missing(place, "CAST with FORMAT");
        }
        self.data_type(data_type, place);
        *kind = match kind {
            CastKind::SafeCast | CastKind::TryCast => CastKind::TryCast,
            CastKind::Cast | CastKind::DoubleColon => CastKind::Cast,
        };
        Type::of(data_type)
    }

    /// The type of an operator whose meaning is the same in DuckDB; a problem for any other.
    pub(crate) fn operator(&mut self, expr: &Expr, left: &Type, right: &Type) -> Type {
        let Expr::BinaryOp { op, .. } = expr else { return Type::Unknown };
        match op {
            BinaryOperator::And | BinaryOperator::Or => Type::Bool,
            op if is_comparison(op) => Type::Bool,
            BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply | BinaryOperator::Modulo
                if left.is_number() && right.is_number() =>
            {
                left.clone().and(right.clone())
            }
            BinaryOperator::Plus | BinaryOperator::Minus if *right == Type::Interval => match left {
                // DuckDB makes a timestamp of it.
                Type::Date | Type::Timestamp => Type::Timestamp,
                other => other.clone(),
            },
            BinaryOperator::Minus if *left == Type::Date && *right == Type::Date => Type::Int,
            BinaryOperator::Plus | BinaryOperator::Minus if *left == Type::Date && *right == Type::Int => Type::Date,
            BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo => Type::Unknown,
            BinaryOperator::StringConcat => match (left, right) {
                (Type::Array(_), _) => left.clone(),
                (_, Type::Array(_)) => right.clone(),
                (Type::Text, _) | (_, Type::Text) => Type::Text,
                _ => Type::Unknown,
            },
            BinaryOperator::BitwiseAnd
            | BinaryOperator::BitwiseOr
            | BinaryOperator::PGBitwiseShiftLeft
            | BinaryOperator::PGBitwiseShiftRight => left.clone(),
            other => {
                let what = format!("operator `{other}`");
                self.missing(expr.span(), &what);
                Type::Unknown
            }
        }
    }
}

/// `CAST(expr AS data_type)`.
pub(crate) fn cast(expr: Expr, data_type: sqlparser::ast::DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, format: None }
}

/// Whether it compares which of its sides is the greater.
pub(crate) fn is_comparison(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
    )
}

/// Whether it is the word NULL.
pub(crate) fn is_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if value.value == Value::Null)
}

fn type_of_value(value: &Value) -> Type {
    match value {
        Value::Number(digits, _) if digits.bytes().all(|digit| digit.is_ascii_digit()) => Type::Int,
        Value::Number(digits, _) if digits.contains(['e', 'E']) => Type::Float,
        Value::Number(..) => Type::Decimal,
        Value::Boolean(_) => Type::Bool,
        Value::Null | Value::Placeholder(_) => Type::Unknown,
        _ => Type::Text,
    }
}
