//! Expressions.

use sqlparser::ast::{self, AccessExpr, CastKind, Subscript};
use sqlparser::tokenizer::Span;

use super::call::value_of;
use super::from::fields_of_elements;
use super::scope::unbound;
use super::{Binder, around};
use crate::analysis::bound::{Expr, ExprKind, Query, Source, SourceId, SourceKind};
use crate::relation::{DataType, Field, Nullability};

impl Binder<'_> {
    pub(super) fn exprs<'e>(&mut self, exprs: impl IntoIterator<Item = &'e ast::Expr>) -> Vec<Expr> {
        exprs.into_iter().map(|expr| self.expr(expr)).collect()
    }

    #[recursive::recursive]
    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Expr {
        use ast::Expr as E;
        match expr {
            E::Identifier(name) => self.identifier(name),
            E::CompoundIdentifier(parts) => {
                let parts: Vec<&ast::Ident> = parts.iter().collect();
                self.path(&self.names_of(&parts), around(parts.iter().map(|part| part.span)))
            }
            E::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            E::Nested(inner) => self.expr(inner),
            E::Value(value) => self.literal(&value.value, value.span),
            E::TypedString(typed) => self.typed(&typed.data_type, &typed.value.to_string(), typed.value.span),
            E::Interval(interval) => self.interval(interval),
            E::BinaryOp { left, op, right } => self.binary(left, op, right),
            E::UnaryOp { op, expr } => {
                let operand = self.expr(expr);
                let span = operand.span;
                let name = match op {
                    ast::UnaryOperator::Not | ast::UnaryOperator::BangNot => "not".to_owned(),
                    other => other.to_string().to_lowercase(),
                };
                self.make_call(&name, vec![operand], span)
            }
            E::IsNull(value) => self.test("is null", value, Nullability::NotNull),
            E::IsNotNull(value) => self.test("is not null", value, Nullability::NotNull),
            E::IsTrue(value) => self.test("is true", value, Nullability::NotNull),
            E::IsNotTrue(value) => self.test("is not true", value, Nullability::NotNull),
            E::IsFalse(value) => self.test("is false", value, Nullability::NotNull),
            E::IsNotFalse(value) => self.test("is not false", value, Nullability::NotNull),
            E::IsUnknown(value) => self.test("is unknown", value, Nullability::NotNull),
            E::IsNotUnknown(value) => self.test("is not unknown", value, Nullability::NotNull),
            E::IsDistinctFrom(left, right) => self.compare("is distinct from", left, right, Some(Nullability::NotNull)),
            E::IsNotDistinctFrom(left, right) => {
                self.compare("is not distinct from", left, right, Some(Nullability::NotNull))
            }
            E::InList { expr, list, negated } => {
                let mut parts = vec![self.expr(expr)];
                parts.extend(self.exprs(list));
                Self::predicate(if *negated { "not in" } else { "in" }, parts)
            }
            E::InUnnest { expr, array_expr, negated } => {
                let parts = vec![self.expr(expr), self.expr(array_expr)];
                Self::predicate(if *negated { "not in unnest" } else { "in unnest" }, parts)
            }
            E::InSubquery { expr, subquery, negated } => {
                let value = self.expr(expr);
                let query = self.query_within(subquery);
                let span = around([value.span, query.span]);
                let kind = ExprKind::InSubquery { value: Box::new(value), query, is_negated: *negated };
                Expr { kind, data_type: DataType::Boolean, nullable: Nullability::Unknown, span }
            }
            E::Between { expr, negated, low, high } => {
                let parts = vec![self.expr(expr), self.expr(low), self.expr(high)];
                Self::predicate(if *negated { "not between" } else { "between" }, parts)
            }
            E::Like { negated, any, expr, pattern, escape_char } => {
                let made = self.pattern("like", *negated, expr, pattern);
                Self::with_detail(made, format!("{any} {escape_char:?}"))
            }
            E::ILike { negated, any, expr, pattern, escape_char } => {
                let made = self.pattern("ilike", *negated, expr, pattern);
                Self::with_detail(made, format!("{any} {escape_char:?}"))
            }
            E::SimilarTo { negated, expr, pattern, escape_char } => {
                let made = self.pattern("similar to", *negated, expr, pattern);
                Self::with_detail(made, format!("{escape_char:?}"))
            }
            E::RLike { negated, expr, pattern, .. } => self.pattern("rlike", *negated, expr, pattern),
            E::AnyOp { left, compare_op, right, .. } => {
                let parts = vec![self.expr(left), self.expr(right)];
                Self::with_detail(Self::predicate("any", parts), compare_op.to_string())
            }
            E::AllOp { left, compare_op, right } => {
                let parts = vec![self.expr(left), self.expr(right)];
                Self::with_detail(Self::predicate("all", parts), compare_op.to_string())
            }
            E::Cast { kind, expr, data_type, format } => {
                let value = self.expr(expr);
                self.bound.is_partial |= format.is_some();
                let is_safe = matches!(kind, CastKind::SafeCast | CastKind::TryCast);
                self.cast(value, data_type, is_safe)
            }
            E::Convert { is_try, expr, data_type: Some(data_type), .. } => {
                let value = self.expr(expr);
                self.cast(value, data_type, *is_try)
            }
            E::AtTimeZone { timestamp, time_zone } => self.named("at time zone", [&**timestamp, &**time_zone]),
            E::Extract { field, expr, .. } => {
                let value = self.expr(expr);
                let span = value.span;
                let field = Self::word(&field.to_string().to_lowercase(), span);
                self.make_call("extract", vec![field, value], span)
            }
            E::Ceil { expr, field } => Self::with_detail(self.named("ceil", [&**expr]), format!("{field:?}")),
            E::Floor { expr, field } => Self::with_detail(self.named("floor", [&**expr]), format!("{field:?}")),
            E::Position { expr, r#in } => self.named("position", [&**expr, &**r#in]),
            E::Substring { expr, substring_from, substring_for, .. } => {
                let rest = [substring_from, substring_for].into_iter().flatten();
                self.named("substring", std::iter::once(&**expr).chain(rest.map(|part| &**part)))
            }
            E::Trim { trim_where, trim_what, expr, trim_characters } => {
                self.bound.is_partial |= trim_where.is_some();
                let what = trim_what.iter().map(|what| &**what).chain(trim_characters.iter().flatten());
                self.named("trim", std::iter::once(&**expr).chain(what))
            }
            E::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let rest = [Some(overlay_what), Some(overlay_from), overlay_for.as_ref()].into_iter().flatten();
                self.named("overlay", std::iter::once(&**expr).chain(rest.map(|part| &**part)))
            }
            E::Collate { expr, .. } => {
                self.bound.is_partial = true;
                self.expr(expr)
            }
            E::Function(function) => self.function(function),
            E::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            E::Exists { subquery, negated } => {
                let query = self.query_within(subquery);
                let span = query.span;
                self.bound.is_partial |= *negated;
                let kind = ExprKind::Exists(query);
                Expr { kind, data_type: DataType::Boolean, nullable: Nullability::NotNull, span }
            }
            E::Subquery(subquery) => self.scalar(subquery),
            E::Struct { values, fields } => self.structure(values, fields),
            E::Tuple(values) => {
                let values = self.exprs(values);
                let span = around(values.iter().map(|value| value.span));
                self.make_call("row", values, span)
            }
            E::Array(array) => {
                let elements = self.exprs(&array.elem);
                let span = around(elements.iter().map(|element| element.span));
                let types: Vec<&DataType> = elements.iter().map(|element| &element.data_type).collect();
                let element = if types.is_empty() { None } else { self.semantics.common(&types) };
                let data_type = element.map_or(DataType::Unknown, DataType::array);
                let mut made = self.make_call("array", elements, span);
                (made.data_type, made.nullable) = (data_type, Nullability::NotNull);
                made
            }
            E::Prefixed { prefix, value } => self.prefixed(prefix, value),
            E::Named { expr, .. } => {
                let part = self.expr(expr);
                let span = part.span;
                Expr::other(vec![part], span)
            }
            E::JsonAccess { value, .. } => {
                let part = self.expr(value);
                let span = part.span;
                Expr::other(vec![part], span)
            }
            E::Dictionary(fields) => self.dictionary(fields),
            E::Map(map) => self.other(map.entries.iter().flat_map(|entry| [&*entry.key, &*entry.value])),
            E::GroupingSets(sets) | E::Cube(sets) | E::Rollup(sets) => self.other(sets.iter().flatten()),
            E::IsJson { expr, .. } | E::IsNormalized { expr, .. } => self.test("is json", expr, Nullability::Unknown),
            E::Lambda(lambda) => self.lambda(lambda),
            E::OuterJoin(inner) | E::Prior(inner) | E::Convert { expr: inner, .. } => {
                let part = self.expr(inner);
                let span = part.span;
                Expr::other(vec![part], span)
            }
            E::MemberOf(member) => self.other([&*member.value, &*member.array]),
            E::MatchAgainst { .. } | E::Wildcard(_) | E::QualifiedWildcard(..) => Expr::unknown(Span::empty()),
        }
    }

    /// `approximate count(…)`, or the name of a relation or a model.
    fn prefixed(&mut self, prefix: &ast::Ident, value: &ast::Expr) -> Expr {
        let ast::Expr::Function(function) = value else { return self.column_by_number(prefix, value) };
        let mut made = self.function(function);
        if let ExprKind::Call(call) = &mut made.kind {
            call.detail = format!("{} {}", prefix.value.to_lowercase(), call.detail);
        }
        made.span = around([prefix.span, made.span]);
        made
    }

    /// `#1`, the first column of FROM.
    fn column_by_number(&mut self, prefix: &ast::Ident, value: &ast::Expr) -> Expr {
        let ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::Number(number, _), .. }) = value else {
            return Expr::unknown(prefix.span);
        };
        let sources = self.scope().sources.clone();
        let is_clear = self.scope().merged.is_empty() && !sources.iter().any(|id| self.source(*id).columns.is_open);
        let mut columns = sources.iter().flat_map(|id| {
            let visible = self.source(*id).columns.visible();
            visible.map(|(place, column)| (*id, place, column.name.clone()))
        });
        let found = number.parse::<usize>().ok().and_then(|number| columns.nth(number.checked_sub(1)?));
        match found.filter(|_| is_clear) {
            Some((id, place, name)) => {
                self.column_of(id, Some(place), name.as_deref().unwrap_or_default(), 0, true, prefix.span)
            }
            None => Expr::unknown(prefix.span),
        }
    }

    fn identifier(&mut self, name: &ast::Ident) -> Expr {
        // A reserved word: what a column gets if nothing is given.
        if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("default") {
            return Expr::unknown(name.span);
        }
        let text = self.name(name);
        self.column(&text, name.span)
    }

    fn named<'e>(&mut self, name: &str, parts: impl IntoIterator<Item = &'e ast::Expr>) -> Expr {
        let parts = self.exprs(parts);
        let span = around(parts.iter().map(|part| part.span));
        self.make_call(name, parts, span)
    }

    fn other<'e>(&mut self, parts: impl IntoIterator<Item = &'e ast::Expr>) -> Expr {
        let parts = self.exprs(parts);
        let span = around(parts.iter().map(|part| part.span));
        Expr::other(parts, span)
    }

    fn test(&mut self, name: &str, value: &ast::Expr, nullable: Nullability) -> Expr {
        let parts = vec![self.expr(value)];
        Expr { nullable, ..Self::predicate(name, parts) }
    }

    fn pattern(&mut self, name: &str, is_negated: bool, value: &ast::Expr, pattern: &ast::Expr) -> Expr {
        let parts = vec![self.expr(value), self.expr(pattern)];
        let name = if is_negated { format!("not {name}") } else { name.to_owned() };
        Self::predicate(&name, parts)
    }

    fn compare(&mut self, name: &str, left: &ast::Expr, right: &ast::Expr, nullable: Option<Nullability>) -> Expr {
        let parts = vec![self.expr(left), self.expr(right)];
        let compared = Self::predicate(name, parts);
        Expr { nullable: nullable.unwrap_or(compared.nullable), ..compared }
    }

    /// Something that is true or false, and NULL if a part is.
    fn predicate(name: &str, parts: Vec<Expr>) -> Expr {
        let span = around(parts.iter().map(|part| part.span));
        let nullable = Nullability::of_any(parts.iter().map(|part| part.nullable));
        Expr { data_type: DataType::Boolean, nullable, ..Self::operation(name, parts, span) }
    }

    fn binary(&mut self, left: &ast::Expr, op: &ast::BinaryOperator, right: &ast::Expr) -> Expr {
        use ast::BinaryOperator as B;
        let name = op.to_string().to_lowercase();
        match op {
            B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq => {
                let name = if matches!(op, B::NotEq) { "<>" } else { &name };
                self.compare(name, left, right, None)
            }
            B::And | B::Or | B::Xor => self.compare(&name, left, right, None),
            _ => {
                let parts = vec![self.expr(left), self.expr(right)];
                let span = around(parts.iter().map(|part| part.span));
                self.make_call(&name, parts, span)
            }
        }
    }

    fn literal(&mut self, value: &ast::Value, span: Span) -> Expr {
        if let ast::Value::Placeholder(_) = value {
            return unbound(span);
        }
        let nullable = if matches!(value, ast::Value::Null) { Nullability::Nullable } else { Nullability::NotNull };
        // The same string, whichever its quotes are.
        let text = match value {
            ast::Value::DoubleQuotedString(text) => ast::Value::SingleQuotedString(text.clone()).to_string(),
            value => value.to_string(),
        };
        Expr { kind: ExprKind::Literal(text), data_type: self.semantics.literal(value), nullable, span }
    }

    /// `date '2024-01-01'`
    fn typed(&mut self, data_type: &ast::DataType, text: &str, span: Span) -> Expr {
        let data_type = self.semantics.data_type(data_type);
        Expr { kind: ExprKind::Literal(text.to_owned()), data_type, nullable: Nullability::NotNull, span }
    }

    fn interval(&mut self, interval: &ast::Interval) -> Expr {
        let value = self.expr(&interval.value);
        let (nullable, span) = (value.nullable, value.span);
        let made = Self::with_detail(Self::operation("interval", vec![value], span), interval.to_string());
        Expr { data_type: DataType::Interval, nullable, ..made }
    }

    fn cast(&mut self, value: Expr, data_type: &ast::DataType, is_safe: bool) -> Expr {
        let span = value.span;
        let nullable =
            if is_safe && value.nullable == Nullability::NotNull { Nullability::Unknown } else { value.nullable };
        let data_type = self.semantics.data_type(data_type);
        Expr { kind: ExprKind::Cast { value: Box::new(value), is_safe }, data_type, nullable, span }
    }

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        conditions: &[ast::CaseWhen],
        else_result: Option<&ast::Expr>,
    ) -> Expr {
        let tests = operand.into_iter().chain(conditions.iter().map(|when| &when.condition));
        let tests = self.exprs(tests);
        let results = conditions.iter().map(|when| &when.result).chain(else_result);
        let results = self.exprs(results);
        // Where nothing else is said, what is left is NULL.
        let rest = else_result.is_none().then_some(&DataType::Null);
        let types: Vec<&DataType> = results.iter().map(|result| &result.data_type).chain(rest).collect();
        let data_type = self.semantics.common(&types).unwrap_or_default();
        // A condition may be there for just that a result is not NULL.
        let is_tested = |result: &Expr| {
            result
                .any(&|part| part.column().is_some() && tests.iter().any(|test| test.any(&|other| other.is_same(part))))
        };
        let mut nullable = Nullability::of_any(results.iter().map(|result| match result.nullable {
            Nullability::Nullable if is_tested(result) => Nullability::Unknown,
            other => other,
        }));
        if else_result.is_none() {
            nullable = Nullability::Nullable;
        }
        let span = around(tests.iter().chain(&results).map(|part| part.span));
        // The results come first, since they are what it gives; the conditions only choose.
        let detail = format!("{} {}", operand.is_some(), else_result.is_some());
        let mut call = Self::with_detail(Self::operation("case", results, span), detail);
        if let ExprKind::Call(case) = &mut call.kind {
            case.clauses = tests;
        }
        Expr { data_type, nullable, ..call }
    }

    /// A query that stands in an expression.
    pub(super) fn query_within(&mut self, query: &ast::Query) -> Box<Query> {
        self.bound.has_queries_in_exprs = true;
        Box::new(self.query(query))
    }

    /// A query that gives one value; without a row that is NULL.
    fn scalar(&mut self, subquery: &ast::Query) -> Expr {
        let query = self.query_within(subquery);
        let (data_type, span) = (value_of(&query), query.span);
        let first = query.columns.known.first().filter(|_| !query.columns.is_open);
        let nullable = first.map_or(Nullability::Unknown, |column| column.nullable.max(Nullability::Unknown));
        Expr { kind: ExprKind::Subquery(query), data_type, nullable, span }
    }

    fn structure(&mut self, values: &[ast::Expr], fields: &[ast::StructField]) -> Expr {
        let mut parts = Vec::with_capacity(values.len());
        let mut types = Vec::with_capacity(values.len());
        for (place, value) in values.iter().enumerate() {
            let (value, name) = match value {
                ast::Expr::Named { expr, name } => (&**expr, Some(name.value.clone())),
                ast::Expr::Identifier(name) => (value, Some(name.value.clone())),
                ast::Expr::CompoundIdentifier(names) => (value, names.last().map(|name| name.value.clone())),
                value => (value, None),
            };
            let declared = fields.get(place);
            let part = self.expr(value);
            let name = match declared {
                Some(field) => field.field_name.as_ref().map(|name| name.value.clone()),
                None => name,
            };
            let data_type = match declared {
                Some(field) => self.semantics.data_type(&field.field_type),
                None => part.data_type.clone(),
            };
            types.push(Field { name: name.map(String::into_boxed_str), data_type });
            parts.push(part);
        }
        let span = around(parts.iter().map(|part| part.span));
        let made = Self::operation("struct", parts, span);
        Expr { data_type: DataType::Struct(types), nullable: Nullability::NotNull, ..made }
    }

    /// `{'a': 1}`
    fn dictionary(&mut self, fields: &[ast::DictionaryField]) -> Expr {
        let parts = self.exprs(fields.iter().map(|field| &*field.value));
        let span = around(parts.iter().map(|part| part.span));
        let names: Vec<&str> = fields.iter().map(|field| field.key.value.as_str()).collect();
        let field =
            |(name, part): (&&str, &Expr)| Field { name: Some((*name).into()), data_type: part.data_type.clone() };
        let data_type = DataType::Struct(names.iter().zip(&parts).map(field).collect());
        let made = Self::with_detail(Self::operation("struct", parts, span), names.join(" "));
        Expr { data_type, nullable: Nullability::NotNull, ..made }
    }

    /// Names and places behind an expression: `a.b[0].c`.
    fn access(&mut self, root: &ast::Expr, chain: &[AccessExpr]) -> Expr {
        // What stands before the first bracket is one path.
        let dots = chain.iter().take_while(|link| matches!(link, AccessExpr::Dot(ast::Expr::Identifier(_)))).count();
        let mut start: Vec<&ast::Ident> = match root {
            ast::Expr::Identifier(name) => vec![name],
            ast::Expr::CompoundIdentifier(names) => names.iter().collect(),
            _ => Vec::new(),
        };
        let (mut value, rest) = if start.is_empty() {
            (self.expr(root), chain)
        } else {
            start.extend(chain[..dots].iter().filter_map(|link| match link {
                AccessExpr::Dot(ast::Expr::Identifier(name)) => Some(name),
                _ => None,
            }));
            let names = self.names_of(&start);
            match chain.get(dots) {
                Some(AccessExpr::Dot(ast::Expr::Function(function))) if !self.is_in_sight(&names[0]) => {
                    let path = start.into_iter().cloned().map(ast::ObjectNamePart::Identifier);
                    let name = ast::ObjectName(path.chain(function.name.0.iter().cloned()).collect());
                    (self.function(&ast::Function { name, ..function.clone() }), &chain[dots + 1..])
                }
                _ => (self.path(&names, around(start.iter().map(|part| part.span))), &chain[dots..]),
            }
        };
        for link in rest {
            let span = value.span;
            value = match link {
                AccessExpr::Dot(ast::Expr::Identifier(name)) => {
                    let text = self.name(name);
                    self.field(value, &text, around([span, name.span]))
                }
                AccessExpr::Dot(other) => {
                    let other = self.expr(other);
                    Expr::other(vec![value, other], span)
                }
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    // `[offset(0)]` is no call of a function.
                    let index = match index {
                        ast::Expr::Function(function) => self.arguments("", &function.args).0,
                        index => vec![self.expr(index)],
                    };
                    self.element(value, index, span)
                }
                AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, stride }) => {
                    let data_type = value.data_type.clone();
                    self.bound.is_partial |= lower_bound.is_none() || upper_bound.is_none();
                    let bounds = self.exprs([lower_bound, upper_bound, stride].into_iter().flatten());
                    let parts = std::iter::once(value).chain(bounds).collect();
                    let made = Self::operation("slice", parts, span);
                    Expr { data_type, nullable: Nullability::Unknown, ..made }
                }
            };
        }
        value
    }

    /// What stands at a place in a value: `list[1]`, `struct['name']`.
    fn element(&mut self, value: Expr, index: Vec<Expr>, span: Span) -> Expr {
        if let [index] = index.as_slice()
            && let Some(name) = name_of_field(&value, index)
        {
            return self.field(value, &name, span);
        }
        let data_type = match &value.data_type {
            DataType::Array(element) => (**element).clone(),
            DataType::Json => DataType::Json,
            DataType::Struct(fields) if fields.iter().all(|field| field.name.is_none()) => place_of_field(&index)
                .and_then(|place| fields.get(place))
                .map(|field| field.data_type.clone())
                .unwrap_or_default(),
            other => {
                let index = index.iter().map(|index| &index.data_type);
                let types: Vec<&DataType> = std::iter::once(other).chain(index).collect();
                self.semantics.call("[]", &types).data_type
            }
        };
        let parts = std::iter::once(value).chain(index).collect();
        let made = Self::operation("element", parts, span);
        Expr { data_type, nullable: Nullability::Unknown, ..made }
    }

    /// The type of a whole row.
    pub(super) fn row_type(&self, source: SourceId) -> DataType {
        let columns = &self.source(source).columns;
        let field = |column: &crate::analysis::bound::Column| Field {
            name: column.name.as_deref().map(Into::into),
            data_type: column.data_type.clone(),
        };
        // A name that is also that of a column is hardly ever meant for the row.
        let name = self.source(source).name.as_deref();
        let is_name = |column: &crate::analysis::bound::Column| {
            name.zip(column.name.as_deref()).is_some_and(|(name, other)| self.is_same(name, other))
        };
        if columns.is_open || columns.known.is_empty() || columns.known.iter().any(is_name) {
            return DataType::Unknown;
        }
        let width = self.width_of_row(source);
        DataType::Struct(columns.visible().take(width).map(|(_, column)| field(column)).collect())
    }

    /// How many columns of a source make its row. Those that number the elements of an array are none of them.
    pub(super) fn width_of_row(&self, source: SourceId) -> usize {
        let Source { kind, columns, .. } = self.source(source);
        match kind {
            SourceKind::Values(arrays) if self.semantics.unnests_structs() => match arrays.as_slice() {
                [array] => Some(fields_of_elements(&array.data_type).len()).filter(|width| *width > 0),
                _ => None,
            },
            _ => None,
        }
        .unwrap_or(columns.known.len())
    }
}

/// The field that a literal text names in a struct.
pub(super) fn name_of_field(value: &Expr, index: &Expr) -> Option<String> {
    match (&value.data_type, &index.kind) {
        (DataType::Struct(_), ExprKind::Literal(text)) if index.data_type.is_text() => {
            Some(text.trim_matches('\'').replace("''", "'"))
        }
        _ => None,
    }
}

/// The place of a field without a name, of which the first has the number 1.
fn place_of_field(index: &[Expr]) -> Option<usize> {
    match index {
        [Expr { kind: ExprKind::Literal(number), .. }] => number.parse::<usize>().ok()?.checked_sub(1),
        _ => None,
    }
}
