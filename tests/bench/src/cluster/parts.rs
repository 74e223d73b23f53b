//! Where a report's time goes, seen from outside: a reader of its own follows `reports` and `journal` beside the nodes,
//! and the engine's histogram says what of it passed within the engine's turn.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use kafka::KafkaLog;
use protocol::log::{Log, Record, Stream, Topic};

use crate::Failure;
use crate::cluster::fleet::Fleet;
use crate::cluster::{Place, WINDOW};
use crate::http::Connection;
use crate::latency::on_local;
use crate::machine::percentile;
use crate::table::Row;

const BYTES: usize = 256 * 1024;
/// As often a watcher looks whether it shall stop.
const LOOK: Duration = Duration::from_millis(20);

/// What a report waited for, each by report.
#[derive(Debug, Default)]
pub struct Parts {
    /// From its append until a reader has it.
    readable: Vec<Duration>,
    /// From there until a reader has the entry that has consumed it.
    entered: Vec<Duration>,
    /// From there until the node reads the start.
    started: Vec<Duration>,
    /// From its append until the node knows that it is stored; beside the way.
    stored: Vec<Duration>,
    /// From the engine's reading of inputs until what they caused went out, on average, in milliseconds.
    turn_ms: Option<f64>,
}

/// What a partition's watcher saw, and when: the position of each report, and up to where each entry has consumed them.
#[derive(Default)]
struct Sighted {
    reports: Vec<(u64, Instant)>,
    entries: Vec<(u64, Instant)>,
}

/// Watchers at work.
pub struct Watch {
    stop: Arc<AtomicBool>,
    watchers: Vec<JoinHandle<Sighted>>,
    engine: Option<(PathBuf, [f64; 2])>,
}

impl Watch {
    /// Begins; `socket`: of the engine, if it is one.
    pub fn begin(place: &Place, socket: Option<&Path>) -> Result<Self, Failure> {
        let log = Arc::new(KafkaLog::open(&place.settings, place.partitions, kafka::Options::default())?);
        let stop = Arc::new(AtomicBool::new(false));
        let mut watchers = Vec::new();
        for partition in 0..place.partitions {
            let (log, stop) = (log.clone(), stop.clone());
            watchers
                .push(thread::Builder::new().name("watch".to_owned()).spawn(move || watch(&log, partition, &stop))?);
        }
        let engine = socket.map(|socket| Ok::<_, Failure>((socket.to_owned(), turns(socket)?))).transpose()?;
        Ok(Self { stop, watchers, engine })
    }

    /// Ends: what each report waited for whose whole way was seen.
    pub fn end(self, fleet: &Fleet) -> Result<Parts, Failure> {
        let after = self.engine.as_ref().map(|(socket, _)| turns(socket)).transpose()?;
        self.stop.store(true, Ordering::Release);
        let mut parts = Parts::default();
        for (partition, watcher) in (0..).zip(self.watchers) {
            let log = watcher.join().map_err(|_| "a watcher panicked")?;
            parts.add(&log, fleet, partition);
        }
        if let (Some((_, before)), Some(after)) = (self.engine, after) {
            parts.turn_ms = Some((after[0] - before[0]) * 1e3 / (after[1] - before[1]));
        }
        Ok(parts)
    }
}

impl Parts {
    fn add(&mut self, log: &Sighted, fleet: &Fleet, partition: u32) {
        let seen = fleet.seen(partition);
        let mut taken = seen.taken.clone();
        taken.sort_unstable();
        for (ended, position, stored) in &seen.stored {
            let Ok(at) = log.reports.binary_search_by_key(position, |(position, _)| *position) else { continue };
            let Ok(start) = taken.binary_search_by_key(ended, |(ended, _)| *ended) else { continue };
            let entry = log.entries.partition_point(|(consumed, _)| *consumed <= *position);
            let Some((_, entered)) = log.entries.get(entry) else { continue };
            let (readable, started) = (log.reports[at].1, taken[start].1);
            self.stored.push(stored.saturating_duration_since(*ended));
            self.readable.push(readable.saturating_duration_since(*ended));
            self.entered.push(entered.saturating_duration_since(readable));
            self.started.push(started.saturating_duration_since(*entered));
        }
    }
}

