//! Events, one after another: each is handed to the part of the reference model that it is about.

use model::{Body, By, Event, PoolId, PoolSettings};

use super::admission::At;
use super::facts::Facts;
use super::model::{Given, Model};
use crate::history::History;

/// Where an event stands, and what the checker knows beside the journal.
#[derive(Debug, Clone, Copy)]
pub struct Ctx<'a> {
    /// The entry.
    pub at: &'a At,
    /// The event's index in it.
    pub index: u32,
    /// Who said so.
    pub by: &'a By,
    /// The entry's time.
    pub now: u64,
    /// When the world saw the entry appended, and by which instance.
    pub decided: Option<(u64, usize)>,
    /// The journal, as leases name it.
    pub journal: Option<model::JournalId>,
    /// The inputs.
    pub facts: &'a Facts,
    /// What the world saw.
    pub history: &'a History,
    /// The pool that is followed.
    pub pool: &'a PoolId,
    /// Its settings.
    pub settings: &'a PoolSettings,
}

impl Model {
    /// Applies an event.
    pub fn apply(&mut self, event: &Event, ctx: &Ctx<'_>) {
        if event.pool != *ctx.pool {
            return;
        }
        self.by_report(event, ctx);
        match &event.event {
            Body::PoolSettingsPut { .. }
            | Body::NotifiedUpTo { .. }
            | Body::TestResults { .. }
            | Body::WorkDone { .. }
            | Body::RecoveryPhase { .. }
            | Body::InputRejected { .. }
            | Body::ZoneEmergency { .. } => {}
            Body::ReportStale { lease, report } => {
                if let Some(lease) = lease.filter(|_| report == "finished") {
                    self.end_reported(lease);
                }
            }
            Body::PolicyPut { id, policy } => drop(self.policies.insert(id.clone(), policy.clone())),
            Body::RequestAnswered { key, content, answer, .. } => {
                let (visible, content, answer) = (ctx.at.visible, *content, answer.clone());
                self.answers.entry(key.clone()).or_default().push(Given { visible, content, answer });
            }
            Body::KeysForgotten { before } => {
                let least = ctx.now.saturating_sub(ctx.settings.keys_ms.0) + 1;
                self.demand(before.0 <= least, || format!("I6: keys before {before:?} are forgotten at {}", ctx.now));
            }
            Body::NodeJoined(joined) => self.joined(joined, ctx),
            Body::NodeSuspected { .. } | Body::NodeReturned { .. } => {}
            Body::NodeLost { node, boot, .. } => self.lost(node, boot, ctx),
            Body::NodeLeft { node, boot, .. } => self.left(node, boot, ctx),
            Body::FlowPart { key, submit } => self.part(key, submit, ctx),
            Body::UploadExpired { key } => self.expired(key, ctx),
            Body::ExecutionStarted { execution, key, policies } => self.started(*execution, key, policies, ctx),
            Body::ExecutionPaused { execution } => self.pause(*execution, true),
            Body::ExecutionResumed { execution } => self.pause(*execution, false),
            Body::ExecutionCancelRequested { execution, .. } => self.cancel(*execution),
            Body::ExecutionStopped { execution, .. } => self.stop(*execution),
            Body::ExecutionEnded { execution, state, .. } => self.ended(*execution, *state, ctx),
            Body::ExecutionReopened { execution, round, scope, .. } => self.reopened(*execution, *round, scope, ctx),
            Body::ExecutionForgotten { execution, .. } => self.forgotten(*execution, ctx),
            Body::TaskReady { at, .. } => self.task_ready(*at, ctx),
            Body::TaskReset { at, .. } => self.task_reset(*at, ctx),
            Body::TaskSkipped { at, because, how } => self.task_skipped(*at, *because, *how, ctx),
            Body::TaskParked { at, .. } => self.task_parked(*at, ctx),
            Body::TaskEnded { at, result } => self.task_ended(*at, *result, ctx),
            Body::TaskNeedsPut { at, needs } => {
                if let Some(task) = self.task(*at) {
                    task.needs = needs.as_ref().clone();
                }
            }
            Body::FailureClassified(classified) => self.classified(classified, ctx),
            Body::RetryDecided(decided) => self.decided(decided, ctx),
            Body::AttemptDispatched(dispatch) => self.dispatched(dispatch, ctx),
            Body::AttemptAccepted { at, .. } => self.accepted(*at, ctx),
            Body::AttemptTakenBack { at, lease, why, .. } => self.taken_back(*at, *lease, *why, ctx),
            Body::AttemptStarted { at, .. }
            | Body::AttemptProgressed { at, .. }
            | Body::AttemptCheckpointed { at, .. } => self.reported(*at, ctx),
            Body::AttemptCancelRequested { at, lease, .. } => self.cancel_asked(*at, *lease, ctx),
            Body::AttemptEnded(ended) => self.attempt_ended(ended, ctx),
            Body::LockGranted { lock, lease, permits, .. } => self.granted(lock, *lease, *permits, ctx),
            Body::LockReleased { lock, lease, .. } => self.released(lock, *lease, ctx),
        }
    }

    /// An event by a node stands on a report that the node stored.
    fn by_report(&mut self, event: &Event, ctx: &Ctx<'_>) {
        if let By::Node { node, boot, seq } = ctx.by {
            let known = ctx.facts.by_key.contains_key(&(node.clone(), boot.clone(), *seq));
            self.demand(known, || format!("I10: {} stands on a report that nobody sent", event.event.word()));
        }
    }
}
