//! What a task may become, and when.

use model::event::{Action, AttemptOutcome, Classified, Decided, SkipReason, TaskRef, TaskResult};
use model::{By, Want};

use super::apply::Ctx;
use super::model::{Model, Phase};
use super::policy;

impl Model {
    fn enter(&mut self, at: TaskRef, phase: Phase, ctx: &Ctx<'_>) {
        let since = (ctx.now, ctx.at.visible);
        if let Some(task) = self.task(at) {
            (task.phase, task.since) = (phase, since);
        }
    }

    fn illegal(&mut self, at: TaskRef, what: &str, ctx: &Ctx<'_>) {
        let phase = self.phase(at);
        self.fail(format!("I8: {what} of {at:?} in {phase:?}, entry {}", ctx.at.seq));
    }

    /// Whether a dependency holds.
    fn holds(&self, execution: u32, on: u32, want: Want) -> bool {
        let phase = self.phase(TaskRef { execution, task: on });
        match want {
            Want::Passed => phase == Some(Phase::Passed),
            Want::Failed => phase == Some(Phase::Failed),
            Want::Finished => phase.is_some_and(|phase| phase.is_over()),
        }
    }

    pub(super) fn task_ready(&mut self, at: TaskRef, ctx: &Ctx<'_>) {
        let Some(execution) = self.executions.get(&at.execution) else { return self.illegal(at, "task_ready", ctx) };
        let open = execution.ended.is_none();
        let deps = execution.tasks.get(at.task as usize).map(|task| task.deps.clone()).unwrap_or_default();
        let legal = match self.phase(at) {
            Some(Phase::Waiting) => {
                let missing = deps.iter().find(|edge| !self.holds(at.execution, edge.on, edge.want)).copied();
                if let Some(edge) = missing {
                    let on = self.phase(TaskRef { task: edge.on, ..at });
                    self.fail(format!("dependencies: {at:?} is ready, but {edge:?} is {on:?}, entry {}", ctx.at.seq));
                }
                true
            }
            Some(Phase::BackingOff(until)) => {
                self.demand(ctx.now >= until, || format!("I6: {at:?} is retried at {}, before {until}", ctx.now));
                true
            }
            Some(Phase::Decided(Action::Retry) | Phase::TakenBack) => true,
            Some(
                Phase::Ready
                | Phase::Running(_)
                | Phase::Over(_)
                | Phase::Classified(_)
                | Phase::Decided(_)
                | Phase::Passed
                | Phase::Failed
                | Phase::Cancelled
                | Phase::Skipped
                | Phase::Parked,
            )
            | None => false,
        };
        if !legal || !open {
            self.illegal(at, "task_ready", ctx);
        }
        self.enter(at, Phase::Ready, ctx);
    }

    pub(super) fn task_reset(&mut self, at: TaskRef, ctx: &Ctx<'_>) {
        let over = self.phase(at).is_some_and(|phase| phase.is_over());
        let execution = self.executions.get(&at.execution);
        let reopening = execution.is_some_and(|e| !e.reopening.is_empty() && e.ended.is_none());
        let dropped = matches!(ctx.by, By::Person { .. }) && self.phase(at) == Some(Phase::Parked);
        if !over || !(reopening || dropped) {
            self.illegal(at, "task_reset", ctx);
        }
        if let Some(task) = self.task(at) {
            task.uses.clear();
            task.lost.clear();
            task.before = task.attempts;
        }
        if let Some(execution) = self.executions.get_mut(&at.execution) {
            execution.owed.remove(&at.task);
        }
        self.enter(at, Phase::Waiting, ctx);
    }

    pub(super) fn task_skipped(&mut self, at: TaskRef, because: u32, how: SkipReason, ctx: &Ctx<'_>) {
        let on = TaskRef { task: because, ..at };
        let edge = self.task(at).and_then(|task| task.deps.iter().find(|edge| edge.on == because).copied());
        let legal = match how {
            SkipReason::After => {
                let never = match (self.phase(on), edge.map(|edge| edge.want)) {
                    (Some(Phase::Passed), Some(Want::Failed)) | (Some(Phase::Failed), Some(Want::Passed)) => true,
                    (Some(Phase::Cancelled | Phase::Skipped), Some(Want::Passed | Want::Failed)) => true,
                    (_, _) => false,
                };
                never && self.phase(at) == Some(Phase::Waiting)
            }
            SkipReason::Blocked => {
                let tasks = self.executions.get(&at.execution).map(|e| e.tasks.as_slice()).unwrap_or_default();
                let quiet = tasks.iter().all(|task| task.phase.is_over() || task.phase == Phase::Waiting);
                quiet && self.phase(on) == Some(Phase::Parked) && self.phase(at) == Some(Phase::Waiting)
            }
            SkipReason::Stopped => {
                let stopped = self.executions.get(&at.execution).is_some_and(|e| e.stopped);
                stopped && !self.phase(at).is_some_and(|phase| phase.is_over())
            }
        };
        if !legal {
            self.illegal(at, &format!("task_skipped ({how:?} of {because})"), ctx);
        }
        self.enter(at, Phase::Skipped, ctx);
    }