fn watch(log: &KafkaLog, partition: u32, stop: &AtomicBool) -> Sighted {
    let streams = [Topic::Reports, Topic::Journal].map(|topic| Stream { topic, partition });
    let mut at = streams.map(|stream| log.range(stream).map_or(0, |range| range.end));
    let mut seen = Sighted::default();
    while !stop.load(Ordering::Acquire) {
        let mut any = false;
        for (n, stream) in streams.into_iter().enumerate() {
            let Ok(page) = log.read(stream, at[n], BYTES) else { continue };
            let now = Instant::now();
            (at[n], any) = (page.next, any || !page.records.is_empty());
            match stream.topic {
                Topic::Reports => seen.reports.extend(page.records.iter().map(|record| (record.position, now))),
                Topic::Journal => seen.entries.extend(page.records.iter().filter_map(consumed).map(|upto| (upto, now))),
                Topic::Requests | Topic::Heartbeats | Topic::Commands | Topic::Rejects => {}
            }
        }
        if !any {
            log.wait(&[(streams[0], at[0]), (streams[1], at[1])], LOOK);
        }
    }
    seen
}

/// Up to where an entry has consumed reports: near its beginning.
fn consumed(entry: &Record) -> Option<u64> {
    const WORD: &[u8] = b"\"reports\":";
    let head = &entry.value[..entry.value.len().min(200)];
    let from = head.windows(WORD.len()).position(|window| window == WORD)? + WORD.len();
    let digits: Vec<u8> = head[from..].iter().copied().take_while(u8::is_ascii_digit).collect();
    String::from_utf8(digits).ok()?.parse().ok()
}

/// Seconds and number of what the engine's histogram has counted.
fn turns(socket: &Path) -> Result<[f64; 2], Failure> {
    let text = on_local(async { Connection::open(socket).await?.get("/metrics").await })?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let value = |name: &str| -> Result<f64, Failure> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.ok_or(format!("the engine has no metric {name}"))?.parse()?)
    };
    Ok([value("reprise_event_to_command_seconds_sum")?, value("reprise_event_to_command_seconds_count")?])
}

/// Both side by side: averages, which add up, with the 99th percentile of each.
pub fn rows(bare: &Parts, whole: &Parts) -> Vec<Row> {
    let part = |what: &str, of: fn(&Parts) -> &Vec<Duration>| {
        let (bare, whole) = (of(bare), of(whole));
        let note = format!(
            "p99 {:.2}; bare loop {:.2}, p99 {:.2}",
            percentile(&mut whole.clone(), 99),
            mean(bare),
            percentile(&mut bare.clone(), 99)
        );
        Row::new("kafka", format!("on average, {what}"), mean(whole), "ms").note(note)
    };
    let mut rows = vec![
        part("report: append until a reader has it", |parts| &parts.readable),
        part("until a reader has the entry that consumed it", |parts| &parts.entered),
    ];
    if let Some(turn) = whole.turn_ms {
        let waits = (mean(&whole.entered) - turn).max(0.0);
        let window = WINDOW.as_secs_f64() * 1e3;
        rows.push(
            Row::new("kafka", "  of that, until the engine reads it", waits, "ms")
                .note(format!("window {window:.0} ms")),
        );
        rows.push(Row::new("kafka", "  of that, decide, append, read back", turn, "ms").note("the engine's histogram"));
    }
    rows.push(part("command: until the node has it", |parts| &parts.started));
    rows.push(part("beside it, report: append until acknowledged", |parts| &parts.stored));
    rows
}

fn mean(of: &[Duration]) -> f64 {
    of.iter().sum::<Duration>().as_secs_f64() * 1e3 / of.len() as f64
}
