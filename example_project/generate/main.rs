//! Makes the data of the two example projects: `cargo run --example generate -- streamify --out DIR`.
//!
//! The same seed gives the same events, whatever part of them is written: `--batches 0..5` today and `--batches 5..6`
//! tomorrow are two loads of one stream.

mod catalogue;
mod lake;
mod places;
mod random;
mod streamify;
mod wikipedia;

use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::lake::{HOUR, Loads};

/// Make events for an example project: some late, some twice, some at the same moment
#[derive(Parser)]
#[command(name = "generate")]
enum Command {
    /// Users of a music service: listens, page views, logins; and the songs and states they refer to
    Streamify {
        #[command(flatten)]
        common: Common,
        /// Users of the service
        #[arg(long, default_value_t = 25)]
        users: u32,
        /// Days on which events happen
        #[arg(long, default_value_t = 7)]
        days: u32,
    },
    /// Edits of an encyclopedia, in the shape of Wikimedia's `recentchange` stream
    Wikipedia {
        #[command(flatten)]
        common: Common,
        /// Edits to make
        #[arg(long, default_value_t = 4000)]
        events: u32,
    },
}

/// What both kinds of data take.
#[derive(Args)]
struct Common {
    /// Folder to write into
    #[arg(long)]
    out: PathBuf,
    /// Another seed, other data
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// The first day
    #[arg(long, default_value = "2024-01-29")]
    from: Date,
    /// Hours that one load gathers
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(i64).range(1..=24 * 365))]
    batch_hours: i64,
    /// Loads to write, counted from 0, the end not included, such as `0..5` [default: all]
    #[arg(long, value_parser = parse_range, conflicts_with = "batch")]
    batches: Option<Range<i64>>,
    /// The one load to write, counted from 0
    #[arg(long)]
    batch: Option<i64>,
}

impl Common {
    fn loads(&self) -> io::Result<Loads> {
        let from = self.from.to_zoned(TimeZone::UTC).map_err(io::Error::other)?.timestamp().as_millisecond();
        let wanted = match (&self.batches, self.batch) {
            (Some(range), _) => range.clone(),
            (None, Some(number)) => number..number + 1,
            (None, None) => 0..i64::MAX,
        };
        Ok(Loads { from, length: self.batch_hours * HOUR, wanted })
    }
}

fn parse_range(text: &str) -> Result<Range<i64>, String> {
    text.split_once("..")
        .and_then(|(start, end)| Some(start.parse().ok()?..end.parse().ok()?))
        .ok_or_else(|| "write it as `0..5`".to_owned())
}

fn generate(command: &Command) -> io::Result<()> {
    let (common, lake) = match command {
        Command::Streamify { common, users, days } => {
            (common, streamify::events(common.seed, *users, *days, &common.loads()?))
        }
        Command::Wikipedia { common, events } => (common, wikipedia::events(common.seed, *events, &common.loads()?)),
    };
    if matches!(command, Command::Streamify { .. }) && common.loads()?.wanted.contains(&0) {
        catalogue::write(&common.out)?;
    }
    let summary = lake.summary();
    lake.write(&common.out)?;
    writeln!(io::stdout(), "{summary}")
}

fn main() -> ExitCode {
    match generate(&Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where even standard error is closed there is nobody left to tell.
            let _ = writeln!(io::stderr(), "generate: {error}");
            ExitCode::FAILURE
        }
    }
}
