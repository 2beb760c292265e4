//! Relations that are built anew where a step is one job, and no transaction undoes what makes or renames relations: at
//! every moment the old one or the new one is there, or is found again by the next run.

use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::{Dialect, NotHandedOver};
use crate::plan::Work;
use crate::plan::audit::Auditor;
use crate::plan::fill::FillWork;
use crate::plan::model::{Build, CREATE_OR_REPLACE};
use crate::plan::multi_statement::{JobWriter, definitions};
use crate::plan::script::{Script, ScriptStatement};
use crate::plan::statement::{Statement, WarehouseText};
use crate::plan::swap::{self, Swap};
use crate::plan::texts::Translator;
use crate::relation::{Partitioning, Relation, RelationKind};

impl Build<'_> {
    pub(super) fn in_one(mut self, translator: &mut Translator<'_>) -> Work {
        let dialect = translator.to;
        let texts = &self.model.texts;
        if !self.is_refilled(dialect) {
            let new = swap::new(&self.action.target, dialect);
            self.auditor = self.auditor.map(|auditor| auditor.of(&new, translator));
        }
        let before = translator.statements(&texts.pre_operations);
        let (query, behind) = translator.query(&texts.query);
        let mut after = behind;
        after.extend(translator.statements(&texts.post_operations));
        let estimate = definitions(&before, dialect).then_text(&query);
        let handed_over = self.hand_over(dialect).unwrap_or_else(|lost| {
            translator.diagnostics.push(lost);
            Vec::new()
        });
        self.is_marked = self.can_be_unfinished(&after, dialect);
        if self.is_filled(dialect) {
            return Work::Fill(Box::new(FillWork::new(&self, before, &query, after, handed_over, estimate, dialect)));
        }
        let mut job = JobWriter::new(dialect);
        self.swap.recover(&mut job);
        job.texts(&before);
        self.write(&mut job, &query, &handed_over, dialect);
        job.push_all(self.auditor.as_ref().map(Auditor::forget).as_slice());
        job.operations(&after);
        let reads = (self.kind != RelationKind::View).then_some(estimate).into_iter().collect();
        let (statements, is_marked) = (vec![job.finish()], self.is_marked);
        Work::Build(Script { statements, reads, is_marked, ..Script::default() })
    }

    /// Whether an incremental table could be left behind by a step that fails near its end: the next run would take it as
    /// done, and add to it what is there. Where the config names all labels there is no place for one more.
    fn can_be_unfinished(&self, after: &[WarehouseText], dialect: &dyn Dialect) -> bool {
        let has_more = !after.is_empty()
            || self.displaced(dialect).is_some()
            || self.is_refilled(dialect)
            || !self.descriptions(&self.action.target, dialect).is_empty();
        let mut options = self.model.options.additional_options.keys();
        has_more && self.model.incremental().is_some() && !options.any(|name| name.eq_ignore_ascii_case("labels"))
    }

    /// What another relation takes the place of: what is granted on it would go with it.
    pub(super) fn displaced(&self, dialect: &dyn Dialect) -> Option<&Relation> {
        self.existing.filter(|existing| existing.kind != self.kind || self.lies_otherwise(existing, dialect))
    }

    /// Grants and row access policies of what is displaced, for the relation in its place. A table has them before it takes
    /// the name; it keeps them when it is renamed.
    fn hand_over(&self, dialect: &dyn Dialect) -> Result<Vec<ScriptStatement>, Diagnostic> {
        let target = &self.action.target;
        if self.loses_policy_tags(dialect) {
            let message = format!("another relation would take the place of `{target}` without its policy tags");
            let help = "name them by `bigqueryPolicyTags` in `columns`, or let the config say how the table lies";
            return Err(Diagnostic::error(Code::AccessLost, message).at(self.action.name_span, "").help(help));
        }
        let Some(access) = self.access.filter(|_| self.displaced(dialect).is_some()) else { return Ok(Vec::new()) };
        let name = if self.kind == RelationKind::Table { &self.swap.new } else { &self.swap.relation };
        let statements = dialect.hand_over(self.kind, name, access).map_err(|NotHandedOver { what, help }| {
            let message = format!("another relation would take the place of `{target}` without {what}");
            Diagnostic::error(Code::AccessLost, message).at(self.action.name_span, "").help(help)
        })?;
        Ok(statements.into_iter().map(ScriptStatement::run).collect())
    }

    /// Whether what is displaced has policy tags of which the config knows nothing.
    fn loses_policy_tags(&self, dialect: &dyn Dialect) -> bool {
        let mut columns = self.action.documentation.columns.iter();
        self.displaced(dialect).is_some_and(|existing| existing.layout.has_policy_tags)
            && columns.all(|column| column.policy_tags.is_empty())
    }

    fn write(
        &self,
        job: &mut JobWriter<'_>,
        query: &WarehouseText,
        handed_over: &[ScriptStatement],
        dialect: &dyn Dialect,
    ) {
        let (target, swap) = (&self.action.target, &self.swap);
        let of_query = Statement::text(query);
        let create = |name: &str| self.create(CREATE_OR_REPLACE, name, &of_query, true, dialect);
        match (self.kind, self.displaced(dialect).map(|existing| existing.kind)) {
            (RelationKind::Table, displaced) if displaced.is_some() || self.auditor.is_some() => {
                job.push(&create(&swap.new));
                job.push_all(&self.descriptions(&swap::new(target, dialect), dialect));
                job.push_all(self.auditor.as_ref().map(|auditor| auditor.before_publishing(&swap.new)).as_slice());
                if displaced.is_none() && self.existing.is_some() {
                    self.overwrite(job, dialect);
                } else {
                    job.push_all(handed_over);
                    swap.publish(displaced, job);
                }
            }
            (_, None) => {
                job.push(&create(&dialect.relation(target)));
                job.push_all(&self.descriptions(target, dialect));
            }
            (_, Some(kind)) => {
                // What would be refused is refused here, before anything is taken away.
                let head = format!("create or replace view {} as\n", swap.new);
                job.run(&Statement::new(head).then_text(query));
                swap.take_away(kind, job);
                job.push(&create(&dialect.relation(target)));
                job.push_all(&self.descriptions(target, dialect));
                job.push_all(handed_over);
                job.run(&Statement::new(format!("drop view {}", swap.new)));
                swap.forget(kind, job);
            }
        }
    }

    /// Gives the rows of the new table to the one that is there: who may read it may still read it then, as nobody could if
    /// another table came by its name.
    fn overwrite(&self, job: &mut JobWriter<'_>, dialect: &dyn Dialect) {
        let Swap { relation, new, .. } = &self.swap;
        if self.model.options.require_partition_filter {
            job.run(&Statement::new(format!("alter table {new} set options (require_partition_filter = false)")));
        }
        let rows = Statement::new(format!("select * from {new}"));
        job.push(&self.create(CREATE_OR_REPLACE, relation, &rows, false, dialect));
        job.push_all(&self.descriptions(&self.action.target, dialect));
        job.run(&Statement::new(format!("drop table {new}")));
    }

    /// Whether the rows have to be put in by a statement of their own.
    fn is_filled(&self, dialect: &dyn Dialect) -> bool {
        let by_statement = self.by_arrival(dialect) || self.is_refilled(dialect) || self.has_row_policies(dialect);
        self.kind == RelationKind::Table && by_statement
    }

    /// Whether not everybody may read all rows of what is displaced. The new table has none until that holds for it, too.
    fn has_row_policies(&self, dialect: &dyn Dialect) -> bool {
        self.displaced(dialect).is_some() && self.access.is_some_and(|access| !access.row_policies.is_empty())
    }

    /// Whether partitions go by the time at which rows come in: such a table is not made of a query.
    fn by_arrival(&self, dialect: &dyn Dialect) -> bool {
        let partitioning = self.model.options.partition_by.as_deref().and_then(|by| dialect.partitioning(by));
        matches!(partitioning, Some(Partitioning::Time { column: None, .. }))
    }

    /// Whether the table stays and gets other rows, so that what is granted on it and its columns stays too.
    pub(super) fn is_refilled(&self, dialect: &dyn Dialect) -> bool {
        let options = &self.model.options;
        self.existing.is_some_and(|existing| {
            let is_guarded = options.preserve_governance_controls || existing.layout.has_policy_tags;
            let can_stay = existing.kind == RelationKind::Table && !self.lies_otherwise(existing, dialect);
            can_stay && (is_guarded || self.by_arrival(dialect))
        })
    }

    /// Whether the config asks for other partitions or clusters than there are.
    fn lies_otherwise(&self, existing: &Relation, dialect: &dyn Dialect) -> bool {
        self.kind != RelationKind::View && swap::difference(&self.model.options, &existing.layout, dialect).is_some()
    }
}

