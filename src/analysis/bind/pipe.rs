//! Pipes: each operator makes a query of the one before it.

use sqlparser::ast::{self, PipeOperator, Spanned};

use super::Binder;
use super::from::plain;
use super::pivot::{Pivot, Unpivot};
use super::scope::Scope;
use crate::analysis::bound::{
    Body, Columns, Distinct, Expr, Grouping, Item, Query, RowForm, Select, SetOperation, Source, SourceId, SourceKind,
};
use crate::analysis::{keys, nulls};
use crate::dialect::semantics::AliasScope;

/// What an operator of a pipe has bound so far.
#[derive(Default)]
struct Stage {
    columns: Columns,
    projection: Vec<Item>,
    filter: Option<Expr>,
    /// A condition on what window functions give.
    qualify: Option<Expr>,
    grouping: Option<Grouping>,
    joins: Vec<crate::analysis::bound::Join>,
}

impl Binder<'_> {
    /// Applies operators one after the other. `ranges` are the sources whose names can still be written before columns.
    pub(super) fn pipes(&mut self, mut query: Query, operators: &[PipeOperator]) -> Query {
        let is_whole = |operator: &PipeOperator| {
            !matches!(operator, PipeOperator::Limit { .. } | PipeOperator::TableSample { .. })
        };
        self.bound.is_partial |= !operators.iter().all(is_whole);
        let mut ranges: Vec<SourceId> = match &query.body {
            Body::Select(select) => select.sources.clone(),
            _ => Vec::new(),
        };
        for operator in operators {
            query = self.pipe(query, &mut ranges, operator);
        }
        query
    }

    /// The rows that a condition leaves of a query with these columns, which is called so.
    pub(super) fn filtered(&mut self, columns: Columns, name: &str, condition: &ast::Expr) -> Query {
        let span = condition.span();
        let source = Source { name: Some(name.to_owned()), ..plain(SourceKind::Opaque, columns, span) };
        let id = self.add_source(source);
        self.scopes.push(Scope { sources: vec![id], ..Scope::default() });
        let mut stage = Stage::default();
        self.stage(&PipeOperator::Where { expr: condition.clone() }, &mut Vec::new(), &mut stage);
        self.finish_stage(stage, span)
    }

    fn pipe(&mut self, mut input: Query, ranges: &mut Vec<SourceId>, operator: &PipeOperator) -> Query {
        match operator {
            PipeOperator::Limit { expr, offset } => {
                let limit = self.exprs(std::iter::once(expr).chain(offset));
                input.limit.extend(limit);
                return input;
            }
            PipeOperator::Union { set_quantifier, queries } => {
                return self.piped_set(input, "union", *set_quantifier, queries);
            }
            PipeOperator::Intersect { set_quantifier, queries } => {
                return self.piped_set(input, "intersect", *set_quantifier, queries);
            }
            PipeOperator::Except { set_quantifier, queries } => {
                return self.piped_set(input, "except", *set_quantifier, queries);
            }
            _ => {}
        }
        let (columns, keys, span) = (input.columns.clone(), input.keys.clone(), input.span);
        let mut source = Source { keys, ..plain(SourceKind::Derived(Box::new(input)), columns, span) };
        if let PipeOperator::As { alias } = operator {
            let name = self.name(alias);
            // Elements of an array are called as what they stand in.
            if let ([only], [element]) = (ranges.as_slice(), source.columns.known.as_mut_slice())
                && matches!(self.source(*only).kind, SourceKind::Values(_))
                && self.source(*only).columns.known.iter().any(|column| column.name == element.name)
            {
                element.name = Some(name.as_str().into());
            }
            source.name = Some(name);
        }
        let id = self.add_source(source);
        if let PipeOperator::As { .. } = operator {
            *ranges = vec![id];
        }
        self.scopes.push(Scope { sources: vec![id], ranges: ranges.clone(), ..Scope::default() });
        let mut stage = Stage::default();
        self.stage(operator, ranges, &mut stage);
        self.finish_stage(stage, span)
    }

    fn stage(&mut self, operator: &PipeOperator, ranges: &mut Vec<SourceId>, stage: &mut Stage) {
        let all = ast::WildcardAdditionalOptions::default();
        match operator {
            PipeOperator::Where { expr } => {
                let condition = self.expr(expr);
                let is_window = |part: &Expr| part.call().is_some_and(|call| call.window.is_some());
                if condition.any(&is_window) {
                    stage.qualify = Some(condition);
                } else {
                    stage.filter = Some(condition);
                }
                self.star(&all, &mut stage.projection, &mut stage.columns);
            }
            PipeOperator::Select { exprs } => {
                stage.projection = self.projection(exprs, &mut stage.columns);
                ranges.clear();
            }
            PipeOperator::Extend { exprs } => {
                self.star(&all, &mut stage.projection, &mut stage.columns);
                let more = self.projection(exprs, &mut stage.columns);
                stage.projection.extend(more);
            }
            PipeOperator::Aggregate { full_table_exprs, group_by_expr } => {
                let mut keys = Vec::new();
                for item in group_by_expr {
                    keys.push(self.expr(&item.expr.expr));
                    self.piped_item(&item.expr, stage);
                }
                for item in full_table_exprs {
                    self.piped_item(&item.expr, stage);
                }
                stage.grouping = Some(Grouping::By { keys, has_sets: false });
                ranges.clear();
            }
            PipeOperator::Set { assignments } => {
                let replaced: Vec<_> = assignments.iter().filter_map(replacement).collect();
                let replaced = ast::ReplaceSelectItem { items: replaced };
                let options = ast::WildcardAdditionalOptions { opt_replace: Some(replaced), ..all };
                self.star(&options, &mut stage.projection, &mut stage.columns);
            }
            PipeOperator::Drop { columns } => {
                let mut names = columns.iter().cloned();
                if let Some(first_element) = names.next() {
                    let except = ast::ExceptSelectItem { first_element, additional_elements: names.collect() };
                    let options = ast::WildcardAdditionalOptions { opt_except: Some(except), ..all };
                    self.star(&options, &mut stage.projection, &mut stage.columns);
                }
            }
            PipeOperator::Rename { mappings } => {
                let renamed = Some(ast::RenameSelectItem::Multiple(mappings.clone()));
                let options = ast::WildcardAdditionalOptions { opt_rename: renamed, ..all };
                self.star(&options, &mut stage.projection, &mut stage.columns);
            }
            PipeOperator::Join(join) => {
                self.join(join, &mut stage.joins);
                let joined = self.scope().sources.last().copied();
                ranges.extend(joined);
                self.star(&all, &mut stage.projection, &mut stage.columns);
            }
            PipeOperator::OrderBy { exprs } => {
                self.exprs(exprs.iter().map(|order| &order.expr));
                self.star(&all, &mut stage.projection, &mut stage.columns);
            }
            PipeOperator::As { .. } | PipeOperator::TableSample { .. } => {
                self.star(&all, &mut stage.projection, &mut stage.columns);
            }
            PipeOperator::Pivot { aggregate_functions, value_column, value_source, alias } => {
                let turned: Vec<_> = value_column.iter().cloned().map(ast::Expr::Identifier).collect();
                let pivot = Pivot {
                    aggregates: aggregate_functions,
                    turned: turned.iter().collect(),
                    values: value_source,
                    groups: None,
                };
                self.piped_turn(alias.as_ref(), ranges, stage, |binder, of| binder.pivoted(of, &pivot));
            }
            PipeOperator::Unpivot { value_column, name_column, unpivot_columns, alias } => {
                let columns: Vec<_> = unpivot_columns.iter().cloned().map(ast::Expr::Identifier).collect();
                let unpivot = Unpivot {
                    values: vec![value_column],
                    name: name_column,
                    columns: columns.iter().map(|column| vec![column]).collect(),
                    keeps_nulls: false,
                    labels: String::new(),
                };
                self.piped_turn(alias.as_ref(), ranges, stage, |binder, of| binder.unpivoted(of, &unpivot));
            }
            _ => {
                stage.columns = Columns::unknown();
                ranges.clear();
            }
        }
    }

    /// Puts what a source becomes in its place.
    fn piped_turn(
        &mut self,
        alias: Option<&ast::Ident>,
        ranges: &mut Vec<SourceId>,
        stage: &mut Stage,
        turn: impl FnOnce(&mut Self, SourceId) -> Source,
    ) {
        let Some(of) = self.scope().sources.pop() else { return };
        let mut source = turn(self, of);
        source.name = alias.map(|alias| self.name(alias));
        let id = self.add_source(source);
        self.scope().sources.push(id);
        *ranges = vec![id];
        self.scope().ranges.clone_from(ranges);
        self.star(&ast::WildcardAdditionalOptions::default(), &mut stage.projection, &mut stage.columns);
    }

    fn piped_item(&mut self, item: &ast::ExprWithAlias, stage: &mut Stage) {
        let item = match &item.alias {
            Some(alias) => ast::SelectItem::ExprWithAlias { expr: item.expr.clone(), alias: alias.clone() },
            None => ast::SelectItem::UnnamedExpr(item.expr.clone()),
        };
        let bound = self.seeing(AliasScope::Hidden, |binder| binder.projection(&[item], &mut stage.columns));
        stage.projection.extend(bound);
    }

    fn finish_stage(&mut self, stage: Stage, span: sqlparser::tokenizer::Span) -> Query {
        let Stage { mut columns, projection, filter, qualify, grouping, joins } = stage;
        let sources = self.scope().sources.clone();
        let select = Select {
            sources,
            joins,
            projection,
            stars: Vec::new(),
            distinct: Distinct::All,
            filter,
            grouping: grouping.unwrap_or(Grouping::None),
            having: None,
            qualify,
            form: RowForm::Columns,
            span,
        };
        nulls::settle(&select, &mut columns, &self.bound);
        let influences = self.influences_of(&select);
        self.scopes.pop();
        let keys = keys::of_select(&select, &columns, &self.bound);
        Query { body: Body::Select(Box::new(select)), columns, influences, keys, ..Query::opaque(span) }
    }

    fn piped_set(
        &mut self,
        input: Query,
        word: &'static str,
        quantifier: ast::SetQuantifier,
        queries: &[ast::Query],
    ) -> Query {
        let by_name = matches!(
            quantifier,
            ast::SetQuantifier::ByName | ast::SetQuantifier::AllByName | ast::SetQuantifier::DistinctByName
        );
        let is_distinct = !matches!(quantifier, ast::SetQuantifier::All | ast::SetQuantifier::AllByName);
        queries.iter().fold(input, |left, right| {
            let right = self.query(right);
            self.combined(SetOperation { left, right, by_name, is_distinct, word })
        })
    }
}

fn replacement(assignment: &ast::Assignment) -> Option<Box<ast::ReplaceSelectElement>> {
    let ast::AssignmentTarget::ColumnName(name) = &assignment.target else { return None };
    let column_name = name.0.last()?.as_ident()?.clone();
    Some(Box::new(ast::ReplaceSelectElement { expr: assignment.value.clone(), column_name, as_keyword: true }))
}
