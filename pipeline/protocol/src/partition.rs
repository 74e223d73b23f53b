//! A partition on one instance: follower, candidate or leader.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use model::record::{Announcement, Consumed, Entry, FORMAT, Header};
use model::request::Answer;
use model::{Body, Command, JournalId, Key, LeaderId, NodeId, PoolId, Renew, Timestamp};
use operators::state::Unsent;
use operators::{Input, Planted};

use crate::batch::header;
use crate::clock::{self, Clock, Instants};
use crate::leader::{Broken, Leader};
use crate::log::{NewRecord, Record, Topic};
use crate::replica::{Reading, Replica};

/// A gap between two steps that is longer than this is a pause of ours.
const PAUSE_MS: u64 = 1_000;
/// A leader with nothing to say beats this often, where there are followers.
const BEAT_MS: u64 = 500;
/// A follower that has heard nothing for this long, and up to half as long again, announces itself.
const SILENCE_MS: u64 = 2_000;
/// Doubt is followed by an announcement after this wait, doubled each time up to the longest.
const BACKOFF_MS: [u64; 2] = [1_000, 30_000];

/// What a partition is set up with.
#[derive(Debug, Clone)]
pub struct Config {
    /// For the operators.
    pub operators: operators::Config,
    /// Which partition it is, of how many.
    pub partition: (u32, u32),
    /// Whether other instances stand by: then a leader beats, and a follower watches for silence.
    pub standby: bool,
    /// Entries that may wait to be read back.
    pub outstanding: usize,
    /// An entry that is not read back for so long is doubt.
    pub readback_ms: u64,
    /// How often silence and limits are looked at.
    pub watch_ms: u64,
    /// Entries between two snapshots.
    pub snapshot_entries: u64,
    /// Go on although the wall clock is far from the last entry.
    pub accept_clock: bool,
    /// For tests: deciding about a request of this person panics, to prove that a bug of ours does not stop a pool.
    pub trip_on: Option<String>,
    /// For tests: a fault in this machine.
    pub fault: Option<Fault>,
}

/// Faults that tests plant in the protocol; none of them is ever set outside of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after the rule that it breaks")]
pub enum Fault {
    EffectsBeforeAdmission,
    StartBeforeOwnAnnouncement,
    NoSequenceCheck,
    NoEpochCheck,
    NoPositionInEntry,
    TickBeforeWatermark,
    SnapshotWithoutKeys,
    SoftKeptAfterPause,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            operators: operators::Config::default(),
            partition: (0, 1),
            standby: false,
            outstanding: 8,
            readback_ms: 10_000,
            watch_ms: 100,
            snapshot_entries: 20_000,
            accept_clock: false,
            trip_on: None,
            fault: None,
        }
    }
}

impl Config {
    /// Whether a fault is planted in the operators.
    pub fn planted(&self, fault: Planted) -> bool {
        self.operators.planted == Some(fault)
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// For tests: panics if the input is the one that shall trip.
    pub fn trip(&self, input: &Input) {
        if let (Some(who), Input::Request(request)) = (&self.trip_on, input) {
            assert!(*who != request.who, "tripped on purpose");
        }
    }
}

/// What a partition is told.
#[derive(Debug)]
pub enum In {
    /// Records of the journal, in order; `end`: where the journal ended when it was read.
    Journal {
        /// The records.
        records: Vec<Record>,
        /// Where to read on: beyond the records, or beyond a gap.
        next: u64,
        /// The journal's end.
        end: u64,
    },
    /// Records of an input topic, in order. To be told even when there are none, for the end.
    Input {
        /// The topic.
        topic: Topic,
        /// The records.
        records: Vec<Record>,
        /// The topic's end.
        end: u64,
    },
    /// An append to the journal failed.
    AppendFailed {
        /// Why.
        why: String,
        /// The disk is full: requests are refused for that.
        full: bool,
    },
    /// It should lead: announce, once the journal is read to its end.
    Lead,
    /// It shall stop leading, as planned.
    Resign,
    /// Nothing but the time.
    Tick,
    /// Rejects up to this entry are durable.
    RejectsOut {
        /// The number of the entry.
        seq: u64,
    },
    /// A snapshot was written.
    Snapshot {
        /// The number of its last entry.
        seq: u64,
    },
}

/// What a partition wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Out {
    /// Append to the journal.
    Append(NewRecord),
    /// Read `requests` and `reports` from these positions on, `heartbeats` from its end.
    ReadInputs(Consumed),
    /// Read no inputs.
    StopInputs,
    /// Send a command.
    Command(Command),
    /// Answer a beat.
    Renew {
        /// The pool.
        pool: PoolId,
        /// The node.
        node: NodeId,
        /// The answer.
        renew: Renew,
    },
    /// An entry was admitted, by whoever wrote it.
    Admitted {
        /// Its number.
        seq: u64,
        /// The entry.
        entry: Arc<Entry>,
        /// How long it waited for its read-back, if it is our own.
        waited_ms: Option<u64>,
    },
    /// A request was answered, by whoever decided about it.
    Answered {
        /// The pool.
        pool: PoolId,
        /// The request's key.
        key: Key,
        /// The answer.
        answer: Answer,
        /// The number of the entry.
        seq: u64,
    },
    /// A record for `rejects`; when it is durable, that is to be told.
    Reject {
        /// The record.
        record: NewRecord,
        /// The number of the entry that rejected it.
        seq: u64,
    },
    /// It is time for a snapshot of the replica.
    SnapshotDue,
    /// It leads from here on, or not.
    Leading(bool),
    /// For the administrator.
    Alarm(String),
    /// It cannot go on: stop, and say why.
    Stop(String),
}

