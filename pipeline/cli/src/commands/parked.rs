//! `parked`: what waits for a person: list it, look at it, try it again, give it up.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use gateway::view::{ParkedView, Replay};
use model::FlowId;
use model::policy::FailureClass;

use super::verbs::{key_for, post};
use super::why;
use crate::api::{Api, encoded};
use crate::args::{Change, Output};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::place::Place;
use crate::resolve;
use crate::screen;
use crate::table::{Lean, Table};
use crate::words::{some_of, time_of_day};

/// Lists parked tasks, or does something about one.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example:\n  reprise parked\n  reprise parked replay visual --needs memory=16GiB"
)]
pub struct Parked {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    filter: Filter,
}

#[derive(Debug, Args)]
struct Filter {
    /// Only those whose last failure was of this class
    #[arg(long, value_name = "C", value_parser = class)]
    class: Option<FailureClass>,
    /// Only those of executions of this flow
    #[arg(long, value_name = "F")]
    flow: Option<FlowId>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// All evidence of one
    #[command(after_help = "Example:\n  reprise parked show visual")]
    Show {
        /// The task
        task: Place,
    },
    /// Try it again, perhaps with other needs; it joins the open round or begins the next
    #[command(after_help = "Example:\n  reprise parked replay visual --needs memory=16GiB")]
    Replay {
        /// The task
        task: Place,
        /// `memory=16GiB` or `slots=2` instead of what it had
        #[arg(long = "needs", value_name = "K=V", value_parser = need)]
        needs: Vec<Need>,
        #[command(flatten)]
        change: Change,
    },
    /// Give it up: it has failed
    #[command(after_help = "Example:\n  reprise parked drop visual --reason \"known leak, issue 812\"")]
    Drop {
        /// The task
        task: Place,
        #[command(flatten)]
        change: Change,
    },
}

/// A need of the next attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Need {
    MemoryMb(u64),
    Slots(u32),
}

impl Parked {
    /// Asks and prints.
    pub async fn run(self, api: Api, output: Output) -> Result<Exit, Failure> {
        match self.action {
            None => list(&api, output, &self.filter).await,
            Some(Action::Show { task }) => show(&api, output, &task).await,
            Some(Action::Replay { task, needs, change }) => {
                let body = replay(&change, &needs);
                act(&api, output, &task, &change, ("replay", body)).await
            }
            Some(Action::Drop { task, change }) => {
                let body = gateway::view::Verb { reason: change.reason.clone(), kill: false };
                act(&api, output, &task, &change, ("drop", body)).await
            }
        }
    }
}

async fn list(api: &Api, output: Output, filter: &Filter) -> Result<Exit, Failure> {
    let mut list = api.list("/v1/parked", &[]).await?;
    let views: Vec<ParkedView> = list.read()?;
    let kept: Vec<bool> = views.iter().map(|parked| filter.takes(parked)).collect();
    match output {
        Output::Json => {
            let mut kept = kept.iter();
            list.items.retain(|_| *kept.next().expect("there are as many as items"));
            screen::json(&list);
        }
        Output::Text => {
            let wanted = views.into_iter().zip(kept).filter_map(|(parked, kept)| kept.then_some(parked));
            screen::show(&table(&wanted.collect::<Vec<_>>()));
        }
    }
    Ok(Exit::Done)
}

impl Filter {
    fn takes(&self, parked: &ParkedView) -> bool {
        self.class.is_none_or(|class| parked.class == Some(class))
            && self.flow.as_ref().is_none_or(|flow| parked.execution.flow == *flow)
    }
}

async fn show(api: &Api, output: Output, place: &Place) -> Result<Exit, Failure> {
    let parked = find(api, place).await?;
    let named = Place { execution: Some(parked.execution), task: parked.task, attempt: None };
    let task = resolve::task(api, &named).await?;
    super::show(output, &task, why::text);
    Ok(Exit::Done)
}

async fn act(
    api: &Api,
    output: Output,
    place: &Place,
    change: &Change,
    (verb, body): (&str, impl serde::Serialize),
) -> Result<Exit, Failure> {
    // Whether one that was named in full is parked is the engine's word, and an answer that says more than ours.
    let (execution, task) = match &place.execution {
        Some(execution) if !change.dry_run => (execution.clone(), place.task.clone()),
        Some(_) | None => find(api, place).await.map(|parked| (parked.execution, parked.task))?,
    };
    if change.dry_run {
        let effect = if verb == "drop" { "it would have failed" } else { "it would run again" };
        let place = format!("{execution}/{task}");
        let words = format!("would {verb} {place}: {effect}; nothing was asked");
        super::would(output, verb, ("task", &place), &words);
        return Ok(Exit::Done);
    }
    let path = format!("/v1/parked/{}/{}/{verb}", encoded(&execution.to_string()), encoded(task.as_str()));
    let done = post(api, &path, &body, &key_for(change, None)?).await?;
    super::show(output, &done, |_| match verb {
        "replay" => format!("{execution}/{task} is tried again; follow it: reprise status {execution} --follow\n"),
        _ => format!("{execution}/{task} has failed: it was given up\n"),
    });
    Ok(Exit::Done)
}

