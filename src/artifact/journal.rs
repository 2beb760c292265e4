use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::artifact::write::{refuse_links, write_atomically};
use crate::execute::{Event, Outcome};
use crate::graph::Graph;

/// Under the project's folder.
const PATH: &str = ".trueup/journal.jsonl";

/// What a run set out to do: the first line of its journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undertaking {
    /// The name of the environment.
    pub environment: String,
    /// The variables of the command line, `name=value`, in order.
    pub vars: Vec<String>,
    /// Whether incremental tables are built anew.
    pub full_refresh: bool,
    /// The targets of the steps, as `database.schema.name`.
    pub steps: Vec<String>,
}

/// A further line: a step that is done.
#[derive(Serialize, Deserialize)]
struct Done {
    done: String,
}

/// The diary of a run, a line as soon as something is done, so that a run that is killed can be taken up where it
/// stopped.
#[derive(Debug)]
pub struct Journal {
    file: File,
}

impl Journal {
    /// Begins anew: what the last run has left is no longer known.
    pub fn begin(root: &Path, undertaking: &Undertaking) -> io::Result<Self> {
        write_atomically(root, Path::new(PATH), &line(undertaking)?)?;
        Ok(Self { file: OpenOptions::new().append(true).open(root.join(PATH))? })
    }

    /// Writes down a step that is done. Other events are not of interest.
    pub fn record(&mut self, event: &Event, graph: &Graph) -> io::Result<()> {
        match event {
            Event::StepFinished(result) if matches!(result.outcome, Outcome::Done { .. } | Outcome::Disabled) => {
                let done = Done { done: graph.get(result.id).target.to_string() };
                self.file.write_all(line(&done)?.as_bytes())
            }
            _ => Ok(()),
        }
    }

    /// What the last run set out to do, with the steps that it did not get done; `None` if there was no run.
    pub fn last(root: &Path) -> io::Result<Option<Undertaking>> {
        refuse_links(root, Path::new(PATH))?;
        let text = match fs::read_to_string(root.join(PATH)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let mut lines = text.lines();
        let Some(mut last) = lines.next().and_then(|line| serde_json::from_str::<Undertaking>(line).ok()) else {
            return Ok(None);
        };
        // A line that was being written when the process was killed says nothing.
        let done: BTreeSet<String> =
            lines.filter_map(|line| serde_json::from_str::<Done>(line).ok()).map(|line| line.done).collect();
        last.steps.retain(|step| !done.contains(step));
        Ok(Some(last))
    }
}

fn line(value: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_string(value)? + "\n")
}
