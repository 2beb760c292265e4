//! Views, tables, and incremental tables that are built anew.

use std::collections::BTreeMap;

use crate::action::{Action, ActionId, Incremental, IncrementalStrategy, Materialization, Model, Rendered};
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::{Clauses, Dialect, Filling, MaterializedViews, Publication, Replacement, Storage};
use crate::plan::audit::Auditor;
use crate::plan::incremental::{IncrementalWork, STAGED};
use crate::plan::statement::{Statement, WarehouseText};
use crate::plan::swap::Swap;
use crate::plan::texts::Translator;
use crate::plan::watermark::{OwnTable, Source, Watermark};
use crate::plan::{Context, PlanOptions, Script, ScriptStatement, TableDefinition, Work, interval, swap};
use crate::relation::{Access, PhysicalOptions, Relation, RelationKind, Target, UNFINISHED_LABEL};

/// A table that has no rows, for its columns.
const EMPTY: &str = "trueup_columns";

pub(super) const CREATE_OR_REPLACE: &str = "create or replace";

pub(super) fn plan(
    action: &Action<ActionId>,
    model: &Model,
    context: &Context<'_>,
    translator: &mut Translator<'_>,
) -> Work {
    match model.incremental() {
        Some(incremental @ Incremental { strategy: IncrementalStrategy::Interval(intervals), .. }) => {
            interval::plan(action, (model, incremental, *intervals), context, translator)
        }
        _ => plan_model(action, model, context, translator),
    }
}

pub(super) fn plan_model(
    action: &Action<ActionId>,
    model: &Model,
    context: &Context<'_>,
    translator: &mut Translator<'_>,
) -> Work {
    let mut build = Build::new(action, model, context, translator.to);
    build.auditor = Auditor::new(action, model, context.audits, build.existing.is_some(), translator);
    if let Some((incremental, table)) = build.grown(context.options) {
        translator.diagnostics.extend(lies_otherwise(action, model, incremental, table, translator.to));
        return Work::Incremental(grow((action, model, incremental), table, (build.swap, build.auditor), translator));
    }
    let capabilities = translator.to.capabilities();
    if capabilities.multi_statements {
        return build.in_one(translator);
    }
    let drops_first = capabilities.materialized_views == MaterializedViews::DroppedFirst;
    // In the order in which they run.
    let (before, within) = super::pre_operations(&translator.texts(&model.texts.pre_operations), translator.to);
    let mut statements = match capabilities.replacement {
        Replacement::InPlace if build.auditor.is_some() => build.beside(within, translator),
        Replacement::InPlace => build.in_place(CREATE_OR_REPLACE, within, translator),
        Replacement::Swap if drops_first && build.kind == RelationKind::MaterializedView => {
            build.in_place("create", within, translator)
        }
        Replacement::Swap => build.beside(within, translator),
    };
    let post_operations = translator.texts(&model.texts.post_operations);
    let (within, mut after) = super::post_operations(&post_operations, translator.to);
    statements.extend(within);
    let last = if after.is_empty() { &mut statements } else { &mut after };
    last.extend(build.inherit(translator.to));
    Work::Build(Script { before, statements, in_transaction: true, after, ..Script::default() })
}

/// The relation that the model's takes the place of under its name, where it does not become it.
pub(super) fn displaced(
    action: &Action<ActionId>,
    model: &Model,
    context: &Context<'_>,
    dialect: &dyn Dialect,
) -> Option<(Target, RelationKind)> {
    let build = Build::new(action, model, context, dialect);
    if !dialect.capabilities().multi_statements || build.grown(context.options).is_some() {
        return None;
    }
    Some((build.swap.place(&action.target, dialect), build.displaced(dialect)?.kind))
}

/// What the model becomes there.
fn kind(model: &Model, dialect: &dyn Dialect) -> RelationKind {
    match model.materialization {
        Materialization::View { materialized: true }
            if dialect.capabilities().materialized_views != MaterializedViews::Missing =>
        {
            RelationKind::MaterializedView
        }
        Materialization::View { .. } => RelationKind::View,
        Materialization::Table | Materialization::Incremental(_) => RelationKind::Table,
    }
}

