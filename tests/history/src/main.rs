//! Writes a made-up journal to standard output, a record a line, and what it holds to standard error.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use history::{Shape, Summary, history, lines};

const USAGE: &str = "usage: history [--nights N] [--executions N] [--nodes N] [--seed N]";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(shape) = shape(&args) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match tell(&shape) {
        Ok(summary) => {
            eprint!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("failed to write the journal: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The shape that the arguments name; none if they name something else too.
fn shape(args: &[String]) -> Option<Shape> {
    let mut shape = Shape::default();
    for pair in args.chunks(2) {
        let [name, value] = pair else { return None };
        match name.as_str() {
            "--nights" => shape.nights = value.parse().ok()?,
            "--executions" => shape.executions = value.parse().ok()?,
            "--nodes" => shape.nodes = value.parse().ok().filter(|nodes| (8..=12).contains(nodes))?,
            "--seed" => shape.seed = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(shape)
}

fn tell(shape: &Shape) -> io::Result<Summary> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut summary = Summary::default();
    for record in history(shape) {
        summary.count(&record);
        lines::write_one(&record, &mut out)?;
    }
    out.flush()?;
    Ok(summary)
}
