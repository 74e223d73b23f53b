//! On what machine the figures were measured: a number means nothing without it.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use crate::Failure;
use crate::table::Row;

/// Synced writes of the probe.
const PROBES: u32 = 100;

/// Facts of this machine; `folder` is on the disk that the benchmarks use.
pub fn facts(folder: &Path) -> io::Result<Vec<Row>> {
    let cores = std::thread::available_parallelism()?.get();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    let profile = if cfg!(debug_assertions) { "the workspace's one profile" } else { "release" };
    let (p50, p99) = fsync(folder)?;
    let row = |what: &str, value, unit| Row::new("machine", what, value, unit);
    Ok(vec![
        row("cores", cores as f64, "").note(format!("Linux {}, load {load}, {profile}", kernel.trim())),
        row("append of 4 KiB and fdatasync, p50", p50, "ms").note("on the disk of the benchmarks"),
        row("append of 4 KiB and fdatasync, p99", p99, "ms"),
    ])
}

fn fsync(folder: &Path) -> io::Result<(f64, f64)> {
    let mut file = File::create(folder.join("probe"))?;
    let mut took = Vec::new();
    for _ in 0..PROBES {
        let began = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        took.push(began.elapsed());
    }
    Ok((percentile(&mut took, 50), percentile(&mut took, 99)))
}

/// A percentile of some durations, in milliseconds.
pub fn percentile(took: &mut [Duration], percent: usize) -> f64 {
    took.sort_unstable();
    let index = (took.len() * percent / 100).min(took.len().saturating_sub(1));
    took.get(index).map_or(f64::NAN, |d| d.as_secs_f64() * 1e3)
}

/// The processor time that a process (`self`: this one) has used so far, in seconds.
pub fn process_seconds(id: &str) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name of the program, in parentheses, may hold spaces; times are the 12th and 13th field after it.
    let fields = stat.rsplit_once(')').ok_or("no name in /proc")?.1.split_whitespace();
    let ticks: Vec<u64> = fields.skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)?.unwrap_or(100);
    Ok(ticks.iter().sum::<u64>() as f64 / per_second as f64)
}

/// The most memory that a process has held so far, in MiB.
pub fn peak_mib(id: &str) -> Result<f64, Failure> {
    Ok(status(id, "VmHWM:")? / 1024.0)
}

/// The memory that it holds, in MiB.
pub fn resident_mib(id: &str) -> Result<f64, Failure> {
    Ok(status(id, "VmRSS:")? / 1024.0)
}

/// How many threads it has.
pub fn threads(id: &str) -> Result<f64, Failure> {
    status(id, "Threads:")
}

fn status(id: &str, what: &str) -> Result<f64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)).ok_or(format!("no {what} in /proc"))?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// The processor time of this thread: what a neighbour on the machine does not distort.
pub fn thread_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).expect("every Linux has this clock")
}
