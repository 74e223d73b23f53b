//! The rules of a node, as a state machine without files, sockets or clocks: what it holds, which starts it takes,
//! what the answer to a beat changes.
//!
//! A model checker found each clause necessary (`connectors/WIRE.md`, 'Rules of a node'):
//!
//! - `stored` and the held leases change together and are read together, so that a beat never shows the one without
//!   the other. A lease is held from the moment its start was judged good, before its `accepted` is on disk: a beat
//!   between the two must not look like a node that knows nothing of it.
//! - Time counts from the *sending* of a beat, never from hearing its answer, and by a clock that runs in suspend.
//! - A lease that was held, refused or has ended is known, and never started again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::report::{Hello, MAX_SLOTS, Refusal};
use model::{BootId, JournalId, LeaseId, Millis, Renew, ReportKind, Start};

/// How many past beats are remembered; a start that names an older one has expired.
const BEATS: usize = 1_024;
/// How many leases that ended or were refused are remembered.
const ENDED: usize = 10_000;
/// How long work lives unheard before the first answer has said so: the default of a pool.
const ORPHAN: Millis = Millis(600_000);

/// What a node knows of itself in one boot.
#[derive(Debug)]
pub struct Rules {
    boot: BootId,
    /// What it says of itself when it joins; `journal` and `holds` are filled in each time.
    card: Hello,
    journal: Option<JournalId>,
    beat: u64,
    sent: VecDeque<(u64, Millis)>,
    limits: Option<(Millis, Millis)>,
    stored: u64,
    held: BTreeMap<LeaseId, Held>,
    ended: BTreeSet<LeaseId>,
    ended_order: VecDeque<LeaseId>,
    closed: BTreeMap<Closed, String>,
    joined: bool,
    /// The last beat that was answered, and by which journal.
    answered: Option<(u64, JournalId)>,
}

/// One attempt whose end is not stored yet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    strict: bool,
    slots: u32,
    grace: Millis,
    lives_until: Millis,
}

/// Why a node takes no starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closed {
    /// Its disk has no more room than reports need.
    Room,
    /// Its reports cannot be stored.
    Disk,
    /// Too many reports wait for the engine.
    Backlog,
    /// It cannot start a process.
    Processes,
    /// It is about to leave.
    Leaving,
}

/// What a beat says, read at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// Counted from 1.
    pub number: u64,
    /// When it is sent, by the node's clock.
    pub up_ms: Millis,
    /// The last report on disk.
    pub stored: u64,
    /// What runs.
    pub holds: Vec<LeaseId>,
    /// Why no start is wanted.
    pub closed: Option<String>,
}

/// What becomes of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is done or said.
    Ignore(&'static str),
    /// `refused` is reported.
    Refuse(Refusal),
    /// It is held from here on; it lives until then.
    Take(Millis),
}

/// What an answer to a beat calls for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Tell the supervisor until when it may run.
    Renew(LeaseId, Millis),
    /// End it, with its own grace.
    Stop(LeaseId, Millis),
    /// Another journal than the last answers.
    Meet(JournalId),
    /// Store a hello.
    SayHello,
    /// The name belongs to another boot; `true`: this boot has never been taken in.
    Taken(String, bool),
}

impl Rules {
    /// A boot that has stored nothing yet.
    pub fn new(boot: BootId, card: Hello, journal: Option<JournalId>) -> Self {
        Self {
            boot,
            card,
            journal,
            beat: 0,
            sent: VecDeque::new(),
            limits: None,
            stored: 0,
            held: BTreeMap::new(),
            ended: BTreeSet::new(),
            ended_order: VecDeque::new(),
            closed: BTreeMap::new(),
            joined: false,
            answered: None,
        }
    }

    /// The next beat. It must be sent at once: its time counts from here.
    pub fn beat(&mut self, now: Millis) -> Beat {
        self.beat += 1;
        self.sent.push_back((self.beat, now));
        if BEATS < self.sent.len() {
            self.sent.pop_front();
        }
        Beat {
            number: self.beat,
            up_ms: now,
            stored: self.stored,
            holds: self.holds(),
            closed: self.closed.values().next().cloned(),
        }
    }

    /// What the answer to a beat calls for, in the order in which to do it.
    pub fn heard(&mut self, renew: &Renew) -> Vec<Deed> {
        let Some(sent) = self.sent_at(renew.beat).filter(|_| renew.boot == self.boot) else {
            return Vec::new(); // an answer to somebody else, or to a beat long past
        };
        if self.answered.is_none_or(|(before, _)| before <= renew.beat) {
            self.answered = Some((renew.beat, renew.journal));
        }
        let mut deeds = Vec::new();
        for lease in &renew.stop {
            deeds.extend(self.held.get(lease).map(|held| Deed::Stop(*lease, held.grace)));
        }
        if self.journal != Some(renew.journal) {
            deeds.push(Deed::Meet(renew.journal));
        }
        if let Some(why) = &renew.taken {
            deeds.push(Deed::Taken(why.clone(), !self.joined));
        } else if renew.hello {
            deeds.push(Deed::SayHello);
        } else {
            self.joined = true;
            self.limits = Some((renew.for_ms, renew.orphan_ms));
            deeds.extend(self.renew(renew, sent));
        }
        deeds
    }

