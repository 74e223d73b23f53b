//! Doing what the machine says.

use std::sync::mpsc::sync_channel;

use model::Command;
use model::command::Order;
use model::record::Consumed;
use protocol::log::{AppendError, NewRecord, Topic};
use protocol::{In, Out};

use super::read::FROM_THE_END;
use super::{Driver, FAREWELL, Word};
use crate::health::Trouble;
use crate::snapshots;

impl Driver {
    pub(super) fn act(&mut self, out: Out) {
        match out {
            Out::Append(record) => self.append(record),
            Out::ReadInputs(Consumed { requests, reports }) => {
                self.inputs = Some([requests, reports, FROM_THE_END]);
            }
            Out::StopInputs => {
                (self.inputs, self.waiting) = (None, 0);
                self.no_longer_read();
                self.taken.clear();
                self.caused.clear();
            }
            Out::Command(command) => {
                failpoint::hit("engine.command.before");
                self.command(command);
                failpoint::hit("engine.command.after");
            }
            Out::Renew { pool, node, renew } => {
                failpoint::hit("engine.renew.before");
                self.command(Command { pool, node, order: Order::Renew(renew) });
            }
            Out::Admitted { seq, entry, waited_ms } => {
                failpoint::hit("engine.admitted");
                let since = waited_ms.and_then(|_| self.caused.pop_front()).flatten();
                if self.live {
                    self.shared.metrics.admitted(&entry, since.map(|at| at.elapsed()));
                }
                self.health(|health| health.seq = seq);
                self.part.marks.note(&self.part.replica());
                self.part.admitted.send_replace(seq);
            }
            Out::Answered { pool, key, content, answer, seq } => {
                failpoint::hit("engine.answer.before");
                self.part.waiters.answered(&(pool, key, content), &answer, seq);
            }
            Out::Reject { records, seq } => self.reject(records, seq),
            Out::SnapshotDue => self.snapshot(),
            Out::Leading(leading) => self.leading(leading),
            Out::Alarm(why) => {
                tracing::warn!(partition = self.part.number, %why, "alarm");
                self.shared.metrics.alarm();
                if self.partition.leader().is_none() {
                    self.health(|health| {
                        health.trouble.get_or_insert(Trouble::Doubt(why));
                    });
                }
            }
            Out::Stop(why) => self.halt(why),
        }
    }

    fn append(&mut self, record: NewRecord) {
        let leads = self.partition.leader().is_some();
        failpoint::hit(if leads { "engine.append.before" } else { "engine.announce" });
        // An entry is among those that wait to be read back; a beat is not.
        if self.partition.leader().is_some_and(|leader| self.caused.len() < leader.outstanding.len()) {
            self.caused.push_back(self.decided.take());
        }
        let (words, farewell) = (self.words.0.clone(), self.farewell.clone());
        let header = record.header.clone();
        let done = Box::new(move |outcome: Result<Vec<u64>, AppendError>| {
            if let Err(error) = outcome {
                // A full queue of failures already says enough.
                let _ = words.try_send(Word::AppendFailed(error, header));
            }
            if let Some(farewell) = farewell {
                let _ = farewell.try_send(());
            }
        });
        self.shared.log.append(self.part.stream(Topic::Journal), vec![record], done);
        failpoint::hit("engine.append.after");
    }

    /// Leaves as planned; returns when the log knows, or does not answer.
    pub(super) fn resign(&mut self) {
        let leads = self.partition.leader().is_some();
        let (farewell, heard) = sync_channel(1);
        self.farewell = Some(farewell);
        self.step(vec![In::Resign]);
        if leads {
            // Who does not hear of it learns it from the silence.
            let _ = heard.recv_timeout(FAREWELL);
        }
    }

    fn reject(&self, records: Vec<NewRecord>, seq: u64) {
        let words = self.words.0.clone();
        let done = Box::new(move |outcome: Result<Vec<u64>, AppendError>| match outcome {
            // A word that finds no room is made up for: rejects that are not known to be out come again.
            Ok(_) => drop(words.try_send(Word::RejectsOut(seq))),
            Err(error) => tracing::warn!(%error, "rejects could not be stored; they are tried again"),
        });
        self.shared.log.append(self.part.stream(Topic::Rejects), records, done);
    }

    fn leading(&mut self, leading: bool) {
        if leading {
            failpoint::hit("engine.leading");
        }
        let epoch = self.part.replica().counted.as_ref().map_or(0, |(epoch, _)| *epoch);
        // Where only one leads, being ready says it.
        if self.shared.options.standby {
            let partition = self.part.number;
            match leading {
                true => tracing::info!(partition, epoch, "this instance leads a partition"),
                false => tracing::info!(partition, "this instance leads a partition no more"),
            }
        }
        self.health(|health| {
            health.leading = leading;
            health.led = leading;
            health.epoch = epoch;
            if leading {
                health.trouble = None;
            }
        });
    }

    /// Writes a snapshot beside the thread: the clone shares its executions with the replica, and costs little.
    fn snapshot(&mut self) {
        let (replica, number) = (self.part.replica().clone(), self.part.number);
        let shared = self.shared.clone();
        let write = move || {
            let trimmed = shared.options.trims.then_some(shared.log.as_ref());
            snapshots::save(&shared.options.snapshots, number, &replica, trimmed).map(|()| replica.seq)
        };
        match std::thread::Builder::new().name("snapshot".to_owned()).spawn(write) {
            Ok(thread) => self.writer = Some(thread),
            Err(error) => self.next.push(self.no_snapshot(&format!("the system gives no thread: {error}"))),
        }
    }
}
