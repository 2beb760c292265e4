use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, SystemTime};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::adapter::{JobRef, Usage};
use crate::artifact::write::{refuse_links, write_atomically};
use crate::compile::Compilation;
use crate::execute::{LastDone, Outcome, RunResults, SkipReason, StepResult};
use crate::plan::HistoryOutcome;

/// Under the project's folder.
const PATH: &str = ".trueup/run_results.json";

#[derive(Serialize)]
struct ResultsFile<'a> {
    trueup_version: &'static str,
    #[serde(rename = "run_results_version")]
    version: u32,
    project: &'a str,
    environment: &'a str,
    started_at: String,
    elapsed_seconds: f64,
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageEntry>,
    results: Vec<ResultEntry<'a>>,
}

/// What work took, where the warehouse tells.
#[derive(Serialize)]
struct UsageEntry {
    bytes_processed: u64,
    bytes_billed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<f64>,
    slot_ms: u64,
    cache_hits: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    jobs: Vec<JobEntry>,
}

#[derive(Serialize)]
struct JobEntry {
    project_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    job_id: String,
}

#[derive(Serialize)]
struct ResultEntry<'a> {
    name: String,
    r#type: &'static str,
    file: &'a str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    execution_seconds: f64,
    /// Left out where one was enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    tries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// A query for the rows that were not published.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageEntry>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Success,
    Error,
    Fail,
    Skipped,
    Disabled,
}

/// Writes `.trueup/run_results.json`.
pub fn write_run_results(root: &Path, compilation: &Compilation, results: &RunResults) -> io::Result<()> {
    let written = ResultsFile {
        trueup_version: env!("CARGO_PKG_VERSION"),
        version: 1,
        project: &compilation.project.settings.name,
        environment: &compilation.project.environment.name,
        started_at: timestamp(results.started_at),
        elapsed_seconds: results.took.as_secs_f64(),
        success: results.succeeded(),
        // The jobs stand with their steps.
        usage: results.usage().map(|usage| usage_entry(Usage { jobs: Vec::new(), ..usage }, compilation)),
        results: results.steps.iter().map(|step| entry(step, compilation)).collect(),
    };
    let mut text = serde_json::to_string_pretty(&written)?;
    text.push('\n');
    write_atomically(root, Path::new(PATH), &text)
}

/// What is read of a file of results.
#[derive(Deserialize)]
struct ReadResults {
    project: String,
    environment: String,
    started_at: String,
    results: Vec<ReadResult>,
}

#[derive(Deserialize)]
struct ReadResult {
    name: String,
    status: String,
    started_at: Option<String>,
    execution_seconds: f64,
    rows: Option<u64>,
    usage: Option<ReadUsage>,
}

#[derive(Deserialize)]
struct ReadUsage {
    bytes_processed: u64,
    cost: Option<f64>,
}

/// What the last run in this environment did, by the names of the actions in the warehouse. Nothing where there is no file, or one
/// that is not understood.
pub fn read_last_run(root: &Path, compilation: &Compilation) -> HashMap<String, LastDone> {
    let text = refuse_links(root, Path::new(PATH)).and_then(|()| fs::read_to_string(root.join(PATH)));
    let text = text.unwrap_or_default();
    let Ok(read) = serde_json::from_str::<ReadResults>(&text) else { return HashMap::new() };
    let project = &compilation.project;
    if read.project != project.settings.name || read.environment != project.environment.name {
        return HashMap::new();
    }
    let now = jiff::Timestamp::now();
    let done = |result: ReadResult| {
        let began = result.started_at.as_ref().unwrap_or(&read.started_at).parse::<jiff::Timestamp>().ok()?;
        let done = LastDone {
            outcome: HistoryOutcome::named(&result.status)?,
            seconds_ago: u64::try_from(now.as_second() - began.as_second()).unwrap_or_default(),
            took: Duration::try_from_secs_f64(result.execution_seconds).ok(),
            rows: result.rows,
            bytes_read: result.usage.as_ref().map(|usage| usage.bytes_processed),
            cost: result.usage.and_then(|usage| usage.cost),
            found: None,
        };
        Some((result.name, done))
    };
    read.results.into_iter().filter_map(done).collect()
}

fn entry<'a>(step: &'a StepResult, compilation: &'a Compilation) -> ResultEntry<'a> {
    let action = compilation.graph.get(step.id);
    let (mut rows, mut failures, mut message, mut rejected) = (None, None, None, None);
    let status = match &step.outcome {
        Outcome::Done { rows: written } => {
            rows = *written;
            Status::Success
        }
        Outcome::Failed(failure) => {
            message = Some(failure.message.clone());
            Status::Error
        }
        Outcome::Rejected(rejection) => {
            failures = Some(rejection.findings.iter().map(|finding| finding.count).sum());
            message = Some(rejection.to_string());
            rejected = Some(rejection.verdict.rejected.as_str());
            Status::Fail
        }
        Outcome::Violated { count, .. } => {
            failures = Some(*count);
            Status::Fail
        }
        Outcome::Skipped(reason) => {
            message = Some(match reason {
                SkipReason::Because(id) => format!("because {} failed", compilation.graph.get(*id).target),
                SkipReason::Cancelled => "because the run was ended".to_owned(),
            });
            Status::Skipped
        }
        Outcome::Disabled => Status::Disabled,
    };
    ResultEntry {
        name: action.target.to_string(),
        r#type: action.kind.word(),
        file: compilation.project.sources.get(action.name_span.file).path(),
        status,
        started_at: step.started_at.map(timestamp),
        execution_seconds: step.took.as_secs_f64(),
        tries: Some(step.tries).filter(|tries| *tries > 1),
        rows,
        failures,
        message,
        rejected,
        usage: step.usage.as_deref().cloned().map(|usage| usage_entry(usage, compilation)),
    }
}

fn usage_entry(usage: Usage, compilation: &Compilation) -> UsageEntry {
    let job = |job: JobRef| JobEntry { project_id: job.project, location: job.location, job_id: job.id };
    UsageEntry {
        bytes_processed: usage.bytes_processed,
        bytes_billed: usage.bytes_billed,
        // To the millionth: more digits say nothing.
        cost: compilation
            .project
            .environment
            .connection
            .cost(usage.bytes_billed)
            .map(|cost| (cost * 1e6).round() / 1e6),
        slot_ms: usage.slot_millis,
        cache_hits: usage.cache_hits,
        jobs: usage.jobs.into_iter().map(job).collect(),
    }
}

/// RFC 3339, in UTC.
fn timestamp(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map(|time| time.to_string()).unwrap_or_default()
}