/// The part of an instance in a partition.
#[derive(Debug)]
pub struct Partition {
    /// The fold of all admitted records; readers take it by short read locks.
    pub replica: Arc<RwLock<Replica>>,
    config: Config,
    role: Role,
    clock: Option<Clock>,
    wanted: bool,
    poisoned: BTreeSet<(Topic, u64)>,
    read_to_end: bool,
    last_step: u64,
    last_heard: u64,
    last_append: u64,
    backoff: u64,
    snapshot_seq: u64,
    snapshot_asked: bool,
    apart: bool,
}

#[derive(Debug)]
enum Role {
    /// Reads on; announces itself at this time of the machine's clock, if it should lead.
    Follower { announce_at: u64 },
    /// Has announced itself and waits to read that back.
    Candidate { epoch: u64, leader: LeaderId, since: u64 },
    /// Leads.
    Leader(Box<Leader>),
}

impl Partition {
    /// A follower that has read as far as its replica.
    pub fn new(mut replica: Replica, config: Config, at: Instants) -> Self {
        replica.fault = config.fault;
        let snapshot_seq = replica.seq;
        Self {
            replica: Arc::new(RwLock::new(replica)),
            config,
            role: Role::Follower { announce_at: 0 },
            clock: None,
            wanted: false,
            poisoned: BTreeSet::new(),
            read_to_end: false,
            last_step: at.boot_ms,
            last_heard: at.boot_ms,
            last_append: at.boot_ms,
            backoff: BACKOFF_MS[0],
            snapshot_seq,
            snapshot_asked: false,
            apart: false,
        }
    }

    /// The leader, if it leads.
    pub fn leader(&self) -> Option<&Leader> {
        match &self.role {
            Role::Leader(leader) => Some(leader),
            Role::Follower { .. } | Role::Candidate { .. } => None,
        }
    }

    /// Whether it had read the journal to its end when it was last told.
    pub fn is_at_end(&self) -> bool {
        self.read_to_end
    }

    /// Whether it takes more inputs now.
    pub fn takes_inputs(&self) -> bool {
        self.leader().is_some_and(|l| l.outstanding.len() < self.config.outstanding && l.pending() < 10_000)
    }

    /// Whether another step at once has something to do.
    pub fn has_more(&self) -> bool {
        self.leader().is_some_and(|l| l.outstanding.len() < self.config.outstanding && l.has_more())
    }

    /// One step: what is told and what follows from it. `random` is fresh in each call.
    pub fn step(&mut self, told: In, at: Instants, random: u64) -> Vec<Out> {
        self.step_all(vec![told], at, random)
    }

    /// One step for several things that are told at once, in their order: they share a batch.
    pub fn step_all(&mut self, told: Vec<In>, at: Instants, random: u64) -> Vec<Out> {
        let mut out = Vec::new();
        self.notice_pause(at);
        for told in told {
            self.told(told, at, &mut out);
        }
        self.watch(at, random, &mut out);
        self.lead(at, &mut out);
        out
    }

    fn told(&mut self, told: In, at: Instants, out: &mut Vec<Out>) {
        match told {
            In::Journal { records, next, end } => self.journal(records, next, end, at, out),
            In::Input { topic, records, end } => {
                if let Role::Leader(leader) = &mut self.role {
                    leader.take(topic, records, end);
                }
            }
            In::AppendFailed { why, .. } => self.doubt(&format!("an append failed: {why}"), at, out),
            In::Lead => self.wanted = true,
            In::Resign => self.resign(out),
            In::Tick => {}
            In::RejectsOut { seq } => {
                if let Role::Leader(leader) = &mut self.role {
                    leader.rejects_out = leader.rejects_out.max(seq);
                }
            }
            In::Snapshot { seq } => {
                self.snapshot_asked = false;
                self.snapshot_seq = self.snapshot_seq.max(seq);
            }
        }
    }

