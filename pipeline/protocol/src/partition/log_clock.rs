//! The log's clock, where it has one: whoever's own is far from it does not lead. Deadlines would be its own then, and
//! jump for everyone when another takes over.

use model::record::Header;
use model::{LeaderId, Millis, Timestamp};

use super::{BACKOFF_MS, Out, Partition, Role};
use crate::batch::header;
use crate::clock::{self, Clock, Instants};
use crate::log::NewRecord;

impl Partition {
    /// How far our clock is from the log's, if that is too far: a record of ours was sent then, and is read back now.
    pub(super) fn off_log(&self, sent: Timestamp, appended: Option<Timestamp>, at: Instants) -> Option<i64> {
        let mut clock = self.clock.unwrap_or_else(|| Clock::start(at, Timestamp(0)));
        clock::off_log(appended?, sent, clock.now(at))
    }

    /// An own entry was read back, sent at this time.
    pub(super) fn check_entry(
        &mut self,
        sent: Timestamp,
        appended: Option<Timestamp>,
        at: Instants,
        out: &mut Vec<Out>,
    ) {
        if let (Some(off), Role::Leader(leader)) = (self.off_log(sent, appended, at), &self.role) {
            self.make_way(leader.epoch, leader.id.clone(), off, at, out);
        }
    }

    /// A beat of whoever leads was read: if we do, it is ours.
    pub(super) fn check_beat(&mut self, appended: Option<Timestamp>, at: Instants, out: &mut Vec<Out>) {
        let Role::Leader(leader) = &mut self.role else { return };
        if let Some(sent) = leader.beats.pop_front() {
            self.check_entry(sent, appended, at, out);
        }
    }

    /// Resigns, so that another leads at once, and says why. It tries again after a while: it may be the only one.
    pub(super) fn make_way(&mut self, epoch: u64, leader: LeaderId, off: i64, at: Instants, out: &mut Vec<Out>) {
        let head = header(&Header::Resigned { epoch, leader });
        out.push(Out::Append(NewRecord { key: Vec::new(), header: head, value: b"{}".to_vec() }));
        let wait = self.backoff;
        self.backoff = (self.backoff * 2).min(BACKOFF_MS[1]);
        self.step_down(at, out);
        self.role = Role::Follower { announce_at: at.boot_ms + wait };
        // Who asked us to lead did not know.
        self.wanted &= !self.config.standby;
        let (by, way) = (Millis(off.unsigned_abs()), if off < 0 { "behind" } else { "ahead of" });
        out.push(Out::Alarm(format!(
            "this machine's clock is {by} {way} the log's, so it does not lead: set it right (NTP does)"
        )));
    }
}
