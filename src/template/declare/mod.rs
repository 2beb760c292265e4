//! The first pass: what each file declares. No body is rendered yet, but the files of JavaScript run.

mod code;
mod graph_body;
mod graph_file;
mod graph_table;
mod list;
mod sqlx_config;

use crate::action::{ActionId, Kind};
use crate::config::Spanned;
use crate::diagnostic::Diagnostics;
use crate::files::{FileId, SourceFile, Span};
use crate::project::{Naming, Project};
use crate::relation::Target;
use crate::sqlx::SqlxFile;
use crate::template::checks::{InlineCheck, inline_checks};
use crate::template::config::{ActionConfig, KindConfig, Rules};
use crate::template::engine::{Engine, is_follow_up};

use code::Moved;
pub(super) use code::Record;
pub(super) use sqlx_config::Read;

/// A name, and what will become of it in the second pass.
#[derive(Debug)]
pub(super) struct Declared {
    /// The name that it was declared with.
    pub(super) canonical: Target,
    /// The name that a `ref` finds it by. Code may have changed the first one.
    pub(super) named: Target,
    /// The name in the warehouse.
    pub(super) target: Target,
    pub(super) name_span: Span,
    pub(super) file_name: Option<String>,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// An action with a config of its own.
    Action { config: Box<ActionConfig>, body: Body },
    /// A check in the config of the model `of`, which was called `parent` then.
    Check { check: InlineCheck, of: ActionId, parent: Target },
    /// An action without texts to render.
    Ready { kind: Box<Kind>, description: Option<String> },
}

/// Where the texts of an action are.
#[derive(Debug)]
pub(super) enum Body {
    /// In its `.sqlx` file.
    Sqlx {
        file: FileId,
        sqlx: Box<SqlxFile>,
        /// What code has added to it.
        added: Option<Record>,
    },
    /// In code that has run.
    Code(Record),
    /// In a file that an `actions.yaml` names, as it is; `None` if it could not be read.
    File(Option<FileId>),
}

/// What a model's inline assertions have from it.
#[derive(Debug, Clone, Default)]
pub(super) struct Inherited {
    pub(super) tags: Vec<String>,
    pub(super) disabled: bool,
}

impl Declared {
    pub(super) fn inherited(&self) -> Inherited {
        match &self.what {
            What::Action { config, .. } => Inherited { tags: config.tags.clone(), disabled: config.disabled },
            What::Check { .. } | What::Ready { .. } => Inherited::default(),
        }
    }

    pub(super) fn is_test(&self) -> bool {
        matches!(&self.what, What::Action { config, .. } if matches!(config.kind, KindConfig::Test { .. }))
    }
}

/// Declares actions, one after the other.
struct Declarer<'a> {
    project: &'a Project,
    engine: &'a Engine,
    naming: Naming,
    rules: Rules,
    declared: Vec<Declared>,
    /// Whether no code has failed because of another file, so that no names are missing for that.
    is_complete: bool,
    diagnostics: Diagnostics,
}

/// A file of definitions; of a `.sqlx` file its tree, and its config if no code is needed for that.
pub(super) type Parsed = (FileId, Option<(SqlxFile, Option<Read>)>);

/// Declares the actions of every file, in the order in which Dataform does: lists and the property graph first, then
/// definitions by path. A model's inline assertions come before it. Says too whether no names are
/// missing because a file has failed that code needs.
pub(super) fn declare(project: &Project, engine: &Engine, parsed: Vec<Parsed>) -> (Vec<Declared>, bool, Diagnostics) {
    let (naming, rules) = (project.naming(), Rules::of(&project.settings));
    let (declared, diagnostics) = (Vec::with_capacity(parsed.len()), Diagnostics::default());
    let mut declarer = Declarer { project, engine, naming, rules, declared, is_complete: true, diagnostics };
    let is_unsettled = |file: &FileId| project.unsettled.contains(file);
    for id in &project.action_lists {
        let known = declarer.diagnostics.len();
        declarer.list(project.sources.get(*id));
        declarer.is_complete &= !is_unsettled(id) || declarer.diagnostics.len() == known;
    }
    declarer.property_graph();
    // Code may change what it has made until all files have run, so it is looked at when they have.
    let mut pending = Vec::with_capacity(parsed.len());
    let mut made = 0;
    let mut is_watched = false;
    for (id, sqlx) in parsed {
        let file = project.sources.get(id);
        if let Some((sqlx, literal)) = sqlx {
            let (read, shown) = declarer.sqlx_config(file, &sqlx, literal, is_watched);
            declarer.is_complete &= read.is_known && !sqlx.is_broken || !is_unsettled(&id);
            made = if is_watched { declarer.count().unwrap_or(made) } else { made };
            pending.push(Pending::Sqlx { file, sqlx: Box::new(sqlx), read: Box::new(read), shown });
        } else {
            let failed = engine.load(file).err();
            declarer.is_complete &= failed.as_ref().is_none_or(|failed| !is_follow_up(failed) && !is_unsettled(&id));
            declarer.diagnostics.extend(failed);
            let before = made;
            made = declarer.count().unwrap_or(made);
            is_watched = engine.is_watched();
            pending.push(Pending::Code(before..made));
        }
    }
    let mut records = declarer.records();
    for file in pending {
        match file {
            Pending::Sqlx { file, sqlx, read, shown } => {
                let added = shown.and_then(|number| records.get_mut(number)?.take()).and_then(code::NewRecord::added);
                declarer.sqlx(file, (sqlx, added), *read);
            }
            Pending::Code(range) => {
                for at in range {
                    if let Some(record) = records.get_mut(at).and_then(Option::take) {
                        declarer.code(record);
                    }
                }
            }
        }
    }
    (declarer.declared, declarer.is_complete, declarer.diagnostics)
}

