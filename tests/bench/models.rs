//! Measures trueup on made-up projects: `cargo bench --bench models -- [N …]`, by default 100, 1,000 and 10,000 models.
//!
//! For each N: wall time, CPU time and peak memory of `trueup compile`, the first time, again, and with one changed file; then
//! of `trueup run`, the first and the second one, beside the same statements sent straight to DuckDB. A project has layers of
//! models that refer to the layer below, 30 to 60 lines of SQL each with CTEs and joins; a fifth are incremental, a third have
//! assertions and documented columns.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]

mod usage;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs};

use trueup::compile::compile;
use trueup::files::{Disk, FileSystem};
use trueup::graph::Selection;
use trueup::plan::{PlanOptions, Work, plan};
use trueup::project::Overrides;
use trueup::relation::WarehouseState;

use crate::usage::{Usage, best, heading, measure, report};

/// The widest project that `run` is measured on: beyond it DuckDB itself takes minutes.
const LARGEST_RUN: usize = 1_000;

fn main() {
    let sizes: Vec<usize> = env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![100, 1_000, 10_000] } else { sizes };
    heading();
    // The system keeps the largest memory of any child, so the small ones come first.
    for size in &sizes {
        let project = Project::make(*size);
        report(&format!("compile {size}, first"), &project.trueup(&["compile"]));
        let runs: Vec<Usage> = (0..3).map(|_| project.trueup(&["compile"])).collect();
        report(&format!("compile {size}, again"), &best(&runs));
        let runs: Vec<Usage> = (0..3)
            .map(|_| {
                project.change();
                project.trueup(&["compile"])
            })
            .collect();
        report(&format!("compile {size}, one changed"), &best(&runs));
    }
    for size in sizes.into_iter().filter(|size| *size <= LARGEST_RUN) {
        let straight = straight_to_duckdb(Project::make(size).root());
        let alone = Project::make(size).trueup(&["run", "--threads", "1"]);
        let project = Project::make(size);
        report(&format!("run {size}, first"), &project.trueup(&["run"]));
        report(&format!("run {size}, second"), &project.trueup(&["run"]));
        report(&format!("run {size}, one thread"), &alone);
        println!("{:<24} {:>7.2} s", "  the same SQL straight", straight.as_secs_f64());
        let own =
            (alone.wall.as_secs_f64() - straight.as_secs_f64()) * 1e3 / f64::from(u32::try_from(size).unwrap_or(1));
        println!("{:<24} {own:>7.2} ms a model", "  trueup's own share");
    }
}

/// A made-up project in a folder of its own.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn make(size: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        make_project(folder.path(), size);
        Self { folder }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Changes a model in the middle.
    fn change(&self) {
        let file = self.root().join("definitions/layer_0/model_00005.sqlx");
        let text = fs::read_to_string(&file).expect("a file");
        fs::write(file, text.replacen("case ", "case  ", 1)).expect("a file");
    }

    fn trueup(&self, arguments: &[&str]) -> Usage {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        measure(command.args(arguments).arg("--project").arg(self.root()))
    }
}

/// The statements of a first run, one after the other on one connection to a database file.
fn straight_to_duckdb(root: &Path) -> Duration {
    let files: Arc<dyn FileSystem> = Arc::new(Disk::new(root));
    let compilation = compile(&files, &Overrides::default(), &|_| None).expect("the project can be read");
    assert!(!compilation.diagnostics.has_errors());
    let dialect = &trueup::dialect::DuckDb;
    let all: Selection = compilation.graph.iter().map(|(id, _)| id).collect();
    let (plan, _) =
        plan(&compilation.graph, &all, &WarehouseState::default(), dialect, dialect, PlanOptions::default());
    let connection = duckdb::Connection::open(root.join("straight.duckdb")).expect("a database file");
    let send = |sql: &str| connection.execute_batch(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    let started = Instant::now();
    plan.schemas.iter().for_each(|schema| send(schema.sql()));
    for step in &plan.steps {
        match &step.work {
            Work::Build(script) | Work::Operations(script) => {
                send("begin");
                script.sent().for_each(|statement| send(statement.sql()));
                send("commit");
            }
            Work::Assertion { create, count, .. } => {
                create.sent().for_each(|statement| send(statement.sql()));
                send(count.sql());
            }
            Work::Fill(_) | Work::Incremental(_) | Work::Intervals(_) | Work::Disabled => {}
        }
    }
    started.elapsed()
}

/// Ten layers; a model reads three of the layer below it.
fn make_project(root: &Path, size: usize) {
    fs::create_dir_all(root).expect("a folder");
    let settings = "name: bench\ndialect: duckdb\ndefaults: { schema: bench, assertion_schema: bench_checks }\n";
    fs::write(root.join("trueup.yaml"), settings).expect("a file");
    let layers = 10;
    let width = (size / layers).max(1);
    for number in 0..size {
        let layer = (number / width).min(layers - 1);
        let folder = root.join(format!("definitions/layer_{layer}"));
        fs::create_dir_all(&folder).expect("a folder");
        let text = model(number, layer, width);
        fs::write(folder.join(format!("model_{number:05}.sqlx")), text).expect("a file");
    }
}

fn model(number: usize, layer: usize, width: usize) -> String {
    let mut text = String::from("config {\n");
    let incremental = number % 5 == 3;
    let _ = writeln!(text, "  type: \"{}\",", if incremental { "incremental" } else { "table" });
    if incremental {
        text.push_str("  uniqueKey: [\"id\"],\n");
    }
    if number.is_multiple_of(3) {
        text.push_str("  description: \"What happened to each customer on each day\",\n  columns: {\n");
        text.push_str(
            "    id: \"The key\",\n    customer_id: \"Who\",\n    day: \"When\",\n    amount: \"How much\"\n  },\n",
        );
        text.push_str("  assertions: {\n    uniqueKey: [\"id\"],\n    nonNull: [\"customer_id\", \"day\"]\n  },\n");
    }
    let _ = writeln!(text, "  tags: [\"layer_{layer}\"]\n}}\n");
    let source = |at: usize| {
        if layer == 0 {
            return "(select range as id, range % 7 as customer_id, date '2024-01-01' + range::integer as day, \
                    range * 1.5 as amount from range(20))"
                .to_owned();
        }
        let below = (layer - 1) * width + (number * 7 + at * 13) % width;
        format!("${{ref(\"model_{below:05}\")}}")
    };
    let _ = write!(
        text,
        "with base as (\n  select\n    id,\n    customer_id,\n    day,\n    amount\n  from {}\n  where amount is not null\n),\n\
         other as (\n  select\n    id,\n    customer_id,\n    max(day) as last_day,\n    sum(amount) as total\n  from {}\n  \
         group by id, customer_id\n),\nthird as (\n  select\n    id,\n    count(*) as occurrences\n  from {}\n  group by id\n),\n\
         joined as (\n  select\n    base.id,\n    base.customer_id,\n    base.day,\n    base.amount,\n    \
         coalesce(other.total, 0) as total,\n    coalesce(third.occurrences, 0) as occurrences,\n    \
         case when base.amount > 10 then 'large' when base.amount > 5 then 'medium' else 'small' end as size\n  from base\n  \
         left join other on base.id = other.id and base.customer_id = other.customer_id\n  left join third on base.id = third.id\n)\n\
         select\n  id,\n  customer_id,\n  day,\n  cast(amount + total * 0.1 as double) as amount,\n  occurrences,\n  size\nfrom joined\n",
        source(0),
        source(1),
        source(2),
    );
    if incremental {
        text.push_str("${when(incremental(), `where day >= (select max(day) from ${self()})`)}\n");
    }
    text
}
