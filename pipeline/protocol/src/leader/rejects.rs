//! Which entries' rejects are on their way, and up to which entry all are out.

use std::collections::BTreeMap;

/// The rejects of one leader.
#[derive(Debug, Default)]
pub struct Rejects {
    /// Entries whose rejects were offered and are not known to be out, with since when by the machine's clock.
    on_their_way: BTreeMap<u64, u64>,
    /// The last entry whose rejects are out.
    out: u64,
}

impl Rejects {
    /// Those of an entry are on their way.
    pub fn offered(&mut self, seq: u64, boot_ms: u64) {
        self.on_their_way.insert(seq, boot_ms);
    }

    /// Those of an entry are out.
    pub fn are_out(&mut self, seq: u64) {
        self.on_their_way.remove(&seq);
        self.out = self.out.max(seq);
    }

    /// The first entry whose rejects are on their way since before a time.
    pub fn overdue(&self, before: u64) -> Option<u64> {
        self.on_their_way.iter().find(|(_, since)| **since < before).map(|(seq, _)| *seq)
    }

    /// Up to which entry all are out, without a hole: what is still on its way may fail.
    pub fn all_out(&self) -> u64 {
        self.on_their_way.first_key_value().map_or(self.out, |(first, _)| self.out.min(first - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_counts_up_to_the_first_that_is_still_on_its_way() {
        let mut rejects = Rejects::default();
        for seq in [3, 5, 9] {
            rejects.offered(seq, seq * 100);
        }
        rejects.are_out(5);
        assert_eq!((rejects.all_out(), rejects.overdue(300), rejects.overdue(301)), (2, None, Some(3)));
        rejects.are_out(3);
        assert_eq!(rejects.all_out(), 5);
        rejects.are_out(9);
        assert_eq!((rejects.all_out(), rejects.overdue(10_000)), (9, None));
    }
}
