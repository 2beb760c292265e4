//! Jobs: each has an id that follows from what it does, so that it is done once, whatever is lost on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::adapter::bigquery::BigQuery;
use crate::adapter::bigquery::client::{Client, Request};
use crate::adapter::bigquery::error::Failure;
use crate::adapter::bigquery::protocol::{JobList, JobListItem, JobReference, JobResource, TableReference, number};
use crate::adapter::{JobRef, Usage};
use crate::relation::JobOptions;

/// Pauses between two looks at a job: as it goes on, it is looked at less often.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LAST_LOOK: Duration = Duration::from_secs(5);

/// How often a job that was accepted may not be found before it counts as lost.
const MISSES: u32 = 4;

/// How long a job that is to be cancelled may go on.
const CANCEL_GRACE: Duration = Duration::from_secs(20);

/// A job.
pub(super) struct JobSpec<'a> {
    /// What tells this job from all others, but for the number of the try.
    pub(super) identity: Vec<&'a str>,
    pub(super) work: JobWork<'a>,
    pub(super) options: JobOptions,
    pub(super) labels: BTreeMap<String, String>,
    /// Called with the id of each try, before it is sent.
    pub(super) announce: &'a dyn Fn(&JobRef) -> Result<(), Failure>,
}

/// What a job does.
#[derive(Debug, Clone, Copy)]
pub(super) enum JobWork<'a> {
    /// Runs SQL.
    Query(&'a str),
    /// Adds rows to a table that is there, all or nothing.
    Load {
        table: &'a TableReference,
        /// An object of JSON a line.
        lines: &'a str,
    },
}

/// What a job that failed has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trace {
    /// Nothing but what would be made anew: it can run again as if it had not run.
    Nothing,
    /// Relations are changed, or gone. A plan that is made anew takes account of that.
    Relations,
    /// Rows are changed.
    Rows,
}

/// What came of asking for a job.
struct Submitted {
    job: JobResource,
    /// Whether it had been there before this process asked for it.
    is_old: bool,
}

impl BigQuery {
    /// Does a job to its end: one that ended well is not run again, and one that is at work already is waited for.
    /// What the tries took is added to `spent`, also if none goes well.
    pub(super) async fn complete(&self, spec: &JobSpec<'_>, spent: &mut Usage) -> Result<JobResource, Failure> {
        let mut patience = self.client.patience();
        let mut attempt = 0;
        let mut was_lost = false;
        loop {
            let job = self.job_ref(job_id(&spec.identity, attempt));
            (spec.announce)(&job)?;
            let Submitted { job: submitted, is_old } = self.submit(spec, &job).await?;
            // One that could not be found for a while is this process's own all the same.
            let is_old = is_old && !was_lost;
            let Some(done) = self.wait(submitted, &job).await? else {
                // It never began, or else the same id would be refused.
                let pause = patience.pause(None).ok_or_else(|| Failure::Lost(format!("job {} is gone", job.id)))?;
                self.client.pause(pause).await?;
                was_lost = true;
                continue;
            };
            let error = done.status.error_result.as_ref();
            attempt += 1;
            was_lost = false;
            if error.is_some() && is_old {
                // That was another process's try.
                continue;
            }
            spent.add(Usage::of(&done));
            let Some(error) = error else { return Ok(done) };
            let failure = Failure::of_job(error);
            if self.trace(&done).await? != Trace::Nothing {
                return Err(Failure::HalfDone(Box::new(failure)));
            }
            let Some(pause) = patience.pause(None).filter(|_| failure.passes()) else { return Err(failure) };
            self.client.pause(pause).await?;
        }
    }

    pub(super) fn job_ref(&self, id: String) -> JobRef {
        JobRef { project: self.project.clone(), location: self.location(), id }
    }

    async fn submit(&self, spec: &JobSpec<'_>, job: &JobRef) -> Result<Submitted, Failure> {
        let (path, body) = (format!("projects/{}/jobs", job.project), job_body(spec, job, false));
        let request = match spec.work {
            JobWork::Query(_) => Request::post(path, body),
            JobWork::Load { lines, .. } => Request::upload(path, &body, lines),
        };
        let mut patience = self.client.patience();
        let mut may_be_ours = false;
        loop {
            if self.client.is_cancelled() {
                return Err(Failure::Cancelled);
            }
            let (failure, wanted) = match self.client.try_once(&request).await {
                Ok(job) => return Ok(Submitted { job, is_old: false }),
                Err(failed) => failed,
            };
            if failure.is_taken() {
                let job = match self.look_at(job).await {
                    // What hands out ids may know of it before what is asked about jobs does.
                    Err(failure) if failure.is_missing() => JobResource::default(),
                    found => found?,
                };
                return Ok(Submitted { job, is_old: !may_be_ours });
            }
            may_be_ours |= match &failure {
                Failure::Lost(_) => true,
                Failure::Refused { status, .. } => *status >= 500,
                Failure::Login(_) | Failure::HalfDone(_) | Failure::Cancelled => false,
            };
            let Some(pause) = patience.pause(wanted).filter(|_| failure.passes()) else { return Err(failure) };
            if let Err(cancelled) = self.client.pause(pause).await {
                if may_be_ours {
                    ask_to_stop(&self.client, job).await;
                }
                return Err(cancelled);
            }
        }
    }

