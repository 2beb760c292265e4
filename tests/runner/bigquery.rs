//! `tests/bigquery/*.md`: sessions on the stand-in for BigQuery, each in a project of its own.
//!
//! The server is started by the trial that needs it first, shared by all (those of other processes too), and ends itself
//! when nothing was asked for a while. `standin` on the path of a session talks to it: see `tests/bigquery/standin/`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use libtest_mimic::{Failed, Trial};

use crate::{console, markdown};

/// The exit status of `start.sh` where what it needs cannot be had.
const CANNOT_BE_HAD: i32 = 3;

/// One trial for each session; they are passed over where there is no Python.
pub(crate) fn trials() -> Vec<Trial> {
    let is_installed = has_python();
    let sessions = markdown::files("tests/bigquery").into_iter();
    let trials =
        sessions.filter(|path| path.parent().is_some_and(|folder| folder.ends_with("tests/bigquery"))).map(|path| {
            let name = markdown::stem(&path, "tests/bigquery");
            Trial::test(format!("bigquery::{name}"), move || run(&name, &path)).with_ignored_flag(!is_installed)
        });
    let client = Trial::test("bigquery::google_client", google_client).with_ignored_flag(!is_installed);
    let plans = Trial::test("bigquery::plans_are_googlesql", plans_are_googlesql).with_ignored_flag(!is_installed);
    trials.chain([client, plans]).collect()
}

fn run(name: &str, session: &Path) -> Result<(), Failed> {
    let Some(project) = Project::new(name)? else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    console::run_with(session, folder.path(), Path::new(""), &project.variables())?;
    project.all_was_parsed()
}

/// Google's own client makes of the stand-in's answers what they mean.
fn google_client() -> Result<(), Failed> {
    let Some(project) = Project::new("google_client")? else { return Ok(()) };
    let output = Command::new(folder().join("venv/bin/python"))
        .arg(scripts().join("client_test.py"))
        .envs(project.variables())
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}

/// What the plan tests expect for BigQuery is what BigQuery's own parser takes.
fn plans_are_googlesql() -> Result<(), Failed> {
    let Some(project) = Project::new("plans")? else { return Ok(()) };
    let mut problems = String::new();
    for path in markdown::files("tests/plan") {
        problems.push_str(&project.stand_in(&["parse", &path.display().to_string()])?);
    }
    if problems.is_empty() { Ok(()) } else { Err(format!("this is no GoogleSQL:\n{problems}").into()) }
}

/// Whether there is a Python that the stand-in can run on.
pub(crate) fn has_python() -> bool {
    let check = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
    let status = Command::new("python3").args(["-c", check]).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// What is known of the server.
enum Server {
    NotStarted,
    CannotBeHad,
    At(String),
}

static SHARED: Mutex<Server> = Mutex::new(Server::NotStarted);

/// The server's address; none where it cannot be had.
fn start() -> Result<Option<String>, Failed> {
    let mut shared = SHARED.lock()?;
    // One that was not asked for a while has ended itself, and is started again.
    if !matches!(*shared, Server::CannotBeHad) {
        let mut script = Command::new(scripts().join("start.sh"));
        let output = script.arg(folder()).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        *shared = match output.status.code() {
            Some(0) => Server::At(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            Some(CANNOT_BE_HAD) => Server::CannotBeHad,
            _ => return Err(format!("start.sh: {}", output.status).into()),
        };
    }
    Ok(if let Server::At(endpoint) = &*shared { Some(endpoint.clone()) } else { None })
}

/// Ends the server, unless this process is one of many, as it is under `cargo nextest`.
pub(crate) fn stop() {
    if std::env::var_os("NEXTEST").is_some() {
        return;
    }
    if let Ok(Server::At(endpoint)) = SHARED.lock().as_deref() {
        let mut command = Command::new(scripts().join("standin"));
        // It may have ended by itself.
        let _ = command.arg("stop").env("BIGQUERY_ENDPOINT", endpoint).stderr(Stdio::null()).status();
    }
}

/// A script beside the stand-in, with its folder as the first argument; `None` where the packages cannot be had.
pub(crate) fn python(script: &str) -> Result<Option<Command>, Failed> {
    // What starts the server installs the packages.
    let Some(_) = start()? else { return Ok(None) };
    let mut python = Command::new(folder().join("venv/bin/python"));
    python.arg(scripts().join(script)).arg(folder());
    Ok(Some(python))
}

/// Where the server lives: its packages, its log, its address.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bigquery")
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bigquery/standin")
}

/// A project of its own on the server.
pub(crate) struct Project {
    pub(crate) endpoint: String,
    pub(crate) id: String,
}

impl Project {
    /// An empty one. There is none, and a loud word about it, where the server cannot be had.
    pub(crate) fn new(name: &str) -> Result<Option<Self>, Failed> {
        let Some(endpoint) = start()? else {
            let warning = "THE STAND-IN FOR BIGQUERY CANNOT BE STARTED, A TEST IS PASSED OVER";
            writeln!(std::io::stderr(), "{warning}: {name}")?;
            return Ok(None);
        };
        let id = format!("trial-{}", name.replace('_', "-"));
        let project = Self { endpoint, id };
        project.stand_in(&["forget"])?;
        Ok(Some(project))
    }

    /// What leads a client there, and `standin` on the path.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let trueup = Path::new(env!("CARGO_BIN_EXE_trueup")).parent().map(|folder| folder.display().to_string());
        let path = format!("{}:{}", scripts().display(), trueup.unwrap_or_default());
        vec![
            ("PATH", format!("{path}:/usr/local/bin:/usr/bin:/bin")),
            ("BIGQUERY_ENDPOINT", self.endpoint.clone()),
            ("BIGQUERY_PROJECT", self.id.clone()),
            // What leads Google's own clients to an emulator.
            ("BIGQUERY_EMULATOR_HOST", self.endpoint.clone()),
            ("GOOGLE_CLOUD_PROJECT", self.id.clone()),
        ]
    }

    /// What `standin` prints.
    pub(crate) fn stand_in(&self, arguments: &[&str]) -> Result<String, Failed> {
        let output = Command::new(scripts().join("standin"))
            .args(arguments)
            .envs(self.variables())
            .stdin(Stdio::null())
            .output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(format!("standin {}\n{}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)).into())
    }

    /// Fails if a parser of GoogleSQL did not take what was sent, and nobody looked at it.
    pub(crate) fn all_was_parsed(&self) -> Result<(), Failed> {
        let unparsed = self.stand_in(&["unparsed"])?;
        if unparsed.is_empty() { Ok(()) } else { Err(format!("this is no GoogleSQL:\n{unparsed}").into()) }
    }
}
