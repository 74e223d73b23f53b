//! Model nodes: they take starts over HTTP, hold each for a while, and report it, as an agent would without processes.
//!
//! What is measured is what a coordinator feels: from the moment at which an attempt has ended on its node to the
//! moment at which the node reads the start that takes the slot.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{interval, sleep_until};

use crate::Failure;
use crate::http::{Connection, Lines};

/// Slots of each node.
pub const SLOTS: usize = 10;
/// Reports that may wait in a node.
const QUEUE: usize = 1_024;
/// From one beat to the next.
const BEAT: Duration = Duration::from_secs(5);

/// What an answer holds when a report of ours could not be used.
const REJECTED: &[u8] = b"\"rejected\":[{";

/// What was measured: when the attempt had ended, and how long its slot was empty.
pub type Samples = Rc<RefCell<Vec<(Instant, Duration)>>>;

/// A fleet on the caller's thread.
pub struct Nodes {
    tasks: Vec<JoinHandle<()>>,
    /// What was measured so far.
    pub samples: Samples,
}

impl Nodes {
    /// Nodes that join an engine; each attempt is held between the two times.
    pub async fn join(socket: &Path, count: usize, held: (Duration, Duration)) -> Result<Self, Failure> {
        let samples = Samples::default();
        let mut tasks = Vec::new();
        for n in 0..count {
            let node = Node::join(socket.to_owned(), n, held, samples.clone()).await?;
            tasks.push(spawn_local(async move {
                if let Err(failure) = node.run().await {
                    eprintln!("bench: a node: {failure}");
                }
            }));
        }
        Ok(Self { tasks, samples })
    }

    /// The durations of what ended within a stretch of time.
    pub fn between(&self, from: Instant, to: Instant) -> Vec<Duration> {
        self.samples.borrow().iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, took)| *took).collect()
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

enum Said {
    Report(String),
    Beat(String),
}

struct Node {
    name: String,
    lines: Lines,
    says: Sender<Said>,
    seq: u64,
    beat: u64,
    began: Instant,
    known: BTreeSet<String>,
    holds: BTreeSet<String>,
    ends: BinaryHeap<Reverse<(Instant, String)>>,
    free_since: VecDeque<Instant>,
    held: (Duration, Duration),
    random: u64,
    samples: Samples,
}

/// As much of a command as a model node reads.
#[derive(Deserialize)]
struct Order {
    kind: String,
    lease: Option<String>,
}

impl Node {
    async fn join(socket: PathBuf, n: usize, held: (Duration, Duration), samples: Samples) -> Result<Self, Failure> {
        let name = format!("n{n:02}");
        let mut reports = Connection::open(&socket).await?;
        let path = format!("/v1/reports?node={name}");
        let hello = json!({ "kind": "hello", "pool": "default", "node": name, "boot": name, "seq": 1, "slots": SLOTS,
            "memory_mb": 65_536, "zone": format!("z{}", n % 3), "labels": { "os": "linux" } });
        reports.post(&path, &[], hello.to_string()).await?;
        let lines = Connection::open(&socket).await?.lines(&format!("/v1/commands?pool=default&node={name}")).await?;
        let (says, heard) = channel(QUEUE);
        spawn_local(async move {
            if let Err(failure) = post(reports, path, heard).await {
                eprintln!("bench: a node's reports: {failure}");
            }
        });
        Ok(Self {
            name,
            lines,
            says,
            seq: 1,
            beat: 0,
            began: Instant::now(),
            known: BTreeSet::new(),
            holds: BTreeSet::new(),
            ends: BinaryHeap::new(),
            free_since: VecDeque::new(),
            held,
            random: n as u64 + 1,
            samples,
        })
    }

    async fn run(mut self) -> Result<(), Failure> {
        let mut beats = interval(BEAT);
        loop {
            let end = self.ends.peek().map_or_else(|| Instant::now() + BEAT, |Reverse((at, _))| *at);
            tokio::select! {
                _ = beats.tick() => self.beats().await?,
                () = sleep_until(end.into()), if !self.ends.is_empty() => self.finishes().await?,
                line = self.lines.next() => match line? {
                    Some(line) if !line.is_empty() => self.takes(serde_json::from_slice(&line)?).await?,
                    Some(_) => {}
                    None => return Ok(()),
                },
            }
        }
    }

    async fn takes(&mut self, order: Order) -> Result<(), Failure> {
        let Some(lease) = order.lease.filter(|_| order.kind == "start") else { return Ok(()) };
        if !self.known.insert(lease.clone()) {
            return Ok(());
        }
        if let Some(since) = self.free_since.pop_front() {
            self.samples.borrow_mut().push((since, since.elapsed()));
        }
        self.holds.insert(lease.clone());
        self.reports(json!({ "kind": "accepted", "lease": lease })).await?;
        self.reports(json!({ "kind": "started", "lease": lease, "pid": 4711 })).await?;
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (least, most) = self.held;
        let spread = most.saturating_sub(least).mul_f64((self.random >> 40) as f64 / f64::from(1 << 24));
        self.ends.push(Reverse((Instant::now() + least + spread, lease)));
        Ok(())
    }

    async fn finishes(&mut self) -> Result<(), Failure> {
        let Some(Reverse((_, lease))) = self.ends.pop() else { return Ok(()) };
        self.free_since.push_back(Instant::now());
        self.holds.remove(&lease);
        let end =
            json!({ "kind": "finished", "lease": lease, "exit": 0, "cause": "exit", "cpu_ms": 700, "max_rss_mb": 80 });
        self.reports(end).await
    }

    async fn reports(&mut self, mut report: serde_json::Value) -> Result<(), Failure> {
        self.seq += 1;
        report["pool"] = "default".into();
        report["node"] = self.name.as_str().into();
        report["boot"] = self.name.as_str().into();
        report["seq"] = self.seq.into();
        Ok(self.says.send(Said::Report(report.to_string())).await?)
    }

    async fn beats(&mut self) -> Result<(), Failure> {
        self.beat += 1;
        let up_ms = u64::try_from(self.began.elapsed().as_millis())?;
        let beat = json!({ "kind": "heartbeat", "pool": "default", "node": self.name, "boot": self.name, "beat": self.beat, "up_ms": up_ms,
            "stored": self.seq, "holds": self.holds });
        Ok(self.says.send(Said::Beat(beat.to_string())).await?)
    }
}

/// Posts what a node says, in its order: what queued during the last post goes with the next.
async fn post(mut connection: Connection, path: String, mut heard: Receiver<Said>) -> Result<(), Failure> {
    let mut next = heard.recv().await;
    while let Some(said) = next.take() {
        let mut body = match said {
            Said::Beat(beat) => {
                connection.post(&path, &[], beat).await?;
                next = heard.recv().await;
                continue;
            }
            Said::Report(report) => report,
        };
        loop {
            match heard.try_recv() {
                Ok(Said::Report(report)) => {
                    body.push('\n');
                    body.push_str(&report);
                }
                Ok(beat @ Said::Beat(_)) => {
                    next = Some(beat);
                    break;
                }
                Err(_) => break,
            }
        }
        let answer = connection.post(&path, &[], body).await?;
        if answer.windows(REJECTED.len()).any(|w| w == REJECTED) {
            return Err(format!("a report was rejected: {}", String::from_utf8_lossy(&answer)).into());
        }
        if next.is_none() {
            next = heard.recv().await;
        }
    }
    Ok(())
}
