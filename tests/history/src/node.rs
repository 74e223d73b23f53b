//! A model node: an agent that keeps its reports in order, beats, runs what it is told to, and dies now and then.

use std::collections::{BTreeMap, VecDeque};

use model::report::{Cause, End, Hello, Refusal};
use model::{BootId, Heartbeat, LeaseId, Millis, NodeId, PoolId, Report, ReportKind};

use crate::engine::JOURNAL;
use crate::plan::Step;
use crate::random::Random;

/// Slots of each node.
pub const SLOTS: u32 = 4;
/// Memory of each node, in MiB.
const MEMORY_MB: u64 = 32_768;

/// Whether anybody hears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It is not there: nothing of it runs.
    Off,
    /// It is heard.
    On,
    /// It works on, and nobody hears it.
    Cut,
}

/// A node.
#[derive(Debug)]
pub struct Node {
    /// Its pool.
    pub pool: PoolId,
    /// Its name.
    pub name: NodeId,
    /// Its zone.
    pub zone: &'static str,
    /// How slow it is, in percent.
    pub slow: u64,
    /// Whether it is heard.
    pub link: Link,
    /// Counts its boots: what was due in an older one is void.
    pub life: u64,
    /// Counts its cuts, in the same sense.
    pub cuts: u64,
    /// It has been told to leave for the night.
    pub leaving: bool,
    /// What it runs: the reports and times that are still to come.
    pub held: BTreeMap<LeaseId, Work>,
    boot: BootId,
    was: Option<BootId>,
    seq: u64,
    beat: u64,
    booted: u64,
    outbox: Vec<Report>,
}

/// An attempt on a node.
#[derive(Debug)]
pub struct Work {
    /// What it will do, and when.
    pub steps: VecDeque<(u64, Step)>,
    /// It holds a lock: it must not outlive its lease.
    pub strict: bool,
    /// It is being ended.
    pub ending: bool,
}

impl Node {
    /// A node that is not there yet.
    pub fn new(pool: &str, name: &str, zone: &'static str, slow: u64) -> Self {
        Self {
            pool: PoolId::new(pool).expect("a plain name"),
            name: NodeId::new(name).expect("a plain name"),
            zone,
            slow,
            link: Link::Off,
            life: 0,
            cuts: 0,
            leaving: false,
            held: BTreeMap::new(),
            boot: BootId::new("none").expect("a plain name"),
            was: None,
            seq: 0,
            beat: 0,
            booted: 0,
            outbox: Vec::new(),
        }
    }

    /// Starts, says hello, and says of what ran before that it ended with the last boot.
    pub fn boot(&mut self, now: u64, random: &mut Random) {
        let boot = BootId::new(&format!("b{:010x}", random.draw() >> 24)).expect("a plain name");
        self.was = (self.life > 0).then(|| self.boot.clone());
        (self.boot, self.life, self.link, self.leaving) = (boot, self.life + 1, Link::On, false);
        (self.seq, self.beat, self.booted) = (0, 0, now);
        self.outbox.clear();
        let dead = std::mem::take(&mut self.held);
        self.hello(now);
        for lease in dead.into_keys() {
            self.say(ReportKind::Finished { lease, end: ended(Cause::Agent) }, now);
        }
    }

    /// Says hello.
    pub fn hello(&mut self, now: u64) {
        let hello = Hello {
            slots: SLOTS,
            memory_mb: MEMORY_MB,
            zone: self.zone.to_owned(),
            labels: BTreeMap::from([("os".to_owned(), "linux".to_owned())]),
            was: self.was.clone(),
            journal: Some(JOURNAL),
            holds: self.held.keys().copied().collect(),
        };
        self.say(ReportKind::Hello(hello), now);
    }

    /// Says goodbye; one that leaves in order ends its work before.
    pub fn goodbye(&mut self, why: &str, orderly: bool, now: u64) {
        let held = std::mem::take(&mut self.held);
        for lease in held.into_keys().filter(|_| orderly) {
            self.say(ReportKind::Finished { lease, end: ended(Cause::Cancel) }, now);
        }
        self.say(ReportKind::Goodbye { why: why.to_owned() }, now);
    }

    /// Stores a report.
    pub fn say(&mut self, kind: ReportKind, now: u64) {
        self.seq += 1;
        let (pool, node, boot) = (self.pool.clone(), self.name.clone(), self.boot.clone());
        self.outbox.push(Report { pool, node, boot, seq: self.seq, at: now, kind });
    }

    /// The reports that get through.
    pub fn sends(&mut self) -> Vec<Report> {
        if self.link == Link::On { std::mem::take(&mut self.outbox) } else { Vec::new() }
    }

    /// Its next beat.
    pub fn beats(&mut self, now: u64) -> Heartbeat {
        self.beat += 1;
        Heartbeat {
            pool: self.pool.clone(),
            node: self.name.clone(),
            boot: self.boot.clone(),
            beat: self.beat,
            up_ms: Millis(now - self.booted),
            stored: self.seq,
            holds: self.held.keys().copied().collect(),
            load: 0.5,
            memory_free_mb: None,
            closed: None,
        }
    }

    /// Whether it lives the life that a start is for, and does not know the lease yet.
    pub fn takes(&self, boot: &BootId, lease: LeaseId) -> bool {
        self.link == Link::On && !self.leaving && self.boot == *boot && !self.held.contains_key(&lease)
    }

    /// Refuses a start.
    pub fn refuse(&mut self, lease: LeaseId, why: Refusal, now: u64) {
        self.say(ReportKind::Refused { lease, why }, now);
    }

    /// Begins to end an attempt: what it would have done is void. Returns whether there was anything to end.
    pub fn end(&mut self, lease: LeaseId, cause: Cause, at: u64) -> bool {
        let Some(work) = self.held.get_mut(&lease).filter(|work| !work.ending) else { return false };
        work.ending = true;
        work.steps = VecDeque::from([(at, Step::Says(ReportKind::Finished { lease, end: ended(cause) }))]);
        true
    }

    /// The next step of an attempt, if it is due; its last one takes it off the node.
    pub fn step(&mut self, lease: LeaseId, now: u64) -> Option<Step> {
        let work = self.held.get_mut(&lease)?;
        work.steps.front().filter(|(at, _)| *at <= now)?;
        let (_, step) = work.steps.pop_front()?;
        if work.steps.is_empty() && matches!(step, Step::Says(_)) {
            self.held.remove(&lease);
        }
        Some(step)
    }

    /// When an attempt's next step is due.
    pub fn next_step(&self, lease: LeaseId) -> Option<u64> {
        self.held.get(&lease)?.steps.front().map(|(at, _)| *at)
    }
}

/// An end by somebody's doing, not the command's own.
fn ended(cause: Cause) -> End {
    End {
        exit: None,
        signal: Some(if cause == Cause::Cancel { 15 } else { 9 }),
        cause,
        cpu_ms: Millis(0),
        max_rss_mb: 0,
        tail: String::new(),
        tests: None,
        note: String::new(),
    }
}