    /// The columns and the bytes of a query, which does not run.
    pub(super) async fn dry_run(&self, sql: &str, options: &JobOptions) -> Result<JobResource, Failure> {
        let (labels, announce) = (BTreeMap::new(), |_: &JobRef| Ok(()));
        let spec = JobSpec {
            identity: Vec::new(),
            work: JobWork::Query(sql),
            options: options.clone(),
            labels,
            announce: &announce,
        };
        let job = self.job_ref(String::new());
        let request = Request::post(format!("projects/{}/jobs", job.project), job_body(&spec, &job, true));
        let done: JobResource = self.client.send(&request).await?;
        match &done.status.error_result {
            None => Ok(done),
            Some(error) => Err(Failure::of_job(error)),
        }
    }

    pub(super) async fn look_at(&self, job: &JobRef) -> Result<JobResource, Failure> {
        self.client.send(&job_request(job, "")).await
    }

    /// Waits for the end of a job; `None` if there is no such job.
    pub(super) async fn wait(&self, mut job: JobResource, reference: &JobRef) -> Result<Option<JobResource>, Failure> {
        // The service says where it is, and from then on must be asked there.
        let reference = located(reference, &job.job_reference);
        let _running = self.running.enter(&reference);
        let mut look = FIRST_LOOK;
        let mut misses = 0;
        let mut cancelled_for = Duration::ZERO;
        while job.status.state != "DONE" {
            if self.client.pause(look).await.is_err() {
                // It was asked to stop: what came of it counts, if it is told in time.
                tokio::time::sleep(look).await;
                cancelled_for += look;
                if cancelled_for > CANCEL_GRACE {
                    return Err(Failure::Cancelled);
                }
            }
            look = (look * 3 / 2).min(LAST_LOOK);
            match self.look_at(&reference).await {
                Ok(seen) => {
                    job = seen;
                    misses = 0;
                }
                Err(failure) if failure.is_missing() && misses + 1 == MISSES => return Ok(None),
                Err(failure) if failure.is_missing() => misses += 1,
                // It is at work all the same.
                Err(Failure::Cancelled) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(Some(job))
    }

    /// What a job that failed has left. A single statement has changed nothing; of a script what its statements did is looked
    /// at.
    pub(super) async fn trace(&self, job: &JobResource) -> Result<Trace, Failure> {
        let query = job.statistics.query.as_ref();
        if query.and_then(|query| query.statement_type.as_deref()).is_some_and(|word| word != "SCRIPT") {
            return Ok(Trace::Nothing);
        }
        let children = self.children(job).await?;
        let all_are_listed =
            number(job.statistics.num_child_jobs.as_ref()).is_none_or(|all| children.len() as u64 >= all);
        Ok(if all_are_listed { trace_of(&children) } else { Trace::Rows })
    }

    /// The jobs of the statements of a script, in the order in which they began.
    pub(super) async fn children(&self, job: &JobResource) -> Result<Vec<JobListItem>, Failure> {
        let filter = [("parentJobId", job.job_reference.job_id.clone())];
        let mut children = self.list_jobs(&filter).await?;
        let began = |item: &JobListItem| number(item.job.statistics.creation_time.as_ref());
        // Of two that began in one millisecond the later one is listed first.
        children.reverse();
        children.sort_by_key(began);
        Ok(children)
    }

    /// The jobs in a state, of all users where the one that asks may see them (`bigquery.jobs.listAll`), or else their own.
    pub(super) async fn list_jobs_of_all(&self, state: &str) -> Result<Vec<JobListItem>, Failure> {
        let (in_state, of_all) = (("stateFilter", state.to_owned()), ("allUsers", "true".to_owned()));
        match self.list_jobs(&[in_state.clone(), of_all]).await {
            Err(failure) if failure.is_denied() => self.list_jobs(&[in_state]).await,
            listed => listed,
        }
    }

    /// All jobs that fit, newest first, with their configuration.
    pub(super) async fn list_jobs(&self, filter: &[(&'static str, String)]) -> Result<Vec<JobListItem>, Failure> {
        let mut jobs = Vec::new();
        let mut page: Option<String> = None;
        loop {
            let request = Request::get(format!("projects/{}/jobs", self.project)).with("projection", "full");
            let request = filter.iter().fold(request, |request, (name, value)| request.with(name, value.as_str()));
            let request = request.with("maxResults", "1000").with_maybe("pageToken", page.as_deref());
            let list: JobList = self.client.send(&request).await?;
            jobs.extend(list.jobs);
            page = list.next_page_token.filter(|token| !token.is_empty());
            if page.is_none() {
                return Ok(jobs);
            }
        }
    }
}

fn job_body(spec: &JobSpec<'_>, job: &JobRef, dry_run: bool) -> Value {
    let options = &spec.options;
    let mut configuration = match spec.work {
        JobWork::Query(sql) => json!({ "query": query_configuration(sql, options, dry_run) }),
        JobWork::Load { table, .. } => json!({ "load": {
            "sourceFormat": "NEWLINE_DELIMITED_JSON",
            "destinationTable":
                { "projectId": table.project_id, "datasetId": table.dataset_id, "tableId": table.table_id },
            "createDisposition": "CREATE_NEVER",
            "writeDisposition": "WRITE_APPEND",
        } }),
    };
    if dry_run {
        configuration["dryRun"] = true.into();
    }
    if !spec.labels.is_empty() {
        configuration["labels"] = json!(spec.labels);
    }
    if let Some(timeout) = options.timeout {
        configuration["jobTimeoutMs"] = timeout.as_millis().to_string().into();
    }
    if let Some(reservation) = &options.reservation {
        configuration["reservation"] = reservation.as_str().into();
    }
    let mut reference = json!({ "projectId": job.project });
    if !job.id.is_empty() {
        reference["jobId"] = job.id.as_str().into();
    }
    if let Some(location) = &job.location {
        reference["location"] = location.as_str().into();
    }
    json!({ "jobReference": reference, "configuration": configuration })
}

fn query_configuration(sql: &str, options: &JobOptions, dry_run: bool) -> Value {
    let mut query = json!({ "query": sql, "useLegacySql": false });
    if let Some(bytes) = options.maximum_bytes_billed {
        query["maximumBytesBilled"] = bytes.to_string().into();
    }
    if let Some(priority) = options.priority {
        query["priority"] = priority.word().to_ascii_uppercase().into();
    }
    if dry_run {
        // A result that is kept would tell nothing of what the query reads.
        query["useQueryCache"] = false.into();
    }
    query
}

/// Asks for a job to be stopped, once; whether it is shows when it is looked at.
pub(super) async fn ask_to_stop(client: &Client, job: &JobRef) {
    let request = Request::post(format!("projects/{}/jobs/{}/cancel", job.project, job.id), json!({}));
    // It is asked again as long as it runs.
    let _ = client.try_once::<Value>(&request.with_maybe("location", job.location.as_deref())).await;
}

fn job_request(job: &JobRef, rest: &str) -> Request {
    Request::get(format!("projects/{}/jobs/{}{rest}", job.project, job.id))
        .with_maybe("location", job.location.as_deref())
}

fn located(asked: &JobRef, told: &JobReference) -> JobRef {
    JobRef { location: told.location.clone().or_else(|| asked.location.clone()), ..asked.clone() }
}

/// A name that the same work gets again, and no other: a hash of what it is, as 128 bits.
fn job_id(identity: &[&str], attempt: u32) -> String {
    let mut hasher = Sha256::new();
    for part in identity {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let digest = hasher.finalize();
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("trueup_{hex}_{attempt}")
}

/// What the statements of a script have left that outlives it.
fn trace_of(children: &[JobListItem]) -> Trace {
    /// Statements that only read, or steer the script.
    const HARMLESS: [&str; 4] = ["SELECT", "ASSERT", "BEGIN_TRANSACTION", "ROLLBACK_TRANSACTION"];
    /// Statements about relations, not about what they hold.
    const OF_RELATIONS: [&str; 5] = ["CREATE_", "ALTER_", "DROP_", "GRANT", "REVOKE"];
    let mut in_transaction = false;
    let mut pending = false;
    let mut left = Trace::Nothing;
    for child in children.iter().filter(|child| !child.failed()) {
        let Some(query) = &child.job.statistics.query else { return Trace::Rows };
        let target = query.ddl_target_table.as_ref();
        // Hidden datasets hold what is temporary.
        let is_temporary = target.is_some_and(|target| target.dataset_id.starts_with('_'));
        // A table that is made of itself would grow.
        let grows = query.referenced_tables.iter().any(|read| Some(read) == target);
        let word = query.statement_type.as_deref().unwrap_or_default();
        match word {
            "BEGIN_TRANSACTION" => (in_transaction, pending) = (true, false),
            "COMMIT_TRANSACTION" if pending => return Trace::Rows,
            "COMMIT_TRANSACTION" | "ROLLBACK_TRANSACTION" => (in_transaction, pending) = (false, false),
            _ if HARMLESS.contains(&word) || is_temporary || word.starts_with("CREATE_") && !grows => {}
            _ if in_transaction => pending = true,
            _ if OF_RELATIONS.iter().any(|start| word.starts_with(start)) && !grows => left = Trace::Relations,
            _ => return Trace::Rows,
        }
    }
    left
}

impl Usage {
    /// What a job took.
    pub(super) fn of(job: &JobResource) -> Self {
        let query = job.statistics.query.clone().unwrap_or_default();
        let statistics = &job.statistics;
        let processed = query.total_bytes_processed.as_ref().or(statistics.total_bytes_processed.as_ref());
        Self {
            bytes_processed: number(processed).unwrap_or_default(),
            bytes_billed: number(query.total_bytes_billed.as_ref()).unwrap_or_default(),
            slot_millis: number(query.total_slot_ms.as_ref().or(statistics.total_slot_ms.as_ref())).unwrap_or_default(),
            cache_hits: u64::from(query.cache_hit == Some(true)),
            jobs: vec![JobRef {
                project: job.job_reference.project_id.clone(),
                location: job.job_reference.location.clone(),
                id: job.job_reference.job_id.clone(),
            }],
        }
    }
}

/// A value of a label: lower-case letters, digits, `_` and `-`, no more than 63.
/// <https://cloud.google.com/bigquery/docs/labels-intro#requirements>
pub(super) fn label(text: &str) -> String {
    let fit = |char: char| if char.is_ascii_alphanumeric() || char == '-' { char.to_ascii_lowercase() } else { '_' };
    text.chars().map(fit).take(63).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::bigquery::protocol::{ErrorProto, QueryStatistics, TableReference};

    fn child(statement_type: &str, dataset: &str, fails: bool) -> JobListItem {
        let ddl_target_table = Some(TableReference { dataset_id: dataset.to_owned(), ..TableReference::default() });
        let query = QueryStatistics {
            statement_type: Some(statement_type.to_owned()),
            ddl_target_table,
            ..QueryStatistics::default()
        };
        let mut item = JobListItem { error_result: fails.then(ErrorProto::default), ..JobListItem::default() };
        item.job.statistics.query = Some(query);
        item
    }

    #[test]
    fn what_a_script_has_left_is_told_by_its_statements() {
        let ok = |word: &str| child(word, "", false);
        let fails = |word: &str| child(word, "", true);
        assert_eq!(trace_of(&[]), Trace::Nothing);
        let staged = [ok("SELECT"), child("CREATE_TABLE_AS_SELECT", "_script1", false), fails("MERGE")];
        assert_eq!(trace_of(&staged), Trace::Nothing);
        let made = child("CREATE_TABLE_AS_SELECT", "marts", false);
        assert_eq!(trace_of(&[made.clone(), fails("ALTER_TABLE")]), Trace::Nothing);
        assert_eq!(trace_of(&[ok("ALTER_TABLE"), fails("SELECT")]), Trace::Relations);
        // A table that is made of itself would grow.
        let mut grown = made;
        if let Some(query) = &mut grown.job.statistics.query {
            query.referenced_tables.extend(query.ddl_target_table.clone());
        }
        assert_eq!(trace_of(&[grown, fails("SELECT")]), Trace::Rows);
        assert_eq!(trace_of(&[ok("INSERT"), fails("SELECT")]), Trace::Rows);
        assert_eq!(trace_of(&[ok("ALTER_TABLE"), ok("INSERT"), fails("SELECT")]), Trace::Rows);
        // A transaction that was not committed is undone.
        let (begins, commits) = (ok("BEGIN_TRANSACTION"), ok("COMMIT_TRANSACTION"));
        assert_eq!(trace_of(&[begins.clone(), ok("DELETE"), fails("INSERT")]), Trace::Nothing);
        assert_eq!(trace_of(&[begins, ok("DELETE"), commits, fails("SELECT")]), Trace::Rows);
    }

    #[test]
    fn ids_follow_from_the_work() {
        let id = job_id(&["run", "a", "b"], 0);
        assert_eq!(id, job_id(&["run", "a", "b"], 0));
        assert_ne!(id, job_id(&["run", "ab", ""], 0));
        assert_ne!(id, job_id(&["run", "a", "b"], 1));
        assert!(id.chars().all(|char| char.is_ascii_alphanumeric() || "_-".contains(char)));
    }

    #[test]
    fn labels_are_fit() {
        assert_eq!(label("Wiki.Top-10 ü"), "wiki_top-10__");
        assert_eq!(label(&"x".repeat(99)).len(), 63);
    }
}
