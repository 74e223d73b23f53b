//! The nodes of one partition: one thread plays them all.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kafka::KafkaLog;
use model::hash::partition_of_key;
use model::record::command_key;
use model::{NodeId, PoolId};
use protocol::log::{Log, NewRecord, Record, Stream, Topic};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Load, Seen, lock};
use crate::Failure;
use crate::nodes::SLOTS;

/// Bytes of one read.
const BYTES: usize = 256 * 1024;
/// As often it looks whether it shall stop.
const LOOK: Duration = Duration::from_millis(50);
/// How long a first report may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The nodes of one partition.
pub struct Yard {
    log: Arc<KafkaLog>,
    partition: u32,
    pool: PoolId,
    load: Load,
    nodes: Vec<Node>,
    /// Whose a command is, by its key.
    keys: BTreeMap<Vec<u8>, usize>,
    /// Where commands are read on.
    at: u64,
    /// Which attempt ends when, on which node.
    ends: BinaryHeap<Reverse<(Instant, usize, String)>>,
    random: u64,
    /// What was seen so far.
    pub seen: Arc<Mutex<Seen>>,
}

struct Node {
    name: String,
    seq: u64,
    beat: u64,
    began: Instant,
    beats_next: Instant,
    known: BTreeSet<String>,
    holds: BTreeSet<String>,
    free_since: VecDeque<Instant>,
}

/// As much of a command as a model node reads.
#[derive(Deserialize)]
struct Order {
    kind: String,
    lease: Option<String>,
}

impl Yard {
    /// Nodes with these numbers say hello; returns when that is stored.
    pub fn join(
        log: Arc<KafkaLog>,
        partition: u32,
        (pool, partitions): (&PoolId, u32),
        numbers: &[usize],
        load: Load,
    ) -> Result<Self, Failure> {
        let at = log.range(Stream { topic: Topic::Commands, partition })?.end;
        let mut yard = Self {
            log,
            partition,
            pool: pool.clone(),
            load,
            nodes: Vec::new(),
            keys: BTreeMap::new(),
            at,
            ends: BinaryHeap::new(),
            random: u64::from(partition) + 1,
            seen: Arc::default(),
        };
        let (tell, told) = sync_channel(1);
        let mut hellos = Vec::new();
        for number in numbers {
            let (name, key) = named(pool, *number, (partition, partitions))?;
            yard.keys.insert(key, yard.nodes.len());
            let (began, first) = (Instant::now(), load.beat.mul_f64(*number as f64 / load.nodes as f64));
            yard.nodes.push(Node::new(name, began, began + first));
            let hello = json!({ "kind": "hello", "slots": SLOTS, "memory_mb": 65_536,
                "zone": format!("z{}", number % 3), "labels": { "os": "linux" } });
            hellos.push(yard.report(yard.nodes.len() - 1, hello));
        }
        yard.log.append(yard.stream(Topic::Reports), hellos, Box::new(move |outcome| drop(tell.try_send(outcome))));
        told.recv_timeout(PATIENCE)??;
        Ok(yard)
    }

