use std::collections::{BTreeSet, HashMap};

use crate::action::{ActionId, Origin, Reference};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::relation::Target;

/// Finds actions by as much of their name as is written.
#[derive(Debug, Default)]
pub struct Names {
    by_name: HashMap<String, Vec<(ActionId, Target)>>,
}

impl Names {
    /// Of actions in the order of their ids, by the names that the project has for them.
    pub fn new(targets: impl IntoIterator<Item = (ActionId, Target)>) -> Self {
        let mut names = Self::default();
        for (id, target) in targets {
            names.by_name.entry(target.name.clone()).or_default().push((id, target));
        }
        names
    }

    /// Every action that the reference may mean, in the order of their ids.
    pub fn find(&self, reference: &Reference) -> impl Iterator<Item = ActionId> {
        self.matches(reference).map(|(id, _)| *id)
    }

    /// The one that the reference means, or what is wrong with it at `origin`. It is not meant for the action `of`.
    pub fn resolve(&self, reference: &Reference, origin: Origin, of: Option<ActionId>) -> Result<ActionId, Diagnostic> {
        let found: Vec<&(ActionId, Target)> = self.matches(reference).collect();
        match found.as_slice() {
            [(id, _)] => Ok(*id),
            [] => Err(self.unknown(reference, origin, of)),
            several => {
                // Duplicates of one full name are a mistake of their own, reported where they are.
                let targets: BTreeSet<String> = several.iter().map(|(_, target)| target.to_string()).collect();
                if targets.len() == 1 {
                    return Ok(several[0].0);
                }
                let names: Vec<String> = targets.iter().map(|target| format!("`{target}`")).collect();
                let message = format!("`{reference}` may mean {} actions", names.len());
                Err(origin
                    .place(Diagnostic::error(Code::AmbiguousRef, message), "named here")
                    .help(format!("name its schema too: it may be {}", names.join(" or "))))
            }
        }
    }

    fn matches(&self, reference: &Reference) -> impl Iterator<Item = &(ActionId, Target)> {
        let candidates = self.by_name.get(&reference.name).map(Vec::as_slice).unwrap_or_default();
        candidates.iter().filter(|(_, target)| {
            (reference.schema.is_none() || reference.schema == target.schema)
                && (reference.database.is_none() || reference.database == target.database)
        })
    }

    fn unknown(&self, reference: &Reference, origin: Origin, of: Option<ActionId>) -> Diagnostic {
        let message = format!("no action is called `{reference}`");
        let diagnostic = origin.place(Diagnostic::error(Code::UnknownRef, message), "named here");
        if let Some(same_name) = self.by_name.get(&reference.name) {
            let names: Vec<String> = same_name.iter().map(|(_, target)| format!("`{target}`")).collect();
            return diagnostic.help(format!("there is {}", names.join(" and ")));
        }
        // Dataform takes the parts one by one; people who come from elsewhere write them in one string.
        if reference.schema.is_none() && reference.name.contains('.') {
            let parts: Vec<String> = reference.name.split('.').map(|part| format!("\"{part}\"")).collect();
            return diagnostic.help(format!("give the parts one by one: `ref({})`", parts.join(", ")));
        }
        // Nobody means the action itself.
        let others = self.by_name.iter().filter(|(_, named)| named.iter().any(|(id, _)| Some(*id) != of));
        let mut names: Vec<&str> = others.map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let near = did_you_mean(&reference.name, names);
        diagnostic.help(near.unwrap_or_else(|| {
            "a table that another tool makes is declared by a file with `config { type: \"declaration\" }`".to_owned()
        }))
    }
}
