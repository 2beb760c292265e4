//! Which actions a command is about, as people of dbt and of Dataform write it.

use std::collections::{BTreeMap, BTreeSet};

use crate::action::ActionId;
use crate::diagnostic::{did_you_mean, nearest};
use crate::files::Sources;
use crate::graph::Graph;

/// Up to so many words are listed in a message.
const FEW: usize = 12;

/// What was asked for on the command line.
#[derive(Debug, Clone, Default)]
pub struct Selector {
    /// dbt: each is a union of terms between spaces, each term an intersection between commas, each part of it
    /// `[n]+name+[n]`, with `tag:`, `path:`, `type:` or `state:` before the name, and `*` in it.
    pub select: Vec<String>,
    /// The same, taken away from what `select` gives.
    pub exclude: Vec<String>,
    /// Dataform: names, or full names.
    pub actions: Vec<String>,
    /// Dataform: tags.
    pub tags: Vec<String>,
    /// Dataform: with all that these depend on.
    pub include_deps: bool,
    /// Dataform: with all that depends on these.
    pub include_dependents: bool,
    /// What `state:` selects.
    pub states: States,
}

/// The actions that are not what they were in the state that a project is compared with.
#[derive(Debug, Clone, Default)]
pub struct States {
    /// Those that have to be run again, the new ones among them.
    pub modified: BTreeSet<ActionId>,
    /// Those that were not there.
    pub new: BTreeSet<ActionId>,
}

/// The actions that were selected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    ids: BTreeSet<ActionId>,
}

impl Selection {
    /// Whether it is one of them.
    pub fn contains(&self, id: ActionId) -> bool {
        self.ids.contains(&id)
    }

    /// In the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = ActionId> {
        self.ids.iter().copied()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

impl FromIterator<ActionId> for Selection {
    fn from_iter<I: IntoIterator<Item = ActionId>>(ids: I) -> Self {
        Self { ids: ids.into_iter().collect() }
    }
}

/// A part of a selector that means nothing in this project.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SelectError {
    /// No action has that name, tag, path or type.
    #[error("`{part}` selects nothing")]
    Nothing {
        /// As written.
        part: String,
        /// What could be meant.
        help: Option<String>,
    },
    /// The word before the colon is not known.
    #[error("`{method}:` is not a way to select; there are tag:, path:, type: and state:")]
    Method {
        /// As written.
        method: String,
    },
    /// Dataform's flags for dependencies without anything that they would add to.
    #[error("--include-deps and --include-dependents add to what --actions, --tags or --select give")]
    NothingToAddTo,
}

/// A name with what is around it: `2+name+`.
struct Term<'a> {
    parents: Option<usize>,
    children: Option<usize>,
    name: &'a str,
}

impl Selector {
    /// The actions that it means; every action if nothing was asked for.
    pub fn select(&self, graph: &Graph, sources: &Sources) -> Result<Selection, SelectError> {
        let asked = !(self.select.is_empty() && self.actions.is_empty() && self.tags.is_empty());
        if !asked && (self.include_deps || self.include_dependents) {
            return Err(SelectError::NothingToAddTo);
        }
        let mut ids = BTreeSet::new();
        if !asked {
            ids.extend(graph.iter().map(|(id, _)| id));
        }
        ids.extend(union(&self.select, graph, sources, &self.states)?);
        for name in &self.actions {
            ids.extend(dataform_action(name, graph)?);
        }
        for tag in &self.tags {
            ids.extend(matching(&format!("tag:{tag}"), graph, sources, &self.states)?);
        }
        let mut extended = ids.clone();
        if self.include_deps {
            extended.extend(reach(&ids, usize::MAX, |id| graph.dependencies(id)));
        }
        if self.include_dependents {
            extended.extend(reach(&ids, usize::MAX, |id| graph.dependents(id)));
        }
        for id in union(&self.exclude, graph, sources, &self.states)? {
            extended.remove(&id);
        }
        Ok(Selection { ids: extended })
    }
}

fn union(
    texts: &[String],
    graph: &Graph,
    sources: &Sources,
    states: &States,
) -> Result<BTreeSet<ActionId>, SelectError> {
    let mut ids = BTreeSet::new();
    for term in texts.iter().flat_map(|text| text.split_whitespace()) {
        let mut parts = term.split(',').map(|part| with_relatives(part, graph, sources, states));
        let mut all = parts.next().transpose()?.unwrap_or_default();
        for part in parts {
            let part = part?;
            all.retain(|id| part.contains(id));
        }
        ids.extend(all);
    }
    Ok(ids)
}

fn with_relatives(
    part: &str,
    graph: &Graph,
    sources: &Sources,
    states: &States,
) -> Result<BTreeSet<ActionId>, SelectError> {
    let term = Term::read(part);
    let found = matching(term.name, graph, sources, states)?;
    let mut ids = found.clone();
    if let Some(depth) = term.parents {
        ids.extend(reach(&found, depth, |id| graph.dependencies(id)));
    }
    if let Some(depth) = term.children {
        ids.extend(reach(&found, depth, |id| graph.dependents(id)));
    }
    Ok(ids)
}

impl<'a> Term<'a> {
    fn read(part: &'a str) -> Self {
        let depth = |digits: &str| if digits.is_empty() { Some(usize::MAX) } else { digits.parse().ok() };
        let (parents, rest) = match part.split_once('+') {
            Some((digits, rest)) if !rest.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                (depth(digits), rest)
            }
            _ => (None, part),
        };
        let (children, name) = match rest.rsplit_once('+') {
            Some((name, digits)) if !name.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                (depth(digits), name)
            }
            _ => (None, rest),
        };
        Self { parents, children, name }
    }
}

