//! PIVOT and UNPIVOT.

use sqlparser::ast::{self, NullInclusion, PivotValueSource, TableFactor};
use sqlparser::tokenizer::Span;

use super::Binder;
use super::from::plain;
use super::scope::Scope;
use crate::analysis::bound::{
    Column, Columns, Expr, ExprKind, Key, Made, Origin, OriginKind, Source, SourceId, SourceKind, Turn, Turned,
};
use crate::relation::{DataType, Nullability};

/// What stands in the brackets of PIVOT.
pub(super) struct Pivot<'a> {
    pub(super) aggregates: &'a [ast::ExprWithAlias],
    /// The columns whose values become columns.
    pub(super) turned: Vec<&'a ast::Expr>,
    pub(super) values: &'a PivotValueSource,
    /// GROUP BY.
    pub(super) groups: Option<&'a ast::Expr>,
}

/// What stands in the brackets of UNPIVOT.
pub(super) struct Unpivot<'a> {
    /// The names of the columns of values.
    pub(super) values: Vec<&'a ast::Ident>,
    /// The name of the column of names.
    pub(super) name: &'a ast::Ident,
    /// The columns that become rows; so many together as there are columns of values.
    pub(super) columns: Vec<Vec<&'a ast::Expr>>,
    pub(super) keeps_nulls: bool,
    /// The names of the rows, as they are written.
    pub(super) labels: String,
}

