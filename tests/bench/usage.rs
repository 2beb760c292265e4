//! What a process used, and a line about it.

use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

/// Runs a command, which must succeed. The memory is the largest of any child so far.
pub(crate) fn measure(command: &mut Command) -> Usage {
    let (before, _) = children();
    let started = Instant::now();
    let output = command.output().expect("the command starts");
    let wall = started.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (after, memory) = children();
    Usage { wall, cpu: after.saturating_sub(before), memory }
}

/// CPU time of all children that ended, and the largest memory of one of them, in bytes.
fn children() -> (Duration, u64) {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system counts");
    let duration = |time: nix::sys::time::TimeVal| {
        let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
        Duration::from_micros(u64::try_from(micros).unwrap_or_default())
    };
    let cpu = duration(usage.user_time()) + duration(usage.system_time());
    (cpu, u64::try_from(usage.max_rss()).unwrap_or_default() * 1024)
}

/// What a process used.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    /// In bytes.
    pub(crate) memory: u64,
}

/// The names of the columns.
pub(crate) fn heading() {
    println!("{:<24} {:>9} {:>9} {:>9}", "", "wall", "CPU", "memory");
}

/// A line.
pub(crate) fn report(name: &str, usage: &Usage) {
    let (wall, cpu) = (usage.wall.as_secs_f64(), usage.cpu.as_secs_f64());
    println!("{name:<24} {wall:>7.2} s {cpu:>7.2} s {:>6} MB", usage.memory / 1_000_000);
}

/// The run that took the least.
pub(crate) fn best(runs: &[Usage]) -> Usage {
    *runs.iter().min_by_key(|usage| usage.cpu).expect("there is at least one run")
}
