//! Throw-away PostgreSQL servers: in a temporary folder, reached through a socket, stopped when they are dropped.

use std::fs;
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use libtest_mimic::Failed;
use tempfile::TempDir;

/// The owner of everything on the server.
pub(crate) const USER: &str = "trueup";

/// Whom the server runs as where the tests run as root, which it refuses: `nobody`.
pub(crate) const UNPRIVILEGED: u32 = 65534;

/// The folder of `initdb` and `postgres`: on the path, or where Debian puts the newest version.
pub(crate) fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has_all = |folder: &PathBuf| ["initdb", "pg_ctl", "psql"].iter().all(|name| folder.join(name).is_file());
    let on_path = std::env::split_paths(&path).find(has_all);
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    versions.retain(has_all);
    versions.sort_by_key(|folder| folder.parent()?.file_name()?.to_str()?.parse::<u32>().ok());
    on_path.or_else(|| versions.pop())
}

/// A server that runs.
pub(crate) struct Server {
    folder: TempDir,
    programs: PathBuf,
}

static SHARED: Mutex<Option<&'static Server>> = Mutex::new(None);

/// Stops the server of this process, if one was started.
pub(crate) fn stop() {
    if let Some(server) = SHARED.lock().ok().and_then(|mut shared| shared.take()) {
        server.end("immediate");
        let _ = fs::remove_dir_all(server.folder.path());
    }
}

impl Server {
    /// The one that all trials of this process share. Call [`stop`] at the end.
    pub(crate) fn shared() -> Result<&'static Self, Failed> {
        let mut shared = SHARED.lock()?;
        if shared.is_none() {
            *shared = Some(Box::leak(Box::new(Self::start()?)));
        }
        shared.ok_or_else(|| "there is no server".into())
    }

    /// One of its own, for trials that break it.
    pub(crate) fn start() -> Result<Self, Failed> {
        Self::start_with(|_| Ok(()))
    }

    /// The same; `prepare` changes the folder of its data before it starts.
    pub(crate) fn start_with(prepare: impl FnOnce(&Path) -> Result<(), Failed>) -> Result<Self, Failed> {
        let programs = programs().ok_or("PostgreSQL is not installed")?;
        let server = Self { folder: tempfile::tempdir()?, programs };
        fs::set_permissions(server.folder.path(), fs::Permissions::from_mode(0o755))?;
        let home = server.folder.path().join("home");
        fs::create_dir(&home)?;
        if is_root() {
            chown(&home, Some(UNPRIVILEGED), Some(UNPRIVILEGED))?;
        }
        let data = server.data().display().to_string();
        server.run("initdb", &["-D", &data, "-U", USER, "--auth=trust", "--no-sync", "--no-locale", "-E", "UTF8"])?;
        append(&server.data().join("postgresql.conf"), "\nlisten_addresses = ''\n")?;
        prepare(&server.data())?;
        server.begin()?;
        Ok(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("home/data")
    }

    /// The socket that it listens on.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("home/.s.PGSQL.5432")
    }

    /// Starts it, or starts it again.
    pub(crate) fn begin(&self) -> Result<(), Failed> {
        let home = self.folder.path().join("home").display().to_string();
        let options = format!("-k {home} -c fsync=off -c max_connections=60");
        let (data, log) = (self.data().display().to_string(), format!("{home}/log"));
        self.run("pg_ctl", &["-D", &data, "-o", &options, "-l", &log, "-w", "start"])
    }

    /// Stops it: `fast` or `immediate`.
    pub(crate) fn end(&self, mode: &str) {
        let data = self.data().display().to_string();
        let _ = self.run("pg_ctl", &["-D", &data, "-m", mode, "-w", "stop"]);
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), Failed> {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        if is_root() {
            command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
        }
        // A server that is started keeps what it is given, so errors go to a file and not into a pipe.
        let errors = tempfile::tempfile()?;
        let status = command.stderr(errors.try_clone()?).status().map_err(|error| format!("{program}: {error}"))?;
        if status.success() {
            return Ok(());
        }
        let (mut errors, mut text) = (errors, String::new());
        errors.rewind()?;
        errors.read_to_string(&mut text)?;
        Err(format!("{program}: {status}\n{text}").into())
    }

    /// Makes an empty database.
    pub(crate) fn new_database(&self, name: &str) -> Result<String, Failed> {
        self.psql("postgres", &format!("create database {name}"))?;
        Ok(name.to_owned())
    }

    /// What `psql` prints, without names of columns and blanks.
    pub(crate) fn psql(&self, database: &str, sql: &str) -> Result<String, Failed> {
        self.psql_with(&self.variables(database), sql)
    }

    /// The same with other variables.
    pub(crate) fn psql_with(&self, variables: &[(&str, String)], sql: &str) -> Result<String, Failed> {
        let output = Command::new(self.programs.join("psql"))
            .args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(format!("{sql}\n{}", String::from_utf8_lossy(&output.stderr)).into())
    }

    /// A `psql` that reads a script, and prints cells parted by ` | `.
    pub(crate) fn psql_command(&self, database: &str) -> Command {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-F", " | ", "-P", "footer=off"]).envs(self.variables(database));
        psql
    }

    /// What `psql` prints for a script: the names of columns, cells parted by ` | `, `NULL`. The inner error is the
    /// server's.
    pub(crate) fn psql_script(&self, database: &str, script: &str) -> Result<Result<String, String>, Failed> {
        let mut psql = Command::new(self.programs.join("psql"))
            .args(["-X", "-q", "-A", "-F", " | ", "-P", "null=NULL", "-P", "footer=off", "-v", "ON_ERROR_STOP=1"])
            .envs(self.variables(database))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = psql.stdin.take() {
            input.write_all(script.as_bytes())?;
        }
        let output = psql.wait_with_output()?;
        Ok(if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        })
    }

    /// What leads a client there.
    pub(crate) fn variables(&self, database: &str) -> Vec<(&'static str, String)> {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.programs.display());
        let trueup = Path::new(env!("CARGO_BIN_EXE_trueup")).parent().map(|folder| folder.display().to_string());
        vec![
            ("PATH", format!("{}:{path}", trueup.unwrap_or_default())),
            ("PGHOST", self.folder.path().join("home").display().to_string()),
            ("PGUSER", USER.to_owned()),
            ("PGDATABASE", database.to_owned()),
        ]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end("immediate");
    }
}

/// Adds to a file that the server owns.
pub(crate) fn append(path: &Path, text: &str) -> Result<(), Failed> {
    Ok(fs::OpenOptions::new().append(true).open(path)?.write_all(text.as_bytes())?)
}

/// Writes a file that only the server may read.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Failed> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    if is_root() {
        chown(path, Some(UNPRIVILEGED), Some(UNPRIVILEGED))?;
    }
    Ok(())
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|data| data.uid() == 0)
}
