use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::action::{Intervals, Names, Reference};
use crate::dialect::Dialect;
use crate::project::{Defaults, Naming};
use crate::relation::{Target, Width};

/// Everything that has been declared, by name, and how SQL refers to it. Shared by all bodies.
#[derive(Debug)]
pub(super) struct Catalog {
    pub(super) names: Arc<Names>,
    /// By action id: the quoted full name in the warehouse.
    pub(super) relations: Vec<String>,
    pub(super) dialect: &'static dyn Dialect,
    pub(super) vars: BTreeMap<String, String>,
    /// Whether the project is one of Dataform 3.
    pub(super) is_dataform_3: bool,
    /// Dataform 1 and 2: what `resolve` makes of a name that is not known.
    pub(super) unresolved: Option<Unresolved>,
}

/// What the functions of a template know while one text is rendered. JavaScript and Jinja both call these.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) catalog: Arc<Catalog>,
    /// What `self()` is; `None` where it has no meaning.
    pub(super) this: Option<This>,
    /// Whether `ref` and `resolve` have a meaning.
    pub(super) refs: bool,
    pub(super) incremental: bool,
    /// In a unit test: the rows that stand for what the model refers to.
    inputs: Option<Vec<(Reference, String)>>,
    uses: Mutex<Vec<Use>>,
    amendments: Mutex<Vec<Amendment>>,
    /// The size of what `ref`, `self` and the others have given so far.
    given: AtomicUsize,
}

/// What a text changes of its own action: `tags`, `dependencies`, `preOps`, and the values that are added.
pub(super) type Amendment = (String, Vec<serde_json::Value>);

/// The action whose text is rendered.
#[derive(Debug, Clone, Default)]
pub(super) struct This {
    pub(super) relation: String,
    pub(super) name: String,
    pub(super) schema: String,
    /// Nothing where neither the action nor the project names one.
    pub(super) database: Option<String>,
    /// Whether there is something of that name after the action has run.
    pub(super) has_output: bool,
    /// How long the intervals are that it is kept by, if it is.
    pub(super) intervals: Option<Width>,
}

/// One call of `ref` or `resolve`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) reference: Reference,
    /// `resolve` gives the name without making a dependency.
    pub(super) is_dependency: bool,
    /// `includeDependentAssertions`, if written.
    pub(super) with_assertions: Option<bool>,
}

/// Where something lies of which nothing is known but its name.
#[derive(Debug)]
pub(super) struct Unresolved {
    pub(super) defaults: Defaults,
    pub(super) naming: Naming,
}

impl Unresolved {
    fn target(&self, reference: &Reference) -> Target {
        self.naming.apply(&Target {
            database: reference.database.clone().or_else(|| self.defaults.database.clone()),
            schema: reference.schema.clone().or_else(|| self.defaults.schema.clone()),
            name: reference.name.clone(),
        })
    }
}

/// How much `ref`, `self` and the others give to one text, in bytes.
const MOST_GIVEN: usize = 16 << 20;

impl Scope {
    pub(super) fn new(catalog: &Arc<Catalog>, this: Option<This>, refs: bool, incremental: bool) -> Self {
        Self {
            catalog: Arc::clone(catalog),
            this,
            refs,
            incremental,
            inputs: None,
            uses: Mutex::default(),
            amendments: Mutex::default(),
            given: AtomicUsize::new(0),
        }
    }

    /// For the query of a model in a unit test: these inputs stand for what it refers to, and it has no name.
    pub(super) fn of_test(catalog: &Arc<Catalog>, inputs: Vec<(Reference, String)>) -> Self {
        let nobody = This {
            database: Some(String::new()),
            has_output: true,
            intervals: Some(Width::default()),
            ..This::default()
        };
        Self { inputs: Some(inputs), ..Self::new(catalog, Some(nobody), true, false) }
    }

