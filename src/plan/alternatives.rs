//! A model as it would be if it were kept in another way: what is asked of the warehouse to know what that costs.

use crate::action::{Action, ActionId, Kind, Rendered};
use crate::diagnostic::Diagnostics;
use crate::dialect::Dialect;
use crate::plan::multi_statement::definitions;
use crate::plan::redirect::inline;
use crate::plan::statement::Statement;
use crate::plan::texts::{Translator, statements};
use crate::relation::{Column, Target};

/// A view that is not there: its query, for those who would read it.
#[derive(Debug, Clone)]
pub struct Inlined {
    target: Target,
    query: String,
}

impl Inlined {
    /// A model as a view, with the views that it reads already in its query. `None` if a view cannot do what the model does: it has
    /// statements besides its query.
    pub fn of(action: &Action<ActionId>, below: &[Self], from: &dyn Dialect, to: &dyn Dialect) -> Option<Self> {
        let query = Translator::new(from, to).query_alone(only_query(action, from)?).sql().to_owned();
        let query = Self::all_into(below, &query, to).unwrap_or(query);
        Some(Self { target: action.target.clone(), query })
    }

    /// A table with these columns and no rows.
    pub fn without_rows(target: &Target, columns: &[Column], dialect: &dyn Dialect) -> Self {
        let column =
            |column: &Column| format!("cast(null as {}) as {}", column.data_type, dialect.identifier(&column.name));
        let columns: Vec<String> = columns.iter().map(column).collect();
        Self { target: target.clone(), query: format!("select {} limit 0", columns.join(", ")) }
    }

    /// The same SQL with the query in the place of each of these views that it reads; `None` if it is not seen to read any.
    pub fn all_into(views: &[Self], sql: &str, dialect: &dyn Dialect) -> Option<String> {
        let into = |sql: &str, view: &Self| inline(sql, &view.target, &view.query, dialect);
        views
            .iter()
            .fold(None, |inlined: Option<String>, view| into(inlined.as_deref().unwrap_or(sql), view).or(inlined))
    }
}

/// The query of a model that has no other statements, so that it could be a view.
pub fn only_query<'a>(action: &'a Action<ActionId>, dialect: &dyn Dialect) -> Option<&'a Rendered> {
    let Kind::Model(model) = &action.kind else { return None };
    let texts = &model.texts;
    let mut more = texts.pre_operations.iter().chain(&texts.post_operations);
    let is_alone = statements(&texts.query, dialect).len() == 1 && more.all(|text| text.text().trim().is_empty());
    is_alone.then_some(&texts.query)
}

/// What gives all rows of a model behind what only defines names for it, or the number of those that an assertion finds: it reads what a
/// full build reads. `None` for anything else.
pub fn rows_of(action: &Action<ActionId>, from: &dyn Dialect, to: &dyn Dialect) -> Option<(Statement, Diagnostics)> {
    let mut translator = Translator::new(from, to);
    let statement = match &action.kind {
        Kind::Model(model) => {
            let before = translator.statements(&model.texts.pre_operations);
            definitions(&before, to).then_text(&translator.query_alone(&model.texts.query))
        }
        Kind::Assertion(assertion) => {
            let query = translator.query_alone(&assertion.query);
            Statement::new("select count(*) from (\n").then_text(&query).then("\n) as trueup_rows")
        }
        _ => return None,
    };
    Some((statement, translator.diagnostics))
}
