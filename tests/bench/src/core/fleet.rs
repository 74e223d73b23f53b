//! A fleet that works on flows: what the nodes would say next, without nodes.

use std::collections::VecDeque;
use std::sync::Arc;

use model::event::NodeJoined;
use model::request::Submit;
use model::task::{Edge, FlowHead, FlowPart, Needs, Task};
use model::{
    Body, BootId, Event, FlowId, Heartbeat, Key, LeaseId, Millis, NodeId, PoolId, Report, ReportKind, TaskId, Want,
};

/// Nodes of the fleet.
pub const NODES: usize = 50;
/// Slots of each.
pub const SLOTS: u32 = 10;
/// Executions that the tasks in state belong to.
pub const EXECUTIONS: u32 = 10;

/// Tasks and dependencies of one part of an upload.
const TASKS: usize = 200;
const EDGES: usize = 2_000;

/// The pool of all benchmarks.
pub fn pool() -> PoolId {
    PoolId::new("default").expect("a plain name")
}

/// The nodes and their attempts.
pub struct Fleet {
    nodes: Vec<NodeAt>,
    /// What is said next: each attempt stands in it once.
    next: VecDeque<Attempt>,
    beats: u64,
}

struct NodeAt {
    id: NodeId,
    boot: BootId,
    seq: u64,
    beat: u64,
    holds: Vec<LeaseId>,
}

struct Attempt {
    node: usize,
    lease: LeaseId,
    stage: u8,
}

impl Fleet {
    /// Nodes that have not joined yet.
    pub fn new() -> Self {
        let node = |n: usize| NodeAt {
            id: NodeId::new(&format!("n{n:02}")).expect("a plain name"),
            boot: BootId::new(&format!("b{n:02}")).expect("a plain name"),
            seq: 0,
            beat: 0,
            holds: Vec::new(),
        };
        Self { nodes: (0..NODES).map(node).collect(), next: VecDeque::new(), beats: 0 }
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &NodeId> {
        self.nodes.iter().map(|node| &node.id)
    }

    /// The events with which they join.
    pub fn joins(&self) -> Vec<Event> {
        let joined = |node: &NodeAt| NodeJoined {
            node: node.id.clone(),
            boot: node.boot.clone(),
            slots: SLOTS,
            memory_mb: 64 * 1024,
            zone: format!("zone-{}", node.id.as_str().len() % 3),
            labels: [("os".to_owned(), "linux".to_owned())].into(),
            recovery: None,
            silent_ms: None,
        };
        self.nodes.iter().map(|node| event(Body::NodeJoined(Box::new(joined(node))))).collect()
    }

    /// An attempt was dispatched.
    pub fn takes(&mut self, node: &NodeId, lease: LeaseId) {
        let index: usize = node.as_str()[1..].parse().expect("a node of ours");
        self.nodes[index].holds.push(lease);
        self.next.push_back(Attempt { node: index, lease, stage: 0 });
    }

    /// The next report, if any attempt runs.
    pub fn report(&mut self) -> Option<Report> {
        let attempt = self.next.pop_front()?;
        let Attempt { node, lease, stage } = attempt;
        let at = &mut self.nodes[node];
        at.seq += 1;
        let kind = match stage {
            0 => ReportKind::Accepted { lease },
            1 => ReportKind::Started { lease, pid: 4711 },
            _ => ReportKind::Finished { lease, end: passed() },
        };
        if stage < 2 {
            self.next.push_back(Attempt { node, lease, stage: stage + 1 });
        } else {
            at.holds.retain(|held| *held != lease);
        }
        Some(Report { pool: pool(), node: at.id.clone(), boot: at.boot.clone(), seq: at.seq, at: 0, kind })
    }

    /// The next beat, of each node in turn.
    pub fn beat(&mut self, up_ms: u64) -> Heartbeat {
        let index = usize::try_from(self.beats).expect("few") % NODES;
        self.beats += 1;
        let node = &mut self.nodes[index];
        node.beat += 1;
        Heartbeat {
            pool: pool(),
            node: node.id.clone(),
            boot: node.boot.clone(),
            beat: node.beat,
            up_ms: Millis(up_ms),
            stored: node.seq,
            holds: node.holds.clone(),
            load: 0.5,
            memory_free_mb: None,
            closed: None,
        }
    }
}

fn passed() -> model::report::End {
    serde_json::from_str(r#"{"exit":0,"cause":"exit","cpu_ms":900,"max_rss_mb":80}"#).expect("a report of an end")
}

/// An event of the engine's own.
pub fn event(event: Body) -> Event {
    Event { pool: pool(), by: model::By::Engine, event }
}

/// A flow of so many tasks, half of them waiting for two of the other half, as the parts of an upload; `needs` says
/// what each task needs.
pub fn flow(name: &str, tasks: u32, needs: impl Fn(u32) -> Needs) -> Vec<Submit> {
    let half = tasks / 2;
    let edges = (half..half * 2).flat_map(|task| {
        let on = task - half;
        [on, (on + 1) % half].map(|on| Edge { task, on, want: Want::Passed })
    });
    // In order, each once, as a flow sends them.
    let mut edges: Vec<Edge> = edges.collect();
    edges.sort_unstable();
    let head = FlowHead {
        flow: FlowId::new(name).expect("a plain name"),
        tasks,
        edges: u32::try_from(edges.len()).expect("few"),
        locks: Default::default(),
    };
    let tasks: Vec<Arc<Task>> = (0..tasks).map(|index| Arc::new(task(index, needs(index)))).collect();
    let tasks = tasks.chunks(TASKS).map(|tasks| FlowPart { tasks: tasks.to_vec(), ..FlowPart::default() });
    let edges = edges.chunks(EDGES).map(|edges| FlowPart { edges: edges.to_vec(), ..FlowPart::default() });
    let mut flows: Vec<FlowPart> = tasks.chain(edges).collect();
    flows[0].head = Some(head);
    let parts = u32::try_from(flows.len()).expect("few");
    let submit = |(part, flow)| Submit { content: name.to_owned(), part, parts, priority: None, flow };
    (0..).zip(flows).map(submit).collect()
}

/// Needs of a task as they are met: three signatures.
pub fn usual(index: u32) -> Needs {
    let os = || [("os".to_owned(), "linux".to_owned())].into();
    match index % 3 {
        0 => Needs::default(),
        1 => Needs { labels: os(), ..Needs::default() },
        _ => Needs { memory_mb: 512, ..Needs::default() },
    }
}

/// Needs that no node meets, each a signature of its own.
pub fn unmet(index: u32) -> Needs {
    Needs { labels: [("board".to_owned(), format!("rev-{index}"))].into(), ..Needs::default() }
}

/// Needs that any node meets, each a signature of its own.
pub fn own_size(index: u32) -> Needs {
    Needs { memory_mb: u64::from(index) + 1, ..Needs::default() }
}

fn task(index: u32, needs: Needs) -> Task {
    Task {
        id: TaskId::new(&format!("task-{index:06}")).expect("a plain name"),
        run: vec!["sh".to_owned(), "-e".to_owned(), "-c".to_owned(), "make test".to_owned()],
        env: Default::default(),
        dir: None,
        needs,
        priority: Default::default(),
        timeout_ms: Millis(3_600_000),
        stall_ms: None,
        grace_ms: Millis(30_000),
        estimate_ms: Millis(60_000),
        path_ms: Millis(60_000 + u64::from(index % 7)),
        retry: "default".to_owned(),
        allow_failure: false,
        results: Vec::new(),
    }
}

/// The key of an upload.
pub fn key(name: &str) -> Key {
    Key::new(name).expect("a plain name")
}
