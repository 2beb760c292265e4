//! Views, tables, and incremental tables that are built anew.

use crate::action::{Action, ActionId, Incremental, Materialization, Model, Texts};
use crate::dialect::Dialect;
use crate::plan::incremental::IncrementalWork;
use crate::plan::statement::{Statement, WarehouseText};
use crate::plan::texts::Translator;
use crate::plan::{PlanOptions, Script, ScriptStatement, Work};
use crate::relation::{Column, RelationKind, WarehouseState};

pub(super) fn plan(
    action: &Action<ActionId>,
    model: &Model,
    state: &WarehouseState,
    translator: &mut Translator<'_>,
    options: PlanOptions,
) -> Work {
    let existing = state.get(&action.target);
    if let Materialization::Incremental(incremental) = &model.materialization {
        let refresh = options.full_refresh && !incremental.protected;
        if let Some(table) = existing.filter(|existing| existing.kind == RelationKind::Table && !refresh) {
            return extend(action, model, incremental, &table.columns, translator);
        }
    }
    let wanted = match model.materialization {
        Materialization::View { .. } => RelationKind::View,
        Materialization::Table | Materialization::Incremental(_) => RelationKind::Table,
    };
    let in_the_way = existing.map(|existing| existing.kind).filter(|kind| *kind != wanted);
    build(action, model, wanted, in_the_way, translator)
}

/// Replaces what is there by what the query gives, and all of it or nothing.
fn build(
    action: &Action<ActionId>,
    model: &Model,
    wanted: RelationKind,
    in_the_way: Option<RelationKind>,
    translator: &mut Translator<'_>,
) -> Work {
    let name = translator.to.relation(&action.target);
    let Texts { query, pre_operations, post_operations } = &model.texts;
    let mut statements = runs(&translator.texts(pre_operations));
    if let Some(kind) = in_the_way {
        statements.push(run(format!("drop {} {name}", word(kind))));
    }
    let query = translator.text(query);
    let create = Statement::new(format!("create or replace {} {name} as\n", word(wanted))).then_text(&query);
    match wanted {
        RelationKind::View => statements.push(ScriptStatement::Run(create)),
        RelationKind::Table => {
            statements.push(ScriptStatement::Count(create));
            if matches!(model.materialization, Materialization::Incremental(_)) {
                statements.extend(unique_guard(&name, &model.unique_key, translator.to));
            }
        }
    }
    statements.extend(comments(action, &name, wanted, translator));
    statements.extend(runs(&translator.texts(post_operations)));
    Work::Build(Script { statements, in_transaction: true })
}

/// A key that is declared holds from the first row on: a merge that meets it twice could not say which row it means.
pub(super) fn unique_guard(name: &str, key: &[String], dialect: &dyn Dialect) -> Option<ScriptStatement> {
    if key.is_empty() {
        return None;
    }
    let columns: Vec<String> = key.iter().map(|column| dialect.identifier(column)).collect();
    let columns = columns.join(", ");
    Some(ScriptStatement::Guard {
        query: Statement::new(format!(
            "select {columns}, count(*) as rows_with_this_key from {name} group by {columns} having count(*) > 1 limit 5"
        )),
        message: format!("the unique key ({}) is not unique in the new rows", key.join(", ")),
        help: "keep one row for each key, for example with `qualify row_number() over (partition by … order by …) = 1`"
            .to_owned(),
    })
}

/// Descriptions go along with the relation.
fn comments(
    action: &Action<ActionId>,
    name: &str,
    kind: RelationKind,
    translator: &Translator<'_>,
) -> Option<ScriptStatement> {
    let description = action.documentation.description.as_ref()?;
    let text = translator.to.string(description.trim());
    Some(run(format!("comment on {} {name} is {text}", word(kind))))
}

fn extend(
    action: &Action<ActionId>,
    model: &Model,
    incremental: &Incremental,
    columns: &[Column],
    translator: &mut Translator<'_>,
) -> Work {
    let texts = &incremental.texts;
    // In the order in which they run.
    let pre_operations = translator.texts(&texts.pre_operations);
    let query = translator.text(&texts.query);
    let filter = incremental.filter.as_ref().map(|filter| translator.condition(filter.text().trim()));
    let post_operations = translator.texts(&texts.post_operations);
    Work::Incremental(Box::new(IncrementalWork {
        name: action.target.name.clone(),
        relation: translator.to.relation(&action.target),
        columns: columns.to_vec(),
        filter,
        query,
        pre_operations,
        post_operations,
        strategy: incremental.strategy,
        on_schema_change: incremental.on_schema_change,
        unique_key: model.unique_key.clone(),
        partition_by: model.options.partition_by.as_ref().map(|expression| translator.expression(expression)),
        merge_conditions: merge_conditions(incremental, translator),
    }))
}

/// Conditions in the words of Dataform: the table is `DATAFORM_DEST`, the new rows are `DATAFORM_SOURCE`.
fn merge_conditions(incremental: &Incremental, translator: &mut Translator<'_>) -> Vec<String> {
    let filter = incremental.update_partition_filter.as_ref().map(|filter| format!("DATAFORM_DEST.{filter}"));
    let conditions: Vec<String> = filter.into_iter().chain(incremental.predicates.iter().cloned()).collect();
    conditions.iter().map(|condition| translator.condition(condition)).collect()
}

pub(super) fn runs(texts: &[WarehouseText]) -> Vec<ScriptStatement> {
    texts.iter().map(|text| ScriptStatement::Run(Statement::text(text))).collect()
}

pub(super) fn run(sql: String) -> ScriptStatement {
    ScriptStatement::Run(Statement::new(sql))
}

fn word(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Table => "table",
        RelationKind::View => "view",
    }
}
