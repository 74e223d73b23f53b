//! The simulator's command line: `run` plays many seeds on two threads, `seed` plays one, `planted` proves that each
//! planted bug is caught.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use sim::counters::Counters;
use sim::knobs::Bug;
use sim::planted;
use sim::run::{Outcome, quietly, run};

const THREADS: usize = 2;
const USAGE: &str = "usage: sim run [--seeds N] [--from S] | sim seed S [--trace] | sim planted [NAME]";

fn main() -> ExitCode {
    quietly();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1)?.parse::<u64>().ok()
    };
    match args.first().map(String::as_str) {
        Some("run") => many(number("--from").unwrap_or(1), number("--seeds").unwrap_or(200)),
        Some("seed") => match args.get(1).and_then(|seed| seed.parse().ok()) {
            Some(seed) => one(seed, args.iter().any(|arg| arg == "--trace")),
            None => usage(),
        },
        Some("planted") => plant(args.get(1).map(String::as_str)),
        Some(_) | None => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn one(seed: u64, trace: bool) -> ExitCode {
    let outcome = run(seed, Bug::None, trace);
    if let Some(all) = outcome.trace.all() {
        print!("{all}");
    }
    let Outcome { inputs, faults, length, .. } = outcome;
    let (lines, hash) = outcome.trace.sum();
    println!("seed {seed}: {inputs} inputs, {faults} faults, {length} ms, {lines} lines, trace {hash:016x}");
    report(&outcome)
}

/// Prints what was violated, and how to see it again.
fn report(outcome: &Outcome) -> ExitCode {
    if outcome.violations.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("\nseed {} violates:", outcome.seed);
    outcome.violations.iter().take(10).for_each(|violation| println!("  {violation:.600}"));
    println!("last lines of its trace:");
    outcome.trace.last().for_each(|line| println!("  {line}"));
    println!("to repeat it: cargo run -p sim -- seed {} --trace", outcome.seed);
    ExitCode::FAILURE
}

fn many(from: u64, seeds: u64) -> ExitCode {
    let begun = Instant::now();
    let (next, done) = (AtomicU64::new(from), AtomicU64::new(0));
    let total = Mutex::new((Counters::default(), 0_u64, 0_u64, Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds {
                        break;
                    }
                    let outcome = run(seed, Bug::None, false);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    total.0.merge(&outcome.counters);
                    total.1 += outcome.inputs;
                    total.2 += outcome.faults;
                    if !outcome.violations.is_empty() {
                        report(&outcome);
                        total.3.push(seed);
                    }
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    if done % 100 == 0 {
                        println!("{done} of {seeds} seeds, {:.1} a second", rate(done, begun));
                    }
                }
            });
        }
    });
    let (counters, inputs, faults, failed) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("\n{seeds} seeds, {inputs} inputs, {faults} faults, {:.1} seeds a second", rate(seeds, begun));
    counters.all().for_each(|(what, count)| println!("{count:>9}  {what}"));
    let missing = counters.missing();
    missing.iter().for_each(|what| println!("never reached: {what}"));
    println!("failed seeds: {failed:?}");
    if failed.is_empty() && missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(done: u64, begun: Instant) -> f64 {
    done as f64 / begun.elapsed().as_secs_f64()
}

fn plant(only: Option<&str>) -> ExitCode {
    let bugs: Vec<_> = planted::ALL.into_iter().filter(|(name, _)| only.is_none_or(|only| only == *name)).collect();
    let next = AtomicU64::new(0);
    let rows = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((name, bug)) =
                    usize::try_from(next.fetch_add(1, Ordering::Relaxed)).ok().and_then(|index| bugs.get(index))
                {
                    let caught = planted::hunt(*bug);
                    let row = match &caught {
                        Some((seed, what)) => format!("{name:<32} seed {seed:>4}  {what:.110}"),
                        None => format!("{name:<32} not caught within {} seeds", planted::SEEDS),
                    };
                    println!("{}", row.lines().next().unwrap_or(""));
                    rows.lock().unwrap_or_else(PoisonError::into_inner).push(caught.is_some());
                }
            });
        }
    });
    let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{} of {} planted bugs caught", rows.iter().filter(|caught| **caught).count(), rows.len());
    if rows.iter().all(|caught| *caught) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
