//! Recoveries: what happened to a node, and how long each phase took from its last sign of life.

use model::event::{Phase, attempt_name};
use model::{Millis, NodeId, PoolSettings};
use operators::state::{Pool, Recovery};
use serde::{Deserialize, Serialize};

use super::lock::task_name;
use crate::Moment;

/// Most attempts that are named of one recovery.
const MAX_NAMED: usize = 100;

/// A recovery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecoveryView {
    /// `r-31`.
    pub recovery: String,
    /// The node.
    pub node: NodeId,
    /// Its zone.
    pub zone: String,
    /// What happened to it.
    pub cause: String,
    /// Its last sign of life.
    pub last_sign: Moment,
    /// Whether every successor has ended.
    pub done: bool,
    /// When each phase was reached, after the last sign.
    pub phases: Phases,
    /// When each phase should have been reached, after the last sign.
    pub goals: Phases,
    /// Whether every phase so far was reached in time.
    pub goals_met: bool,
    /// How many attempts it ended.
    pub attempts: u32,
    /// How many of their successors went on from a checkpoint.
    pub resumed: u32,
    /// Node time that was lost with them.
    pub work_lost_ms: Millis,
    /// Late reports of void leases.
    pub late_reports: u32,
    /// The attempts that it ended, as `EXECUTION/TASK@ATTEMPT`; the first 100.
    pub moved: Vec<String>,
    /// Tasks whose successor has not ended yet, as `EXECUTION/TASK`; the first 100.
    pub open: Vec<String>,
}

/// A length for each phase; absent: not reached, or no goal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each field is named after its phase")]
pub struct Phases {
    pub suspected_ms: Option<Millis>,
    pub noticed_ms: Option<Millis>,
    pub fenced_ms: Option<Millis>,
    pub requeued_ms: Option<Millis>,
    pub progress_ms: Option<Millis>,
    pub done_ms: Option<Millis>,
}

/// The name of a recovery.
pub fn recovery_id(number: u32) -> String {
    format!("r-{number}")
}

/// The number of a recovery's name.
pub fn recovery_number(id: &str) -> Option<u32> {
    id.strip_prefix("r-")?.parse().ok().filter(|number| recovery_id(*number) == id)
}

/// One recovery.
pub fn recovery(pool: &Pool, number: u32) -> Option<RecoveryView> {
    let of = pool.recoveries.get(&number)?;
    let (phases, goals) = (phases(of), goals(&pool.settings));
    let moved = of.leases.values().filter_map(|(at, attempt)| {
        Some(attempt_name(&pool.execution(at.execution)?.id, &pool.task(*at)?.spec.id, *attempt))
    });
    Some(RecoveryView {
        recovery: recovery_id(number),
        node: of.node.clone(),
        zone: of.zone.clone(),
        cause: of.cause.clone(),
        last_sign: Moment(of.last_sign),
        done: phases.done_ms.is_some(),
        phases,
        goals,
        goals_met: met(&phases, &goals),
        attempts: of.attempts,
        resumed: of.resumed,
        work_lost_ms: of.work_lost_ms,
        late_reports: of.late_reports,
        moved: moved.take(MAX_NAMED).collect(),
        open: of.open.iter().take(MAX_NAMED).filter_map(|at| task_name(pool, *at)).collect(),
    })
}

fn phases(of: &Recovery) -> Phases {
    Phases {
        suspected_ms: of.phase(Phase::Suspected),
        noticed_ms: of.phase(Phase::Noticed),
        fenced_ms: of.phase(Phase::Fenced),
        requeued_ms: of.phase(Phase::Requeued),
        progress_ms: of.phase(Phase::Progress),
        done_ms: of.phase(Phase::Done),
    }
}

/// What the settings promise: suspect and lost as set, a second to fence and requeue, twice `lost` to progress.
fn goals(settings: &PoolSettings) -> Phases {
    let soon = settings.lost_ms + Millis(1_000);
    Phases {
        suspected_ms: Some(settings.suspect_ms),
        noticed_ms: Some(settings.lost_ms),
        fenced_ms: Some(soon),
        requeued_ms: Some(soon),
        progress_ms: Some(settings.lost_ms + settings.lost_ms),
        done_ms: None,
    }
}

/// A verdict is given at a tick after the silence is long enough, so a tenth more is no miss.
fn met(took: &Phases, goals: &Phases) -> bool {
    let in_time = |took: Option<Millis>, goal: Option<Millis>| {
        took.zip(goal).is_none_or(|(took, goal)| took.0 <= goal.0 + goal.0 / 10)
    };
    in_time(took.suspected_ms, goals.suspected_ms)
        && in_time(took.noticed_ms, goals.noticed_ms)
        && in_time(took.fenced_ms, goals.fenced_ms)
        && in_time(took.requeued_ms, goals.requeued_ms)
        && in_time(took.progress_ms, goals.progress_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_recovery_is_its_number() {
        for (id, number) in [("r-31", Some(31)), ("r-031", None), ("31", None), ("r-", None), ("r-x", None)] {
            assert_eq!(recovery_number(id), number, "{id}");
        }
    }

    #[test]
    fn a_goal_is_missed_by_more_than_a_tenth() {
        let goals = goals(&PoolSettings::default());
        for (progress, want) in [(31_200, true), (66_000, true), (66_001, false)] {
            let took = Phases { progress_ms: Some(Millis(progress)), ..Phases::default() };
            assert_eq!(met(&took, &goals), want, "{progress}");
        }
    }
}
