//! The baseline: the same books in B-trees with text keys, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::{Heartbeat, JournalId, LeaseId, NodeId, Report, ReportKind};

use crate::core::fleet::{self, EXECUTIONS, Fleet, SLOTS};
use crate::core::ladder::{Said, Subject, timed};

/// Tasks, leases, ready ones and free slots, each by name.
#[derive(Default)]
pub struct Toy {
    tasks: BTreeMap<String, Task>,
    leases: BTreeMap<String, String>,
    ready: BTreeSet<String>,
    free: BTreeMap<String, u32>,
    left: BTreeMap<u32, u32>,
    flows: u32,
    next: u64,
}

#[derive(Default)]
struct Task {
    state: &'static str,
    unmet: u32,
    dependents: Vec<String>,
    flow: u32,
}

impl Toy {
    fn add(&mut self, tasks: u32) {
        self.flows += 1;
        let flow = self.flows;
        let name = |task: u32| format!("nightly-{flow}/task-{task:06}");
        self.left.insert(flow, tasks);
        for task in 0..tasks {
            self.tasks.insert(name(task), Task { state: "waiting", flow, ..Task::default() });
        }
        for edge in fleet::flow("nightly", tasks, fleet::usual).iter().flat_map(|part| &part.flow.edges) {
            self.tasks.entry(name(edge.task)).or_default().unmet += 1;
            self.tasks.entry(name(edge.on)).or_default().dependents.push(name(edge.task));
        }
        self.ready.extend((0..tasks / 2).map(name));
    }

    fn report(&mut self, report: &Report, said: &mut Said) {
        let Some(lease) = report.kind.lease() else { return };
        let lease = lease.to_string();
        let Some(task) = self.leases.get(&lease).cloned() else { return };
        let finished = matches!(report.kind, ReportKind::Finished { .. });
        let Some(at) = self.tasks.get_mut(&task) else { return };
        at.state = if finished { "passed" } else { "running" };
        if !finished {
            return;
        }
        let (flow, dependents) = (at.flow, at.dependents.clone());
        self.leases.remove(&lease);
        for name in dependents {
            if let Some(waits) = self.tasks.get_mut(&name) {
                waits.unmet -= 1;
                if waits.unmet == 0 {
                    waits.state = "ready";
                    self.ready.insert(name);
                }
            }
        }
        *self.free.entry(report.node.to_string()).or_default() += 1;
        if let Some(left) = self.left.get_mut(&flow) {
            *left -= 1;
            said.ended += u32::from(*left == 0);
            if *left == 0 {
                self.forget(flow);
            }
        }
    }

    fn forget(&mut self, flow: u32) {
        let (from, to) = (format!("nightly-{flow}/"), format!("nightly-{flow}0"));
        let names: Vec<String> = self.tasks.range(from..to).map(|(name, _)| name.clone()).collect();
        for name in names {
            self.tasks.remove(&name);
        }
    }

    fn dispatch(&mut self, said: &mut Said) {
        let open: Vec<String> = self.free.iter().filter(|(_, n)| **n > 0).map(|(name, _)| name.clone()).collect();
        for node in open {
            while self.free.get(&node).is_some_and(|n| *n > 0) {
                let Some(task) = self.ready.pop_first() else { return };
                self.next += 1;
                let lease = LeaseId { journal: JournalId(5), partition: 0, epoch: 1, seq: self.next, index: 0 };
                if let Some(at) = self.tasks.get_mut(&task) {
                    at.state = "dispatched";
                }
                self.leases.insert(lease.to_string(), task);
                *self.free.entry(node.clone()).or_default() -= 1;
                said.dispatched.push((NodeId::new(&node).expect("a node of ours"), lease));
            }
        }
        self.free.retain(|_, n| *n > 0);
    }
}

impl Subject for Toy {
    fn begin(fleet: &Fleet, tasks: u32) -> Self {
        let free = fleet.names().map(|name| (name.to_string(), SLOTS)).collect();
        let mut toy = Self { free, ..Self::default() };
        for _ in 0..EXECUTIONS {
            toy.add(tasks);
        }
        toy
    }

    fn take(&mut self, reports: Vec<Report>, _beat: Option<Heartbeat>) -> Said {
        let (mut said, mut took) = (Said::default(), Duration::ZERO);
        timed(&mut took, || {
            for report in &reports {
                self.report(report, &mut said);
            }
            self.dispatch(&mut said);
        });
        Said { took, ..said }
    }

    fn submit(&mut self, tasks: u32) -> Said {
        self.add(tasks);
        let mut said = Said::default();
        self.dispatch(&mut said);
        said
    }

    fn visits(&self) -> u64 {
        0
    }
}