/// What a file has declared when it has been evaluated.
enum Pending<'a> {
    Sqlx {
        file: &'a SourceFile,
        sqlx: Box<SqlxFile>,
        read: Box<Read>,
        /// The number under which code has seen it.
        shown: Option<usize>,
    },
    /// The numbers of the actions that it made.
    Code(std::ops::Range<usize>),
}

impl Declarer<'_> {
    /// Declares an action with its checks. `place` is where it is named if its config does not name it; `moved` is where code
    /// has moved it afterwards, and where it had moved it when it gave it checks.
    fn action(
        &mut self,
        mut config: ActionConfig,
        stem: &str,
        place: Span,
        (moved, checked): (Moved, Option<Moved>),
        body: Body,
    ) {
        let defaults = &self.project.settings.defaults;
        let own_schema = match config.kind {
            KindConfig::Assertion => defaults.assertion_schema.clone().or_else(|| defaults.schema.clone()),
            _ => defaults.schema.clone(),
        };
        let (name, name_span) = match &config.name {
            Some(name) if !name.value.is_empty() => (name.value.clone(), name.span),
            _ => (stem.to_owned(), place),
        };
        // A test lies beside what it tests.
        if let KindConfig::Test { dataset: Some(tested) } = &config.kind {
            let span = tested.span;
            config.schema = config.schema.or_else(|| Some(Spanned { value: tested.value.schema.clone()?, span }));
            config.database.clone_from(&tested.value.database);
        }
        let canonical = Target {
            database: config.database.clone().or_else(|| defaults.database.clone()),
            schema: config.schema.as_ref().map(|schema| schema.value.clone()).or(own_schema),
            name,
        };
        let named = moved.rename(&canonical);
        let parent = checked.unwrap_or_default().rename(&canonical);
        let target = match config.kind {
            KindConfig::Declaration => self.naming.declared(&named),
            _ => self.naming.apply(&named),
        };
        let checks = match &mut config.kind {
            KindConfig::Model(model) => inline_checks(std::mem::take(&mut model.checks), self.project.settings.dialect),
            _ => Vec::new(),
        };
        let file_name = match &body {
            Body::File(_) => None,
            Body::Code(record) if record.shown_under.is_some() => None,
            _ => config.file_name.as_ref().map(|name| name.value.clone()),
        };
        let file_name = file_name.or_else(|| self.other_file(&body));
        let of = ActionId(u32::try_from(self.declared.len() + checks.len()).unwrap_or(u32::MAX));
        for check in checks {
            let check = self.check(check, of, &parent, file_name.clone());
            self.declared.push(check);
        }
        let what = What::Action { config: Box::new(config), body };
        self.declared.push(Declared { canonical, named, target, name_span, file_name, what });
    }

    /// An action of a list is shown under the file with its text.
    fn other_file(&self, body: &Body) -> Option<String> {
        match body {
            Body::File(id) => id.map(|id| self.project.sources.get(id).path().to_string()),
            Body::Code(record) => record.shown_under.clone(),
            Body::Sqlx { .. } => None,
        }
    }

    fn check(&self, check: InlineCheck, of: ActionId, parent: &Target, file_name: Option<String>) -> Declared {
        let settings = &self.project.settings;
        let canonical = Target {
            database: settings.defaults.database.clone(),
            schema: settings.defaults.assertion_schema.clone().or_else(|| settings.defaults.schema.clone()),
            name: check.name(parent, settings.assertion_name_prefix.as_deref()),
        };
        let target = self.naming.apply(&canonical);
        let named = canonical.clone();
        let name_span = check.span;
        let what = What::Check { check, of, parent: parent.clone() };
        Declared { canonical, named, target, name_span, file_name, what }
    }
}
