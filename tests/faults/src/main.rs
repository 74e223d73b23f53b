//! The command line: a run from a seed; `check FOLDER` judges a run that was kept; `nodes` is what a run starts itself.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use faults::clock::Clock;
use faults::fleet;
use faults::run::{Options, run, verdict};
use faults::scene::Scene;

const USAGE: &str = "usage: faults [--seed N] [--seconds N] [--executions N] [--keep] | faults check FOLDER";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["nodes", rest @ ..] => nodes(rest).map(|()| ExitCode::SUCCESS),
        ["check", folder] => {
            let fine = verdict(&Scene(PathBuf::from(folder)), Vec::new(), false);
            fine.map(|fine| if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        _ => match options(&words) {
            Some(options) => run(&options),
            None => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        },
    };
    done.unwrap_or_else(|error| {
        eprintln!("faults: {error}");
        ExitCode::FAILURE
    })
}

fn options(words: &[&str]) -> Option<Options> {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs() % 1_000_000);
    let mut options = Options { seed, seconds: 180, executions: 1_000, keep: false };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--keep" => options.keep = true,
            "--seed" => options.seed = words.next()?.parse().ok()?,
            "--seconds" => options.seconds = words.next()?.parse().ok()?,
            "--executions" => options.executions = words.next()?.parse().ok()?,
            _ => return None,
        }
    }
    Some(options)
}

/// A process of nodes, as a run starts it.
fn nodes(words: &[&str]) -> io::Result<()> {
    let [folder, broker, prefix, numbers @ ..] = words else { return Err(io::Error::other(USAGE)) };
    let number = |index: usize| numbers.get(index).and_then(|text| text.parse::<u64>().ok());
    let all = (number(0), number(1), number(2), number(3));
    let (Some(process), Some(life), Some(seed), Some(offset)) = all else { return Err(io::Error::other(USAGE)) };
    fleet::run(&fleet::Options {
        broker: (*broker).to_owned(),
        prefix: (*prefix).to_owned(),
        scene: Scene(PathBuf::from(folder)),
        process: usize::try_from(process).unwrap_or(0),
        life,
        seed,
        clock: Clock { offset },
    })
}
