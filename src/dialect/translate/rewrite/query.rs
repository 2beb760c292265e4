//! Queries: WITH, set operations, SELECT and its clauses.

use sqlparser::ast::{
    Distinct, ExcludeSelectItem, Expr, GroupByExpr, GroupByWithModifier, Ident, LimitClause, NamedWindowExpr,
    ObjectNamePart, OrderBy, OrderByExpr, OrderByKind, OrderBySort, Query, RenameSelectItem, Select, SelectFlavor,
    SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, Spanned, TableAlias, TableFactor,
    ValueTableMode, WildcardAdditionalOptions, WindowFrameBound, WindowSpec,
};

use super::Rewriter;
use super::qualify::given_names;
use super::shape::{as_value, keys_first, name_json, name_keys, one_group, places_of_keys, structs_of};
use crate::dialect::translate::functions::{build, build_query};
use crate::dialect::translate::scope::Columns;
use crate::dialect::translate::types::Type;

impl Rewriter<'_> {
    /// Changes a query, and says what is known of its columns.
    #[recursive::recursive]
    pub(crate) fn query(&mut self, query: &mut Query) -> Columns {
        let rules = self.rules;
        let nameless = std::mem::take(&mut self.nameless);
        rules.query(query, self);
        let mark = self.scopes.mark();
        if let Some(with) = &mut query.with {
            for named in &mut with.cte_tables {
                if with.recursive {
                    // A query that names itself: nothing is known of its columns before it is read.
                    self.scopes.name(&named.alias.name.value, None);
                }
                let columns = self.query(&mut named.query);
                if let SetExpr::Values(values) = named.query.body.as_ref() {
                    rules.name_values(&mut named.alias, values.rows.first().map_or(0, |row| row.content.len()));
                }
                let columns = renamed(columns, named.alias.columns.iter().map(|column| &column.name));
                self.scopes.name(&named.alias.name.value, columns);
            }
        }
        let columns = self.body(&mut query.body, nameless);
        // What ORDER BY may name: the columns of the result, then those of FROM.
        if let SetExpr::Select(_) = query.body.as_ref() {
        } else {
            self.scopes.open();
            self.scopes.add("", columns.clone());
        }
        if let Some(order) = &mut query.order_by {
            if let OrderByKind::Expressions(items) = &mut order.kind {
                name_json(items, &columns);
            }
            self.order_by(order);
        }
        if rules.alias_before_column() {
            given_names(&mut query.body, query.order_by.as_mut());
        }
        if !rules.target().selects_more {
            self.without_qualify(&mut query.body, query.order_by.as_mut());
        }
        self.scopes.close();
        match &mut query.limit_clause {
            None => {}
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => {
                for count in limit.iter_mut().chain(offset.as_mut().map(|offset| &mut offset.value)) {
                    self.expr(count);
                }
            }
            Some(_) => self.missing(query.body.span(), "LIMIT of this form"),
        }
        if query.fetch.as_ref().is_some_and(|fetch| fetch.with_ties || fetch.percent) {
            self.missing(query.body.span(), "FETCH WITH TIES or PERCENT");
        }
        if query.for_clause.is_some() || query.settings.is_some() || query.format_clause.is_some() {
            self.missing(query.body.span(), "FOR, SETTINGS or FORMAT");
        }
        query.locks.clear();
        if !query.pipe_operators.is_empty() {
            self.missing(query.body.span(), "pipe operator `|>`");
        }
        self.scopes.forget(mark);
        columns
    }

    /// The scope of the last SELECT stays open, so that ORDER BY sees what it sees; the caller closes it.
    fn body(&mut self, body: &mut SetExpr, nameless: bool) -> Columns {
        match body {
            SetExpr::Select(select) => {
                self.scopes.open();
                self.select(select, nameless)
            }
            other => self.set(other, nameless),
        }
    }

    #[recursive::recursive]
    fn set(&mut self, body: &mut SetExpr, nameless: bool) -> Columns {
        match body {
            SetExpr::Select(_) => {
                let columns = self.body(body, nameless);
                if !self.rules.target().selects_more {
                    self.without_qualify(body, None);
                }
                self.scopes.close();
                columns
            }
            SetExpr::Query(query) => {
                self.nameless = nameless;
                self.query(query)
            }
            SetExpr::SetOperation { left, right, op, set_quantifier } => {
                let one = self.set(left, nameless);
                // The names are those of the first query.
                let other = self.set(right, true);
                if *op == SetOperator::Minus {
                    *op = SetOperator::Except;
                }
                if *set_quantifier == SetQuantifier::Distinct {
                    *set_quantifier = SetQuantifier::None;
                }
                let (one, other) = (one?, other?);
                if one.iter().zip(&other).any(|((_, one), (_, other))| !other.has_fields_of(one)) {
                    self.missing_because(
                        right.span(),
                        "set operation on structs whose fields have different names",
                        "give the fields of both the same names",
                    );
                }
                Some(one.into_iter().zip(other).map(|((name, kind), (_, other))| (name, either(kind, other))).collect())
            }
            SetExpr::Values(values) => {
                let mut columns: Vec<(String, Type)> = Vec::new();
                for (number, row) in values.rows.iter_mut().enumerate() {
                    for (place, value) in row.content.iter_mut().enumerate() {
                        let kind = self.expr(value);
                        if number == 0 {
                            columns.push((format!("col{place}"), kind));
                        } else if let Some((_, known)) = columns.get_mut(place) {
                            *known = either(std::mem::take(known), kind);
                        }
                    }
                }
                Some(columns)
            }
            SetExpr::Table(table) => {
                let name = table.table_name.clone().unwrap_or_default();
                self.scopes.named(&name).cloned().flatten()
            }
            other => {
                let place = other.span();
                self.missing(place, "statement inside a query");
                None
            }
        }
    }

    fn select(&mut self, select: &mut Select, nameless: bool) -> Columns {
        let place = select.select_token.0.span;
        for (present, what) in [
            (select.prewhere.is_some(), "PREWHERE"),
            (!select.lateral_views.is_empty(), "LATERAL VIEW"),
            (!select.connect_by.is_empty(), "CONNECT BY"),
            (!select.cluster_by.is_empty(), "CLUSTER BY"),
            (!select.distribute_by.is_empty(), "DISTRIBUTE BY"),
            (!select.sort_by.is_empty(), "SORT BY"),
            (select.into.is_some(), "SELECT INTO"),
            (select.top.is_some(), "TOP"),
            (select.flavor != SelectFlavor::Standard, "query that starts with FROM"),
        ] {
            if present {
                self.missing(place, what);
            }
        }
        select.select_modifiers = None;
        select.optimizer_hints.clear();
        let rules = self.rules;
        rules.from(&mut select.from, self);
        for table in &mut select.from {
            self.table_with_joins(table);
        }
        if let Some(condition) = &mut select.selection {
            self.expr(condition);
        }
        if let Some(Distinct::On(keys)) = &mut select.distinct {
            for key in keys {
                self.expr(key);
            }
        }
        for window in &mut select.named_window {
            match &mut window.1 {
                NamedWindowExpr::WindowSpec(window) => self.window(window),
                NamedWindowExpr::NamedWindow(_) => {}
            }
        }
        let mut columns = Some(Vec::new());
        if rules.target().selects_more {
            keys_first(select);
        } else {
            self.write_out(select);
        }
        let mut unnamed = 0;
        for item in &mut select.projection {
            let name = if nameless { String::new() } else { self.rules.unnamed(unnamed) };
            let more = self.item(item, name);
            for (name, _) in more.iter().flatten() {
                unnamed += usize::from(*name == self.rules.unnamed(unnamed));
            }
            columns = columns.zip(more).map(|(mut columns, more)| {
                columns.extend(more);
                columns
            });
        }
        match select.value_table_mode.take() {
            // The fields of each struct are the columns of the result.
            None | Some(ValueTableMode::AsStruct) => {}
            Some(ValueTableMode::DistinctAsStruct) => select.distinct = Some(Distinct::Distinct),
            Some(mode) => {
                if mode == ValueTableMode::DistinctAsValue {
                    select.distinct = Some(Distinct::Distinct);
                }
                columns = as_value(&mut select.projection, columns);
            }
        }
        if let Some(exclude) = &mut select.exclude {
            columns = without(columns, exclude);
        }
        // The names that SELECT gives are known to the clauses after it.
        let given = select.projection.iter().zip(columns.iter().flatten()).filter_map(|(item, (_, kind))| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some((alias.value.clone(), kind.clone())),
            _ => None,
        });
        let given: Vec<_> =
            if select.projection.len() == columns.as_ref().map_or(0, Vec::len) { given.collect() } else { Vec::new() };
        self.scopes.add("", Some(given));
        self.group_by(&mut select.group_by);
        if self.rules.alias_before_column() {
            name_keys(&mut select.group_by, &select.projection);
            one_group(&mut select.group_by, &select.projection);
            if !self.rules.target().selects_more {
                places_of_keys(&mut select.group_by, &select.projection);
            }
        }
        for condition in select.having.iter_mut().chain(&mut select.qualify) {
            self.expr(condition);
        }
        columns
    }

    fn group_by(&mut self, group_by: &mut GroupByExpr) {
        match group_by {
            GroupByExpr::All(modifiers) => self.group_modifiers(modifiers),
            GroupByExpr::Expressions(keys, modifiers) => {
                for key in keys {
                    self.expr(key);
                }
                self.group_modifiers(modifiers);
            }
        }
    }

    fn group_modifiers(&mut self, modifiers: &mut [GroupByWithModifier]) {
        for modifier in modifiers {
            match modifier {
                GroupByWithModifier::GroupingSets(sets) => {
                    self.expr(sets);
                }
                other => {
                    let what = format!("GROUP BY … {other}");
                    self.missing(sqlparser::tokenizer::Span::empty(), &what);
                }
            }
        }
    }

    /// `unnamed` is the name of a column that has none of its own, empty where it needs none.
    fn item(&mut self, item: &mut SelectItem, unnamed: String) -> Columns {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let name = self.rules.column_name(expr).unwrap_or(unnamed);
                let before = expr.to_string();
                let is_column = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
                let kind = self.expr(expr);
                self.rules.output(expr, &kind);
                // The name of the column comes from the expression: it must not change with it. DuckDB does not see the
                // name of a field in ORDER BY.
                if !name.is_empty() && (!is_column || before != expr.to_string() || self.is_field(expr)) {
                    let expr = std::mem::replace(expr, Expr::value(sqlparser::ast::Value::Null));
                    *item = SelectItem::ExprWithAlias { expr, alias: alias_of(&name) };
                }
                Some(vec![(name, kind)])
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                let kind = self.expr(expr);
                self.rules.output(expr, &kind);
                Some(vec![(alias.value.clone(), kind)])
            }
            SelectItem::ExprWithAliases { expr, .. } => {
                let place = expr.span();
                self.missing(place, "several names for one expression");
                None
            }
            SelectItem::Wildcard(options) => {
                if self.scopes.innermost().iter().any(|relation| relation.elements) {
                    let place = options.wildcard_token.0.span;
                    self.missing_because(
                        place,
                        "`*` over UNNEST of an array whose type is not known",
                        "name the columns, or give the array a type with CAST",
                    );
                }
                let columns = self
                    .scopes
                    .innermost()
                    .iter()
                    .map(|relation| relation.columns.clone())
                    .reduce(|one, other| one.zip(other).map(|(one, other)| [one, other].concat()))
                    .flatten();
                self.wildcard(options, columns)
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                let columns = match name.0.as_slice() {
                    [ObjectNamePart::Identifier(name)] => {
                        self.scopes.relation(&name.value).and_then(|relation| relation.columns.clone())
                    }
                    _ => None,
                };
                self.wildcard(options, columns)
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expr), _) => {
                let place = expr.span();
                self.missing(place, "`.*` after an expression");
                None
            }
        }
    }

    /// Whether it is a field of a struct, and not a column of a relation.
    fn is_field(&self, expr: &Expr) -> bool {
        match expr {
            Expr::CompoundIdentifier(parts) => {
                parts.first().is_some_and(|first| self.scopes.relation(&first.value).is_none()) || parts.len() > 2
            }
            _ => false,
        }
    }

    /// A query that stands for one value, or an array of them: `SELECT AS STRUCT` makes structs of its rows.
    pub(crate) fn value_query(&mut self, query: &mut Query) -> Type {
        if let SetExpr::Select(select) = query.body.as_mut() {
            match select.value_table_mode {
                Some(ValueTableMode::AsStruct) => {
                    select.value_table_mode = None;
                    if select
                        .projection
                        .iter()
                        .any(|item| !matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }))
                    {
                        let columns = self.query(query);
                        return self.rows_as_structs(query, columns);
                    }
                    structs_of(select, query.order_by.as_mut());
                }
                Some(ValueTableMode::AsValue) => select.value_table_mode = None,
                _ => {}
            }
        }
        match self.nameless_query(query).as_deref() {
            Some([(_, kind)]) => kind.clone(),
            _ => Type::Unknown,
        }
    }

    /// A query in an expression: nobody sees the names of its columns.
    pub(crate) fn nameless_query(&mut self, query: &mut Query) -> Columns {
        self.nameless = true;
        self.query(query)
    }

    /// Puts a query around one, whose only column is its rows. Order and limit move outwards.
    fn rows_as_structs(&mut self, query: &mut Query, columns: Columns) -> Type {
        let row = self.fresh("row");
        let mut outer = build_query("select r from t", &[]);
        outer.order_by = query.order_by.take();
        outer.limit_clause = query.limit_clause.take();
        let inner = std::mem::replace(query, build_query("select 1", &[]));
        if let SetExpr::Select(select) = outer.body.as_mut() {
            select.projection = vec![SelectItem::UnnamedExpr(Expr::Identifier(row.clone()))];
            if let Some(from) = select.from.first_mut() {
                from.relation = TableFactor::Derived {
                    lateral: false,
                    subquery: Box::new(inner),
                    alias: Some(TableAlias { explicit: true, name: row, columns: Vec::new(), at: None }),
                    sample: None,
                };
            }
        }
        *query = outer;
        columns.map_or(Type::Unknown, Type::Struct)
    }

    fn wildcard(&mut self, options: &mut WildcardAdditionalOptions, mut columns: Columns) -> Columns {
        let place = options.wildcard_token.0.span;
        if let Some(except) = options.opt_except.take() {
            let names = std::iter::once(except.first_element).chain(except.additional_elements);
            options.opt_exclude = Some(ExcludeSelectItem::Multiple(names.map(|name| vec![name].into()).collect()));
        }
        if let Some(replace) = &mut options.opt_replace {
            for element in &mut replace.items {
                let kind = self.expr(&mut element.expr);
                let name = &element.column_name.value;
                if let Some((_, known)) =
                    columns.iter_mut().flatten().find(|(column, _)| column.eq_ignore_ascii_case(name))
                {
                    *known = kind;
                }
            }
        }
        if let Some(exclude) = &options.opt_exclude {
            columns = without(columns, exclude);
        }
        if let Some(rename) = &options.opt_rename {
            let renames = match rename {
                RenameSelectItem::Single(one) => std::slice::from_ref(one),
                RenameSelectItem::Multiple(several) => several,
            };
            for (column, _) in columns.iter_mut().flatten() {
                if let Some(rename) = renames.iter().find(|rename| rename.ident.value.eq_ignore_ascii_case(column)) {
                    column.clone_from(&rename.alias.value);
                }
            }
        }
        if options.opt_ilike.is_some() || options.opt_alias.is_some() {
            self.missing(place, "`*` with ILIKE or AS");
        }
        columns
    }

    pub(crate) fn order_by(&mut self, order: &mut OrderBy) {
        match &mut order.kind {
            OrderByKind::All(_) => {}
            OrderByKind::Expressions(items) => {
                for item in items {
                    self.order_by_expr(item);
                }
            }
        }
    }

    /// NULL stands elsewhere by default in DuckDB, so its place is always written.
    pub(crate) fn order_by_expr(&mut self, item: &mut OrderByExpr) {
        if self.expr(&mut item.expr) == Type::Json {
            // DuckDB's JSON is text: 10 would stand before 9.
            let text = "case when json_extract_string(x, '$') is not null \
                then row(try_cast(json_extract_string(x, '$') as double), json_extract_string(x, '$')) end";
            item.expr = build(text, &[("x", &item.expr)]);
        }
        let least = self.rules.null_is_least();
        let descending = matches!(item.options.sort, Some(OrderBySort::Desc));
        if item.with_fill.is_some() || matches!(item.options.sort, Some(OrderBySort::Using(_))) {
            self.missing(item.expr.span(), "ORDER BY of this form");
        }
        item.options.nulls_first.get_or_insert(least != descending);
    }

    pub(crate) fn window(&mut self, window: &mut WindowSpec) {
        for key in &mut window.partition_by {
            self.expr(key);
        }
        for item in &mut window.order_by {
            self.order_by_expr(item);
        }
        if let Some(frame) = &mut window.window_frame {
            for bound in std::iter::once(&mut frame.start_bound).chain(&mut frame.end_bound) {
                if let WindowFrameBound::Preceding(Some(distance)) | WindowFrameBound::Following(Some(distance)) = bound
                {
                    self.expr(distance);
                }
            }
        }
    }
}

