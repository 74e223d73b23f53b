//! Leases: where one may be granted, who may speak of it, when it is void; and the locks that hang on it.

use model::event::{AttemptOutcome, Dispatch, Ended, TakeBack, TaskRef};
use model::report::Cause;
use model::{By, LeaseId, LockId, ReportKind};

use super::apply::Ctx;
use super::model::{Lease, Model, Phase};
use crate::history::LATE;

impl Model {
    pub(super) fn dispatched(&mut self, dispatch: &Dispatch, ctx: &Ctx<'_>) {
        let (at, lease) = (dispatch.at, dispatch.lease);
        let ready = self.phase(at) == Some(Phase::Ready);
        let goes = self
            .executions
            .get(&at.execution)
            .is_some_and(|e| !e.paused && !e.cancelled && !e.stopped && e.ended.is_none() && !e.forgotten);
        self.demand(ready && goes, || format!("I8: {at:?} is dispatched, ready {ready}, goes {goes}: {dispatch:?}"));
        let place = Some(lease.journal) == ctx.journal
            && (lease.epoch, lease.seq, lease.index) == (ctx.at.epoch, ctx.at.seq, ctx.index);
        let new = !self.leases.contains_key(&lease);
        self.demand(place && new, || format!("I2: the lease {lease} is not of its place in entry {}", ctx.at.seq));
        self.fits(dispatch, ctx);
        self.after_beat(dispatch, ctx);
        if let Some(task) = self.task(at) {
            task.attempts += 1;
            let right = task.attempts == dispatch.attempt && task.needs == dispatch.needs;
            self.demand(right, || {
                format!("I8: {at:?} is dispatched as {} with {:?}", dispatch.attempt, dispatch.needs)
            });
        }
        self.over(at, Phase::Running(lease), ctx);
        let Dispatch { node, boot, needs, after_beat, .. } = dispatch.clone();
        let granted = ctx.at.visible;
        let granted = Lease {
            at,
            node,
            boot,
            needs,
            after_beat,
            granted,
            accepted: false,
            void: None,
            cancel: None,
            unseen: false,
            reported: false,
            missing: None,
        };
        self.leases.insert(lease, granted);
    }

    /// The node is there, and is what the task needs.
    fn fits(&mut self, dispatch: &Dispatch, ctx: &Ctx<'_>) {
        let needs = &dispatch.needs;
        let fits = self.nodes.get(&dispatch.node).is_some_and(|node| {
            let labels = needs.labels.iter().all(|(key, value)| node.labels.get(key) == Some(value));
            node.present && node.boot == dispatch.boot && labels && needs.slots <= node.slots
        });
        self.demand(fits, || format!("schedule: {dispatch:?} does not fit its node, entry {}", ctx.at.seq));
        let free = needs.locks.iter().all(|(lock, permits)| {
            self.locks.get(lock).is_some_and(|(size, held)| held.values().sum::<u32>() + permits <= *size)
        });
        self.demand(free, || format!("I15: {dispatch:?} is granted permits that are taken, entry {}", ctx.at.seq));
        let early = !needs.locks.is_empty() && ctx.now < ctx.at.first + ctx.settings.lost_ms.0;
        self.demand(!early, || format!("locks: {:?} is granted within one `lost` of a new journal", dispatch.at));
    }