    /// The quoted name of what is referred to. A name that is not known is quoted as it is; the graph reports it.
    pub(super) fn refer(&self, call: Use) -> Result<String, String> {
        if !self.refs {
            return Err("a test refers to nothing: the rows that it works on stand in its `input` blocks".to_owned());
        }
        let known = self.catalog.names.find(&call.reference).next();
        if let Some(inputs) = &self.inputs {
            // As in Dataform the input that is named like the ref; else one that means the same.
            let named = inputs.iter().find(|(name, _)| *name == call.reference);
            let meant =
                || inputs.iter().find(|(name, _)| known.is_some() && self.catalog.names.find(name).next() == known);
            let rows = named.or_else(meant).map(|(_, rows)| rows.as_str());
            self.count(rows.map_or(0, str::len))?;
            return Ok(rows.map(|rows| format!("({rows})")).unwrap_or_default());
        }
        let text = known.map_or_else(
            || {
                if let Some(unresolved) = &self.catalog.unresolved {
                    return self.catalog.dialect.relation(&unresolved.target(&call.reference));
                }
                let parts: Vec<String> =
                    call.reference.parts().map(|part| self.catalog.dialect.identifier(part)).collect();
                parts.join(".")
            },
            |id| self.catalog.relations[id.index()].clone(),
        );
        self.count(text.len() + size_of::<Use>())?;
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        Ok(text)
    }

    /// Counts what is given. An error if it is too much now.
    fn count(&self, bytes: usize) -> Result<(), String> {
        let given = self.given.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if given > MOST_GIVEN { Err("this text refers to too much".to_owned()) } else { Ok(()) }
    }

    /// What the text is about.
    fn this(&self, function: &str) -> Result<&This, String> {
        self.this.as_ref().ok_or_else(|| format!("`{function}()` has no meaning here"))
    }

    /// What `self()` gives.
    pub(super) fn own_relation(&self) -> Result<String, String> {
        let this = self.this("self")?;
        // Dataform 3 gives nothing there, and an error.
        if !this.has_output && self.catalog.is_dataform_3 {
            return Err("`self()` has no meaning in operations without output: add `hasOutput: true`".to_owned());
        }
        self.give_text(&this.relation)
    }

    /// What `name()` gives.
    pub(super) fn name(&self) -> Result<String, String> {
        self.give_text(&self.this("name")?.name)
    }

    /// What `schema()` gives.
    pub(super) fn schema(&self) -> Result<String, String> {
        self.give_text(&self.this("schema")?.schema)
    }

    /// Gives a text, and counts it.
    fn give_text(&self, text: &str) -> Result<String, String> {
        self.count(text.len())?;
        Ok(text.to_owned())
    }

    /// What `interval.start` gives: a text, which every warehouse takes for a date or a timestamp beside one.
    pub(super) fn interval_start(&self) -> Result<String, String> {
        self.of_interval("start", |[start, _]| start)
    }

    /// What `interval.end` gives.
    pub(super) fn interval_end(&self) -> Result<String, String> {
        self.of_interval("end", |[_, end]| end)
    }

    fn of_interval(&self, name: &str, pick: fn([&'static str; 2]) -> &'static str) -> Result<String, String> {
        let width = self.this.as_ref().and_then(|this| this.intervals);
        width.map(|width| format!("'{}'", pick(Intervals::marks(width)))).ok_or_else(|| {
            format!(
                "`interval.{name}` has no meaning here: only a model with `incrementalStrategy: \"interval\"` is kept by intervals"
            )
        })
    }

    /// What `database()` gives.
    pub(super) fn database(&self) -> Result<String, String> {
        let database = self.this("database")?.database.as_deref();
        self.give_text(
            database.ok_or("`database()` has no meaning here: neither the action nor the project names one")?,
        )
    }

    pub(super) fn amend(&self, key: String, values: Vec<serde_json::Value>) {
        self.amendments.lock().unwrap_or_else(PoisonError::into_inner).push((key, values));
    }

    /// The amendments since the last time this was asked.
    pub(super) fn take_amendments(&self) -> Vec<Amendment> {
        std::mem::take(&mut *self.amendments.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The calls of `ref` and `resolve` since the last time this was asked.
    pub(super) fn take_uses(&self) -> Vec<Use> {
        std::mem::take(&mut *self.uses.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Use {
    pub(super) fn dependency(reference: Reference) -> Self {
        Self { reference, is_dependency: true, with_assertions: None }
    }
}

/// What both languages say of arguments that name no action.
pub(super) const REF_ARGUMENTS: &str =
    "`ref()` takes a name, a schema and a name, or a database, a schema and a name, all of them strings";
