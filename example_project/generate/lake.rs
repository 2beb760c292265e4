//! The way of an event from where it happens to a file in the lake: it is late now and then, now and then it comes
//! twice, and a load gathers whatever came since the load before.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::random::Random;

pub(crate) const SECOND: i64 = 1000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// No event is later than this.
pub(crate) const LATEST: i64 = 3 * DAY;

/// An event takes seconds to arrive, as a rule; a phone without network keeps it for hours, or for days.
fn delay(random: &mut Random) -> i64 {
    match random.below(1000) {
        0..5 => random.between(12 * HOUR, LATEST - DAY),
        5..30 => random.between(HOUR, 12 * HOUR),
        30..100 => random.between(MINUTE, 20 * MINUTE),
        _ => random.between(0, MINUTE),
    }
}

/// The copies of an event that happened at a moment: one, or two where the stream delivers it again.
pub(crate) fn deliveries(random: &mut Random, happened: i64) -> Vec<Delivery> {
    let arrived = happened + delay(random);
    let mut copies = vec![Delivery { happened, arrived, repeated: false }];
    if random.chance(20) {
        let pause = if random.chance(300) { 0 } else { random.between(SECOND, DAY) };
        copies.push(Delivery { happened, arrived: arrived + pause, repeated: true });
    }
    copies
}

/// Cuts time into loads of the same length.
pub(crate) struct Loads {
    /// When the first load begins, in epoch milliseconds.
    pub(crate) from: i64,
    /// How long a load gathers, in milliseconds.
    pub(crate) length: i64,
    /// The loads to write; the others are made, and dropped.
    pub(crate) wanted: Range<i64>,
}

impl Loads {
    /// The number of the load that takes what arrives at this moment, if it is wanted.
    pub(crate) fn at(&self, moment: i64) -> Option<i64> {
        let number = (moment - self.from).div_euclid(self.length);
        self.wanted.contains(&number).then_some(number)
    }

    /// When a load is closed and written.
    pub(crate) fn closed(&self, number: i64) -> i64 {
        self.from + (number + 1) * self.length
    }
}

/// One copy of an event, on its way.
pub(crate) struct Delivery {
    /// When the event happened, in epoch milliseconds.
    pub(crate) happened: i64,
    /// When this copy of it arrives.
    pub(crate) arrived: i64,
    /// Whether a copy arrives before this one, or with it.
    pub(crate) repeated: bool,
}

/// The files to write, each with its lines. A file appears whole and never changes.
#[derive(Default)]
pub(crate) struct Lake {
    files: BTreeMap<PathBuf, Vec<(i64, String)>>,
    events: usize,
    late: usize,
    repeated: usize,
}

impl Lake {
    /// Adds a line to a file; a file's lines are in order of arrival, then of text.
    pub(crate) fn add(&mut self, file: PathBuf, delivery: &Delivery, line: String) {
        self.events += 1;
        self.late += usize::from(delivery.arrived - delivery.happened > HOUR);
        self.repeated += usize::from(delivery.repeated);
        self.files.entry(file).or_default().push((delivery.arrived, line));
    }

    /// Says in words what it holds.
    pub(crate) fn summary(&self) -> String {
        let Self { files, events, late, repeated } = self;
        format!(
            "{events} events in {} files, {late} of them more than an hour late, {repeated} delivered again",
            files.len()
        )
    }

    /// Writes all files below `out`.
    pub(crate) fn write(self, out: &Path) -> io::Result<()> {
        for (file, mut content) in self.files {
            content.sort();
            let text: String = content.into_iter().flat_map(|(_, line)| [line, "\n".to_owned()]).collect();
            write_whole(&out.join(file), &text)?;
        }
        Ok(())
    }
}

/// Writes a file beside its place and moves it there, so that a reader sees all of it or nothing.
pub(crate) fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let unfinished = file.with_extension("unfinished");
    fs::write(&unfinished, text)?;
    fs::rename(unfinished, file)
}