    /// A start comes only after a beat of the present boot that this leader heard, and not after a refusal; slots
    /// are counted less the node's leases and whatever else that beat held.
    fn after_beat(&mut self, dispatch: &Dispatch, ctx: &Ctx<'_>) {
        let (node, boot) = (&dispatch.node, &dispatch.boot);
        let Some(beat) = ctx.facts.beats.get(&(node.clone(), boot.clone(), dispatch.after_beat)) else {
            return self.fail(format!("fleet: {dispatch:?} names a beat that nobody sent, entry {}", ctx.at.seq));
        };
        let heard = beat.copies.iter().any(|at| *at >= ctx.at.led_since);
        self.demand(heard, || {
            format!("fleet: {dispatch:?} after a beat from before the takeover, entry {}", ctx.at.seq)
        });
        let start = ctx.settings.start_ms.0;
        let last = beat.copies.iter().max().copied().unwrap_or(0);
        let old =
            ctx.decided.is_some_and(|(at, engine)| at > ctx.history.read_at(engine, last) + start + start / 50 + LATE);
        self.demand(!old, || format!("fleet: {dispatch:?} after a beat older than {start} ms, entry {}", ctx.at.seq));
        let refused = self.nodes.get(node).and_then(|n| n.refused);
        self.demand(refused.is_none_or(|refused| dispatch.after_beat > refused), || {
            format!("fleet: {dispatch:?} though {node} has refused since that beat, entry {}", ctx.at.seq)
        });
        let others = beat.holds.iter().filter(|lease| {
            self.leases.get(lease).is_none_or(|held| held.void.is_some() && !held.reported || held.node != *node)
        });
        let taken = self.used(node) + u32::try_from(others.count()).unwrap_or(u32::MAX) + dispatch.needs.slots;
        let slots = self.nodes.get(node).map_or(0, |n| n.slots);
        self.demand(taken <= slots, || format!("I15: {node} has {slots} slots, {taken} are taken: {dispatch:?}"));
    }

    /// The lease under which a task runs, if the one who speaks holds it.
    fn spoken(&mut self, at: TaskRef, ctx: &Ctx<'_>) -> Option<LeaseId> {
        let Some(Phase::Running(lease)) = self.phase(at) else {
            self.fail(format!("I8: a report of {at:?}, which does not run, has an effect in entry {}", ctx.at.seq));
            return None;
        };
        let By::Node { node, boot, seq } = ctx.by else { return Some(lease) };
        let said = ctx.facts.by_key.get(&(node.clone(), boot.clone(), *seq)).and_then(|report| report.kind.lease());
        let held = self.leases.get(&lease);
        let current = held.is_some_and(|l| l.void.is_none() && l.node == *node && l.boot == *boot);
        self.demand(current && said == Some(lease), || {
            format!(
                "I2: a report of {said:?} by {node} {boot} counts for {lease}, which is {held:?}",
                held = "not its own"
            )
        });
        Some(lease)
    }

    pub(super) fn reported(&mut self, at: TaskRef, ctx: &Ctx<'_>) {
        self.spoken(at, ctx);
    }

    pub(super) fn accepted(&mut self, at: TaskRef, ctx: &Ctx<'_>) {
        if let Some(lease) = self.spoken(at, ctx).and_then(|lease| self.leases.get_mut(&lease)) {
            let twice = std::mem::replace(&mut lease.accepted, true);
            self.demand(!twice, || format!("I2: {at:?} is accepted twice, entry {}", ctx.at.seq));
        }
    }

    pub(super) fn cancel_asked(&mut self, at: TaskRef, lease: LeaseId, ctx: &Ctx<'_>) {
        let runs = self.phase(at) == Some(Phase::Running(lease));
        self.demand(runs, || format!("I8: {at:?} is cancelled under {lease}, which it does not run"));
        if let Some(lease) = self.leases.get_mut(&lease) {
            lease.cancel.get_or_insert(ctx.at.visible);
        }
    }

    pub(super) fn taken_back(&mut self, at: TaskRef, lease: LeaseId, why: TakeBack, ctx: &Ctx<'_>) {
        let runs = self.phase(at) == Some(Phase::Running(lease));
        let accepted = self.leases.get(&lease).is_some_and(|l| l.accepted);
        self.demand(runs && !accepted, || format!("I8: {lease} is taken back, runs {runs}, accepted {accepted}"));
        if let Some(known) = self.leases.get_mut(&lease) {
            known.unseen = why == TakeBack::Unseen;
            known.void.get_or_insert(ctx.at.visible);
            let (node, beat) = (known.node.clone(), known.after_beat);
            if let (TakeBack::Refused(_), Some(node)) = (why, self.nodes.get_mut(&node)) {
                node.refused = node.refused.max(Some(beat));
            }
        }
        if let Some(task) = self.task(at) {
            task.attempts -= 1;
        }
        self.over(at, Phase::TakenBack, ctx);
    }