impl Swap {
    /// Begins a step: what an earlier one that was cut off has left is put right.
    pub(super) fn recover(&self, job: &mut JobWriter<'_>) {
        // What was granted on it may have been taken back since.
        if let Some(kind) = self.unfinished {
            job.run(&Statement::new(format!("drop {kind} if exists {}", self.new)));
        }
        if self.is_lost {
            job.run(&Statement::new(format!("alter table {} rename to {}", self.old, self.name)));
        } else if self.has_leftover {
            job.run(&Statement::new(format!("drop table if exists {}", self.old)));
        }
    }

    /// Puts the new table in the place of what stands there.
    pub(super) fn publish(&self, existing: Option<RelationKind>, job: &mut JobWriter<'_>) {
        if let Some(kind) = existing {
            self.take_away(kind, job);
        }
        job.run(&Statement::new(format!("alter table {} rename to {}", self.new, self.name)));
        if let Some(kind) = existing {
            self.forget(kind, job);
        }
    }

    /// A table is kept under another name until the new relation is there.
    fn take_away(&self, existing: RelationKind, job: &mut JobWriter<'_>) {
        let sql = match existing {
            RelationKind::Table => format!("alter table {} rename to {}", self.relation, self.old_name),
            kind => format!("drop {kind} if exists {}", self.relation),
        };
        job.run(&Statement::new(sql));
    }

    fn forget(&self, existing: RelationKind, job: &mut JobWriter<'_>) {
        if existing == RelationKind::Table {
            job.run(&Statement::new(format!("drop table {}", self.old)));
        }
    }
}