    /// Does what is due, then waits for commands.
    pub fn turn(&mut self) {
        let now = Instant::now();
        while self.ends.peek().is_some_and(|Reverse((at, ..))| *at <= now) {
            if let Some(Reverse((_, node, lease))) = self.ends.pop() {
                self.finishes(node, &lease);
            }
        }
        for node in 0..self.nodes.len() {
            if self.nodes[node].beats_next <= now {
                self.beats(node);
            }
        }
        let of = self.stream(Topic::Commands);
        match self.log.read(of, self.at, BYTES) {
            Ok(page) => {
                self.at = page.next;
                page.records.iter().for_each(|record| self.hears(record));
            }
            // It can be read later.
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
        let end = self.ends.peek().map(|Reverse((at, ..))| *at);
        let next = self.nodes.iter().map(|node| node.beats_next).chain(end).min().unwrap_or(now);
        self.log.wait(&[(of, self.at)], next.saturating_duration_since(Instant::now()).min(LOOK));
    }

    fn hears(&mut self, record: &Record) {
        let Some(node) = self.keys.get(&record.key).copied() else { return };
        let Ok(order) = serde_json::from_slice::<Order>(&record.value) else { return };
        let Some(lease) = order.lease.filter(|_| order.kind == "start") else { return };
        if !self.nodes[node].known.insert(lease.clone()) {
            return;
        }
        let now = Instant::now();
        let ended = self.nodes[node].free_since.pop_front();
        // A lease names its journal, partition, epoch, entry and event.
        let epoch = lease.split('.').nth(2).and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
        {
            let mut seen = lock(&self.seen);
            seen.taken.extend(ended.map(|ended| (ended, now)));
            seen.epochs.entry(epoch).or_insert(now);
        }
        self.nodes[node].holds.insert(lease.clone());
        let accepted = self.report(node, json!({ "kind": "accepted", "lease": lease }));
        let started = self.report(node, json!({ "kind": "started", "lease": lease, "pid": 4711 }));
        self.log.append(self.stream(Topic::Reports), vec![accepted, started], Box::new(told));
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (least, most) = self.load.held;
        let spread = most.saturating_sub(least).mul_f64((self.random >> 40) as f64 / f64::from(1 << 24));
        self.ends.push(Reverse((now + least + spread, node, lease)));
    }

    fn finishes(&mut self, node: usize, lease: &str) {
        self.nodes[node].holds.remove(lease);
        let end =
            json!({ "kind": "finished", "lease": lease, "exit": 0, "cause": "exit", "cpu_ms": 700, "max_rss_mb": 80 });
        let record = self.report(node, end);
        let (ended, seen) = (Instant::now(), self.seen.clone());
        self.nodes[node].free_since.push_back(ended);
        let stored = move |outcome: Result<Vec<u64>, protocol::log::AppendError>| {
            let position = outcome.as_ref().ok().and_then(|positions| positions.first().copied());
            lock(&seen).stored.extend(position.map(|position| (ended, position, Instant::now())));
            told(outcome);
        };
        self.log.append(self.stream(Topic::Reports), vec![record], Box::new(stored));
    }

    fn beats(&mut self, node: usize) {
        let (pool, every) = (self.pool.as_str().to_owned(), self.load.beat);
        let Node { name, seq, beat, began, beats_next, holds, .. } = &mut self.nodes[node];
        *beat += 1;
        *beats_next += every;
        let up_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let value = json!({ "kind": "heartbeat", "pool": pool, "node": name, "boot": name, "beat": beat,
            "up_ms": up_ms, "stored": seq, "holds": holds, "load": 0.5 });
        let record = self.record(&value);
        self.log.append(self.stream(Topic::Heartbeats), vec![record], Box::new(told));
    }

    fn report(&mut self, node: usize, mut report: Value) -> NewRecord {
        let (pool, node) = (self.pool.as_str(), &mut self.nodes[node]);
        node.seq += 1;
        report["pool"] = pool.into();
        report["node"] = node.name.as_str().into();
        report["boot"] = node.name.as_str().into();
        report["seq"] = node.seq.into();
        self.record(&report)
    }

    fn record(&self, value: &Value) -> NewRecord {
        NewRecord { key: self.pool.as_str().into(), header: Vec::new(), value: value.to_string().into_bytes() }
    }

    fn stream(&self, topic: Topic) -> Stream {
        Stream { topic, partition: self.partition }
    }
}

/// A name for a node, and the key of its commands: one that hashes to the partition of its pool, so that one thread reads
/// all that its nodes are told.
fn named(pool: &PoolId, number: usize, (partition, partitions): (u32, u32)) -> Result<(String, Vec<u8>), Failure> {
    for suffix in 0.. {
        let name = format!("n{number:02}-{suffix}");
        let key = command_key(pool, &NodeId::new(&name)?);
        if partition_of_key(&key, partitions) == partition {
            return Ok((name, key));
        }
    }
    Err("no name hashes to the partition".into())
}

impl Node {
    fn new(name: String, began: Instant, beats_next: Instant) -> Self {
        let (known, holds, free_since) = (BTreeSet::new(), BTreeSet::new(), VecDeque::new());
        Self { name, seq: 0, beat: 0, began, beats_next, known, holds, free_since }
    }
}

fn told(outcome: Result<Vec<u64>, protocol::log::AppendError>) {
    if let Err(error) = outcome {
        eprintln!("bench: a node: {error}");
    }
}