/// Finds the parked task that is meant; a bare name means the one parked last.
async fn find(api: &Api, place: &Place) -> Result<ParkedView, Failure> {
    let parked: Vec<ParkedView> = api.list("/v1/parked", &[]).await?.read()?;
    let is_meant = |parked: &ParkedView| {
        parked.task == place.task && place.execution.as_ref().is_none_or(|execution| parked.execution == *execution)
    };
    let found = parked.into_iter().filter(is_meant).max_by_key(|parked| parked.since);
    found.ok_or_else(|| {
        Failure::new(
            Exit::NotFound,
            format!("no parked task `{place}` in pool {}: `reprise parked` lists them", api.pool),
        )
    })
}

fn replay(change: &Change, needs: &[Need]) -> Replay {
    let mut body = Replay { reason: change.reason.clone(), ..Replay::default() };
    for need in needs {
        match need {
            Need::MemoryMb(mb) => body.memory_mb = Some(*mb),
            Need::Slots(slots) => body.slots = Some(*slots),
        }
    }
    body
}

fn need(text: &str) -> Result<Need, String> {
    let wrong = || "write it as memory=16GiB or slots=2".to_owned();
    let (key, value) = text.split_once('=').ok_or_else(wrong)?;
    match key {
        "memory" => flow::size::parse_size(value).map(Need::MemoryMb).map_err(|error| error.to_string()),
        "slots" => value.parse().ok().filter(|slots| *slots > 0).map(Need::Slots).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

fn class(text: &str) -> Result<FailureClass, String> {
    let known: BTreeMap<&str, FailureClass> = FailureClass::ALL.iter().map(|(class, word)| (*word, *class)).collect();
    let all = || format!("the classes are {}", FailureClass::ALL.map(|(_, word)| word).join(", "));
    known.get(text).copied().ok_or_else(all)
}

fn table(parked: &[ParkedView]) -> String {
    if parked.is_empty() {
        return "nothing is parked\n".to_owned();
    }
    let mut table = Table::new([
        ("TASK", Lean::Left),
        ("SINCE", Lean::Left),
        ("CLASS", Lean::Left),
        ("TRIES", Lean::Right),
        ("BLOCKS", Lean::Left),
        ("WHY", Lean::Left),
    ]);
    for parked in parked {
        let blocks: Vec<String> = parked.blocks.iter().map(ToString::to_string).collect();
        table.row([
            format!("{}/{}", parked.execution, parked.task),
            time_of_day(parked.since.0),
            parked.class.map_or("", FailureClass::word).to_owned(),
            parked.tries.to_string(),
            some_of(&blocks, 2),
            if parked.why.is_empty() { format!("rule {}", parked.rule) } else { parked.why.clone() },
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn what_waits_for_a_person_is_a_table() {
        insta::assert_snapshot!(table(&[examples::parked()]), @r"
        TASK                    SINCE     CLASS          TRIES  BLOCKS        WHY
        nightly-web-118/visual  02:19:35  out_of_memory      3  release_gate  tries used up, no verdict on the test
        ");
    }

    #[test]
    fn needs_are_read_as_in_a_flow() {
        assert_eq!(need("memory=16GiB"), Ok(Need::MemoryMb(16 * 1024)));
        assert_eq!(need("slots=2"), Ok(Need::Slots(2)));
        for wrong in ["memory", "memory=16", "slots=0", "cpu=2"] {
            assert!(need(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lists_are_filtered_by_class_and_flow() {
        let filter = |class, flow: Option<&str>| Filter { class, flow: flow.map(|flow| FlowId::new(flow).unwrap()) };
        let parked = examples::parked();
        assert!(filter(None, None).takes(&parked));
        assert!(filter(Some(FailureClass::OutOfMemory), Some("nightly-web")).takes(&parked));
        assert!(!filter(Some(FailureClass::Stall), None).takes(&parked));
        assert!(!filter(None, Some("other")).takes(&parked));
    }
}
