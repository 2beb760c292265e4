//! A query that is asked of another relation than the one that it names.

use std::ops::{ControlFlow, Range};

use sqlparser::ast::{Expr, Ident, ObjectNamePart, Spanned, TableFactor, Visit, Visitor};
use sqlparser::tokenizer::Span;

use crate::dialect::{Dialect, syntax};
use crate::plan::statement::{Statement, WarehouseText};
use crate::relation::Target;

/// The query with `to` wherever it reads `from`, under the name by which it knows it. `None` if it is not seen to read
/// that.
pub(super) fn redirect(text: &WarehouseText, from: &Target, to: &Target, dialect: &dyn Dialect) -> Option<Statement> {
    let statements = syntax::parse(text.sql(), dialect).ok()?;
    let mut found = Occurrences { from, dialect, reads: Vec::new(), names: Vec::new() };
    let _: ControlFlow<()> = statements.visit(&mut found);
    let (relation, alias) = (dialect.relation(to), dialect.identifier(&from.name));
    let read = |(span, has_alias): &(Span, bool)| {
        (*span, if *has_alias { relation.clone() } else { format!("{relation} as {alias}") })
    };
    let mut edits: Vec<(Span, String)> = found.reads.iter().map(read).collect();
    if edits.is_empty() {
        return None;
    }
    edits.extend(found.names.iter().map(|span| (*span, alias.clone())));
    let edits = edits.into_iter().map(|(span, sql)| (syntax::range(text.sql(), span), sql));
    let mut edits: Vec<(Range<usize>, String)> = edits.collect();
    edits.sort_by_key(|(range, _)| range.start);
    let mut redirected = Statement::default();
    let mut end = 0;
    for (range, sql) in edits {
        redirected = redirected.then_part(text, end..range.start).then(&sql);
        end = range.end;
    }
    Some(redirected.then_part(text, end..text.sql().len()))
}

/// Where a query names a relation.
struct Occurrences<'a> {
    from: &'a Target,
    dialect: &'a dyn Dialect,
    /// Where rows are read from it, and whether it gets another name there.
    reads: Vec<(Span, bool)>,
    /// Where it stands before the name of a column.
    names: Vec<Span>,
}

impl Occurrences<'_> {
    /// A name by itself may be that of a common table expression.
    fn is_meant<'i>(&self, path: impl Iterator<Item = &'i Ident>) -> bool {
        // Backticks may hold the whole path.
        let path: Vec<&str> = path.flat_map(|part| part.value.split('.')).collect();
        let whole: Vec<&str> = self.from.parts().collect();
        let is_same = |(one, other): (&&str, &&str)| {
            if self.dialect.ignores_case() { one.eq_ignore_ascii_case(other) } else { one == other }
        };
        let is_long_enough = path.len() >= whole.len().min(2) && path.len() <= whole.len();
        is_long_enough && path.iter().rev().zip(whole.iter().rev()).all(is_same)
    }
}

impl Visitor for Occurrences<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, alias, args: None, .. } = factor
            && self.is_meant(name.0.iter().filter_map(ObjectNamePart::as_ident))
        {
            self.reads.push((name.span(), alias.is_some()));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(path) = expr
            && let Some(length) = (2..path.len()).find(|length| self.is_meant(path.iter().take(*length)))
        {
            let span = path.iter().take(length).map(|part| part.span).reduce(|all, part| all.union(&part));
            self.names.extend(span);
        }
        ControlFlow::Continue(())
    }
}

impl Statement {
    /// Adds a range of a text, with its map where the text is as it was written.
    fn then_part(self, text: &WarehouseText, range: Range<usize>) -> Self {
        if text.is_translated {
            return self.then(text.sql().get(range).unwrap_or_default());
        }
        self.then_text(&text.part(range))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::action::Rendered;
    use crate::dialect::{BigQuery, DuckDb};

    fn redirected(sql: &str, dialect: &dyn Dialect) -> Option<String> {
        let target = |name: &str| Target { database: Some("p".into()), schema: Some("s".into()), name: name.into() };
        let text = WarehouseText { sql: sql.into(), rendered: Arc::new(Rendered::default()), is_translated: true };
        redirect(&text, &target("x"), &target("y"), dialect).map(|statement| statement.sql().to_owned())
    }

    #[test]
    fn a_relation_keeps_the_name_that_columns_are_called_by() {
        for (sql, expected) in [
            (r#"select x.id from "s"."x" where x.id > 0"#, r#"select x.id from "p"."s"."y" as "x" where x.id > 0"#),
            ("from s.x select id", r#"from "p"."s"."y" as "x" select id"#),
            (r#"select a.id from "p"."s"."x" as a"#, r#"select a.id from "p"."s"."y" as a"#),
            (r#"select "s"."x"."id" from "s"."x""#, r#"select "x"."id" from "p"."s"."y" as "x""#),
            (
                r#"with x as (select * from S.X) select 's.x' from x, z where id in (select id from "s"."x" b)"#,
                r#"with x as (select * from "p"."s"."y" as "x") select 's.x' from x, z where id in (select id from "p"."s"."y" b)"#,
            ),
        ] {
            assert_eq!(redirected(sql, &DuckDb).as_deref(), Some(expected));
        }
        let sql = "select * from `p.s.x`\nwhere not (x.id > 0)";
        let expected = "select * from `p.s.y` as `x`\nwhere not (x.id > 0)";
        assert_eq!(redirected(sql, &BigQuery).as_deref(), Some(expected));
    }

    #[test]
    fn what_reads_something_else_is_not_redirected() {
        for sql in [r#"select * from "x""#, r#"select * from "t"."x""#, "select * from s.x("] {
            assert_eq!(redirected(sql, &DuckDb), None, "{sql}");
        }
    }
}
