//! The bare loop on Kafka: the least that any engine of this kind must do there. A batch of reports is read, one record
//! as large as the engine's entry is appended for it and read back, then commands go out. It decides nothing: whoever
//! has finished gets the next lease, and every beat its answer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kafka::KafkaLog;
use protocol::log::{Log, NewRecord, Record, Stream, Topic};
use serde::Deserialize;

use crate::Failure;
use crate::cluster::{Place, WINDOW};
use crate::nodes::SLOTS;
use crate::server::told_to_stop;

/// What an entry of the engine holds for an attempt that has ended and the next dispatch, beyond the report.
const ENTRY_BYTES: usize = 1_200;
/// Bytes of one read.
const BYTES: usize = 256 * 1024;
/// As often an idle loop looks whether it shall stop.
const LOOK: Duration = Duration::from_millis(50);

/// As much of a report or a beat as is read.
#[derive(Deserialize)]
struct Said {
    kind: String,
    pool: String,
    node: String,
    boot: String,
    #[serde(default)]
    beat: u64,
}

/// The loop of one partition.
struct Loop {
    log: Arc<KafkaLog>,
    partition: u32,
    /// Where reports, beats and the journal are read on.
    at: [u64; 3],
    /// What goes out when the record is read back that was appended for it.
    waiting: VecDeque<Vec<NewRecord>>,
    /// When a read of inputs brought some last.
    gathered: Instant,
}

const TOPICS: [Topic; 3] = [Topic::Reports, Topic::Heartbeats, Topic::Journal];

/// Serves fresh topics.
pub async fn serve(place: &Place) -> Result<(), Failure> {
    let log = Arc::new(KafkaLog::open(&place.settings, place.partitions, kafka::Options::default())?);
    let stop = Arc::new(AtomicBool::new(false));
    let mut threads = Vec::new();
    for partition in 0..place.partitions {
        let mut one =
            Loop { log: log.clone(), partition, at: [0; 3], waiting: VecDeque::new(), gathered: Instant::now() };
        let stop = stop.clone();
        threads.push(thread::Builder::new().name(format!("loop-{partition}")).spawn(move || {
            while !stop.load(Ordering::Acquire) {
                one.turn();
            }
        })?);
    }
    println!("- 0 0");
    told_to_stop().await;
    stop.store(true, Ordering::Release);
    threads.into_iter().try_for_each(thread::JoinHandle::join).map_err(|_| "the bare loop panicked".into())
}

impl Loop {
    fn turn(&mut self) {
        let mut any = false;
        for _ in self.read(2) {
            any = true;
            if let Some(commands) = self.waiting.pop_front() {
                self.send(commands);
            }
        }
        let rest = WINDOW.saturating_sub(self.gathered.elapsed());
        if rest.is_zero() {
            let (reports, beats) = (self.read(0), self.read(1));
            if !reports.is_empty() || !beats.is_empty() {
                any = true;
                self.gathered = Instant::now();
                self.batch(&reports, &beats);
            }
        }
        if !any {
            let first = if rest.is_zero() { 0 } else { 2 };
            let streams: Vec<_> = (first..3).map(|n| (self.stream(TOPICS[n]), self.at[n])).collect();
            self.log.wait(&streams, if rest.is_zero() { LOOK } else { rest });
        }
    }

    fn batch(&mut self, reports: &[Record], beats: &[Record]) {
        let mut commands: Vec<NewRecord> = beats.iter().filter_map(renew).collect();
        let before = commands.len();
        for record in reports {
            let Ok(said) = serde_json::from_slice::<Said>(&record.value) else { continue };
            let starts = match said.kind.as_str() {
                "hello" => SLOTS,
                "finished" => 1,
                _ => 0,
            };
            commands.extend((0..starts).map(|slot| start(&said, self.partition, record.position, slot)));
        }
        if reports.is_empty() {
            // What causes no record hangs on the last that is out.
            return match self.waiting.back_mut() {
                Some(last) => last.extend(commands),
                None => self.send(commands),
            };
        }
        let head = format!("{{\"consumed\":{{\"requests\":0,\"reports\":{}}},\"events\":[", self.at[0]);
        let mut value = head.into_bytes();
        value.extend(reports.iter().flat_map(|record| record.value.iter().copied()));
        value.resize(value.len() + (commands.len() - before) * ENTRY_BYTES, b' ');
        value.extend(b"]}");
        self.waiting.push_back(commands);
        let record = NewRecord { key: Vec::new(), header: Vec::new(), value };
        self.log.append(self.stream(Topic::Journal), vec![record], Box::new(told));
    }

    fn send(&self, commands: Vec<NewRecord>) {
        self.log.append(self.stream(Topic::Commands), commands, Box::new(told));
    }

    fn read(&mut self, topic: usize) -> Vec<Record> {
        // What cannot be read now can be later.
        let Ok(page) = self.log.read(self.stream(TOPICS[topic]), self.at[topic], BYTES) else { return Vec::new() };
        self.at[topic] = page.next;
        page.records
    }

    fn stream(&self, topic: Topic) -> Stream {
        Stream { topic, partition: self.partition }
    }
}

fn told(outcome: Result<Vec<u64>, protocol::log::AppendError>) {
    if let Err(error) = outcome {
        eprintln!("bench: the bare loop: {error}");
    }
}

fn command(said: &Said, order: &serde_json::Value) -> NewRecord {
    let key = format!("{}/{}", said.pool, said.node).into_bytes();
    NewRecord { key, header: Vec::new(), value: order.to_string().into_bytes() }
}

fn renew(beat: &Record) -> Option<NewRecord> {
    let said: Said = serde_json::from_slice(&beat.value).ok()?;
    let order = serde_json::json!({ "kind": "renew", "boot": said.boot, "beat": said.beat, "journal": "j5",
        "for_ms": 25_000, "orphan_ms": 600_000, "beat_ms": 5_000, "stop": [] });
    Some(command(&said, &order))
}

fn start(said: &Said, partition: u32, position: u64, slot: usize) -> NewRecord {
    let lease = format!("j5.{partition}.1.{position}.{slot}");
    let order = serde_json::json!({ "kind": "start", "id": format!("c{position}"), "journal": "j5", "boot": said.boot,
        "attempt": "steady-1/t000001@1", "lease": lease, "after_beat": 1, "expires_ms": 20_000, "strict": false,
        "slots": 1, "run": ["sh", "-e", "-c", "make test"], "env": {}, "timeout_ms": 3_600_000, "grace_ms": 30_000,
        "memory_mb": 0 });
    command(said, &order)
}
