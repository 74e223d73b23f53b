//! `sql`: the questions that people ask of the tables, over a million events and those that have not landed yet. Each is
//! asked some times, as a whole: the tables are opened, the statement planned, all rows taken. Beside it DuckDB, which is
//! told the same files before.

mod duckdb;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::sql::{Bounds, Live, Options, Session, Sources};
use history::Shape;
use journal::Store;
use model::{PoolId, Timestamp};
use rows::Table;

use crate::Failure;
use crate::landing::made::made;
use crate::landing::writer::Writer;
use crate::table::{Bound, Row};

/// A question a line, what it is for behind it.
const QUESTIONS: &str = include_str!("sql/questions.sql");
/// Nights of some hours, more than are needed.
const SHAPE: Shape = Shape { seed: 1, nights: 90, executions: 6, nodes: 12 };
/// Events that landed, and events that have not.
const LANDED: u64 = 1_000_000;
const WAITING: u64 = 20_000;
/// Each question is asked so often.
const RUNS: usize = 3;
/// The longest that a question may take.
const MOST_MS: f64 = 1_000.0;

/// A question, and what each answer took.
struct Asked {
    text: &'static str,
    rows: usize,
    took: Vec<Duration>,
}

/// What is asked.
struct Tables {
    store: Store,
    /// Rows that have not landed, as arrow streams.
    waiting: BTreeMap<Table, Vec<u8>>,
    /// The end of the history.
    now: Timestamp,
}

/// Runs it.
pub fn run() -> Result<Vec<Row>, Failure> {
    let folder = tempfile::tempdir()?;
    let (tables, mut rows) = land(folder.path())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let asked = runtime.block_on(ask(&tables))?;
    let baseline = duckdb::ask(folder.path(), &tables.waiting, tables.now, RUNS)?;
    for (index, asked) in asked.iter().enumerate() {
        let beside = baseline.as_ref().and_then(|baseline| baseline.get(index));
        rows.push(row(index + 1, asked, beside));
    }
    let ours: f64 = asked.iter().map(|asked| best(&asked.took)).sum();
    let theirs = baseline.map(|baseline| baseline.iter().map(|answer| answer.best).sum::<f64>());
    let beside = match theirs {
        Some(theirs) => format!("DuckDB {theirs:.0} ms, {:.2}x", ours / theirs),
        None => "DuckDB is not there: no baseline".to_owned(),
    };
    rows.push(Row::new("sql", "all of them, the best of each", ours, "ms").note(beside));
    Ok(rows)
}

/// Lands the history, and compacts once.
fn land(folder: &Path) -> Result<(Tables, Vec<Row>), Failure> {
    let (mut pages, making) = made(&SHAPE);
    let mut writer = Writer::open(folder)?;
    writer.land(&mut pages, LANDED)?;
    writer.compact()?;
    let landed = writer.so_far.events;
    writer.read(&mut pages, WAITING);
    // Who makes the journal up ends where nobody reads on.
    drop(pages);
    making.join().map_err(|_| "no journal could be made up")?;
    let waits = writer.so_far.events - landed;
    if landed < LANDED || waits < WAITING {
        return Err(format!("the history is too short: {landed} events landed, {waits} wait").into());
    }
    let (files, bytes) = writer.files(Table::Events)?;
    let waiting = Table::ALL.into_iter().map(|table| (table, writer.waiting(table))).collect();
    let tables = Tables { store: Store::of_folder(folder)?, waiting, now: writer.now() };
    let events = Row::new("sql", "events that landed", landed as f64, "")
        .note(format!("and {waits} that have not; {files} files of all tables, events {} MiB", bytes >> 20));
    Ok((tables, vec![events]))
}

async fn ask(tables: &Tables) -> Result<Vec<Asked>, Failure> {
    let waiting = tables.waiting.clone();
    let live: Live = Arc::new(move |table| {
        let bytes = waiting.get(&table).cloned();
        Box::pin(async move { Ok(bytes) })
    });
    let sources = Sources { store: tables.store.clone(), live: Some(live) };
    let pool = PoolId::new("default")?;
    let workers = tokio::runtime::Handle::current();
    let session = Session::new(Options { sources, bounds: Bounds::default(), pool, as_of: Some(tables.now), workers })?;
    let mut all = Vec::new();
    for text in questions() {
        let mut asked = Asked { text, rows: 0, took: Vec::new() };
        for _ in 0..RUNS {
            let began = Instant::now();
            let answer = session.run(text).await?.collect().await?;
            asked.took.push(began.elapsed());
            asked.rows = answer.iter().map(|batch| batch.num_rows()).sum();
        }
        all.push(asked);
    }
    Ok(all)
}

/// The questions, without what they are for.
fn questions() -> impl Iterator<Item = &'static str> {
    QUESTIONS.lines().map(|line| line.rsplit_once("; --").map_or(line, |(question, _)| question))
}

fn row(number: usize, asked: &Asked, beside: Option<&duckdb::Answer>) -> Row {
    let worst = asked.took.iter().max().map_or(f64::NAN, |took| took.as_secs_f64() * 1e3);
    let (best, rows) = (best(&asked.took), asked.rows);
    let first: String = asked.text.chars().take(56).collect();
    let note = match beside {
        None => format!("best {best:.0} ms; {rows} rows"),
        Some(answer) => {
            let differs = if answer.rows == rows { String::new() } else { format!(", which finds {}", answer.rows) };
            format!("best {best:.0} ms; {rows} rows{differs}; DuckDB {:.0} ms, {:.2}x", answer.best, best / answer.best)
        }
    };
    Row::new("sql", format!("{number:>2}  {first}"), worst, "ms").must(Bound::AtMost(MOST_MS)).note(note)
}

fn best(took: &[Duration]) -> f64 {
    took.iter().min().map_or(f64::NAN, |took| took.as_secs_f64() * 1e3)
}
