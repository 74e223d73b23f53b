//! `nodes`: the fleet, or one node and what runs there.

use clap::Args;
use gateway::view::{NodeState, NodeView};
use model::NodeId;

use crate::api::{Api, encoded};
use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;
use crate::table::{Lean, Table};
use crate::words::{counted, some_of, time_of_day};

/// Lists nodes, or shows one.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise nodes\n  reprise nodes n2")]
pub struct Nodes {
    /// One node, with what runs there
    node: Option<NodeId>,
}

impl Nodes {
    /// Asks and prints.
    pub async fn run(self, api: Api, output: Output) -> Result<Exit, Failure> {
        if let Some(node) = self.node {
            let node: NodeView = api.read(&format!("/v1/nodes/{}", encoded(node.as_str())), &[]).await?;
            super::show(output, &node, one);
            return Ok(Exit::Done);
        }
        let list = api.list("/v1/nodes", &[]).await?;
        match output {
            Output::Json => screen::json(&list),
            Output::Text => screen::show(&table(&list.read()?)),
        }
        Ok(Exit::Done)
    }
}

fn table(nodes: &[NodeView]) -> String {
    if nodes.is_empty() {
        return "no nodes: start one with `reprise agent`\n".to_owned();
    }
    let mut table = Table::new([
        ("NODE", Lean::Left),
        ("STATE", Lean::Left),
        ("SLOTS", Lean::Right),
        ("ZONE", Lean::Left),
        ("FAILED/TRIED", Lean::Right),
        ("LABELS", Lean::Left),
    ]);
    for node in nodes {
        table.row([
            node.node.to_string(),
            state(node),
            format!("{}/{}", node.used, node.slots),
            node.zone.clone(),
            format!("{}/{}", node.failed, node.tried),
            labels(node),
        ]);
    }
    table.text()
}

fn one(node: &NodeView) -> String {
    let NodeView { node: name, pool, zone, boot, .. } = node;
    let zone = if zone.is_empty() { String::new() } else { format!(", zone {zone}") };
    let mut text = format!("{name}  {}  pool {pool}{zone}, boot {boot}\n", state(node));
    text.push_str(&format!(
        "slots {} of {} taken, memory {} of {} MiB   {} ended here, {} of them failed\n",
        node.used,
        node.slots,
        node.used_memory_mb,
        node.memory_mb,
        counted(node.tried, "attempt"),
        node.failed
    ));
    if !node.labels.is_empty() {
        text.push_str(&format!("labels {}\n", labels(node)));
    }
    if node.zone_emergency {
        text.push_str("its zone went silent as a whole: verdicts wait\n");
    }
    if !node.running.is_empty() {
        text.push_str(&format!("runs {}\n", some_of(&node.running, 20)));
    }
    if let Some(recovery) = &node.recovery {
        text.push_str(&format!("next: reprise recoveries {recovery}\n"));
    }
    text
}

/// `ready`, or since when not, and how many attempts moved away.
fn state(node: &NodeView) -> String {
    let since = time_of_day(node.since.0);
    match (node.state, node.moved) {
        (NodeState::Ready, _) => "ready".to_owned(),
        (NodeState::Lost | NodeState::Gone, Some(moved)) => format!("{} {since}, {moved} moved", node.state.word()),
        (NodeState::Suspect | NodeState::Lost | NodeState::Gone, _) => format!("{} {since}", node.state.word()),
    }
}

fn labels(node: &NodeView) -> String {
    node.labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn the_fleet_is_a_table() {
        insta::assert_snapshot!(table(&[examples::node("n1"), examples::lost_node()]), @r"
        NODE  STATE                   SLOTS  ZONE  FAILED/TRIED  LABELS
        n1    ready                     3/4  a            9/388  arch=x86_64 os=linux
        n2    lost 02:15:38, 1 moved    0/4  a            9/388  arch=x86_64 os=linux
        ");
    }

    #[test]
    fn one_node_tells_what_runs_there_and_where_its_loss_is_told() {
        insta::assert_snapshot!(one(&examples::node("n1")), @r"
        n1  ready  pool default, zone a, boot 9f1c
        slots 3 of 4 taken, memory 6144 of 16000 MiB   388 attempts ended here, 9 of them failed
        labels arch=x86_64 os=linux
        runs nightly-web-118/browser:webkit:2@1
        ");
        insta::assert_snapshot!(one(&examples::lost_node()), @r"
        n2  lost 02:15:38, 1 moved  pool default, zone a, boot 9f1c
        slots 0 of 4 taken, memory 0 of 16000 MiB   388 attempts ended here, 9 of them failed
        labels arch=x86_64 os=linux
        next: reprise recoveries r-31
        ");
    }
}