    /// Leases of the journal that answered live on; others under their own limits; none for a shorter time than before.
    fn renew(&mut self, renew: &Renew, sent: Millis) -> Vec<Deed> {
        let mut deeds = Vec::new();
        for (lease, held) in &mut self.held {
            let until = sent + if held.strict { renew.for_ms } else { renew.orphan_ms };
            if lease.journal == renew.journal && held.lives_until < until && !renew.stop.contains(lease) {
                held.lives_until = until;
                deeds.push(Deed::Renew(*lease, until));
            }
        }
        deeds
    }

    /// Whether the engine has taken this node in.
    pub fn is_joined(&self) -> bool {
        self.joined
    }

    /// Judges a start. One that is taken is held from here on: [`Rules::not_taken`] if it cannot be stored.
    pub fn start(&mut self, start: &Start, now: Millis) -> Verdict {
        if start.boot != self.boot {
            return Verdict::Ignore("for another boot");
        }
        if self.held.contains_key(&start.lease) || self.ended.contains(&start.lease) {
            return Verdict::Ignore("its lease is known");
        }
        if self.journal != Some(start.journal) || start.lease.journal != start.journal {
            return Verdict::Ignore("of a journal not met yet; it will be sent again");
        }
        let sent = self.sent_at(start.after_beat).filter(|sent| now <= *sent + start.expires_ms);
        let Some(sent) = sent else {
            return self.refuse(start.lease, Refusal::Expired);
        };
        if self.held.len() >= MAX_SLOTS || self.card.slots < self.slots_taken().saturating_add(start.slots) {
            return self.refuse(start.lease, Refusal::Full);
        }
        if !self.closed.is_empty() {
            return self.refuse(start.lease, Refusal::Closed);
        }
        // Before the first answer the pool's limits are unknown, but `start` is always shorter than `lost`.
        let (strict_ms, orphan_ms) = self.limits.unwrap_or((Millis(start.expires_ms.0 / 6 * 5), ORPHAN));
        let lives_until = sent + if start.strict { strict_ms } else { orphan_ms };
        let held = Held { strict: start.strict, slots: start.slots, grace: start.grace_ms, lives_until };
        self.held.insert(start.lease, held);
        Verdict::Take(lives_until)
    }

    /// A refused lease is known from then on: were it run after all, its refusal would free what it holds.
    fn refuse(&mut self, lease: LeaseId, why: Refusal) -> Verdict {
        self.forget(lease);
        Verdict::Refuse(why)
    }

    /// A start that was to be taken could not be stored: it has never been.
    pub fn not_taken(&mut self, lease: LeaseId) {
        self.held.remove(&lease);
        self.forget(lease);
    }

    /// A report is on disk under this number.
    pub fn stored(&mut self, seq: u64, kind: &ReportKind) {
        self.stored = seq;
        self.kept_aside(kind);
    }

    /// A report of another journal's lease is on disk, without a number.
    pub fn kept_aside(&mut self, kind: &ReportKind) {
        if let ReportKind::Finished { lease, .. } = kind {
            self.held.remove(lease);
            self.forget(*lease);
        }
    }

    /// The node has met this journal: its leases are the ones that count.
    pub fn met(&mut self, journal: JournalId) {
        self.journal = Some(journal);
    }

    /// Takes no starts, for this reason.
    pub fn close(&mut self, reason: Closed, words: String) {
        self.closed.insert(reason, words);
    }

    /// That reason is gone.
    pub fn reopen(&mut self, reason: Closed) {
        self.closed.remove(&reason);
    }

    /// What it says when it joins.
    pub fn hello(&self) -> Hello {
        Hello { journal: self.journal, holds: self.holds(), ..self.card.clone() }
    }

    /// Each lease whose end is not stored.
    pub fn holds(&self) -> Vec<LeaseId> {
        self.held.keys().copied().collect()
    }

    /// The grace of each.
    pub fn graces(&self) -> Vec<(LeaseId, Millis)> {
        self.held.iter().map(|(lease, held)| (*lease, held.grace)).collect()
    }

    /// The journal last met.
    pub fn journal(&self) -> Option<JournalId> {
        self.journal
    }

    /// The number of the last beat; 0 before the first.
    pub fn last_beat(&self) -> u64 {
        self.beat
    }

    /// Whether a beat after this one was answered, and by the journal that is the present one by now. By number and not
    /// by time: two beats, or a beat and what it is to follow, may share a millisecond.
    pub fn is_known_since(&self, beat: u64) -> bool {
        self.answered.is_some_and(|(answered, journal)| beat < answered && self.journal == Some(journal))
    }

    fn slots_taken(&self) -> u32 {
        self.held.values().fold(0, |sum, held| sum.saturating_add(held.slots))
    }

    fn sent_at(&self, beat: u64) -> Option<Millis> {
        self.sent.iter().rev().find(|(number, _)| *number == beat).map(|(_, up)| *up)
    }

    fn forget(&mut self, lease: LeaseId) {
        if self.ended.insert(lease) {
            self.ended_order.push_back(lease);
        }
        if ENDED < self.ended_order.len()
            && let Some(oldest) = self.ended_order.pop_front()
        {
            self.ended.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests;