    pub(super) fn task_parked(&mut self, at: TaskRef, ctx: &Ctx<'_>) {
        if !matches!(self.phase(at), Some(Phase::Decided(Action::Park | Action::Escalate))) {
            self.illegal(at, "task_parked", ctx);
        }
        self.enter(at, Phase::Parked, ctx);
    }

    pub(super) fn task_ended(&mut self, at: TaskRef, result: TaskResult, ctx: &Ctx<'_>) {
        let cancelled = self.executions.get(&at.execution).is_some_and(|e| e.cancelled);
        let dropped = matches!(ctx.by, By::Person { .. });
        let phase = self.phase(at);
        let legal = match result {
            TaskResult::Passed => {
                matches!(phase, Some(Phase::Over(AttemptOutcome::Passed) | Phase::Decided(Action::Ignore)))
            }
            TaskResult::Failed => {
                matches!(phase, Some(Phase::Decided(Action::Fail | Action::Stop)))
                    || dropped && phase == Some(Phase::Waiting)
            }
            TaskResult::Cancelled => match phase {
                Some(Phase::Over(AttemptOutcome::Cancelled)) => true,
                Some(
                    Phase::Waiting
                    | Phase::Ready
                    | Phase::BackingOff(_)
                    | Phase::TakenBack
                    | Phase::Classified(_)
                    | Phase::Over(_),
                ) => cancelled,
                Some(
                    Phase::Running(_)
                    | Phase::Decided(_)
                    | Phase::Passed
                    | Phase::Failed
                    | Phase::Cancelled
                    | Phase::Skipped
                    | Phase::Parked,
                )
                | None => false,
            },
        };
        if !legal {
            self.illegal(at, &format!("task_ended {result:?}"), ctx);
        }
        let phase = match result {
            TaskResult::Passed => Phase::Passed,
            TaskResult::Failed => Phase::Failed,
            TaskResult::Cancelled => Phase::Cancelled,
        };
        self.enter(at, phase, ctx);
    }

    pub(super) fn classified(&mut self, classified: &Classified, ctx: &Ctx<'_>) {
        let at = classified.at;
        if !matches!(self.phase(at), Some(Phase::Over(AttemptOutcome::Failed | AttemptOutcome::Lost))) {
            self.illegal(at, "failure_classified", ctx);
        }
        self.enter(at, Phase::Classified(classified.class), ctx);
    }

    pub(super) fn decided(&mut self, decided: &Decided, ctx: &Ctx<'_>) {
        let at = decided.at;
        let Some(Phase::Classified(class)) = self.phase(at) else { return self.illegal(at, "retry_decided", ctx) };
        let Some(execution) = self.executions.get(&at.execution) else { return };
        let Some(task) = execution.tasks.get(at.task as usize) else { return };
        let wanted = execution.policies.contains(&decided.policy)
            && decided.policy.as_str().rsplit_once('@').is_some_and(|(name, _)| name == task.spec.retry);
        let rule = self.policies.get(&decided.policy).and_then(|p| policy::rule(p, class, task, execution.retries));
        let fits = rule.is_some_and(|rule| {
            let action = policy::action(rule);
            let stopped = execution.stopped && action == Action::Retry && decided.action == Action::Fail;
            let right = decided.rule == rule.id && (decided.action == action || stopped);
            let uses = task.uses.get(&rule.id).copied().unwrap_or(0) + 1;
            right && decided.uses == (uses, rule.limit) && (stopped || policy::wait_fits(rule, decided))
        });
        if !wanted || !fits {
            let rule = rule.map(|rule| rule.id.clone());
            let said = format!("{} {:?} after {:?}", decided.rule, decided.action, decided.delay_ms);
            self.fail(format!("I7: {at:?} {class:?}: {said}, but the policy says {rule:?}, entry {}", ctx.at.seq));
        }
        let of_test = matches!(class, model::policy::FailureClass::TestFailure | model::policy::FailureClass::Crash);
        let retries = decided.action == Action::Retry;
        if let Some(execution) = self.executions.get_mut(&at.execution) {
            execution.retries += u32::from(retries && of_test);
        }
        if let Some(task) = self.task(at) {
            task.uses.insert(decided.rule.clone(), decided.uses.0);
            if let Some(needs) = &decided.needs {
                task.needs = needs.as_ref().clone();
            }
        }
        let waits = retries && decided.delay_ms.0 > 0;
        let next = if waits { Phase::BackingOff(ctx.now + decided.delay_ms.0) } else { Phase::Decided(decided.action) };
        self.enter(at, next, ctx);
    }

    /// An attempt has ended: what follows must be said next.
    pub(super) fn over(&mut self, at: TaskRef, phase: Phase, ctx: &Ctx<'_>) {
        self.enter(at, phase, ctx);
    }
}
