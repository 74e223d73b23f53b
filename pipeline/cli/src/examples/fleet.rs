//! Nodes, locks, recoveries, and the pool that has them.

use gateway::view::pool::{LeaderView, NodeCounts};
use gateway::view::{Holder, LockView, NodeState, NodeView, Phases, PoolView, RecoveryView};
use model::{Millis, PoolSettings};

use super::at;

/// A pool with five nodes, of which one is lost.
pub fn pool() -> PoolView {
    let leader = LeaderView {
        here: true,
        led: true,
        journal_read: true,
        caught_up: true,
        epoch: 4,
        lag_ms: Millis(100),
        ..LeaderView::default()
    };
    PoolView {
        pool: "default".parse().unwrap(),
        leader,
        nodes: NodeCounts { ready: 4, lost: 1, ..NodeCounts::default() },
        slots: 20,
        used: 12,
        emergencies: Vec::new(),
        open: 1,
        executions: 2,
        parked: 0,
        recoveries: 1,
        settings: PoolSettings::default(),
        position: 88_377,
    }
}

/// One that works.
pub fn node(name: &str) -> NodeView {
    NodeView {
        node: name.parse().unwrap(),
        pool: "default".parse().unwrap(),
        state: NodeState::Ready,
        since: at(0),
        boot: "9f1c".parse().unwrap(),
        slots: 4,
        used: 3,
        memory_mb: 16_000,
        used_memory_mb: 6_144,
        zone: "a".to_owned(),
        zone_emergency: false,
        labels: [("arch", "x86_64"), ("os", "linux")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        tried: 388,
        failed: 9,
        running: vec!["nightly-web-118/browser:webkit:2@1".to_owned()],
        recovery: None,
        moved: None,
    }
}

/// One that is lost.
pub fn lost_node() -> NodeView {
    NodeView {
        state: NodeState::Lost,
        since: at(98),
        used: 0,
        used_memory_mb: 0,
        running: Vec::new(),
        recovery: Some("r-31".to_owned()),
        moved: Some(1),
        ..node("n2")
    }
}

/// A semaphore that is all taken.
pub fn lock() -> LockView {
    let holder = |number: u32, permits| Holder {
        attempt: format!("nightly-web-118/browser:chrome:{number}@1"),
        lease: format!("j5.0.4.812{number}.0").parse().unwrap(),
        node: "n1".parse().ok(),
        permits,
    };
    LockView {
        lock: "browserstack".parse().unwrap(),
        size: 4,
        held: 4,
        holders: vec![holder(1, 1), holder(2, 1), holder(3, 2)],
        waiters: vec!["nightly-web-118/browser:webkit:5".to_owned()],
        waiting: 1,
        granted_from: None,
    }
}

/// The loss of `n2`, made good.
pub fn recovery() -> RecoveryView {
    let phases = |times: [u64; 6]| {
        let [a, b, c, d, e, f] = times.map(|ms| (ms > 0).then_some(Millis(ms)));
        Phases { suspected_ms: a, noticed_ms: b, fenced_ms: c, requeued_ms: d, progress_ms: e, done_ms: f }
    };
    RecoveryView {
        recovery: "r-31".to_owned(),
        node: "n2".parse().unwrap(),
        zone: "a".to_owned(),
        cause: "silent".to_owned(),
        last_sign: at(68),
        done: true,
        phases: phases([15_000, 30_000, 30_000, 30_100, 31_200, 153_900]),
        goals: phases([15_000, 30_000, 31_000, 31_000, 60_000, 0]),
        goals_met: true,
        attempts: 1,
        resumed: 1,
        work_lost_ms: Millis(6_000),
        late_reports: 1,
        moved: vec!["nightly-web-118/browser:chrome:7@1".to_owned()],
        open: Vec::new(),
    }
}
