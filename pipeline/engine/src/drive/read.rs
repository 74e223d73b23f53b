//! Reading: the journal always, inputs while it leads. What cannot be read is said, and over when it can.

use std::time::{Duration, Instant};

use model::record::Consumed;
use protocol::In;
use protocol::log::{Page, ReadError, Stream, Topic};

use super::{Driver, INPUTS, TICK};
use crate::health::Trouble;

/// Bytes of one read of inputs, and of the journal.
const INPUT_BYTES: usize = 256 * 1024;
const JOURNAL_BYTES: usize = 4 * 1024 * 1024;
/// The position of an input that is read from its end on, which is not known yet.
pub(super) const FROM_THE_END: u64 = u64::MAX;
/// How often a leader is told that its inputs hold nothing new.
const HEARS: Duration = Duration::from_millis(250);
/// How often a follower looks how many inputs wait for the leader.
const LOOK: Duration = Duration::from_millis(500);

impl Driver {
    pub(super) fn journal(&mut self) -> Option<In> {
        let (of, position) = (self.part.stream(Topic::Journal), self.part.replica().position);
        let read = self.shared.log.read(of, position, JOURNAL_BYTES);
        let page = self.read(of, position, read)?;
        self.part.tap.put(&page);
        let news = !page.records.is_empty() || page.next > position || !self.partition.is_at_end();
        news.then_some(In::Journal { records: page.records, next: page.next, end: page.end })
    }

    pub(super) fn read_inputs(&mut self) -> Vec<In> {
        let Some(mut positions) = self.inputs.filter(|_| self.partition.takes_inputs()) else { return Vec::new() };
        let (mut told, mut any, mut waiting) = (Vec::new(), false, 0);
        for (topic, position) in INPUTS.into_iter().zip(&mut positions) {
            let of = self.part.stream(topic);
            if *position == FROM_THE_END {
                match self.shared.log.range(of) {
                    Ok(held) => *position = held.end,
                    Err(error) => {
                        self.unread(of, error.to_string());
                        continue;
                    }
                }
            }
            let page = match self.shared.log.read(of, *position, INPUT_BYTES) {
                Err(ReadError::Cut { start, end, .. }) if topic != Topic::Heartbeats => {
                    // Whether that is harm is not ours to say.
                    told.push(In::InputCut { topic, position: *position, start, end });
                    any = true;
                    continue;
                }
                read => self.read(of, *position, read),
            };
            let Some(page) = page else { continue };
            if !page.records.is_empty() {
                any = true;
                let now = Instant::now();
                self.gathered = Some(now);
                match topic {
                    Topic::Requests => self.taken.requests(*position, page.next, now),
                    Topic::Reports => self.taken.reports(*position, page.next, now),
                    Topic::Heartbeats | Topic::Journal | Topic::Commands | Topic::Rejects => {}
                }
            }
            *position = page.next;
            waiting += page.end.saturating_sub(page.next);
            told.push(In::Input { topic, records: page.records, next: page.next, end: page.end });
        }
        (self.inputs, self.waiting) = (Some(positions), waiting);
        // Ends are told even when nothing is new, but not each time: that the partition hears.
        let caught_up = self.partition.leader().is_some_and(|l| l.soft.caught_up);
        if !any && caught_up && self.last_told.elapsed() < HEARS {
            return Vec::new();
        }
        self.last_told = Instant::now();
        told
    }

    /// How many inputs wait for the leader, as a follower sees it: what the log holds beyond what is consumed.
    pub(super) fn look(&mut self, consumed: Consumed) {
        if self.last_look.is_some_and(|at| at.elapsed() < LOOK) {
            return;
        }
        self.last_look = Some(Instant::now());
        let behind = |topic, consumed: u64| {
            let range = self.shared.log.range(self.part.stream(topic));
            range.map_or(0, |range| range.end.saturating_sub(consumed.max(range.start)))
        };
        self.waiting = behind(Topic::Requests, consumed.requests) + behind(Topic::Reports, consumed.reports);
    }

    /// A page that was read; a cut or an error is dealt with here.
    fn read(&mut self, of: Stream, position: u64, read: Result<Page, ReadError>) -> Option<Page> {
        match read {
            Ok(page) => {
                self.readable(of);
                Some(page)
            }
            Err(ReadError::Cut { start, end, .. }) if of.topic == Topic::Heartbeats => {
                // Beats are soft: what is gone would have been overtaken anyway.
                Some(Page { records: Vec::new(), next: start.max(position.min(end)), end })
            }
            Err(error @ ReadError::Cut { .. }) => {
                // Where instances share the log, what is gone is not in the folder of any of them.
                let mend = match self.shared.options.standby {
                    true => {
                        "bring the topic back from a copy, or begin anew: another `topic_prefix`, and another data \
                         folder (`--data`)"
                    }
                    false => "restore the data folder from a copy",
                };
                self.halt(format!("{of}: {error}; {mend}"));
                None
            }
            Err(ReadError::Failed(why)) => {
                self.unread(of, why);
                std::thread::sleep(TICK);
                None
            }
        }
    }

    /// A stream cannot be read, or cannot be written where nobody else would say so.
    pub(super) fn unread(&mut self, of: Stream, why: String) {
        let unread = Trouble::Unread(format!("{of}: {why}"));
        self.unread.insert(of, why);
        self.health(|health| {
            health.trouble.get_or_insert(unread);
        });
    }

    /// A stream can be read: what was said of it is over.
    pub(super) fn readable(&mut self, of: Stream) {
        if self.unread.remove(&of).is_some() {
            self.tell_unread();
        }
    }

    /// Inputs are read no longer: whether they could be is no matter of ours then.
    pub(super) fn no_longer_read(&mut self) {
        self.unread.retain(|of, _| !INPUTS.contains(&of.topic));
        self.tell_unread();
    }

    fn tell_unread(&self) {
        let other = self.unread.first_key_value().map(|(of, why)| Trouble::Unread(format!("{of}: {why}")));
        self.health(|health| {
            if matches!(health.trouble, Some(Trouble::Unread(_))) {
                health.trouble = other;
            }
        });
    }
}
