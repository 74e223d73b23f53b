//! A flow that has been checked: what goes into the log, and in which parts.

use std::io;
use std::sync::Arc;

use fnv::FnvHasher;
use model::Task;
use model::json;
use model::task::{Edge, FlowHead, FlowPart, MAX_PART_BYTES};

use crate::diagnostic::Diagnostic;

/// A flow without mistakes, expanded, with dense indices.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What it says of itself.
    pub head: FlowHead,
    /// Its tasks: whatever a task waits for has a smaller index, else they are in the order of the file.
    pub tasks: Vec<Arc<Task>>,
    /// Its dependencies, in the order of the tasks; at most one for each pair.
    pub edges: Vec<Edge>,
    /// What somebody should look at.
    pub warnings: Vec<Diagnostic>,
}

impl Checked {
    /// Cuts the flow into parts, each small enough for one record.
    pub fn parts(&self) -> Vec<FlowPart> {
        let head = FlowPart { head: Some(self.head.clone()), ..FlowPart::default() };
        let mut parts = Parts { used: json::bytes(&head) + ROOM, part: head, done: Vec::new() };
        for task in &self.tasks {
            parts.make_room(json::bytes(task.as_ref()) + 1);
            parts.part.tasks.push(Arc::clone(task));
        }
        for edge in &self.edges {
            parts.make_room(edge_bytes(edge) + 1);
            parts.part.edges.push(*edge);
        }
        parts.done.push(parts.part);
        parts.done
    }

    /// A hash of the whole flow, hexadecimal: the same flow has the same, on any machine. It tells uploads apart and
    /// keeps no secrets.
    pub fn content(&self) -> String {
        let mut hash = Hashed(FnvHasher::default());
        let whole = (&self.head, &self.tasks, &self.edges);
        serde_json::to_writer(&mut hash, &whole).expect("a flow is JSON, and hashing cannot fail");
        format!("{:016x}", std::hash::Hasher::finish(&hash.0))
    }
}

/// Room for `,"tasks":[]` and `,"edges":[]`.
const ROOM: usize = 24;

/// Parts as they fill.
struct Parts {
    part: FlowPart,
    used: usize,
    done: Vec<FlowPart>,
}

impl Parts {
    /// Begins another part if so many bytes do not fit into this one.
    fn make_room(&mut self, bytes: usize) {
        if self.used + bytes > MAX_PART_BYTES {
            self.done.push(std::mem::take(&mut self.part));
            self.used = ROOM;
        }
        self.used += bytes;
    }
}

/// How long a dependency is as JSON: there may be a million, so it is reckoned.
fn edge_bytes(edge: &Edge) -> usize {
    let digits = |n: u32| n.checked_ilog10().unwrap_or(0) as usize + 1;
    r#"{"task":,"on":,"want":"finished"}"#.len() + digits(edge.task) + digits(edge.on)
}

/// Hashes what is written.
struct Hashed(FnvHasher);

impl io::Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        std::hash::Hasher::write(&mut self.0, bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