    pub(super) fn attempt_ended(&mut self, ended: &Ended, ctx: &Ctx<'_>) {
        let (at, lease) = (ended.at, ended.lease);
        let runs = self.phase(at) == Some(Phase::Running(lease));
        self.demand(runs, || format!("I8: {lease} of {at:?} ends, but {:?}", "it does not run"));
        let void = self.leases.get(&lease).is_some_and(|l| l.void.is_some());
        match ctx.by {
            By::Node { .. } => {
                self.spoken(at, ctx);
                self.says_so(ended, ctx);
                self.end_reported(lease);
            }
            By::Engine | By::Person { .. } => {
                let lost = ended.outcome == AttemptOutcome::Lost && ended.end.is_none();
                self.demand(lost && void == ended.recovery.is_some(), || format!("I8: the engine ends {ended:?}"));
                if !void && let Some(known) = self.leases.get_mut(&lease) {
                    known.missing = ctx.decided.map(|(at, _)| at);
                }
            }
        }
        if let Some(known) = self.leases.get_mut(&lease) {
            known.void.get_or_insert(ctx.at.visible);
        }
        let (lost, node) = (ended.counts_node && ended.outcome == AttemptOutcome::Lost, ended.node.clone());
        if let Some(task) = self.task(at).filter(|_| lost) {
            task.lost.insert(node);
        }
        self.over(at, Phase::Over(ended.outcome), ctx);
    }

    /// Its node has said that nothing of it runs any more.
    pub(super) fn end_reported(&mut self, lease: LeaseId) {
        if let Some(lease) = self.leases.get_mut(&lease) {
            lease.reported = true;
        }
    }

    /// What the journal says of an end is what the node reported.
    fn says_so(&mut self, ended: &Ended, ctx: &Ctx<'_>) {
        let By::Node { node, boot, seq } = ctx.by else { return };
        let Some(report) = ctx.facts.by_key.get(&(node.clone(), boot.clone(), *seq)) else { return };
        let ReportKind::Finished { lease, end } = &report.kind else {
            return self.fail(format!("I2: {ended:?} stands on a report of something else"));
        };
        let failed = end.tests.is_some_and(|tests| tests.failed > 0 || tests.files == 0);
        let passed = end.cause == Cause::Exit && end.exit == Some(0) && !failed;
        let right = *lease == ended.lease
            && ended.end.as_ref() == Some(end)
            && passed == (ended.outcome == AttemptOutcome::Passed);
        self.demand(right, || format!("I2: {ended:?}, but the node said {report:?}"));
    }

    pub(super) fn granted(&mut self, lock: &LockId, lease: LeaseId, permits: u32, ctx: &Ctx<'_>) {
        let asked = self.leases.get(&lease).and_then(|l| l.needs.locks.get(lock).copied());
        self.demand(asked == Some(permits), || format!("I15: {lock} is granted to {lease}, which asked {asked:?}"));
        let (size, held) = self.locks.entry(lock.clone()).or_default();
        held.insert(lease, permits);
        let (size, sum) = (*size, held.values().sum::<u32>());
        self.demand(sum <= size, || format!("I15: {lock} has {size} permits, {sum} are held, entry {}", ctx.at.seq));
    }

    pub(super) fn released(&mut self, lock: &LockId, lease: LeaseId, ctx: &Ctx<'_>) {
        let held = self.locks.get_mut(lock).and_then(|(_, held)| held.remove(&lease));
        let void = self.leases.get(&lease).is_some_and(|l| l.void.is_some());
        self.demand(held.is_some() && void, || format!("I15: {lock} is released by {lease}, entry {}", ctx.at.seq));
    }
}
