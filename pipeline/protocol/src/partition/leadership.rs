//! Coming to lead, and ceasing to: announcements, silence, doubt, resignation.

use model::record::{Announcement, FORMAT, Header};
use model::{JournalId, LeaderId, Millis, Timestamp};

use super::{BACKOFF_MS, Fault, OFFER_MS, Out, Partition, Role, SILENCE_MS};
use crate::batch::header;
use crate::clock::{self, Clock, Instants};
use crate::log::NewRecord;

impl Partition {
    /// Timers of leadership: silence, read-backs that are overdue, the next announcement.
    pub(super) fn watch(&mut self, at: Instants, random: u64, out: &mut Vec<Out>) {
        let overdue = |since: u64| at.boot_ms.saturating_sub(since) > self.config.readback_ms;
        let readback = Millis(self.config.readback_ms);
        let late = match &self.role {
            Role::Leader(leader) => {
                let beat = leader.beats.front().zip(self.clock);
                let unheard = |(sent, mut clock): (&Timestamp, Clock)| clock.now(at) - *sent > readback;
                leader.outstanding.front().is_some_and(|o| overdue(o.since_ms)) || beat.is_some_and(unheard)
            }
            Role::Candidate { since, .. } => overdue(*since),
            Role::Follower { .. } => false,
        };
        if late {
            self.doubt("a record of ours was not read back in time", at, out);
        }
        if self.leader().is_none() {
            self.cut = None;
        } else if self.read_to_end
            && let Some(why) = self.cut.take()
        {
            self.stop(why, out);
            return;
        }
        if let Some(seq) = self.leader().and_then(|l| l.rejects.overdue(at.boot_ms.saturating_sub(OFFER_MS))) {
            self.offer_rejects(Some(seq), at, out);
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

    /// Whether it is set to another number of partitions than the journal was begun with: then it stops, and says so
    /// once. It neither follows nor leads, for it would look for pools where they are not.
    pub(super) fn is_set_otherwise(&mut self, out: &mut Vec<Out>) -> bool {
        let set = self.config.partition.1;
        let begun = {
            let replica = self.read();
            replica.journal.map_or(set, |_| replica.partitions)
        };
        if begun != set && !self.stopped {
            let counted = if begun == 1 { "partition" } else { "partitions" };
            let why = format!(
                "the journal was begun with {begun} {counted}, this engine is set to {set}: start it with \
                 `partitions = {begun}`; the number is chosen once, since pools are hashed to partitions"
            );
            self.stop(why, out);
        }
        begun != set
    }

    pub(super) fn announce(&mut self, at: Instants, random: u64, out: &mut Vec<Out>) {
        let (last, journal, counted) = {
            let r = self.read();
            (r.now, r.journal, r.counted.as_ref().map_or(0, |(epoch, _)| *epoch))
        };
        let off = clock::off(at, last);
        if let (Some(ms), false, None) = (off, self.config.accept_clock, &self.clock) {
            let way = if ms < 0 { "behind" } else { "ahead of" };
            let by = Millis(ms.unsigned_abs());
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
        // The clock begins when the announcement counts: until then the wall clock is compared each time anew, so that
        // a shift is not forgotten with an announcement that was lost.
        let mut clock = self.clock.unwrap_or_else(|| Clock::start(at, floor));
        clock.raise(floor, at);
        let now = clock.now(at);
        self.clock = self.clock.map(|_| clock);
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
            self.role = Role::Candidate { epoch, leader, since: at.boot_ms, now };
        }
    }

    /// The one way out of doubt: follow, and announce again after a while.
    pub(super) fn doubt(&mut self, why: &str, at: Instants, out: &mut Vec<Out>) {
        if matches!(self.role, Role::Follower { .. }) {
            return;
        }
        out.push(Out::Alarm(format!("following again: {why}")));
        let wait = self.backoff;
        self.backoff = (self.backoff * 2).min(BACKOFF_MS[1]);
        self.step_down(at, out);
        self.role = Role::Follower { announce_at: at.boot_ms + wait };
    }

    pub(super) fn step_down(&mut self, at: Instants, out: &mut Vec<Out>) {
        if matches!(self.role, Role::Follower { .. }) {
            return;
        }
        if matches!(self.role, Role::Leader(_)) {
            out.push(Out::StopInputs);
            out.push(Out::Leading(false));
        }
        self.role = Role::Follower { announce_at: at.boot_ms + BACKOFF_MS[0] };
    }

    pub(super) fn resign(&mut self, out: &mut Vec<Out>) {
        self.wanted = false;
        if let Role::Leader(leader) = &self.role {
            let head = header(&Header::Resigned { epoch: leader.epoch, leader: leader.id.clone() });
            out.push(Out::Append(NewRecord { key: Vec::new(), header: head, value: b"{}".to_vec() }));
            out.push(Out::StopInputs);
            out.push(Out::Leading(false));
        }
        self.role = Role::Follower { announce_at: u64::MAX };
    }

    pub(super) fn stop(&mut self, why: String, out: &mut Vec<Out>) -> Option<()> {
        (self.wanted, self.stopped) = (false, true);
        self.role = Role::Follower { announce_at: u64::MAX };
        out.push(Out::Leading(false));
        out.push(Out::Stop(why));
        None
    }
}