/// A relation to be replaced by what a query gives, all of it or nothing.
pub(super) struct Build<'a> {
    pub(super) action: &'a Action<ActionId>,
    pub(super) model: &'a Model,
    pub(super) kind: RelationKind,
    /// Where [`Swap`] tells that it is lost, it has another name.
    pub(super) existing: Option<&'a Relation>,
    pub(super) swap: Swap,
    /// Who may read what is there, if that has been asked.
    pub(super) access: Option<&'a Access>,
    /// Whether a label says that it is unfinished until all of its step is done.
    pub(super) is_marked: bool,
    /// What is asked of the new rows before they are published.
    pub(super) auditor: Option<Auditor>,
    /// Relations that are built anew behind this one.
    rebuilt: &'a [&'a Target],
    /// Those of them that are materialized views by now.
    materialized: Vec<&'a Target>,
}

impl<'a> Build<'a> {
    pub(super) fn new(
        action: &'a Action<ActionId>,
        model: &'a Model,
        context: &Context<'a>,
        dialect: &dyn Dialect,
    ) -> Self {
        let state = context.state;
        let swap = Swap::of(&action.target, state, dialect);
        let place = swap.place(&action.target, dialect);
        let is_materialized = |target: &&&Target| {
            state.get(target).is_some_and(|relation| relation.kind == RelationKind::MaterializedView)
        };
        Self {
            action,
            model,
            kind: kind(model, dialect),
            existing: state.get(&place),
            swap,
            access: state.access.get(&place),
            is_marked: false,
            auditor: None,
            rebuilt: context.rebuilt,
            materialized: context.rebuilt.iter().filter(is_materialized).copied().collect(),
        }
    }

    /// The table that is there, if rows are added to it and it is not built anew.
    pub(super) fn grown(&self, options: PlanOptions<'_>) -> Option<(&'a Incremental, &'a Relation)> {
        let incremental = self.model.incremental()?;
        let refresh = options.full_refresh && !incremental.protected;
        let grows = |existing: &&Relation| existing.kind == RelationKind::Table && !existing.layout.is_unfinished;
        let table = self.existing.filter(|existing| !refresh && grows(existing))?;
        Some((incremental, table))
    }
}

