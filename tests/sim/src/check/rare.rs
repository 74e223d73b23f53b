//! Rare branches that show in the journal.

use std::collections::BTreeMap;

use model::Body;
use model::event::{TakeBack, Work};

use super::admission::Admitted;
use crate::counters::Counters;

/// Counts them.
pub fn count(admitted: &Admitted, counters: &mut Counters) {
    (0..admitted.deposed.min(1)).for_each(|_| counters.add("deposed leader's late append ignored"));
    let mut rounds = BTreeMap::new();
    let mut sweeping = false;
    for at in &admitted.entries {
        if std::mem::take(&mut sweeping) {
            counters.add("sweep went on in another entry");
        }
        for event in &at.entry.events {
            #[expect(clippy::wildcard_enum_match_arm, reason = "few events are rare branches")]
            let what = match &event.event {
                Body::ReportStale { .. } => "stale report",
                Body::AttemptTakenBack { why: TakeBack::Unseen, .. } => "taken back unseen",
                Body::AttemptTakenBack { why: TakeBack::Refused(_), .. } => "taken back by refusal",
                Body::AttemptTakenBack { why: TakeBack::NodeLost, .. } => "taken back with its node",
                Body::ZoneEmergency { on: true, .. } => "emergency entered",
                Body::NodeLost { .. } => "node lost",
                Body::TaskParked { .. } => "parked",
                Body::ExecutionStarted { execution, .. } => {
                    rounds.insert(*execution, (1, true));
                    continue;
                }
                Body::ExecutionEnded { execution, round, .. } => {
                    rounds.insert(*execution, (*round, false));
                    continue;
                }
                Body::ExecutionReopened { execution, round, .. } => {
                    let joined = rounds.insert(*execution, (*round, true)) == Some((*round, true));
                    if !joined {
                        continue;
                    }
                    "replay joined a running round"
                }
                Body::RetryDecided(decided) if decided.delay_ms.0 > 0 => "retry backed off",
                Body::WorkDone { work: Work::Sweep { .. }, done, .. } => {
                    sweeping = !done;
                    continue;
                }
                _ => continue,
            };
            counters.add(what);
        }
    }
}
