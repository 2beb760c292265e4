use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::adapter::{JobLog, JobRef, LoggedJob};

use crate::artifact::write::{refuse_links, write_atomically};
use crate::execute::{Event, Outcome};
use crate::graph::Graph;

/// Under the project's folder.
const PATH: &str = ".trueup/journal.jsonl";

/// What a run set out to do: the first line of its journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undertaking {
    /// What the run is called; one that is taken up keeps it. Empty in journals that know of no such name.
    #[serde(default)]
    pub run: String,
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

/// A further line: a job that is about to begin.
#[derive(Serialize, Deserialize)]
struct Begun {
    job: String,
    project: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    step: String,
    /// Whether the step is done if it ends well.
    last: bool,
}

/// What the last run has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// What it set out to do, with the steps that it did not get done.
    pub undertaking: Undertaking,
    /// The last job of each of those steps.
    pub jobs: Vec<LoggedJob>,
}

/// The diary of a run, a line as soon as something is done, so that a run that is killed can be taken up where it
/// stopped.
#[derive(Debug)]
pub struct Journal {
    file: File,
}

/// The same diary, for those who write into it from other threads.
#[derive(Debug)]
pub struct JobJournal(File);

impl JobLog for JobJournal {
    fn announce(&self, logged: &LoggedJob) -> io::Result<()> {
        let LoggedJob { action, job, is_last } = logged.clone();
        let JobRef { project, location, id } = job;
        // One write for one line: lines of several threads do not mix.
        (&self.0).write_all(line(&Begun { job: id, project, location, step: action, last: is_last })?.as_bytes())
    }
}

impl Journal {
    /// Begins anew: what the last run has left is no longer known.
    pub fn begin(root: &Path, undertaking: &Undertaking) -> io::Result<Self> {
        write_atomically(root, Path::new(PATH), &line(undertaking)?)?;
        Ok(Self { file: OpenOptions::new().append(true).open(root.join(PATH))? })
    }

    /// For jobs, which are written down before they begin.
    pub fn of_jobs(&self) -> io::Result<JobJournal> {
        Ok(JobJournal(self.file.try_clone()?))
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

    /// What the last run has left; `None` if there was no run.
    pub fn last(root: &Path) -> io::Result<Option<LastRun>> {
        refuse_links(root, Path::new(PATH))?;
        let text = match fs::read_to_string(root.join(PATH)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let mut lines = text.lines();
        let Some(mut last) = lines.next().and_then(|line| serde_json::from_str::<Undertaking>(line).ok()) else {
            return Ok(None);
        };
        let mut done = BTreeSet::new();
        let mut jobs = BTreeMap::new();
        // A line that was being written when the process was killed says nothing.
        for line in lines {
            if let Ok(Done { done: step }) = serde_json::from_str(line) {
                done.insert(step);
            } else if let Ok(Begun { job: id, project, location, step, last }) = serde_json::from_str(line) {
                let job = JobRef { project, location, id };
                jobs.insert(step.clone(), LoggedJob { action: step, job, is_last: last });
            }
        }
        last.steps.retain(|step| !done.contains(step));
        let jobs = jobs.into_values().filter(|logged| last.steps.contains(&logged.action)).collect();
        Ok(Some(LastRun { undertaking: last, jobs }))
    }
}

fn line(value: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_string(value)? + "\n")
}
