//! Google's `BigQuery`, by its own REST interface.
//!
//! The crate `gcp-bigquery-client` knows no identities from elsewhere (workload identity federation), no impersonation, no
//! time-outs and reservations of jobs, no filter of jobs by their parent, no uploads, and brings a second stack for gRPC. What is
//! needed is a dozen requests; who asks is found out by Google's own `google-cloud-auth`.

mod access;
mod client;
mod credentials;
mod error;
mod job;
mod marks;
mod pace;
mod protocol;
mod rows;
mod running;
mod session;
mod state;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::adapter::{Adapter, AdapterError, ConnectError, JobLog, JobRef, LeftJob, RunIdentity, Session, Settled};
use crate::dialect::{self, Dialect};
use crate::project::BigQueryAccess;
use crate::relation::{Access, JobOptions, RelationKind, Target, WarehouseState};

use client::{Client, Request};
use credentials::Identity;
use error::{Failure, LOGIN};
use job::{Trace, ask_to_stop, label};
use protocol::JobResource;
use running::Running;
use session::BigQuerySession;

/// How long a request to cancel may take: the service may be gone.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// Labels of every job, by which its run finds it again.
const PROJECT_LABEL: &str = "trueup_project";
const ENVIRONMENT_LABEL: &str = "trueup_environment";
const RUN_LABEL: &str = "trueup_run";
const ACTION_LABEL: &str = "trueup_action";

/// The service, for one environment.
pub struct BigQuery {
    client: Client,
    /// Where jobs run, and where datasets are that name no project.
    project: String,
    /// As the settings have it, or else where the datasets are.
    location: Mutex<Option<String>>,
    /// What holds for all jobs that their action says nothing else of.
    options: JobOptions,
    runtime: Runtime,
    running: Running,
    cancelled: Arc<AtomicBool>,
    run: OnceLock<RunIdentity>,
    log: OnceLock<Arc<dyn JobLog>>,
    /// Tells this process's reading jobs from all others.
    nonce: u64,
    reads: AtomicU64,
    /// Of all actions, declarations too.
    targets: Vec<Target>,
}

impl BigQuery {
    /// Finds out who asks, and looks whether the service answers. Paths are from `root`; `project` is that of the models.
    pub fn connect(access: &BigQueryAccess, root: &Path, project: Option<&str>) -> Result<Self, ConnectError> {
        let settings = |message: String| ConnectError::Settings { message };
        let project = access.project.as_deref().or(project).ok_or_else(|| {
            settings("nothing says in which project jobs run: name it by `project` in the environment".to_owned())
        })?;
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| settings(error.to_string()))?;
        let cancelled = Arc::<AtomicBool>::default();
        let refused = |message: String| ConnectError::Login { message, help: Some(LOGIN.to_owned()) };
        let identity = {
            // Tokens are kept fresh in the background.
            let _runtime = runtime.enter();
            Identity::find(access, root).map_err(refused)?
        };
        let client = Client::new(access.endpoint.as_deref(), identity, access.retry, Arc::clone(&cancelled));
        let client = client.map_err(settings)?;
        let request = Request::get(format!("projects/{project}/datasets")).with("maxResults", "1");
        runtime.block_on(client.send::<Value>(&request)).map_err(|failure| match failure {
            Failure::Login(message) => refused(message),
            failure => {
                let AdapterError { message, help, .. } = failure.into_error("");
                let server = format!("project {project} at {}", client.endpoint());
                ConnectError::Unreachable { server, message, help }
            }
        })?;
        Ok(Self {
            client,
            project: project.to_owned(),
            location: Mutex::new(access.location.clone()),
            options: access.jobs.clone(),
            runtime,
            running: Running::default(),
            cancelled,
            run: OnceLock::new(),
            log: OnceLock::new(),
            nonce: RandomState::new().build_hasher().finish(),
            reads: AtomicU64::new(0),
            targets: Vec::new(),
        })
    }

    /// The same for a project whose actions have these targets: jobs have to see the datasets of all of them.
    #[must_use]
    pub fn with_targets(self, targets: &[Target]) -> Self {
        Self { targets: targets.to_vec(), ..self }
    }

    fn location(&self) -> Option<String> {
        self.location.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The run, or what stands for it where a command runs no graph.
    fn run_id(&self) -> String {
        self.run.get().map_or_else(|| format!("{:016x}", self.nonce), |run| run.id.clone())
    }

    /// What tells a job that only reads from all others: what it reads may have changed since one like it.
    fn next_read(&self) -> String {
        format!("{:016x} {}", self.nonce, self.reads.fetch_add(1, Ordering::Relaxed))
    }

    /// The labels of all jobs of this run.
    fn labels(&self) -> BTreeMap<String, String> {
        let own = || BTreeMap::from([(RUN_LABEL.to_owned(), label(&self.run_id()))]);
        self.run.get().map_or_else(own, labels_of)
    }

    /// What holds for a job: of its action where that says something, and else of the environment.
    fn options_for(&self, of_action: &JobOptions) -> JobOptions {
        let general = self.options.clone();
        let mut labels = general.labels;
        labels.extend(of_action.labels.clone());
        JobOptions {
            labels,
            reservation: of_action.reservation.clone().or(general.reservation),
            maximum_bytes_billed: of_action.maximum_bytes_billed.or(general.maximum_bytes_billed),
            priority: of_action.priority.or(general.priority),
            timeout: of_action.timeout.or(general.timeout),
        }
    }
}

