//! What waits to be written to one durable stream: whole appends with their callbacks, bounded, and the latest trim.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::log::{AppendError, Done, NewRecord};

use crate::tail::new_size;

/// Most bytes of one commit, so that the first append of a long queue is not answered last. One append may be larger.
const COMMIT_BYTES: usize = 2 << 20;

/// One call of `append`.
pub struct Append {
    /// Its records.
    pub records: Vec<NewRecord>,
    /// Whom to tell.
    pub done: Answer,
}

/// Who waits for the outcome of an append. Dropped, which only a bug of ours does, it says that nobody knows: nobody
/// waits for ever.
pub struct Answer(Option<Done>);

impl Answer {
    /// Tells this one.
    pub fn to(done: Done) -> Self {
        Self(Some(done))
    }

    /// Tells the outcome.
    pub fn tell(mut self, outcome: Result<Vec<u64>, AppendError>) {
        if let Some(done) = self.0.take() {
            done(outcome);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(done) = self.0.take() {
            done(Err(AppendError::Failed("our own bug: it was dropped, and may have been written".to_owned())));
        }
    }
}

/// What the writer shall do next.
pub struct Work {
    /// Appends for one commit, in the order of their calls.
    pub appends: Vec<Append>,
    /// Records before this position may go.
    pub trim_before: u64,
    /// The queue is closed, and this was the last of it.
    pub last: bool,
}

/// The queue of one stream.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    appends: VecDeque<Append>,
    /// Queued and being written.
    bytes: usize,
    records: usize,
    writing: (usize, usize),
    trim_before: u64,
    trim_news: bool,
    closed: bool,
}

impl Queue {
    /// Takes an append, or gives it back when it would be too much.
    pub fn push(&self, append: Append, most_bytes: usize, most_records: usize) -> Result<(), Append> {
        let mut state = self.lock();
        let bytes = append.records.iter().map(new_size).sum::<usize>();
        let full = most_bytes < state.bytes + bytes || most_records < state.records + append.records.len();
        if state.closed || (full && 0 < state.records) {
            return Err(append);
        }
        state.bytes += bytes;
        state.records += append.records.len();
        state.appends.push_back(append);
        self.more.notify_one();
        Ok(())
    }

    /// Asks that records before a position go.
    pub fn trim(&self, before: u64) {
        let mut state = self.lock();
        if state.trim_before < before {
            state.trim_before = before;
            state.trim_news = true;
            self.more.notify_one();
        }
    }

    /// Records that wait or are being written, and their bytes.
    pub fn waiting(&self) -> (usize, usize) {
        let state = self.lock();
        (state.records, state.bytes)
    }

    /// No more is taken; what is queued will still be written.
    pub fn close(&self) {
        self.lock().closed = true;
        self.more.notify_one();
    }

    /// Waits for work, or until the time has passed if there is one, and forgets the work taken before.
    pub fn take(&self, at_most: Option<Duration>) -> Work {
        let mut state = self.lock();
        state.bytes -= state.writing.0;
        state.records -= state.writing.1;
        state.writing = (0, 0);
        if state.appends.is_empty() && !state.trim_news && !state.closed {
            state = match at_most {
                Some(time) => self.more.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0,
                None => self.more.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        let mut appends = Vec::new();
        while let Some(next) = state.appends.pop_front() {
            let bytes = next.records.iter().map(new_size).sum::<usize>();
            if !appends.is_empty() && COMMIT_BYTES < state.writing.0 + bytes {
                state.appends.push_front(next);
                break;
            }
            state.writing.0 += bytes;
            state.writing.1 += next.records.len();
            appends.push(next);
        }
        state.trim_news = false;
        let last = state.closed && state.appends.is_empty();
        Work { appends, trim_before: state.trim_before, last }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_bounded_with_what_is_being_written_and_gives_back_what_it_does_not_take() {
        let queue = Queue::default();
        let push = |records: usize, bytes: usize| {
            let record = NewRecord { value: vec![0; bytes], ..NewRecord::default() };
            queue.push(Append { records: vec![record; records], done: Answer::to(Box::new(drop)) }, 10_000, 5).is_ok()
        };
        assert!(push(1, 20_000), "one alone may be too large, or it could never be written");
        assert!(!push(1, 0));
        assert_eq!(queue.take(None).appends.len(), 1);
        assert!(!push(1, 0), "it is being written");
        assert!(queue.take(Some(Duration::ZERO)).appends.is_empty());
        assert!(push(2, 0) && push(2, 0) && !push(2, 0) && push(1, 0), "five records");
        assert_eq!(queue.take(None).appends.len(), 3, "all that waits goes into one commit");
        queue.take(Some(Duration::ZERO));
        assert!(push(1, 0));
        queue.close();
        assert!(!push(1, 0), "closed");
        let work = queue.take(None);
        assert!(work.last && work.appends.len() == 1, "what was queued is still written");
    }

    #[test]
    fn a_long_queue_is_written_in_several_commits() {
        let queue = Queue::default();
        for _ in 0..5 {
            let record = NewRecord { value: vec![0; COMMIT_BYTES / 2 - 1000], ..NewRecord::default() };
            assert!(
                queue.push(Append { records: vec![record], done: Answer::to(Box::new(drop)) }, usize::MAX, 100).is_ok()
            );
        }
        let commits: Vec<usize> = (0..3).map(|_| queue.take(None).appends.len()).collect();
        assert_eq!(commits, [2, 2, 1]);
    }
}
