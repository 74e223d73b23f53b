//! What the checker is given beside the journal: who ran what, what went out, what people were told.

use model::request::Answer;
use model::{Key, NodeId, PoolId, PoolSettings};

use crate::history::History;
use crate::node::Node;
use crate::node::ledger::Ledger;

/// Of one pool.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The pool.
    pub pool: &'a PoolId,
    /// Its settings.
    pub settings: &'a PoolSettings,
    /// What went out, and when decisions were appended, as far as that was seen.
    pub history: &'a History,
    /// Its nodes.
    pub nodes: &'a [Watched<'a>],
    /// What people were told.
    pub answers: &'a [(u64, Key, Answer)],
    /// All had the time to come to its end.
    pub settled: bool,
}

/// A node, as far as the checker believes it.
#[derive(Debug)]
pub struct Watched<'a> {
    /// Its name; two may share one.
    pub name: &'a NodeId,
    /// Its slots.
    pub slots: u32,
    /// What really ran there.
    pub ledger: &'a Ledger,
}

impl<'a> From<&'a Node> for Watched<'a> {
    fn from(node: &'a Node) -> Self {
        Self { name: &node.name, slots: node.slots, ledger: &node.ledger }
    }
}