/// What can be reached from `from` in so many steps; itself not included.
fn reach(from: &BTreeSet<ActionId>, depth: usize, next: impl Fn(ActionId) -> Vec<ActionId>) -> BTreeSet<ActionId> {
    let mut seen = BTreeSet::new();
    let mut edge: Vec<ActionId> = from.iter().copied().collect();
    for _ in 0..depth {
        edge = edge.into_iter().flat_map(&next).filter(|id| seen.insert(*id)).collect();
        if edge.is_empty() {
            break;
        }
    }
    seen
}

fn matching(part: &str, graph: &Graph, sources: &Sources, states: &States) -> Result<BTreeSet<ActionId>, SelectError> {
    let path = |id: ActionId| sources.get(graph.get(id).name_span.file).path();
    let (method, pattern) = part.split_once(':').unwrap_or(("", part));
    let matches: Box<dyn Fn(ActionId) -> bool + '_> = match method {
        "" if pattern.contains('/') || pattern.strip_suffix(".sqlx").is_some() => {
            Box::new(move |id| in_path(pattern, path(id).as_ref()))
        }
        "" => Box::new(move |id| {
            let target = &graph.get(id).canonical;
            let full = target.to_string();
            glob(pattern, &target.name) || glob(pattern, &full) || full.ends_with(&format!(".{pattern}"))
        }),
        "tag" => Box::new(move |id| graph.get(id).tags.iter().any(|tag| glob(pattern, tag))),
        "path" => Box::new(move |id| in_path(pattern, path(id))),
        "type" | "resource_type" | "config.materialized" => {
            Box::new(move |id| glob(pattern, graph.get(id).kind.word()))
        }
        // That nothing has changed is no mistake.
        "state" => {
            return match pattern {
                "modified" => Ok(states.modified.clone()),
                "new" => Ok(states.new.clone()),
                _ => Err(SelectError::Nothing {
                    part: part.to_owned(),
                    help: Some("there are `state:modified` and `state:new`".to_owned()),
                }),
            };
        }
        method => return Err(SelectError::Method { method: method.to_owned() }),
    };
    let found: BTreeSet<ActionId> = graph.iter().map(|(id, _)| id).filter(|id| matches(*id)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let help = match method {
        "tag" => near_or_all(pattern, "tags", graph.iter().flat_map(|(_, action)| &action.tags).map(String::as_str)),
        "type" => near_or_all(pattern, "types", graph.iter().map(|(_, action)| action.kind.word())),
        _ if pattern.contains('/') || method == "path" => {
            did_you_mean(pattern, graph.iter().map(|(id, _)| path(id).as_ref()))
                .or_else(|| Some("a path begins at the project's folder, as in `definitions/staging/`".to_owned()))
        }
        _ => near_name(pattern, graph),
    };
    Err(SelectError::Nothing { part: part.to_owned(), help })
}

/// Near names; of what is written with its schema, those that are near in whole or in the last part.
fn near_name(name: &str, graph: &Graph) -> Option<String> {
    let full: BTreeMap<String, &str> =
        graph.iter().map(|(_, action)| (action.canonical.to_string(), action.canonical.name.as_str())).collect();
    let near = match name.rsplit_once('.') {
        None => did_you_mean(name, full.values().copied()),
        Some((_, last)) => did_you_mean(name, full.keys().map(String::as_str)).or_else(|| {
            let nearest = nearest(last, full.values().copied());
            let known = full.iter().filter(|(_, name)| nearest.contains(name)).map(|(full, _)| format!("`{full}`"));
            let known: Vec<String> = known.take(FEW).collect();
            (!known.is_empty()).then(|| format!("there is {}", known.join(", ")))
        }),
    };
    let all = || (full.len() <= FEW).then(|| full.values().copied().collect::<Vec<_>>().join(", "));
    near.or_else(|| all().filter(|all| !all.is_empty()).map(|all| format!("the actions are {all}")))
        .or_else(|| Some("`trueup list` shows all actions".to_owned()))
}

/// Near words, or all of them where there are few.
fn near_or_all<'a>(word: &str, what: &str, there: impl Iterator<Item = &'a str>) -> Option<String> {
    let there: BTreeSet<&str> = there.collect();
    let all: Vec<&str> = there.iter().copied().collect();
    did_you_mean(word, there).or_else(|| match all.len() {
        0 => Some(format!("the project has no {what}")),
        1..=FEW => Some(format!("the {what} are {}", all.join(", "))),
        _ => None,
    })
}

fn dataform_action(name: &str, graph: &Graph) -> Result<BTreeSet<ActionId>, SelectError> {
    let found: BTreeSet<ActionId> = graph
        .iter()
        .filter(|(_, action)| action.canonical.name == name || action.canonical.to_string() == name)
        .map(|(id, _)| id)
        .collect();
    if found.is_empty() {
        return Err(SelectError::Nothing { part: name.to_owned(), help: near_name(name, graph) });
    }
    Ok(found)
}

/// The file itself, a folder above it, or a pattern for its path.
fn in_path(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    glob(pattern, path) || path.strip_prefix(pattern).is_some_and(|rest| rest.starts_with('/'))
}

/// `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    let mut is_open = false;
    while let Some(part) = parts.next() {
        is_open = true;
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    is_open || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abde", false),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn plus_signs_are_relatives() {
        let read = |part| {
            let term = Term::read(part);
            (term.parents, term.name, term.children)
        };
        assert_eq!(read("+a"), (Some(usize::MAX), "a", None));
        assert_eq!(read("2+a+1"), (Some(2), "a", Some(1)));
        assert_eq!(read("tag:x+"), (None, "tag:x", Some(usize::MAX)));
    }
}
