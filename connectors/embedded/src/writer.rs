//! The writer of one durable stream: takes what queued during the last commit, commits it, publishes it, tells those
//! who wait. A panic here is one more way for a commit to fail: who waits is told, and the file is opened anew.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::time::Duration;

use protocol::log::AppendError;

use crate::durable::Durable;
use crate::queue::{Append, Work};
use crate::trouble::{Trouble, in_doubt};

/// Most records that one commit trims, so that appends do not wait long for a trim.
const TRIM_STEP: u64 = 1024;

/// Writes until the queue is closed and empty.
pub fn run(stream: &Durable) {
    let mut patience = None;
    loop {
        let work = stream.queue.take(patience);
        let last = work.last;
        patience = catch_unwind(AssertUnwindSafe(|| step(stream, work))).unwrap_or_else(|_| {
            stream.store.fail(&Trouble::Io("our own bug: the writer of this file panicked".to_owned()));
            Some(stream.retry_after)
        });
        if last {
            return;
        }
    }
}

/// Does one commit, and says for how long to wait for more work at the most.
fn step(stream: &Durable, work: Work) -> Option<Duration> {
    let Work { mut appends, trim_before, last: _ } = work;
    let known = stream.held();
    if appends.is_empty() && trim_before <= known.start {
        return None;
    }
    let held = match stream.store.ready() {
        Ok(held) => held,
        Err(trouble) => {
            refuse(appends, &trouble.into());
            return Some(stream.retry_after);
        }
    };
    adopt(stream, &held);
    if !appends.is_empty()
        && let Err(trouble) = stream.store.room()
    {
        refuse(std::mem::take(&mut appends), &trouble.into());
    }
    let trim_to = trim_before.min(held.end).min(held.start + TRIM_STEP).max(held.start);
    if appends.is_empty() && trim_to == held.start {
        return None;
    }
    let records = appends.iter().flat_map(|append| &append.records);
    failpoint::hit("log.commit.before");
    match stream.store.commit(records, trim_to) {
        Ok(()) => {
            failpoint::hit("log.commit.after");
            publish(stream, appends, trim_to);
            failpoint::hit("log.acked");
            (trim_to < trim_before.min(held.end)).then_some(Duration::ZERO)
        }
        Err(trouble) => {
            recover(stream, &held, appends, trouble);
            Some(stream.retry_after)
        }
    }
}

/// Makes synced records visible, then tells those who appended them.
fn publish(stream: &Durable, appends: Vec<Append>, trim_to: u64) {
    let mut answers = Vec::with_capacity(appends.len());
    let mut tail = stream.tail.write().unwrap_or_else(PoisonError::into_inner);
    for Append { records, done } in appends {
        let first = tail.held().end;
        for record in records {
            tail.push(record);
        }
        answers.push((done, (first..tail.held().end).collect()));
    }
    tail.cut(trim_to);
    drop(tail);
    stream.bell.ring();
    for (done, positions) in answers {
        done.tell(Ok(positions));
    }
}

/// A commit failed: opens the file anew and answers by what it holds. "Full" promises that nothing was written.
fn recover(stream: &Durable, held: &Range<u64>, appends: Vec<Append>, trouble: Trouble) {
    let found = stream.store.ready();
    if let Ok(found) = &found {
        adopt(stream, found);
    }
    let nothing_written = found.is_ok_and(|found| found.end == held.end);
    refuse(appends, &if nothing_written { trouble.into() } else { in_doubt(trouble) });
}

/// Shows what the file holds, where it is not what was known: appends in doubt that did become durable, or a trim.
fn adopt(stream: &Durable, found: &Range<u64>) {
    let mut tail = stream.tail.write().unwrap_or_else(PoisonError::into_inner);
    if tail.held() != *found {
        tail.reset(found.clone());
        drop(tail);
        stream.bell.ring();
    }
}

fn refuse(appends: Vec<Append>, why: &AppendError) {
    for append in appends {
        append.done.tell(Err(why.clone()));
    }
}
