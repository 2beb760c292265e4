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
    let mut redirected = Statement::default();
    let mut end = 0;
    for (range, sql) in edits(text.sql(), from, &dialect.relation(to), dialect)? {
        redirected = redirected.then_part(text, end..range.start).then(&sql);
        end = range.end;
    }
    Some(redirected.then_part(text, end..text.sql().len()))
}

/// The same SQL with a query in the place of a relation. `None` if it is not seen to read that.
pub(super) fn inline(sql: &str, from: &Target, query: &str, dialect: &dyn Dialect) -> Option<String> {
    let mut inlined = String::new();
    let mut end = 0;
    // The query may end in a comment.
    for (range, replacement) in edits(sql, from, &format!("(\n{query}\n)"), dialect)? {
        inlined.push_str(sql.get(end..range.start)?);
        inlined.push_str(&replacement);
        end = range.end;
    }
    inlined.push_str(sql.get(end..)?);
    Some(inlined)
}

/// What is to be written where, in order, so that `source` is read wherever `from` was.
fn edits(sql: &str, from: &Target, source: &str, dialect: &dyn Dialect) -> Option<Vec<(Range<usize>, String)>> {
    let statements = syntax::parse(sql, dialect).ok()?;
    let mut found = Occurrences { from, dialect, reads: Vec::new(), names: Vec::new() };
    let _: ControlFlow<()> = statements.visit(&mut found);
    let alias = dialect.identifier(&from.name);
    let read = |(span, has_alias): &(Span, bool)| {
        (*span, if *has_alias { source.to_owned() } else { format!("{source} as {alias}") })
    };
    let mut edits: Vec<(Span, String)> = found.reads.iter().map(read).collect();
    if edits.is_empty() {
        return None;
    }
    edits.extend(found.names.iter().map(|span| (*span, alias.clone())));
    let edits = edits.into_iter().map(|(span, written)| (syntax::range(sql, span), written));
    let mut edits: Vec<(Range<usize>, String)> = edits.collect();
    edits.sort_by_key(|(range, _)| range.start);
    Some(edits)
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
    fn a_query_may_stand_in_the_place_of_a_relation() {
        let from = Target { database: None, schema: Some("s".into()), name: "x".into() };
        let sql = "select x.id from s.x join s.x as b using (id)";
        let expected =
            "select x.id from (\nselect 1 as id -- one\n) as `x` join (\nselect 1 as id -- one\n) as b using (id)";
        assert_eq!(inline(sql, &from, "select 1 as id -- one", &BigQuery).as_deref(), Some(expected));
        assert_eq!(inline("select id from s.y", &from, "select 1 as id", &BigQuery), None);
    }

    #[test]
    fn what_reads_something_else_is_not_redirected() {
        for sql in [r#"select * from "x""#, r#"select * from "t"."x""#, "select * from s.x("] {
            assert_eq!(redirected(sql, &DuckDb), None, "{sql}");
        }
    }
}