impl Build<'_> {
    fn in_place(
        &self,
        create: &str,
        pre_operations: Vec<ScriptStatement>,
        translator: &mut Translator<'_>,
    ) -> Vec<ScriptStatement> {
        let query = &self.model.texts.query;
        let target = &self.action.target;
        let name = translator.to.relation(target);
        let mut statements = pre_operations;
        let replaces = |existing: &RelationKind| *existing == self.kind && create == CREATE_OR_REPLACE;
        let existing = self.existing.map(|existing| existing.kind);
        if let Some(kind) = existing.filter(|existing| !replaces(existing)) {
            // What a view keeps may have had to make room for the tables below it.
            let if_exists = if kind == RelationKind::MaterializedView { "if exists " } else { "" };
            statements.push(ScriptStatement::run(format!("drop {kind} {if_exists}{name}")));
        }
        let (query, behind) = translator.query(query);
        statements.push(self.create(create, &name, &Statement::text(&query), false, translator.to));
        statements.extend(self.guards(&name, translator.to));
        statements.extend(self.descriptions(target, translator.to));
        statements.extend(runs(&behind));
        statements
    }

    fn beside(&self, pre_operations: Vec<ScriptStatement>, translator: &mut Translator<'_>) -> Vec<ScriptStatement> {
        let query = &self.model.texts.query;
        let dialect = translator.to;
        let target = &self.action.target;
        let made = swap::new(target, dialect);
        let name = dialect.relation(&made);
        let mut statements: Vec<_> = dialect.lock(target).map(ScriptStatement::run).into_iter().collect();
        statements.extend(pre_operations);
        let (query, behind) = translator.query(query);
        match dialect.filling(&self.model.options) {
            Filling::Defined if self.kind == RelationKind::Table => {
                statements.extend(self.define(&name, &query, dialect));
            }
            Filling::Staged if self.kind == RelationKind::Table => {
                statements.extend(self.stage(&name, &query, dialect));
            }
            _ => statements.push(self.create("create", &name, &Statement::text(&query), false, dialect)),
        }
        statements.extend(self.guards(&name, dialect));
        statements.extend(self.descriptions(&made, dialect));
        let auditor = self.auditor.clone().map(|auditor| auditor.of(&made, translator));
        statements.extend(auditor.as_ref().map(|auditor| auditor.before_publishing(&name)));
        statements.extend(dialect.publish(&self.publication(&made)).into_iter().map(ScriptStatement::from));
        statements.extend(auditor.as_ref().map(Auditor::forget));
        statements.extend(runs(&behind));
        statements
    }

    fn publication<'b>(&'b self, made: &'b Target) -> Publication<'b> {
        let Self { kind, rebuilt, ref materialized, .. } = *self;
        let existing = self.existing.map(|existing| existing.kind);
        let (target, options) = (&self.action.target, &self.model.options);
        Publication { target, existing, made, kind, options, rebuilt, materialized }
    }

    /// Behind the post-operations.
    fn inherit(&self, dialect: &dyn Dialect) -> Option<ScriptStatement> {
        let made = swap::new(&self.action.target, dialect);
        dialect.inherit(&self.publication(&made)).map(ScriptStatement::run)
    }

    /// `is_checked` is whether the statement itself has to see to it that the unique key is one.
    pub(super) fn create(
        &self,
        create: &str,
        name: &str,
        query: &Statement,
        is_checked: bool,
        dialect: &dyn Dialect,
    ) -> ScriptStatement {
        let clauses = self.clauses(dialect);
        let head = format!("{create} {}{} {name} {}as\n", clauses.modifier, self.kind, clauses.before);
        let key = self.model.distinct_key().filter(|_| is_checked);
        let statement = match key {
            None => Statement::new(head).then_statement(query),
            Some(key) => {
                let key = quoted(key, dialect);
                let message =
                    dialect.string(&format!("the unique key ({}) is not unique", self.model.unique_key.join(", ")));
                Statement::new(head + "select * from (\n").then_statement(query).then(&format!(
                    "\n) where true\nqualify if(count(*) over (partition by {key}) > 1, error({message}), true)"
                ))
            }
        };
        let statement = statement.then(clauses.after);
        if self.kind == RelationKind::Table && dialect.counts_made_rows() {
            ScriptStatement::Count(statement)
        } else {
            ScriptStatement::Run(statement)
        }
    }

    pub(super) fn clauses(&self, dialect: &dyn Dialect) -> Clauses {
        let (options, labels) = (&self.model.options, &self.labels());
        dialect.clauses(self.kind, &Storage { options, description: self.description(), labels })
    }

    /// Says again what is said of a table that stays.
    pub(super) fn said_of_table(&self, dialect: &dyn Dialect) -> Option<String> {
        // Where its files lie cannot be said again.
        let options = PhysicalOptions { iceberg: None, ..self.model.options.clone() };
        let storage = Storage { options: &options, description: self.description(), labels: &self.labels() };
        dialect.say(self.kind, &dialect.relation(&self.action.target), &storage)
    }

    /// That of the config, or else what somebody has said of the relation that is replaced.
    fn description(&self) -> Option<&str> {
        let description = self.action.documentation.description.as_deref().map(str::trim);
        let existing = self.existing.and_then(|existing| existing.layout.description.as_deref());
        description.filter(|text| !text.is_empty()).or(existing)
    }

    /// Those of the config, and those that somebody has given to the relation that is replaced.
    fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.existing.map(|existing| existing.layout.labels.clone()).unwrap_or_default();
        labels.extend(self.action.documentation.labels.clone());
        labels.extend(self.is_marked.then(|| (UNFINISHED_LABEL.to_owned(), "true".to_owned())));
        labels
    }

    /// The types of the columns are those of an empty table that is made of the query: the query alone does not tell them
    /// everywhere, as for a text that is written in it.
    fn define(&self, name: &str, query: &WarehouseText, dialect: &dyn Dialect) -> Vec<ScriptStatement> {
        let options = &self.model.options;
        let empty = dialect.identifier(EMPTY);
        let head = format!("create temporary table {empty} as\nselect * from (\n");
        let storage = Storage { options, description: None, labels: &self.action.documentation.labels };
        let clauses = dialect.clauses(self.kind, &storage);
        let definition = TableDefinition {
            query: Statement::new(format!("select * from {empty}")),
            head: format!("create {}{} {name}", clauses.modifier, self.kind),
            tail: format!(" {}", clauses.before).trim_end().to_owned(),
            options: options.clone(),
        };
        vec![
            ScriptStatement::Run(Statement::new(head).then_text(query).then("\n) as subquery\nlimit 0")),
            ScriptStatement::Define(Box::new(definition)),
            ScriptStatement::run(format!("drop table {empty}")),
            ScriptStatement::Count(Statement::new(format!("insert into {name}\n")).then_text(query)),
        ]
    }

    /// The query runs once: what it gives is kept aside while the table is made for it.
    fn stage(&self, name: &str, query: &WarehouseText, dialect: &dyn Dialect) -> Vec<ScriptStatement> {
        let options = &self.model.options;
        let staged = dialect.identifier(STAGED);
        let storage = Storage { options, description: None, labels: &self.action.documentation.labels };
        let clauses = dialect.clauses(self.kind, &storage);
        let create = format!("create {}{} {name} (like {staged}) {}", clauses.modifier, self.kind, clauses.before);
        let partitions = dialect.make_partitions(name, &self.action.target, &staged, options);
        let head = Statement::new(dialect.temporary_table(&staged, options));
        let mut statements = vec![ScriptStatement::Run(head.then_text(query)), ScriptStatement::run(create.trim_end())];
        statements.extend(partitions.map(ScriptStatement::run));
        statements.push(ScriptStatement::Count(Statement::new(format!("insert into {name} select * from {staged}"))));
        statements.push(ScriptStatement::run(format!("drop table {staged}")));
        statements
    }

    /// What is refused of the first rows as it is of those that come later.
    fn guards(&self, name: &str, dialect: &dyn Dialect) -> impl Iterator<Item = ScriptStatement> {
        let key = self.model.distinct_key().and_then(|key| unique_guard(name, key, dialect));
        let event = self.action.documentation.times.event.as_ref().filter(|_| self.model.intervals().is_some());
        let timed = event.map(|event| {
            let column = dialect.identifier(&event.name);
            ScriptStatement::Guard {
                query: Statement::new(format!("select * from {name} where {column} is null limit 5")),
                message: format!("not all new rows have a `{}`, and so an interval", event.name),
                help: "leave them out in the query, or give them one".to_owned(),
            }
        });
        key.into_iter().chain(timed)
    }

    /// Descriptions go along with the relation.
    pub(super) fn descriptions(&self, target: &Target, dialect: &dyn Dialect) -> Vec<ScriptStatement> {
        let documentation = &self.action.documentation;
        let description = documentation.description.as_deref().map(str::trim).unwrap_or_default();
        let of_relation = dialect.describe_relation(self.kind, &dialect.relation(target), description);
        let columns: Vec<(&str, &str)> = documentation
            .columns
            .iter()
            .filter_map(|column| match column.path.as_slice() {
                [name] => Some((name.as_str(), column.description.as_deref()?)),
                _ => None,
            })
            .collect();
        let has = |name: &str| columns.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        let kept = self.existing.into_iter().flat_map(|existing| &existing.layout.column_descriptions);
        let kept = kept.filter(|(path, _)| !path.contains('.') && !has(path));
        let kept: Vec<(&str, &str)> = kept.map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let columns = [columns, kept].concat();
        let of_columns = dialect.describe_columns(self.kind, target, &columns);
        let of_relation = of_relation.map(ScriptStatement::run);
        of_relation.into_iter().chain(of_columns.map(ScriptStatement::from)).collect()
    }
}