impl Binder<'_> {
    pub(super) fn turned(&mut self, factor: &TableFactor) -> Source {
        match factor {
            TableFactor::Pivot { table, aggregate_functions, value_column, value_source, default_on_null, alias } => {
                let of = self.relation(table);
                let of = self.add_source(of);
                let pivot = Pivot {
                    aggregates: aggregate_functions,
                    turned: value_column.iter().collect(),
                    values: value_source,
                    groups: default_on_null.as_ref(),
                };
                let source = self.pivoted(of, &pivot);
                self.named_as(source, alias.as_ref())
            }
            TableFactor::Unpivot { table, value, name, columns, null_inclusion, alias } => {
                let of = self.relation(table);
                let of = self.add_source(of);
                let unpivot = Unpivot {
                    values: parts_of(value).into_iter().filter_map(identifier).collect(),
                    name,
                    columns: columns.iter().map(|column| parts_of(&column.expr)).collect(),
                    keeps_nulls: *null_inclusion == Some(NullInclusion::IncludeNulls),
                    labels: columns.iter().map(|column| format!("{:?} ", column.alias)).collect(),
                };
                let source = self.unpivoted(of, &unpivot);
                self.named_as(source, alias.as_ref())
            }
            _ => plain(SourceKind::Opaque, Columns::unknown(), Span::empty()),
        }
    }

    fn turned_source(&self, turned: Turned, columns: Columns, keys: Vec<Key>) -> Source {
        let of = self.source(turned.of);
        let (name, span) = (of.name.clone(), of.span);
        Source { name, keys, ..plain(SourceKind::Turned(Box::new(turned)), columns, span) }
    }

    /// The groups, which are all columns that nothing else names unless they are said; then a column for each value and
    /// aggregate.
    pub(super) fn pivoted(&mut self, of: SourceId, pivot: &Pivot<'_>) -> Source {
        self.scopes.push(Scope { sources: vec![of], ..Scope::default() });
        let mut exprs = self.exprs(pivot.aggregates.iter().map(|aggregate| &aggregate.expr));
        let count = exprs.len();
        exprs.extend(self.exprs(pivot.turned.iter().copied()));
        let mut columns = Columns::default();
        let mut turned = Turned { of, turn: Turn::Pivot, kept: Vec::new(), exprs: Vec::new(), made: Vec::new() };
        if let Some(groups) = pivot.groups {
            for group in self.exprs(parts_of(groups)) {
                columns.known.push(self.column_made_of(&group));
                if let Some((_, Some(place))) = group.column() {
                    turned.kept.push(place);
                } else {
                    turned.made.push(Made { of: vec![exprs.len()], detail: String::new(), is_group: true });
                    exprs.push(group);
                }
            }
        } else {
            self.keep_others(of, &exprs, &mut turned, &mut columns);
        }
        let is_grouped = turned.made.is_empty() && !columns.is_open;
        let keys = if is_grouped { vec![(0..columns.known.len()).collect()] } else { Vec::new() };
        let values: &[ast::ExprWithAlias] = match pivot.values {
            PivotValueSource::List(values) => values,
            PivotValueSource::Any(_) | PivotValueSource::Subquery(_) => {
                columns.is_open = true;
                &[]
            }
        };
        if let PivotValueSource::Subquery(query) = pivot.values {
            self.query(query);
        }
        for value in values {
            for (place, aggregate) in pivot.aggregates.iter().enumerate() {
                let Some(name) = self.semantics.pivoted(value, aggregate, count == 1) else {
                    columns.is_open = true;
                    continue;
                };
                let nullable = match exprs[place].nullable {
                    // Whether nothing is counted as a zero is for the warehouse to say.
                    Nullability::NotNull => Nullability::Unknown,
                    _ => Nullability::Nullable,
                };
                let read = std::iter::once(place).chain(count..count + pivot.turned.len());
                let made = Made { of: read.collect(), detail: value.expr.to_string(), is_group: false };
                let origins = made.of.iter().flat_map(|place| self.origins_of(&exprs[*place], ""));
                let mut origins: Vec<Origin> =
                    origins.map(|origin| origin.went_through(OriginKind::Aggregated)).collect();
                origins.sort();
                origins.dedup();
                let data_type = exprs[place].data_type.clone();
                let name = Some(name.into());
                columns.known.push(Column { name, data_type, nullable, origins, ..Column::default() });
                turned.made.push(made);
            }
        }
        self.scopes.pop();
        turned.exprs = exprs;
        self.turned_source(turned, columns, keys)
    }

    /// All columns that are not named, then those for the values and their names.
    pub(super) fn unpivoted(&mut self, of: SourceId, unpivot: &Unpivot<'_>) -> Source {
        self.scopes.push(Scope { sources: vec![of], ..Scope::default() });
        let width = unpivot.values.len();
        let (mut exprs, mut columns) = (Vec::new(), Columns::default());
        let mut is_known = width > 0;
        for group in &unpivot.columns {
            // `columns(* exclude (a))` stands for all others.
            let all: Option<Vec<Expr>> = match group.as_slice() {
                [only] if width == 1 => self.chosen(of, only),
                _ => None,
            };
            let bound = all.unwrap_or_else(|| self.exprs(group.iter().copied()));
            is_known &= bound.len() == width || width == 1;
            let is_clear = |expr: &Expr| expr.any(&|part| part.column().is_some());
            is_known &= bound.iter().all(is_clear);
            exprs.extend(bound);
        }
        let turn = Turn::Unpivot { keeps_nulls: unpivot.keeps_nulls };
        let mut turned = Turned { of, turn, kept: Vec::new(), exprs: Vec::new(), made: Vec::new() };
        if is_known {
            self.keep_others(of, &exprs, &mut turned, &mut columns);
        }
        let kept = columns.known.len();
        let read = |value: usize| (0..exprs.len()).filter(move |place| place % width.max(1) == value);
        let mut values = Vec::new();
        for (place, name) in unpivot.values.iter().enumerate() {
            let parts: Vec<&Expr> = read(place).map(|place| &exprs[place]).collect();
            let types: Vec<&DataType> = parts.iter().map(|part| &part.data_type).collect();
            let is_null = Nullability::of_any(parts.iter().map(|part| part.nullable));
            let mut origins = Vec::new();
            for part in &parts {
                self.origins(part, OriginKind::Passed, &mut origins);
            }
            origins.sort();
            origins.dedup();
            values.push(Column {
                name: Some(self.name(name).into()),
                data_type: self.semantics.common(&types).unwrap_or_default(),
                nullable: if unpivot.keeps_nulls || width > 1 { is_null } else { Nullability::NotNull },
                origins,
                ..Column::default()
            });
            turned.made.push(Made { of: read(place).collect(), detail: unpivot.labels.clone(), is_group: false });
        }
        let name = Column {
            name: Some(self.name(unpivot.name).into()),
            data_type: DataType::TEXT,
            nullable: Nullability::NotNull,
            ..Column::default()
        };
        let named = Made { of: Vec::new(), detail: unpivot.labels.clone(), is_group: false };
        if self.semantics.unpivots_value_first() {
            columns.known.extend(values);
            columns.known.push(name);
            turned.made.push(named);
        } else {
            columns.known.push(name);
            columns.known.extend(values);
            turned.made.insert(0, named);
        }
        columns.is_open |= !is_known;
        self.scopes.pop();
        let keys = if columns.is_open { Vec::new() } else { self.keys_with_name(&turned, kept) };
        turned.exprs = exprs;
        self.turned_source(turned, columns, keys)
    }

    /// A key of what is turned still is one together with the name.
    fn keys_with_name(&self, turned: &Turned, kept: usize) -> Vec<Key> {
        let values = turned.made.len() - 1;
        let name = if self.semantics.unpivots_value_first() { kept + values } else { kept };
        let place = |of: &usize| turned.kept.iter().position(|kept| kept == of);
        let keys = self.source(turned.of).keys.iter();
        let keys = keys.filter_map(|key| {
            let mut key: Key = key.iter().map(place).collect::<Option<_>>()?;
            key.push(name);
            key.sort_unstable();
            Some(key)
        });
        keys.collect()
    }

    /// Adds the columns that none of these reads.
    fn keep_others(&self, of: SourceId, exprs: &[Expr], turned: &mut Turned, columns: &mut Columns) {
        let mut read = Vec::new();
        for expr in exprs {
            expr.walk(&mut |part| {
                read.extend(part.column().and_then(|(source, column)| (source == of).then_some(column)?));
                true
            });
        }
        let source = self.source(of);
        columns.is_open |= source.columns.is_open;
        for (place, column) in source.columns.visible().filter(|(place, _)| !read.contains(place)) {
            turned.kept.push(place);
            columns.known.push(column.clone());
        }
    }

    fn column_made_of(&self, expr: &Expr) -> Column {
        let name = match &expr.kind {
            ExprKind::Column { name, .. } => Some(name.clone()),
            _ => None,
        };
        let (data_type, nullable) = (expr.data_type.clone(), expr.nullable);
        Column { name, data_type, nullable, origins: self.origins_of(expr, ""), ..Column::default() }
    }

    /// The columns that `columns(* exclude (a, b))` stands for, if they are known.
    fn chosen(&mut self, of: SourceId, expr: &ast::Expr) -> Option<Vec<Expr>> {
        let ast::Expr::Function(ast::Function { name, args: ast::FunctionArguments::List(list), .. }) = expr else {
            return None;
        };
        let options = match list.args.as_slice() {
            [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Wildcard)] => None,
            [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::WildcardWithOptions(options))] => Some(options),
            _ => return None,
        };
        let is_choice = name.to_string().eq_ignore_ascii_case(super::spread::CHOICE) && self.semantics.spreads_items();
        if !is_choice || self.source(of).columns.is_open {
            return None;
        }
        let without: Vec<String> = match options.map(|options| &options.opt_exclude) {
            None | Some(None) => Vec::new(),
            Some(Some(ast::ExcludeSelectItem::Single(name))) => vec![self.path_of(name).pop()?],
            Some(Some(ast::ExcludeSelectItem::Multiple(names))) => {
                names.iter().map(|name| self.path_of(name).pop()).collect::<Option<_>>()?
            }
        };
        let columns = self.source(of).columns.visible().filter_map(|(place, column)| {
            let name = column.name.clone()?;
            (!without.iter().any(|other| self.is_same(other, &name))).then_some((place, name))
        });
        let columns: Vec<_> = columns.collect();
        let span = self.source(of).span;
        Some(columns.into_iter().map(|(place, name)| self.column_of(of, Some(place), &name, 0, false, span)).collect())
    }
}

/// The parts of `(a, b)`, or the one thing that it is.
fn parts_of(expr: &ast::Expr) -> Vec<&ast::Expr> {
    match expr {
        ast::Expr::Tuple(parts) => parts.iter().collect(),
        ast::Expr::Nested(inner) => parts_of(inner),
        expr => vec![expr],
    }
}

fn identifier(expr: &ast::Expr) -> Option<&ast::Ident> {
    match expr {
        ast::Expr::Identifier(name) => Some(name),
        _ => None,
    }
}