    /// A gap between two steps is a pause of ours: what we had observed before is void.
    fn notice_pause(&mut self, at: Instants) {
        let paused = at.boot_ms.saturating_sub(self.last_step) > PAUSE_MS;
        self.last_step = at.boot_ms;
        if let (true, Role::Leader(leader), Some(clock)) = (paused, &mut self.role, &mut self.clock)
            && !self.config.has(Fault::SoftKeptAfterPause)
        {
            leader.paused(clock.now(at));
        }
    }

    fn journal(&mut self, records: Vec<Record>, next: u64, end: u64, at: Instants, out: &mut Vec<Out>) {
        for record in records {
            if self.record(&record, at, out).is_none() {
                return;
            }
        }
        let mut replica = self.write();
        replica.position = replica.position.max(next);
        let position = replica.position;
        drop(replica);
        self.read_to_end = position >= end;
        let due = self.read().seq >= self.snapshot_seq + self.config.snapshot_entries;
        if due && !self.snapshot_asked {
            self.snapshot_asked = true;
            out.push(Out::SnapshotDue);
        }
    }

    /// Reads one record of the journal. None: it cannot go on.
    fn record(&mut self, record: &Record, at: Instants, out: &mut Vec<Out>) -> Option<()> {
        let own = self.own(record);
        let read = {
            let mut replica = self.write();
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| replica.read(record, own)))
        };
        let reading = match read {
            Ok(Ok(reading)) => reading,
            Ok(Err(unreadable)) => return self.stop(unreadable.to_string(), out),
            Err(_) => {
                return self
                    .stop(format!("applying the journal's record {} failed: our own bug", record.position), out);
            }
        };
        match reading {
            Reading::Counted { epoch, leader } => self.counted(epoch, &leader, at, out),
            Reading::Beat => self.last_heard = at.boot_ms,
            Reading::Resigned => {
                self.last_heard = at.boot_ms.saturating_sub(SILENCE_MS * 2);
            }
            Reading::Admitted(entry) => {
                self.last_heard = at.boot_ms;
                self.admitted(&entry, at, out);
            }
            Reading::Ignored(header) => self.ignored(header.as_ref(), at, out),
        }
        Some(())
    }

    /// Our own entry, if the record holds it: known by its header, not parsed again.
    fn own(&self, record: &Record) -> Option<Arc<Entry>> {
        let first = self.leader()?.outstanding.front()?;
        let Ok(Header::Entry { epoch, leader, seq }) = serde_json::from_slice(&record.header) else { return None };
        let mine = self.leader().is_some_and(|l| l.epoch == epoch && l.id == leader) && seq == first.seq;
        mine.then(|| first.entry.clone())
    }

    fn counted(&mut self, epoch: u64, leader: &LeaderId, at: Instants, out: &mut Vec<Out>) {
        self.last_heard = at.boot_ms;
        let ours = match &self.role {
            Role::Candidate { epoch: mine, leader: id, .. } => *mine == epoch && id == leader,
            Role::Follower { .. } | Role::Leader(_) => false,
        };
        if ours {
            self.take_over(epoch, leader.clone(), at, out);
        } else {
            self.step_down(at, out);
            if self.config.standby {
                self.wanted = false;
            }
        }
    }

    fn take_over(&mut self, epoch: u64, id: LeaderId, at: Instants, out: &mut Vec<Out>) {
        let clock = self.clock.get_or_insert_with(|| Clock::start(at, Timestamp(0)));
        let now = clock.now(at);
        let mut leader = Leader::new(
            &self.replica.read().unwrap_or_else(PoisonError::into_inner),
            self.config.partition.0,
            epoch,
            id,
            now,
        );
        // What the last leader may not have let out; who has it already knows it by its id.
        rejects(&self.read(), None, out);
        out.push(Out::ReadInputs(leader.consumed));
        out.push(Out::Leading(true));
        let begun = leader.begin(&self.config, now);
        self.role = Role::Leader(Box::new(leader));
        if let Err(broken) = begun {
            self.broken(broken, at, out);
        }
    }

    fn admitted(&mut self, entry: &Arc<Entry>, at: Instants, out: &mut Vec<Out>) {
        let seq = self.read().seq;
        let mut waited_ms = None;
        if let Role::Leader(leader) = &mut self.role
            && leader.outstanding.front().is_some_and(|o| o.seq == seq && Arc::ptr_eq(&o.entry, entry))
            && let Some(own) = leader.outstanding.pop_front()
        {
            waited_ms = Some(at.boot_ms.saturating_sub(own.since_ms));
            self.backoff = BACKOFF_MS[0];
            out.extend(own.effects);
            if !self.config.has(Fault::EffectsBeforeAdmission) {
                out.extend(leader.free_effects());
            }
            rejects(&self.read(), Some(seq), out);
        }
        for event in &entry.events {
            if let Body::RequestAnswered { key, answer, .. } = &event.event {
                out.push(Out::Answered { pool: event.pool.clone(), key: key.clone(), answer: answer.clone(), seq });
            }
        }
        out.push(Out::Admitted { seq, entry: entry.clone(), waited_ms });
    }

    /// An own entry that was not admitted, with a number at or above the next, is doubt.
    fn ignored(&mut self, header: Option<&Header>, at: Instants, out: &mut Vec<Out>) {
        let next = self.read().seq + 1;
        let ours = match (&self.role, header) {
            (Role::Leader(l), Some(Header::Entry { epoch, leader, seq })) => {
                l.epoch == *epoch && l.id == *leader && *seq >= next
            }
            (Role::Candidate { epoch: mine, leader: id, .. }, Some(Header::Announced { epoch, leader })) => {
                mine == epoch && id == leader
            }
            (Role::Leader(_) | Role::Candidate { .. } | Role::Follower { .. }, _) => false,
        };
        if ours {
            self.doubt("a record of ours did not count", at, out);
        }
    }

    /// Timers of leadership: silence, read-backs that are overdue, the next announcement.
    fn watch(&mut self, at: Instants, random: u64, out: &mut Vec<Out>) {
        let overdue = |since: u64| at.boot_ms.saturating_sub(since) > self.config.readback_ms;
        let late = match &self.role {
            Role::Leader(leader) => leader.outstanding.front().is_some_and(|o| overdue(o.since_ms)),
            Role::Candidate { since, .. } => overdue(*since),
            Role::Follower { .. } => false,
        };
        if late {
            self.doubt("a record of ours was not read back in time", at, out);
        }
        let silent =
            self.config.standby && at.boot_ms.saturating_sub(self.last_heard) > SILENCE_MS + random % (SILENCE_MS / 2);
        if let Role::Follower { announce_at } = self.role
            && self.read_to_end
            && at.boot_ms >= announce_at
            && (self.wanted || silent)
        {
            self.announce(at, random, out);
        }
    }

    fn announce(&mut self, at: Instants, random: u64, out: &mut Vec<Out>) {
        let (last, journal, counted) = {
            let r = self.read();
            (r.now, r.journal, r.counted.as_ref().map_or(0, |(epoch, _)| *epoch))
        };
        let off = clock::off(at, last);
        if let (Some(ms), false, None) = (off, self.config.accept_clock, &self.clock) {
            let way = if ms < 0 { "behind" } else { "ahead of" };
            let by = model::Millis(ms.unsigned_abs());
            self.stop(
                format!(
                    "this machine's clock is {by} {way} the last entry: set it right, or start with --accept-clock"
                ),
                out,
            );
            return;
        }
        let shift = off.filter(|_| self.clock.is_none()).unwrap_or(0);
        let floor = if shift == 0 { last } else { Timestamp(0) };
        let mut clock = self.clock.take().unwrap_or_else(|| Clock::start(at, floor));
        let now = clock.now(at).max(floor);
        self.clock = Some(clock);
        let leader = LeaderId::new(&format!("l{random:016x}")).expect("a plain name");
        let epoch = counted + 1;
        let announcement = Announcement {
            now,
            format: FORMAT,
            partitions: self.config.partition.1,
            journal: journal.unwrap_or(JournalId(random | 1)),
            clock_shift_ms: shift,
        };
        let value = serde_json::to_vec(&announcement).expect("plain data");
        let head = header(&Header::Announced { epoch, leader: leader.clone() });
        out.push(Out::Append(NewRecord { key: Vec::new(), header: head, value }));
        self.last_append = at.boot_ms;
        if self.config.has(Fault::StartBeforeOwnAnnouncement) {
            self.take_over(epoch, leader, at, out);
        } else {
            self.role = Role::Candidate { epoch, leader, since: at.boot_ms };
        }
    }

    /// Decides, appends, and lets out what rests on nothing outstanding.
    fn lead(&mut self, at: Instants, out: &mut Vec<Out>) {
        let (Role::Leader(leader), Some(clock)) = (&mut self.role, &mut self.clock) else { return };
        let now = clock.now(at);
        if clock.apart(at).is_some() != self.apart {
            self.apart = !self.apart;
            let state = if self.apart { "differs from" } else { "agrees again with" };
            out.push(Out::Alarm(format!("this machine's wall clock {state} the engine's clock")));
        }
        if leader.outstanding.len() >= self.config.outstanding {
            return;
        }
        if self.config.has(Fault::TickBeforeWatermark) {
            leader.forget_watermark();
        }
        if let Err(broken) = leader.step(&self.config, &self.poisoned, now) {
            self.broken(broken, at, out);
            return;
        }
        if self.config.has(Fault::NoPositionInEntry) {
            leader.forget_positions();
        }
        if self.config.has(Fault::EffectsBeforeAdmission) {
            out.extend(leader.all_effects());
        }
        let record = leader.close(now, at.boot_ms);
        out.extend(leader.free_effects());
        let beat = self.config.standby && at.boot_ms.saturating_sub(self.last_append) >= BEAT_MS;
        if let Some(record) = record {
            out.push(Out::Append(record));
            self.last_append = at.boot_ms;
        } else if beat {
            let head = header(&Header::Beat { epoch: leader.epoch, leader: leader.id.clone() });
            out.push(Out::Append(NewRecord { key: Vec::new(), header: head, value: b"{}".to_vec() }));
            self.last_append = at.boot_ms;
        }
    }

    /// Applying a decision of ours panicked: what was decided ahead is dropped, and the input that caused it will go
    /// to `rejects` undecided.
    fn broken(&mut self, broken: Broken, at: Instants, out: &mut Vec<Out>) {
        if let Some(input) = broken.input {
            self.poisoned.insert(input);
        }
        out.push(Out::Alarm(format!("our own bug: {}; it goes to rejects", broken.why)));
        self.doubt(&broken.why, at, out);
    }

    /// The one way out of doubt: follow, and announce again after a while.
    fn doubt(&mut self, why: &str, at: Instants, out: &mut Vec<Out>) {
        if matches!(self.role, Role::Follower { .. }) {
            return;
        }
        out.push(Out::Alarm(format!("following again: {why}")));
        let wait = self.backoff;
        self.backoff = (self.backoff * 2).min(BACKOFF_MS[1]);
        self.step_down(at, out);
        self.role = Role::Follower { announce_at: at.boot_ms + wait };
    }

    fn step_down(&mut self, at: Instants, out: &mut Vec<Out>) {
        if matches!(self.role, Role::Follower { .. }) {
            return;
        }
        if matches!(self.role, Role::Leader(_)) {
            out.push(Out::StopInputs);
            out.push(Out::Leading(false));
        }
        self.role = Role::Follower { announce_at: at.boot_ms + BACKOFF_MS[0] };
    }

    fn resign(&mut self, out: &mut Vec<Out>) {
        self.wanted = false;
        if let Role::Leader(leader) = &self.role {
            let head = header(&Header::Resigned { epoch: leader.epoch, leader: leader.id.clone() });
            out.push(Out::Append(NewRecord { key: Vec::new(), header: head, value: b"{}".to_vec() }));
            out.push(Out::StopInputs);
            out.push(Out::Leading(false));
        }
        self.role = Role::Follower { announce_at: u64::MAX };
    }

    fn stop(&mut self, why: String, out: &mut Vec<Out>) -> Option<()> {
        self.wanted = false;
        self.role = Role::Follower { announce_at: u64::MAX };
        out.push(Out::Leading(false));
        out.push(Out::Stop(why));
        None
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Replica> {
        self.replica.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Replica> {
        self.replica.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rejects of one entry, or all that are not known to be out.
fn rejects(replica: &Replica, of: Option<u64>, out: &mut Vec<Out>) {
    let journal = replica.journal.unwrap_or(JournalId(0));
    let newest_first = replica.state.unsent.iter().rev();
    let wanted: Vec<&Unsent> = newest_first.take_while(|unsent| of.is_none_or(|seq| seq == unsent.seq)).collect();
    for Unsent { seq, pool, topic, position, hash, reason } in wanted.into_iter().rev() {
        let id = format!("{journal}-{seq}-{topic}-{position}");
        let value = serde_json::json!({
            "id": id, "pool": pool, "topic": topic, "position": position, "hash": hash, "reason": reason,
        });
        let record = NewRecord { key: pool.as_str().into(), header: Vec::new(), value: value.to_string().into_bytes() };
        out.push(Out::Reject { record, seq: *seq });
    }
}
