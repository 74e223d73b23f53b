//! A pool for the tests of views, made of events as the engine makes it.

use model::event::{AttemptOutcome, Dispatch, Ended, NodeJoined, TaskRef, TaskResult};
use model::request::Submit;
use model::task::{Edge, FlowHead, FlowPart, Needs, Task};
use model::{Body, By, Event, LeaseId, LockId, Millis, NodeId, PoolId, PoolSettings, Priority, Timestamp, Want};
use operators::fold::When;
use operators::{State, fold};

/// A pool that grows event by event, a second each.
pub struct World {
    pub state: State,
    pub seq: u64,
}

pub fn pool() -> PoolId {
    PoolId::new("default").expect("a name")
}

pub fn at(task: u32) -> TaskRef {
    TaskRef { execution: 1, task }
}

/// A task that needs one permit of each of these locks.
pub fn task(id: &str, locks: &[&str], priority: Priority) -> Task {
    let locks = locks.iter().map(|lock| (LockId::new(lock).expect("a name"), 1)).collect();
    Task {
        id: id.parse().expect("a name"),
        run: vec!["true".to_owned()],
        env: Default::default(),
        dir: None,
        needs: Needs { locks, ..Needs::default() },
        priority,
        timeout_ms: Millis::from_secs(3_600),
        stall_ms: None,
        grace_ms: Millis::from_secs(30),
        estimate_ms: Millis::from_secs(60),
        path_ms: Millis::from_secs(60),
        retry: "default".to_owned(),
        allow_failure: false,
        results: Vec::new(),
    }
}

impl World {
    /// One execution, `web-1`, of these tasks; `after` are pairs of who waits and for whom.
    pub fn new(tasks: Vec<Task>, after: &[(u32, u32, Want)]) -> Self {
        let mut world = Self { state: State::default(), seq: 0 };
        world.happens(Body::PoolSettingsPut { settings: PoolSettings::default() });
        let edges: Vec<Edge> = after.iter().map(|&(task, on, want)| Edge { task, on, want }).collect();
        let count = |n: usize| u32::try_from(n).expect("a small flow");
        let locks = tasks.iter().flat_map(|t| t.needs.locks.keys().map(|lock| (lock.clone(), 1))).collect();
        let (flow, key) = ("web".parse().expect("a name"), model::Key::new("k1").expect("a name"));
        let head = FlowHead { flow, tasks: count(tasks.len()), edges: count(edges.len()), locks };
        let flow = FlowPart { head: Some(head), tasks: tasks.into_iter().map(Into::into).collect(), edges };
        let submit = Submit { content: "0".to_owned(), part: 0, parts: 1, priority: None, flow };
        world.happens(Body::FlowPart { key: key.clone(), submit: Box::new(submit) });
        world.happens(Body::ExecutionStarted { execution: 1, key, policies: Vec::new() });
        world
    }

    /// Folds an event, a second after the one before.
    pub fn happens(&mut self, event: Body) {
        self.happens_by(By::Engine, event);
    }

    /// Folds what a person did, and why.
    pub fn person(&mut self, who: &str, reason: &str, event: Body) {
        let key = model::Key::new("by-hand").expect("a name");
        self.happens_by(By::Person { who: who.to_owned(), key, reason: reason.to_owned() }, event);
    }

    fn happens_by(&mut self, by: By, event: Body) {
        self.seq += 1;
        let when = When { now: Timestamp(self.seq * 1_000), seq: self.seq };
        fold(&mut self.state, &Event { pool: pool(), by, event }, when);
    }

    pub fn pool(&self) -> &operators::state::Pool {
        &self.state.pools[&pool()]
    }

    pub fn now(&self) -> Timestamp {
        Timestamp(self.seq * 1_000)
    }

    pub fn joins(&mut self, node: &str, slots: u32) {
        self.happens(Body::NodeJoined(Box::new(NodeJoined {
            node: NodeId::new(node).expect("a name"),
            boot: "b1".parse().expect("a name"),
            slots,
            memory_mb: 0,
            zone: "a".to_owned(),
            labels: Default::default(),
            recovery: None,
            silent_ms: None,
        })));
    }

    pub fn ready(&mut self, task: u32) {
        self.happens(Body::TaskReady { at: at(task), rank_ms: Millis::from_secs(60) });
    }

    /// Dispatches a ready task to a node, with its locks.
    pub fn runs(&mut self, task: u32, node: &str) -> LeaseId {
        let state = self.pool().task(at(task)).expect("a task of the flow");
        let (attempt, needs) = (state.attempts + 1, state.needs().clone());
        let lease: LeaseId = format!("j5.0.1.{}.0", self.seq + 1).parse().expect("a lease");
        self.happens(Body::AttemptDispatched(Box::new(Dispatch {
            at: at(task),
            attempt,
            lease,
            node: NodeId::new(node).expect("a name"),
            boot: "b1".parse().expect("a name"),
            after_beat: 1,
            after_up_ms: Millis(0),
            expires_ms: Millis(20_000),
            needs: needs.clone(),
            resumes: false,
            waited_ms: Millis::from_secs(1),
            why: "n1 had 1 of 1 slots free".to_owned(),
        })));
        for (lock, permits) in needs.locks {
            self.happens(Body::LockGranted { lock, lease, permits, free: 0 });
        }
        lease
    }

    /// Ends the attempt of a lease that its node lost.
    pub fn lost(&mut self, task: u32, node: &str, lease: LeaseId, recovery: u32) {
        self.ended(task, node, lease, AttemptOutcome::Lost, Some(recovery));
    }

    /// Starts the attempt of a lease, and ends it well a second later.
    pub fn passes(&mut self, task: u32, node: &str, lease: LeaseId) {
        self.happens(Body::AttemptStarted { at: at(task), attempt: 1, pid: 7 });
        self.ended(task, node, lease, AttemptOutcome::Passed, None);
        self.happens(Body::TaskEnded { at: at(task), result: TaskResult::Passed });
    }

    fn ended(&mut self, task: u32, node: &str, lease: LeaseId, outcome: AttemptOutcome, recovery: Option<u32>) {
        self.happens(Body::AttemptEnded(Box::new(Ended {
            at: at(task),
            attempt: 1,
            lease,
            node: NodeId::new(node).expect("a name"),
            outcome,
            counts_node: recovery.is_some(),
            end: None,
            recovery,
        })));
    }
}
