//! The numbers that are kept for each change. Each benchmark prints its figures with the bounds that hold for them,
//! and beside each a baseline that ran in the same minute on the same machine: ratios can be compared, times cannot.
//!
//! `./dev bench` runs all, `./dev bench core` one. A missed bound is printed; the exit code is 1 where a benchmark could
//! not run, or where a bound was missed that must be kept.

mod cluster;
mod core;
mod landing;
mod large;
mod latency;
mod restart;
mod sql;
mod takeover;

mod child;
mod http;
mod nodes;
mod server;

mod machine;
mod table;

use std::process::ExitCode;

use table::Row;

/// Why a benchmark could not run.
pub type Failure = Box<dyn std::error::Error>;

type Bench = fn() -> Result<Vec<Row>, Failure>;

const BENCHES: [(&str, Bench); 8] = [
    ("core", core::run),
    ("gateway", latency::run),
    ("flow", large::run),
    ("restart", restart::run),
    ("kafka", cluster::run),
    ("takeover", takeover::run),
    ("landing", landing::run),
    ("sql", sql::run),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("--serve", rest)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return ended(server::serve(rest));
    }
    let (flags, names): (Vec<String>, Vec<String>) = args.into_iter().partition(|arg| arg.starts_with("--"));
    let known = |name: &String| BENCHES.iter().any(|(bench, _)| bench == name);
    let json = flags.iter().any(|flag| flag == "--json");
    if let Some(unknown) = names.iter().find(|name| !known(name)).or(flags.iter().find(|flag| *flag != "--json")) {
        let names = BENCHES.map(|(name, _)| name).join(", ");
        eprintln!("bench: there is no `{unknown}`; the benchmarks are {names}, the one option is --json");
        return ExitCode::from(2);
    }
    ended(run(&names, json))
}

fn ended(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(names: &[String], json: bool) -> Result<(), Failure> {
    let mut rows = machine::facts(&std::env::temp_dir())?;
    if !json {
        table::print(&rows);
    }
    for (name, bench) in BENCHES.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|n| n == name)) {
        let figures = bench().map_err(|failure| format!("{name} could not run: {failure}"))?;
        if !json {
            table::print(&figures);
        }
        rows.extend(figures);
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    }
    let missed: Vec<&str> = rows.iter().filter(|row| row.fails()).map(|row| row.what.as_str()).collect();
    if missed.is_empty() { Ok(()) } else { Err(format!("these bounds must be kept: {}", missed.join("; ")).into()) }
}
