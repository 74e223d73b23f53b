//! What an execution may become, and when.

use model::event::{EndState, TaskRef};
use model::request::{RetryScope, Submit};
use model::{Key, PolicyId};

use super::apply::Ctx;
use super::model::{Execution, Model, Phase, TaskM, Upload};

impl Model {
    pub(super) fn part(&mut self, key: &Key, submit: &Submit, ctx: &Ctx<'_>) {
        if let Some(head) = &submit.flow.head {
            let upload = Upload { locks: head.locks.clone(), ..Upload::default() };
            self.uploads.insert(key.clone(), upload);
        }
        let Some(upload) = self.uploads.get_mut(key) else {
            return self.fail(format!("I8: a part of {key} comes before its first"));
        };
        upload.tasks.extend(submit.flow.tasks.iter().cloned());
        upload.edges.extend(submit.flow.edges.iter().copied());
        upload.at = ctx.now;
    }

    pub(super) fn expired(&mut self, key: &Key, ctx: &Ctx<'_>) {
        let engine = *ctx.by == model::By::Engine;
        let due = self.uploads.remove(key).map(|upload| upload.at + ctx.settings.upload_ms.0);
        self.demand(due.is_some_and(|due| !engine || due <= ctx.now), || {
            format!("I6: the upload {key} expires at {}, it is due at {due:?}", ctx.now)
        });
    }

    pub(super) fn started(&mut self, number: u32, key: &Key, policies: &[PolicyId], ctx: &Ctx<'_>) {
        let upload = self.uploads.remove(key).unwrap_or_default();
        for (lock, size) in upload.locks {
            self.locks.entry(lock).or_default().0 = size;
        }
        let tasks = (0..).zip(&upload.tasks).map(|(index, spec)| TaskM {
            spec: spec.clone(),
            deps: upload.edges.iter().filter(|edge| edge.task == index).copied().collect(),
            needs: spec.needs.clone(),
            phase: Phase::Waiting,
            since: (ctx.now, ctx.at.visible),
            attempts: 0,
            before: 0,
            uses: Default::default(),
            lost: Default::default(),
        });
        let execution =
            Execution { tasks: tasks.collect(), policies: policies.to_vec(), round: 1, ..Execution::default() };
        let empty = execution.tasks.is_empty();
        let old = self.executions.insert(number, execution);
        self.demand(!empty && old.is_none(), || format!("I1: execution {number} begins twice, or with nothing"));
        self.begun.entry(key.clone()).or_default().push(number);
    }

    pub(super) fn pause(&mut self, number: u32, paused: bool) {
        if let Some(execution) = self.executions.get_mut(&number) {
            execution.paused = paused;
        }
    }

    pub(super) fn cancel(&mut self, number: u32) {
        if let Some(execution) = self.executions.get_mut(&number) {
            let ended = execution.ended.is_some();
            (execution.cancelled, execution.paused) = (true, false);
            self.demand(!ended, || format!("I8: execution {number} is cancelled after its end"));
        }
    }

    pub(super) fn stop(&mut self, number: u32) {
        if let Some(execution) = self.executions.get_mut(&number) {
            execution.stopped = true;
        }
    }

    pub(super) fn ended(&mut self, number: u32, state: EndState, ctx: &Ctx<'_>) {
        let Some(execution) = self.executions.get(&number) else { return };
        let open = execution.tasks.iter().position(|task| !task.phase.is_over());
        let failed = execution.tasks.iter().any(|task| match task.phase {
            Phase::Failed => !task.spec.allow_failure,
            Phase::Parked => true,
            Phase::Waiting
            | Phase::Ready
            | Phase::BackingOff(_)
            | Phase::Running(_)
            | Phase::Over(_)
            | Phase::Classified(_)
            | Phase::Decided(_)
            | Phase::TakenBack
            | Phase::Passed
            | Phase::Cancelled
            | Phase::Skipped => false,
        });
        let want = match (execution.cancelled, failed || execution.stopped) {
            (true, _) => EndState::Cancelled,
            (false, true) => EndState::Failed,
            (false, false) => EndState::Completed,
        };
        let twice = execution.ended.is_some();
        self.demand(open.is_none() && !twice && state == want, || {
            format!("I8: execution {number} ends {state:?}, not {want:?}; open {open:?}, twice {twice}")
        });
        if let Some(execution) = self.executions.get_mut(&number) {
            execution.ended = Some((state, ctx.now));
            execution.reopening.clear();
            let owed = std::mem::take(&mut execution.owed);
            let void = execution.cancelled || execution.stopped;
            self.demand(void || owed.is_empty(), || {
                format!("I10: execution {number} ends, and {owed:?} were to be tried again and were not")
            });
        }
    }

    pub(super) fn reopened(&mut self, number: u32, round: u32, scope: &RetryScope, ctx: &Ctx<'_>) {
        let Some(execution) = self.executions.get_mut(&number) else {
            return self.fail(format!("I8: execution {number} is reopened, but never began"));
        };
        let next = execution.round + u32::from(execution.ended.is_some());
        let fits = round == next && !execution.forgotten;
        if execution.ended.take().is_some() {
            (execution.cancelled, execution.stopped, execution.paused, execution.retries) = (false, false, false, 0);
        }
        execution.round = round;
        execution.reopening.push(scope.clone());
        if let RetryScope::From(name) | RetryScope::Parked(name) = scope {
            let named = execution.tasks.iter().position(|task| task.spec.id == *name && task.phase.is_over());
            execution.owed.extend(named.and_then(|index| u32::try_from(index).ok()));
        }
        self.demand(fits, || format!("I8: execution {number} is reopened as round {round}, entry {}", ctx.at.seq));
    }

    pub(super) fn forgotten(&mut self, number: u32, ctx: &Ctx<'_>) {
        let Some(execution) = self.executions.get_mut(&number) else { return };
        let parked = execution.tasks.iter().any(|task| task.phase == Phase::Parked);
        let kept = if parked { ctx.settings.parked_ms.0 } else { ctx.settings.ended_ms.0 };
        let due = execution.ended.map(|(_, at)| at + kept);
        let again = std::mem::replace(&mut execution.forgotten, true);
        self.demand(!again && due.is_some_and(|due| due <= ctx.now), || {
            format!("I6: execution {number} is forgotten at {}, due {due:?}, again {again}", ctx.now)
        });
    }

    /// The deadlines that a moved clock moves.
    pub(super) fn shift(&mut self, by: i64) {
        let move_by = |at: &mut u64| *at = at.saturating_add_signed(by);
        self.uploads.values_mut().for_each(|upload| move_by(&mut upload.at));
        for execution in self.executions.values_mut() {
            if let Some((_, at)) = &mut execution.ended {
                move_by(at);
            }
            for task in &mut execution.tasks {
                if let Phase::BackingOff(until) = &mut task.phase {
                    move_by(until);
                }
            }
        }
    }

    /// Tasks that somebody could still act on: of executions that have not ended.
    pub fn open(&self) -> impl Iterator<Item = (TaskRef, &TaskM, &Execution)> {
        let executions = self.executions.iter().filter(|(_, execution)| execution.ended.is_none());
        executions.flat_map(|(number, execution)| {
            let at = |task| TaskRef { execution: *number, task };
            (0..).zip(&execution.tasks).map(move |(index, task)| (at(index), task, execution))
        })
    }
}