/// A table that grows is not built anew only because its config asks for other partitions or clusters.
pub(super) fn lies_otherwise(
    action: &Action<ActionId>,
    model: &Model,
    incremental: &Incremental,
    table: &Relation,
    dialect: &dyn Dialect,
) -> Option<Diagnostic> {
    if !dialect.capabilities().multi_statements {
        return None;
    }
    let difference = swap::difference(&model.options, &table.layout, dialect)?;
    let help = if incremental.protected {
        "take `protected` away and build it anew with --full-refresh"
    } else {
        "build it anew with --full-refresh"
    };
    let message = format!("`{}` is kept as it lies: {difference}", action.target);
    Some(Diagnostic::warning(Code::LayoutDiffers, message).at(action.name_span, "").help(help))
}

/// A key that is declared holds from the first row on: a merge that meets it twice could not say which row it means.
pub(super) fn unique_guard(name: &str, key: &[String], dialect: &dyn Dialect) -> Option<ScriptStatement> {
    if key.is_empty() {
        return None;
    }
    let columns = quoted(key, dialect);
    Some(ScriptStatement::Guard {
        query: Statement::new(format!(
            "select {columns}, count(*) as rows_with_this_key from {name} group by {columns} having count(*) > 1 limit 5"
        )),
        message: format!("the unique key ({}) is not unique in the new rows", key.join(", ")),
        help: "keep one row for each key, for example with `qualify row_number() over (partition by … order by …) = 1`"
            .to_owned(),
    })
}

