//! Whether somebody leads, as far as this instance can know: it does itself, or has heard of who does a moment ago.

use super::{Partition, SILENCE_MS};
use crate::clock::Instants;

/// Who was heard within this time still leads: longer than a takeover after silence takes.
const LED_MS: u64 = 3 * SILENCE_MS;

impl Partition {
    /// Whether somebody leads: what is asked is decided about soon, and read here.
    pub fn is_led(&self, at: Instants) -> bool {
        if self.leader().is_some() {
            // It hears itself, too, where it beats: a leader that is cut off may be none any more.
            return !self.config.standby || at.boot_ms.saturating_sub(self.last_heard) <= LED_MS;
        }
        let heard = self.heard_at_end.is_some_and(|heard| at.boot_ms.saturating_sub(heard) <= LED_MS);
        if !self.config.standby || !self.read_to_end || !heard {
            return false;
        }
        let replica = self.read();
        // Who was counted last, and does not lead, leads no more if that is we.
        !replica.resigned && replica.counted.is_some() && replica.counted != self.counted_self
    }

    /// The counted leader has given a sign of life. It is news only to who had read all that came before: from a journal
    /// that is read anew the dead speak too.
    pub(super) fn heard(&mut self, at: Instants) {
        self.last_heard = at.boot_ms;
        if self.read_to_end {
            self.heard_at_end = Some(at.boot_ms);
        }
    }
}