/// The type of a column that two queries fill. Where one has nothing but NULL there, the other tells.
fn either(one: Type, other: Type) -> Type {
    one.and(other)
}

/// The name as an alias, in quotes where it is no word.
fn alias_of(name: &str) -> Ident {
    if name.chars().all(|letter| letter.is_alphanumeric() || letter == '_') {
        Ident::new(name)
    } else {
        Ident::with_quote('"', name)
    }
}

fn without(columns: Columns, exclude: &ExcludeSelectItem) -> Columns {
    let names: Vec<String> = match exclude {
        ExcludeSelectItem::Single(name) => vec![super::call::simple_name(name)],
        ExcludeSelectItem::Multiple(names) => names.iter().map(super::call::simple_name).collect(),
    };
    columns.map(|mut columns| {
        columns.retain(|(column, _)| !names.iter().any(|name| name.eq_ignore_ascii_case(column)));
        columns
    })
}

/// The columns under the names that an alias gives them.
pub(crate) fn renamed<'a>(columns: Columns, names: impl ExactSizeIterator<Item = &'a Ident>) -> Columns {
    if names.len() == 0 {
        return columns;
    }
    let mut columns = columns?;
    for ((column, _), name) in columns.iter_mut().zip(names) {
        column.clone_from(&name.value);
    }
    Some(columns)
}