fn quoted(names: &[String], dialect: &dyn Dialect) -> String {
    names.iter().map(|name| dialect.identifier(name)).collect::<Vec<_>>().join(", ")
}

/// Adds rows to a table that is there.
pub(super) fn grow(
    (action, model, incremental): (&Action<ActionId>, &Model, &Incremental),
    table: &Relation,
    (swap, auditor): (Swap, Option<Auditor>),
    translator: &mut Translator<'_>,
) -> Box<IncrementalWork> {
    let texts = &incremental.texts;
    // In the order in which they run.
    let pre_operations = translator.statements(&texts.pre_operations);
    let query = translator.only_query(&texts.query);
    let dialect = translator.to;
    let own = OwnTable { target: &action.target, columns: &table.columns, layout: &table.layout, dialect };
    let (source, watermarks) = source(&query, incremental.filter.as_ref(), &own, translator);
    let filter = incremental.filter.as_ref().map(|filter| translator.filter(filter));
    let post_operations = translator.statements(&texts.post_operations);
    Box::new(IncrementalWork {
        name: action.target.name.clone(),
        target: action.target.clone(),
        relation: translator.to.relation(&action.target),
        lock: translator.to.lock(&action.target),
        columns: table.columns.clone(),
        layout: table.layout.clone(),
        swap,
        filter,
        source,
        watermarks,
        query: Statement::text(&query),
        pre_operations,
        post_operations,
        strategy: incremental.strategy,
        on_schema_change: incremental.on_schema_change,
        unique_key: model.unique_key.clone(),
        partition_by: model.options.partition_by.as_ref().map(|expression| translator.expression(expression)),
        partitions: incremental.partitions.iter().map(|partition| translator.expression(partition)).collect(),
        options: model.options.clone(),
        merge_conditions: merge_conditions(incremental, translator),
        auditor,
        batch: interval::whole(action, incremental),
    })
}

/// The query and its filter with places for what they ask the table itself. Empty where there are no variables.
fn source(
    query: &WarehouseText,
    filter: Option<&Rendered>,
    own: &OwnTable<'_>,
    translator: &mut Translator<'_>,
) -> (Source, Vec<Watermark>) {
    let (mut source, mut watermarks) = (Source::default(), Vec::new());
    if !own.dialect.capabilities().multi_statements {
        return (source, watermarks);
    }
    let filter = filter.map(|filter| translator.text(filter));
    if filter.is_some() {
        source.push("select * from (\n");
    }
    source.push_text("", query, own, &mut watermarks);
    if let Some(filter) = filter {
        source.push("\n) as subquery\nwhere ");
        source.push_text("select 1 from t where\n", &filter, own, &mut watermarks);
    }
    (source, watermarks)
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
