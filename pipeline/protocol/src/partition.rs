//! A partition on one instance: follower, candidate or leader.

mod config;
mod told;

mod leadership;
mod led;
mod log_clock;
mod rejects;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use model::record::{Consumed, Entry, Header};
use model::{Body, Event, LeaderId, Timestamp};

use crate::batch::header;
use crate::clock::{Clock, Instants};
use crate::leader::{Broken, Leader, PAUSE};
use crate::log::{NewRecord, Record, Topic};
use crate::replica::{Reading, Replica};

pub use config::{Config, Fault};
pub use rejects::rejects;
pub use told::{In, Out};

/// A leader with nothing to say beats this often, where there are followers.
const BEAT_MS: u64 = 500;
/// Beats that may wait to be read back: a leader that has not heard itself for so long says nothing more.
const MAX_BEATS: usize = 64;
/// A follower that has heard nothing for this long, and up to half as long again, announces itself.
const SILENCE_MS: u64 = 2_000;
/// Rejects that are not known to be out after this time are offered again.
const OFFER_MS: u64 = 10_000;
/// Bugs that no input explains, each within this time of the one before, after which it stops: in between it may well
/// have admitted something.
const MAX_BUGS: u32 = 3;
const BUGS_MS: u64 = 600_000;
/// Doubt is followed by an announcement after this wait, doubled each time up to the longest.
const BACKOFF_MS: [u64; 2] = [1_000, 30_000];

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
    /// Bugs of ours that no input explains, one soon after the other: how many, and when the last one was.
    bugs: (u32, u64),
    /// It has said why it cannot go on.
    stopped: bool,
    /// An input was cut before it was read: it cannot go on, if it still leads.
    cut: Option<String>,
    read_to_end: bool,
    last_step: u64,
    last_heard: u64,
    /// When a sign of life came last that was news.
    heard_at_end: Option<u64>,
    /// The last announcement of ours that counted.
    counted_self: Option<(u64, LeaderId)>,
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
    /// Has announced itself at this time of its clock (`now`) and of the machine's (`since`), and waits to read that back.
    Candidate { epoch: u64, leader: LeaderId, since: u64, now: Timestamp },
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
            bugs: (0, 0),
            stopped: false,
            cut: None,
            read_to_end: false,
            last_step: at.boot_ms,
            last_heard: at.boot_ms,
            heard_at_end: None,
            counted_self: None,
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
        self.leader().is_some_and(|l| l.outstanding.len() < self.config.outstanding && l.inbox.len() < 10_000)
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
        if !self.is_set_otherwise(&mut out) {
            self.watch(at, random, &mut out);
        }
        self.lead(at, &mut out);
        out
    }

    fn told(&mut self, told: In, at: Instants, out: &mut Vec<Out>) {
        match told {
            In::Journal { records, next, end } => self.journal(records, next, end, at, out),
            In::Input { topic, records, next, end } => {
                if let (Role::Leader(leader), Some(clock)) = (&mut self.role, &mut self.clock) {
                    let now = clock.now(at);
                    let deaf = leader.inbox.take(topic, records, next, end, now) > PAUSE;
                    if deaf && !self.config.has(Fault::SoftKeptAfterPause) {
                        leader.paused(now);
                    }
                }
            }
            In::InputCut { topic, position, start, end } => self.input_cut(topic, [position, start, end]),
            In::AppendFailed { why, header } => {
                if self.is_of_now(&header) {
                    self.doubt(&format!("an append failed: {why}"), at, out);
                }
            }
            In::Lead => self.wanted = true,
            In::Resign => self.resign(out),
            In::Tick => {}
            In::RejectsOut { seq } => {
                if let Role::Leader(leader) = &mut self.role {
                    leader.rejects.are_out(seq);
                }
            }
            In::Snapshot { seq } => {
                self.snapshot_asked = false;
                self.snapshot_seq = self.snapshot_seq.max(seq);
            }
        }
    }

    /// Whether a record of ours with this header belongs to what we are now: a log on a network tells of a failure long
    /// after, when its leadership may be over and another one ours.
    pub fn is_of_now(&self, header: &[u8]) -> bool {
        let Ok(header) = serde_json::from_slice::<Header>(header) else { return true };
        let (Header::Announced { epoch, leader }
        | Header::Resigned { epoch, leader }
        | Header::Beat { epoch, leader }
        | Header::Entry { epoch, leader, .. }) = &header;
        match &self.role {
            Role::Follower { .. } => false,
            Role::Candidate { epoch: mine, leader: id, .. } => mine == epoch && id == leader,
            Role::Leader(l) => l.epoch == *epoch && l.id == *leader,
        }
    }

    /// A gap between two steps is a pause of ours: what we had observed before is void.
    fn notice_pause(&mut self, at: Instants) {
        let paused = at.boot_ms.saturating_sub(self.last_step) > PAUSE.0;
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
        let (is_own, appended) = (own.is_some(), record.appended);
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
            Reading::Counted { epoch, leader } => self.counted(epoch, &leader, appended, at, out),
            Reading::Beat => {
                self.heard(at);
                self.check_beat(appended, at, out);
            }
            Reading::Resigned => {
                self.last_heard = at.boot_ms.saturating_sub(SILENCE_MS * 2);
            }
            Reading::Admitted(entry) => {
                self.heard(at);
                self.admitted(&entry, at, out);
                if is_own {
                    self.check_entry(entry.now, appended, at, out);
                }
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

    fn counted(
        &mut self,
        epoch: u64,
        leader: &LeaderId,
        appended: Option<Timestamp>,
        at: Instants,
        out: &mut Vec<Out>,
    ) {
        self.heard(at);
        let sent = match &self.role {
            Role::Candidate { epoch: mine, leader: id, now, .. } => (*mine == epoch && id == leader).then_some(*now),
            Role::Follower { .. } | Role::Leader(_) => None,
        };
        if let Some(sent) = sent {
            self.counted_self = Some((epoch, leader.clone()));
            match self.off_log(sent, appended, at) {
                Some(off) => self.make_way(epoch, leader.clone(), off, at, out),
                None => self.take_over(epoch, leader.clone(), at, out),
            }
        } else {
            self.step_down(at, out);
            if self.config.standby {
                self.wanted = false;
            }
        }
    }

    fn take_over(&mut self, epoch: u64, id: LeaderId, at: Instants, out: &mut Vec<Out>) {
        let last = self.read().now;
        let clock = self.clock.get_or_insert_with(|| Clock::start(at, last));
        // Entries that stand before our announcement may be later than it.
        clock.raise(at, last);
        let now = clock.now(at);
        let leader = Leader::new(
            &self.replica.read().unwrap_or_else(PoisonError::into_inner),
            self.config.partition.0,
            epoch,
            id,
            now,
        );
        out.push(Out::ReadInputs(leader.inbox.consumed));
        out.push(Out::Leading(true));
        self.role = Role::Leader(Box::new(leader));
        // What the last leader may not have let out; who has it already knows it by its id.
        self.offer_rejects(None, at, out);
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
            self.offer_rejects(Some(seq), at, out);
        }
        out.extend(entry.events.iter().filter_map(|event| answered(event, seq)));
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
            leader.inbox.forget_watermark();
        }
        let step = || {
            leader.step(&self.config, &self.poisoned, now)?;
            if self.config.has(Fault::NoPositionInEntry) {
                leader.inbox.consumed = Consumed::default();
            }
            if self.config.has(Fault::EffectsBeforeAdmission) {
                out.extend(leader.all_effects());
            }
            if self.config.has(Fault::AnswersBeforeAdmission) {
                out.extend(leader.decided().iter().filter_map(|event| answered(event, 0)));
            }
            Ok(leader.close(now, at.boot_ms))
        };
        let record = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(step)) {
            Ok(Ok(record)) => record,
            Ok(Err(broken)) => return self.broken(broken, at, out),
            Err(_) => {
                let input = leader.handling();
                return self.broken(Broken { input, why: "a step panicked".to_owned() }, at, out);
            }
        };
        out.extend(leader.free_effects());
        let beat = self.config.standby
            && at.boot_ms.saturating_sub(self.last_append) >= BEAT_MS
            && leader.beats.len() < MAX_BEATS;
        if let Some(record) = record {
            out.push(Out::Append(record));
            self.last_append = at.boot_ms;
        } else if beat {
            leader.beats.push_back(now);
            let head = header(&Header::Beat { epoch: leader.epoch, leader: leader.id.clone() });
            out.push(Out::Append(NewRecord { key: Vec::new(), header: head, value: b"{}".to_vec() }));
            self.last_append = at.boot_ms;
        }
    }

    /// A bug of ours: what was decided ahead is dropped, and the input that caused it will go to `rejects` undecided.
    /// One that no input explains would come again for ever.
    fn broken(&mut self, broken: Broken, at: Instants, out: &mut Vec<Out>) {
        let explained = broken.input.is_some_and(|input| self.poisoned.insert(input));
        if !explained {
            let soon = at.boot_ms.saturating_sub(self.bugs.1) < BUGS_MS;
            self.bugs = (if soon { self.bugs.0 + 1 } else { 1 }, at.boot_ms);
        }
        if self.bugs.0 >= MAX_BUGS {
            self.stop(format!("our own bug: {}, {MAX_BUGS} times; please report it", broken.why), out);
            return;
        }
        let what = if explained { "its input goes to rejects" } else { "no input explains it" };
        out.push(Out::Alarm(format!("our own bug: {}; {what}", broken.why)));
        self.doubt(&broken.why, at, out);
    }

    /// Whoever still leads when it has read the journal to its end cannot go on. A leader that was deposed while it slept
    /// may find its inputs consumed and deleted by others: that is no harm.
    fn input_cut(&mut self, topic: Topic, [position, start, end]: [u64; 3]) {
        if self.leader().is_none() || self.cut.is_some() {
            return;
        }
        let what = if end < position {
            format!("ends at {end}, but was read up to {position}: data is missing")
        } else {
            format!("was deleted from {position} to {start} (it ends at {end}) before it was read")
        };
        let words = format!("{} {what}; restore the data from a copy", topic.word());
        (self.cut, self.read_to_end) = (Some(words), false);
    }

    /// Lets rejects out: of one entry, or all that are not known to be out.
    fn offer_rejects(&mut self, of: Option<u64>, at: Instants, out: &mut Vec<Out>) {
        let offered = rejects(&self.read(), of);
        if let Role::Leader(leader) = &mut self.role {
            if let (Some(seq), true) = (of, offered.is_empty()) {
                // It rejected nothing, or too many came after and its rejects are kept no longer.
                leader.rejects.are_out(seq);
            }
            for offer in &offered {
                if let Out::Reject { seq, .. } = offer {
                    leader.rejects.offered(*seq, at.boot_ms);
                }
            }
        }
        out.extend(offered);
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Replica> {
        self.replica.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Replica> {
        self.replica.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a person is told, if an event answers a request.
fn answered(event: &Event, seq: u64) -> Option<Out> {
    let Body::RequestAnswered { key, content, answer, .. } = &event.event else { return None };
    let (pool, key, answer) = (event.pool.clone(), key.clone(), answer.clone());
    Some(Out::Answered { pool, key, content: *content, answer, seq })
}
