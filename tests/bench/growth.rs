//! Measures a run over one new hour of data while what was there before grows: `cargo bench --bench growth -- [DAYS …]`, by
//! default 1, 10 and 100 days of 86,400 events, on DuckDB and, if it is installed, on PostgreSQL.
//!
//! Three models keep the sum of each hour: by intervals with a `lookback`, by intervals without one, and by a watermark with a
//! unique key. The CPU on PostgreSQL is that of the client.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]

#[path = "../runner/postgres_server.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod postgres_server;
#[expect(dead_code, reason = "the other benchmarks need more of it")]
mod usage;

use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

use crate::postgres_server::Server;
use crate::usage::{heading, measure, report};

const MODELS: [(&str, &str); 3] = [
    (
        "lookback",
        "config { type: \"incremental\", incrementalStrategy: \"interval\", interval: \"hour\", eventTime: \"hour\", lookback: \"1 day\" }
        select date_trunc('hour', happened) as hour, count(*) as events, sum(amount) as amount from ${ref(\"events\")}
        where happened >= ${interval.start} and happened < ${interval.end}
        group by 1",
    ),
    (
        "all_inputs",
        "config { type: \"incremental\", incrementalStrategy: \"interval\", interval: \"hour\", eventTime: \"hour\" }
        select date_trunc('hour', happened) as hour, count(*) as events, sum(amount) as amount from ${ref(\"events\")}
        where happened >= ${interval.start} and happened < ${interval.end}
        group by 1",
    ),
    (
        "watermark",
        "config { type: \"incremental\", uniqueKey: [\"hour\"] }
        select date_trunc('hour', happened) as hour, count(*) as events, sum(amount) as amount from ${ref(\"events\")}
        ${when(incremental(), `where happened >= (select max(hour) from ${self()})`)}
        group by 1",
    ),
];

fn main() {
    let days: Vec<u64> = env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let days = if days.is_empty() { vec![1, 10, 100] } else { days };
    let server = postgres_server::programs().and_then(|_| Server::start().ok());
    heading();
    for days in days {
        grow("duckdb", days, None);
        if let Some(server) = &server {
            grow("postgres", days, Some(server));
        }
    }
}

fn grow(dialect: &str, days: u64, server: Option<&Server>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(&folder, dialect, days);
    let database = format!("growth_{days}");
    if let Some(server) = server {
        server.new_database(&database).expect("a database");
    }
    let run = |selected: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        command.current_dir(folder.path()).args(["run", "--select", selected]);
        if let Some(server) = server {
            command.envs(server.variables(&database));
        }
        measure(&mut command)
    };
    run("fill");
    for (model, _) in MODELS {
        run(model);
    }
    run("one_more_hour");
    for (model, _) in MODELS {
        report(&format!("{dialect}, {days} days, {model}"), &run(model));
    }
}

fn write(folder: &TempDir, dialect: &str, days: u64) {
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("definitions")).expect("a folder");
    let settings = format!(
        "name: growth\ndialect: {dialect}\ndefaults: {{ schema: growth }}\nchecks: {{ strict-watermark: off, undeclared-table: off }}\n\
         environments: {{ e: {{ warehouse: {dialect} }} }}\n"
    );
    fs::write(path("trueup.yaml"), settings).expect("a file");
    let definition = |name: &str, text: &str| {
        fs::write(path(&format!("definitions/{name}.sqlx")), text).expect("a file");
    };
    definition(
        "events",
        "config { type: \"declaration\", schema: \"raw\", eventTime: \"happened\", processedTime: \"came\" }",
    );
    let rows = |first: u64, count: u64| {
        format!(
            "select i as id, timestamp '2024-01-01' + i * interval '1 second' as happened, timestamp '2024-01-01' + i * interval '1 \
             second' as came, i % 1000 as amount from generate_series({first}, {}) as t(i)",
            first + count - 1
        )
    };
    let all = days * 86_400;
    // An index, or the order of the rows, is what keeps a look at the last hour small.
    let index = if dialect == "postgres" {
        "\n---\ncreate index on raw.events (happened)\n---\nanalyze raw.events"
    } else {
        ""
    };
    let fill = format!("create schema if not exists raw\n---\ncreate table raw.events as {}{index}", rows(0, all));
    definition("fill", &format!("config {{ type: \"operations\" }}\n{fill}"));
    definition(
        "one_more_hour",
        &format!("config {{ type: \"operations\" }}\ninsert into raw.events {}", rows(all, 3_600)),
    );
    for (name, text) in MODELS {
        definition(name, text);
    }
}
