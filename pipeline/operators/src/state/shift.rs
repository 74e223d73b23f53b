//! A clock that was moved on purpose moves every deadline with it, so that nothing fires early or never.
//!
//! Keys stay where they are: a late copy of a request still says when it was asked, by the clock of that time. It must
//! be too old to be taken exactly when its key is forgotten.

use std::sync::Arc;

use model::Timestamp;

use super::{Phase, Pool, State};

impl State {
    /// Moves all points in time that something waits for or is measured from; `now` is the time after it.
    pub fn shift(&mut self, by_ms: i64, now: Timestamp) {
        for pool in self.pools.values_mut() {
            pool.shift(by_ms);
            if by_ms < 0 {
                pool.asked_since = now;
            }
        }
        self.rebuild();
    }
}

impl Pool {
    fn shift(&mut self, by_ms: i64) {
        let move_by = |at: &mut Timestamp| at.0 = at.0.saturating_add_signed(by_ms);
        self.nodes.values_mut().for_each(|n| move_by(&mut n.since));
        self.longer_lost.iter_mut().for_each(|(_, until)| move_by(until));
        self.uploads.values_mut().for_each(|u| move_by(&mut u.at));
        self.recoveries.values_mut().for_each(|r| move_by(&mut r.last_sign));
        for execution in self.executions.values_mut().map(Arc::make_mut) {
            if let Some((_, at)) = &mut execution.ended {
                move_by(at);
            }
            for task in &mut execution.tasks {
                match &mut task.phase {
                    Phase::Ready { since, .. } | Phase::Parked { since } => move_by(since),
                    Phase::BackingOff { until } => move_by(until),
                    Phase::Running(attempt) => {
                        move_by(&mut attempt.dispatched);
                        if let Some((at, _)) = &mut attempt.accepted {
                            move_by(at);
                        }
                        if let Some(at) = &mut attempt.started {
                            move_by(at);
                        }
                        if let Some((at, _)) = &mut attempt.cancel {
                            move_by(at);
                        }
                    }
                    Phase::Waiting | Phase::Passed | Phase::Failed | Phase::Cancelled | Phase::Skipped { .. } => {}
                }
            }
        }
    }
}
