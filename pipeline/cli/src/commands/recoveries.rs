//! `recoveries`: reports of lost nodes: how fast each loss was noticed and made good, against the goals.

use clap::Args;
use gateway::view::{Phases, RecoveryView};
use model::Millis;

use crate::api::{Api, encoded};
use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;
use crate::table::{Lean, Table};
use crate::words::{counted, some_of, time_of_day};

/// Lists recoveries, or shows one.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise recoveries\n  reprise recoveries r-31")]
pub struct Recoveries {
    /// One recovery, phase by phase
    recovery: Option<String>,
}

impl Recoveries {
    /// Asks and prints.
    pub async fn run(self, api: Api, output: Output) -> Result<Exit, Failure> {
        if let Some(recovery) = self.recovery {
            let recovery: RecoveryView = api.read(&format!("/v1/recoveries/{}", encoded(&recovery)), &[]).await?;
            super::show(output, &recovery, one);
            return Ok(Exit::Done);
        }
        let list = api.list("/v1/recoveries", &[]).await?;
        match output {
            Output::Json => screen::json(&list),
            Output::Text => screen::show(&table(&list.read()?)),
        }
        Ok(Exit::Done)
    }
}

fn table(recoveries: &[RecoveryView]) -> String {
    if recoveries.is_empty() {
        return "no recoveries: no node was lost\n".to_owned();
    }
    let mut table = Table::new([
        ("RECOVERY", Lean::Left),
        ("NODE", Lean::Left),
        ("ZONE", Lean::Left),
        ("LAST SIGN", Lean::Left),
        ("NOTICED", Lean::Right),
        ("REQUEUED", Lean::Right),
        ("PROGRESS", Lean::Right),
        ("DONE", Lean::Right),
        ("ATTEMPTS", Lean::Right),
        ("RESUMED", Lean::Right),
        ("GOALS", Lean::Left),
        ("CAUSE", Lean::Left),
    ]);
    for of in recoveries {
        table.row([
            of.recovery.clone(),
            of.node.to_string(),
            of.zone.clone(),
            time_of_day(of.last_sign.0),
            took(of.phases.noticed_ms),
            took(of.phases.requeued_ms),
            took(of.phases.progress_ms),
            took(of.phases.done_ms),
            of.attempts.to_string(),
            of.resumed.to_string(),
            (if of.goals_met { "met" } else { "missed" }).to_owned(),
            of.cause.clone(),
        ]);
    }
    table.text()
}

fn one(of: &RecoveryView) -> String {
    let zone = if of.zone.is_empty() { String::new() } else { format!(" (zone {})", of.zone) };
    let stands = match (of.done, of.goals_met) {
        (true, true) => "done, every goal met",
        (true, false) => "done, a goal was missed",
        (false, true) => "under way, every goal met so far",
        (false, false) => "under way, a goal is missed",
    };
    let attempts = counted(of.attempts.into(), "attempt");
    let mut text =
        format!("{}  {}{zone} {}: {attempts}, {} resumed   {stands}\n", of.recovery, of.node, of.cause, of.resumed);
    text.push_str(&phases(of));
    let late = match of.late_reports {
        0 => String::new(),
        late => format!("; {}, stale: it changed nothing", counted(late.into(), "late report")),
    };
    text.push_str(&format!(
        "all from its last sign of life, {}   work lost {}{late}\n",
        time_of_day(of.last_sign.0),
        of.work_lost_ms
    ));
    if !of.moved.is_empty() {
        text.push_str(&format!("moved {}\n", some_of(&of.moved, 20)));
    }
    if !of.open.is_empty() {
        text.push_str(&format!("not ended yet {}\n", some_of(&of.open, 20)));
    }
    text
}

fn phases(of: &RecoveryView) -> String {
    let head = ["phase", "suspected", "noticed", "fenced", "requeued", "first progress", "done"];
    let mut table = Table::new(head.map(|title| (title, if title == "phase" { Lean::Left } else { Lean::Right })));
    for (name, phases) in [("took", &of.phases), ("goal", &of.goals)] {
        let Phases { suspected_ms, noticed_ms, fenced_ms, requeued_ms, progress_ms, done_ms } = *phases;
        let cells = [suspected_ms, noticed_ms, fenced_ms, requeued_ms, progress_ms, done_ms].map(took);
        let [a, b, c, d, e, f] = cells;
        table.row([name.to_owned(), a, b, c, d, e, f]);
    }
    table.text()
}

fn took(time: Option<Millis>) -> String {
    time.map_or("-".to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn recoveries_are_a_table() {
        insta::assert_snapshot!(table(&[examples::recovery()]), @r"
        RECOVERY  NODE  ZONE  LAST SIGN  NOTICED  REQUEUED  PROGRESS    DONE  ATTEMPTS  RESUMED  GOALS  CAUSE
        r-31      n2    a     02:15:08     30.0s     30.1s     31.2s  2m 33s         1        1  met    silent
        ");
    }

    #[test]
    fn one_recovery_is_told_phase_by_phase_against_its_goals() {
        insta::assert_snapshot!(one(&examples::recovery()), @r"
        r-31  n2 (zone a) silent: 1 attempt, 1 resumed   done, every goal met
        phase  suspected  noticed  fenced  requeued  first progress    done
        took       15.0s    30.0s   30.0s     30.1s           31.2s  2m 33s
        goal       15.0s    30.0s   31.0s     31.0s           1m 0s       -
        all from its last sign of life, 02:15:08   work lost 6.0s; 1 late report, stale: it changed nothing
        moved nightly-web-118/browser:chrome:7@1
        ");
    }
}
