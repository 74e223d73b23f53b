//! `landing`: a made-up journal of nights of work lands in tables, as the writer beside an engine lands it: what an event
//! costs from record to file, what memory that takes, how large the tables are. Beside it, the same records folded only:
//! what whoever reads the journal pays anyway.

pub mod made;
pub mod writer;

use history::Shape;

use crate::Failure;
use crate::child::numbers;
use crate::table::{Bound, Row};

/// The nights are as full as they can be: so each day has many files before they are compacted.
pub const SHAPE: Shape = Shape { seed: 1, nights: 5, executions: 65, nodes: 12 };
/// Fewer events are no measure.
const EVENTS: f64 = 600_000.0;

/// Runs it.
pub fn run() -> Result<Vec<Row>, Failure> {
    let folder = tempfile::tempdir()?;
    let place = folder.path().to_string_lossy().into_owned();
    let words = |what: &[f64]| format!("a process says something else: {what:?}");
    let landed = numbers(&["land", &place])?;
    let [events, rows, flushes, took, spent, writing, before, peak] = landed[..] else { Err(words(&landed))? };
    let compacted = numbers(&["compact", &place])?;
    let [seconds, processor, after, bytes, peak_of_it] = compacted[..] else { Err(words(&compacted))? };
    let folded = numbers(&["fold"])?;
    let [folded, fold] = folded[..] else { Err(words(&folded))? };
    if folded != events || events < EVENTS {
        return Err(format!("{events} events landed, {folded} were folded, {EVENTS} are wanted").into());
    }
    let row = |what: &str, value, unit| Row::new("landing", what, value, unit);
    Ok(vec![
        row("events landed per second of processor time", events / spent, "events/s")
            .must(Bound::AtLeast(10_000.0))
            .note(format!("{events} events, {rows} rows of all tables, {flushes} flushes, {took:.1} s")),
        row("processor time of an event, landed", spent * 1e6 / events, "µs")
            .note(format!("{:.0} % of it what writes", 100.0 * writing / spent)),
        row("processor time of an event, folded only", fold * 1e6 / events, "µs")
            .note(format!("landing takes {:.1}x that", spent / fold)),
        row("most memory while it lands", peak, "MiB").must(Bound::AtMost(500.0)).note("with who makes the journal up"),
        row("files of all tables, before compaction", before, ""),
        row("files of all tables, after it", after, ""),
        row("compaction took", seconds, "s").note(format!("{processor:.2} s of processor time")),
        row("most memory of a process that compacts", peak_of_it, "MiB").must(Bound::AtMost(500.0)),
        row("bytes of a row of events, compacted", bytes / events, "B"),
    ])
}