fn labels_of(run: &RunIdentity) -> BTreeMap<String, String> {
    let pairs = [(RUN_LABEL, &run.id), (PROJECT_LABEL, &run.project), (ENVIRONMENT_LABEL, &run.environment)];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), label(value))).collect()
}

impl Adapter for BigQuery {
    fn dialect(&self) -> &'static dyn Dialect {
        &dialect::BigQuery
    }

    fn prepare(&self) -> Result<(), AdapterError> {
        Ok(())
    }

    fn state(&self, targets: &[Target]) -> Result<WarehouseState, AdapterError> {
        self.runtime.block_on(self.read_state(targets))
    }

    fn access(&self, relations: &[(Target, RelationKind)]) -> Result<HashMap<Target, Access>, AdapterError> {
        self.runtime.block_on(self.read_access(relations))
    }

    fn session(&self) -> Result<Box<dyn Session + '_>, AdapterError> {
        Ok(Box::new(BigQuerySession::new(self)))
    }

    /// The service itself does the work; what waits costs nothing.
    fn parallelism(&self) -> usize {
        16
    }

    fn begin_run(&self, run: RunIdentity, log: Arc<dyn JobLog>) {
        // A process does one run.
        let _ = self.run.set(run);
        let _ = self.log.set(log);
    }

    /// Jobs of this project and environment that are at work: a run that was killed has left them, or another goes on.
    fn left_jobs(&self, run: &RunIdentity) -> Result<Vec<LeftJob>, AdapterError> {
        let labels = labels_of(run);
        let listed = self.runtime.block_on(async {
            // In the order in which a job goes through them, so that none slips through between the two.
            let mut listed = self.list_jobs_of_all("pending").await?;
            listed.extend(self.list_jobs_of_all("running").await?);
            Ok(listed)
        });
        let listed = listed.map_err(|failure: Failure| failure.into_error(""))?;
        let is_like = |job: &JobResource, name: &str| job.configuration.labels.get(name) == labels.get(name);
        let mut seen = BTreeSet::new();
        let left = listed.into_iter().map(|item| item.job).filter(|job| {
            seen.insert(job.job_reference.job_id.clone())
                && job.configuration.labels.contains_key(ACTION_LABEL)
                && is_like(job, PROJECT_LABEL)
                && is_like(job, ENVIRONMENT_LABEL)
        });
        let left = left.map(|job| LeftJob {
            action: job.configuration.labels.get(ACTION_LABEL).cloned().unwrap_or_default(),
            job: JobRef {
                project: job.job_reference.project_id,
                location: job.job_reference.location,
                id: job.job_reference.job_id,
            },
        });
        Ok(left.collect())
    }

    fn settle(&self, job: &JobRef) -> Result<Settled, AdapterError> {
        self.runtime
            .block_on(async {
                let found = match self.look_at(job).await {
                    Err(failure) if failure.is_missing() || failure.is_denied() => return Ok(Settled::Unknown),
                    found => found?,
                };
                let Some(done) = self.wait(found, job).await? else { return Ok(Settled::Unknown) };
                if done.status.error_result.is_none() {
                    return Ok(Settled::Done);
                }
                let left = self.trace(&done).await?;
                Ok(if left == Trace::Rows { Settled::HalfDone } else { Settled::Failed })
            })
            .map_err(|failure: Failure| failure.into_error(""))
    }

    fn go_on(&self) {
        self.cancelled.store(false, Ordering::SeqCst);
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        let jobs = self.running.to_be_stopped();
        self.runtime.block_on(async {
            for job in &jobs {
                let _ = timeout(CANCEL_TIMEOUT, ask_to_stop(&self.client, job)).await;
            }
        });
    }
}
