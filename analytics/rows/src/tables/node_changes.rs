//! `node_changes`: how nodes come and go, and how that is known.

use model::event::NodeJoined;
use model::{Body, BootId, Event, Millis, NodeId, PoolId, Timestamp};
use operators::state::{Node, Pool, Presence};

use crate::column::{Prose, columns};

columns! {
    /// A row of `node_changes`.
    pub struct Row {
        /// When it was decided.
        pub ts: Timestamp,
        /// The pool.
        pub pool: PoolId,
        /// The node.
        pub node_id: NodeId,
        /// Its zone.
        pub zone: String,
        /// The life of its agent.
        pub boot_id: BootId,
        /// new, ready, suspect, lost or gone.
        pub from_state: &'static str,
        /// ready, suspect, lost or gone.
        pub to_state: &'static str,
        /// hello (a new node, or one that had said goodbye), new_boot, heartbeat (the boot that was heard before is heard
        /// again), silence, restarted or goodbye.
        pub cause: &'static str,
        /// How it is known.
        pub evidence: Option<Prose>,
        /// How long it had been silent, where it had been.
        pub silent_ms: Option<Millis>,
    }
}

/// The changes that an event makes, seen from before it.
pub fn rows(pool: &Pool, event: &Event, now: Timestamp) -> Vec<Row> {
    let known = |node: &NodeId| pool.nodes.get(node);
    let heard = |node: &NodeId, to, cause, silent| {
        let change =
            known(node).map(|n| Row { silent_ms: Some(silent), ..row((&event.pool, node, n), to, cause, now) });
        change.into_iter().collect()
    };
    if let Body::NodeSuspected { node, silent_ms } = &event.event {
        return heard(node, "suspect", "silence", *silent_ms);
    }
    if let Body::NodeReturned { node, silent_ms } = &event.event {
        return heard(node, "ready", "heartbeat", *silent_ms);
    }
    if let Body::NodeLost { node, silent_ms, evidence, .. } = &event.event {
        let words = |row: Row| Row { evidence: Some(Prose(evidence.clone())), ..row };
        return heard(node, "lost", "silence", *silent_ms).into_iter().map(words).collect();
    }
    if let Body::NodeLeft { node, why, .. } = &event.event {
        let words = (!why.is_empty()).then(|| Prose(why.clone()));
        let gone = |n| Row { evidence: words, ..row((&event.pool, node, n), "gone", "goodbye", now) };
        return known(node).map(gone).into_iter().collect();
    }
    if let Body::NodeJoined(joined) = &event.event {
        return joins(pool, &event.pool, joined, now);
    }
    Vec::new()
}

/// A node joins. One that was present with another boot has died before; one that is as it was has not changed.
fn joins(pool: &Pool, id: &PoolId, joined: &NodeJoined, now: Timestamp) -> Vec<Row> {
    let ready = |from_state, cause, silent_ms| Row {
        ts: now,
        pool: id.clone(),
        node_id: joined.node.clone(),
        zone: joined.zone.clone(),
        boot_id: joined.boot.clone(),
        from_state,
        to_state: "ready",
        cause,
        evidence: None,
        silent_ms,
    };
    let Some(node) = pool.nodes.get(&joined.node) else { return vec![ready("new", "hello", None)] };
    let same_boot = node.boot == joined.boot;
    let last_recovery = || pool.recoveries.values().rev().find(|recovery| recovery.node == joined.node);
    let silent_ms = || last_recovery().map(|recovery| now - recovery.last_sign);
    match node.presence {
        Presence::Ready if same_boot => Vec::new(),
        Presence::Suspect if same_boot => vec![ready("suspect", "heartbeat", None)],
        Presence::Ready | Presence::Suspect => {
            let lost = Row { silent_ms: joined.silent_ms, ..row((id, &joined.node, node), "lost", "restarted", now) };
            vec![lost, ready("lost", "new_boot", None)]
        }
        Presence::Lost => vec![ready("lost", if same_boot { "heartbeat" } else { "new_boot" }, silent_ms())],
        Presence::Gone => vec![ready("gone", if same_boot { "heartbeat" } else { "hello" }, None)],
    }
}

fn row((pool, id, node): (&PoolId, &NodeId, &Node), to_state: &'static str, cause: &'static str, ts: Timestamp) -> Row {
    Row {
        ts,
        pool: pool.clone(),
        node_id: id.clone(),
        zone: node.zone.clone(),
        boot_id: node.boot.clone(),
        from_state: state(node.presence),
        to_state,
        cause,
        evidence: None,
        silent_ms: None,
    }
}

fn state(presence: Presence) -> &'static str {
    match presence {
        Presence::Ready => "ready",
        Presence::Suspect => "suspect",
        Presence::Lost => "lost",
        Presence::Gone => "gone",
    }
}
