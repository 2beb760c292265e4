//! Measures trueup on a PostgreSQL server: `cargo bench --bench postgres -- [ROUNDS]`, by default 5 rounds.
//!
//! A project of 100 tiny tables runs with 4 threads, into an empty database and once more over what is there, beside the same
//! plan (what `trueup run --dry-run` prints) in one session of `psql`. The median of the rounds counts. If `TRUEUP_BENCH_DBT`
//! names the program `dbt`, with its adapter for PostgreSQL, it runs the same models. CPU is that of the client; that of
//! the server is nobody's.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]

#[path = "../runner/postgres_server.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod postgres_server;
#[expect(dead_code, reason = "the other benchmarks need more of it")]
mod usage;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

use crate::postgres_server::Server;
use crate::usage::{Usage, heading, measure, report};

const MODELS: usize = 100;
const THREADS: &str = "4";

/// Each reads three of the ten before it.
const LAYER: usize = 10;

fn main() {
    let rounds = env::args().skip(1).find_map(|text| text.parse().ok()).unwrap_or(5);
    let server = Server::start().expect("a server of PostgreSQL");
    let dbt = env::var_os("TRUEUP_BENCH_DBT").map(PathBuf::from);
    let project = Project::make();
    let mut all = Rounds::default();
    for round in 0..rounds {
        let mut bench = Bench { server: &server, project: &project, database: String::new() };
        for pass in ["first", "again"] {
            bench.use_database("psql", round);
            all.keep(&format!("{pass}, psql"), bench.psql());
            bench.use_database("trueup", round);
            all.keep(&format!("{pass}, trueup"), bench.trueup());
            if let Some(dbt) = &dbt {
                bench.use_database("dbt", round);
                all.keep(&format!("{pass}, dbt"), bench.dbt(dbt));
            }
        }
    }
    println!("{MODELS} models, {THREADS} threads, the median of {rounds} rounds");
    heading();
    for (name, _) in &all.usages {
        all.median(name).iter().for_each(|usage| report(name, usage));
    }
    for pass in ["first", "again"] {
        all.compare(pass);
    }
}

/// What each round took, by name.
#[derive(Default)]
struct Rounds {
    usages: Vec<(String, Vec<Usage>)>,
}

impl Rounds {
    fn keep(&mut self, name: &str, usage: Usage) {
        match self.usages.iter_mut().find(|(known, _)| known == name) {
            Some((_, usages)) => usages.push(usage),
            None => self.usages.push((name.to_owned(), vec![usage])),
        }
    }

    /// The round in the middle.
    fn median(&self, name: &str) -> Option<Usage> {
        let (_, usages) = self.usages.iter().find(|(known, _)| known == name)?;
        let mut usages = usages.clone();
        usages.sort_by_key(|usage| usage.wall);
        usages.get(usages.len() / 2).copied()
    }

    fn compare(&self, pass: &str) {
        let of = |name: &str| self.median(&format!("{pass}, {name}"));
        let (Some(psql), Some(trueup)) = (of("psql"), of("trueup")) else { return };
        let ratio = trueup.wall.as_secs_f64() / psql.wall.as_secs_f64();
        println!("{pass}: trueup takes {ratio:.2} times as long as psql with the same statements");
        let Some(dbt) = of("dbt") else { return };
        let added = |usage: &Usage| {
            (usage.wall.as_secs_f64() - psql.wall.as_secs_f64(), usage.cpu.as_secs_f64() - psql.cpu.as_secs_f64())
        };
        let ((own, own_cpu), (theirs, their_cpu)) = (added(&trueup), added(&dbt));
        println!(
            "{pass}: beyond the statements trueup takes {own:+.2} s and {own_cpu:.2} s of CPU, dbt {theirs:+.2} s and {their_cpu:.2} s"
        );
    }
}

/// One database of the server, and what is run in it.
struct Bench<'a> {
    server: &'a Server,
    project: &'a Project,
    database: String,
}

impl Bench<'_> {
    /// The database of a tool in a round, made if it is not there.
    fn use_database(&mut self, tool: &str, round: usize) {
        self.database = format!("{tool}_{round}");
        let is_there = format!("select 1 from pg_database where datname = '{}'", self.database);
        if self.server.psql("postgres", &is_there).expect("an answer").is_empty() {
            self.server.new_database(&self.database).expect("a database");
        }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.project.root()).envs(self.server.variables(&self.database));
        command
    }

    fn trueup_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_trueup")));
        command.arg("run").args(arguments);
        command
    }

    fn trueup(&self) -> Usage {
        measure(&mut self.trueup_command(&["--threads", THREADS]))
    }

    /// The plan of this database, in one session.
    fn psql(&self) -> Usage {
        let plan = self.trueup_command(&["--dry-run"]).output().expect("a plan");
        assert!(plan.status.success(), "{}", String::from_utf8_lossy(&plan.stderr));
        let file = self.project.root().join("plan.sql");
        fs::write(&file, plan.stdout).expect("a file");
        let program = postgres_server::programs().expect("PostgreSQL is installed").join("psql");
        let mut command = self.command(&program);
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-f"]).arg(file);
        measure(&mut command)
    }

    fn dbt(&self, dbt: &Path) -> Usage {
        let mut command = self.command(dbt);
        command.args(["run", "--quiet", "--threads", THREADS]).env("DBT_PROFILES_DIR", self.project.root());
        command.env("DBT_SEND_ANONYMOUS_USAGE_STATS", "false").env("HOME", self.project.root());
        measure(&mut command)
    }
}

/// The same models for trueup and for dbt, in one folder.
struct Project {
    folder: TempDir,
}

impl Project {
    fn make() -> Self {
        let project = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        project.write(
            "trueup.yaml",
            "name: bench\ndialect: postgres\ndefaults: { schema: bench }\nenvironments: { server: { warehouse: postgres } }\n",
        );
        project.write(
            "dbt_project.yml",
            "name: bench\nversion: '1.0'\nprofile: bench\nmodels: { bench: { +materialized: table } }\n",
        );
        project.write(
            "profiles.yml",
            "bench:\n  target: server\n  outputs:\n    server:\n      type: postgres\n      schema: bench\n      port: 5432\n      \
             password: ''\n      host: \"{{ env_var('PGHOST') }}\"\n      user: \"{{ env_var('PGUSER') }}\"\n      \
             dbname: \"{{ env_var('PGDATABASE') }}\"\n",
        );
        for number in 0..MODELS {
            let name = format!("model_{number:03}");
            let sqlx = query(number, |other| format!("${{ref(\"{other}\")}}"));
            project.write(&format!("definitions/{name}.sqlx"), &format!("config {{ type: \"table\" }}\n{sqlx}"));
            project.write(&format!("models/{name}.sql"), &query(number, |other| format!("{{{{ ref('{other}') }}}}")));
        }
        project
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap_or(&path)).expect("a folder");
        fs::write(path, text).expect("a file");
    }
}

fn query(number: usize, reference: impl Fn(&str) -> String) -> String {
    if number < LAYER {
        return format!("select id, id % 7 as customer, id * {number} as amount from generate_series(1, 100) as id\n");
    }
    let below = number / LAYER * LAYER - LAYER;
    let [first, second, third] =
        [0, 3, 7].map(|step| reference(&format!("model_{:03}", below + (number + step) % LAYER)));
    format!(
        "select a.id, b.customer, coalesce(a.amount, 0) + c.amount as amount\nfrom {first} as a\njoin {second} as b on b.id = a.id\n\
         left join {third} as c on c.id = a.id\n"
    )
}
