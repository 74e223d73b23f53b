//! What `status` prints: a line about the pool, one about tables in which nothing lands, a table of executions, one of tasks.

use crate::table::{Lean, Table};
use crate::words::{whole, zone_named};
use gateway::view::{ExecutionView, PoolView, TablesView, TaskItem, TaskWord};

/// `pool default: leader here, epoch 4, lag 0ms   nodes 4 ready, 1 lost   slots 12 of 20   parked 0`.
pub fn pool(view: &PoolView) -> String {
    let leader = &view.leader;
    let led = match (leader.here, leader.led, leader.journal_read) {
        (true, _, _) => "leader here",
        (false, true, _) => "led by another instance",
        (false, false, true) => "nobody leads",
        (false, false, false) => "reading its journal",
    };
    let counts = [
        (view.nodes.ready, "ready"),
        (view.nodes.suspect, "suspect"),
        (view.nodes.lost, "lost"),
        (view.nodes.gone, "gone"),
    ];
    let nodes = counts.iter().filter(|(n, word)| *n > 0 || *word == "ready").map(|(n, word)| format!("{n} {word}"));
    let nodes = nodes.collect::<Vec<_>>().join(", ");
    let mut text = format!(
        "pool {}: {led}, epoch {}, lag {}   nodes {nodes}   slots {} of {}   parked {}\n",
        view.pool, leader.epoch, leader.lag_ms, view.used, view.slots, view.parked
    );
    if let Some(trouble) = &leader.trouble {
        text.push_str(&format!("trouble: {trouble}\n"));
    }
    if !view.emergencies.is_empty() {
        let zones = view.emergencies.iter().map(|zone| zone_named(zone)).collect::<Vec<_>>().join(", ");
        text.push_str(&format!("silent as a whole, verdicts wait: {zones}\n"));
    }
    text
}

/// What is not as it should be with the tables that `reprise sql` asks.
pub fn tables(view: Option<&TablesView>) -> String {
    let trouble = view.and_then(|view| view.trouble.as_ref());
    let told =
        trouble.map(|why| format!("tables: nothing lands in them, and the journal keeps it until it does: {why}\n"));
    told.unwrap_or_default()
}

/// Executions, a row each.
pub fn table(executions: &[ExecutionView]) -> String {
    if executions.is_empty() {
        return "no executions: submit a flow with `reprise run FLOW`\n".to_owned();
    }
    let names = ["TASKS", "PASSED", "FAILED", "FLAKY", "SKIPPED", "RUNNING", "WAITING", "AGE", "ETA"];
    let [a, b, c, d, e, f, g, h, i] = names.map(|name| (name, Lean::Right));
    let (first, last) = (("EXECUTION", Lean::Left), ("REASON", Lean::Left));
    let mut table = Table::new([first, ("STATE", Lean::Left), a, b, c, d, e, f, g, h, i, last]);
    for view in executions {
        let counts = &view.tasks;
        table.row([
            view.execution.to_string(),
            view.state.word().to_owned(),
            counts.total.to_string(),
            counts.passed.to_string(),
            counts.failed.to_string(),
            counts.flaky.to_string(),
            counts.skipped.to_string(),
            counts.running.to_string(),
            counts.waiting.to_string(),
            whole(view.took_ms),
            view.eta_ms.map_or("-".to_owned(), whole),
            view.reason.clone(),
        ]);
    }
    table.text()
}

/// Tasks that are worth a look, a row each.
pub fn tasks(items: &[TaskItem], more: bool) -> String {
    if items.is_empty() {
        return String::new();
    }
    let mut table = Table::new([
        ("TASK", Lean::Left),
        ("STATE", Lean::Left),
        ("TRIES", Lean::Right),
        ("NODE", Lean::Left),
        ("TOOK", Lean::Right),
        ("DONE", Lean::Right),
        ("WHY", Lean::Left),
    ]);
    for item in items {
        table.row([
            item.task.to_string(),
            state(item),
            item.attempts.to_string(),
            item.node.as_ref().map(ToString::to_string).unwrap_or_default(),
            item.took_ms.map(|took| took.to_string()).unwrap_or_default(),
            item.fraction.map(|fraction| format!("{:.0}%", fraction * 100.0)).unwrap_or_default(),
            item.why.clone(),
        ]);
    }
    let more = if more { "and more\n" } else { "" };
    format!("\n{}{more}", table.text())
}

fn state(item: &TaskItem) -> String {
    let may_fail = if item.allow_failure && item.state == TaskWord::Failed { " (may fail)" } else { "" };
    format!("{}{may_fail}", item.state.word().replace('_', " "))
}

#[cfg(test)]
mod tests {
    use gateway::view::pool::LeaderView;

    use super::*;
    use crate::examples;

    #[test]
    fn the_pool_is_one_line() {
        insta::assert_snapshot!(pool(&examples::pool()), @"pool default: leader here, epoch 4, lag 100ms   nodes 4 ready, 1 lost   slots 12 of 20   parked 0");
    }

    #[test]
    fn who_leads_is_said_as_far_as_it_is_known() {
        let said = |here, led, journal_read| {
            let leader = LeaderView { here, led, journal_read, epoch: 3, ..LeaderView::default() };
            let line = pool(&PoolView { leader, ..examples::pool() });
            line.split(", lag").next().unwrap_or_default().to_owned()
        };
        assert_eq!(said(true, true, true), "pool default: leader here, epoch 3");
        assert_eq!(said(false, true, true), "pool default: led by another instance, epoch 3");
        assert_eq!(said(false, false, true), "pool default: nobody leads, epoch 3");
        assert_eq!(said(false, false, false), "pool default: reading its journal, epoch 3");
    }

    #[test]
    fn tables_are_spoken_of_where_nothing_lands_in_them() {
        let view = |trouble: Option<&str>| TablesView {
            address: "s3://shelf".to_owned(),
            is_open: true,
            rows: 7,
            waiting_bytes: 0,
            trouble: trouble.map(str::to_owned),
        };
        assert_eq!(tables(None) + &tables(Some(&view(None))), "");
        insta::assert_snapshot!(tables(Some(&view(Some("no such bucket")))), @"tables: nothing lands in them, and the journal keeps it until it does: no such bucket");
    }

    #[test]
    fn executions_are_a_table() {
        insta::assert_snapshot!(table(&[examples::execution(), examples::ended_execution()]), @r"
        EXECUTION        STATE       TASKS  PASSED  FAILED  FLAKY  SKIPPED  RUNNING  WAITING     AGE     ETA  REASON
        nightly-web-118  recovering     68      40       0      1        1       12       15   4m 0s  3m 10s  1 task moves on
        nightly-web-118  failed         68      63       1      1        3        0        0  9m 41s       -  1 failed, 1 parked
        ");
        assert!(table(&[]).contains("reprise run"));
    }

    #[test]
    fn tasks_that_are_worth_a_look_are_a_table() {
        let forgiven = TaskItem { state: TaskWord::Failed, allow_failure: true, ..examples::running_task() };
        assert!(tasks(&[forgiven], false).contains(" failed (may fail) "));
        let items = [examples::running_task(), examples::parked_task().item];
        insta::assert_snapshot!(tasks(&items, false), @r"
        TASK              STATE    TRIES  NODE   TOOK  DONE  WHY
        browser:webkit:2  running      1  n1    1m 2s   40%
        visual            parked       3  n1    37.0s        tries used up, no verdict on the test
        ");
    }
}
