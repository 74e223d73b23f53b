//! `demo`: the main job in about a minute, with everything that it is for going wrong on the way.
//!
//! An engine and five agents in two zones, each a process of its own in a [`world`] of its own, run a [`mod@flow`] of
//! 240 made-up tests ([`stage`]). Meanwhile one agent is killed, one frozen and woken, and the engine killed and
//! restarted ([`faults`]). With `--kafka` there are two engines with their log in [`topics`] of Kafka's, and the one that
//! leads is killed ([`takeover`]). At the end the [`report`] says what became of it; how it is known that nothing was lost and
//! nothing counted twice is the [`verdict`]: each task keeps a ledger, and that is held against the journal.

use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, timeout};

mod flow;
mod topics;
mod world;

mod attached;

mod cues;
mod engines;
mod faults;
mod stage;
mod takeover;

mod seen;
mod told;
mod verdict;

mod questions;
mod report;

mod remains;

use super::alone;
use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{Live, Patience};
use crate::paint::Paint;
use crate::screen;
use engines::Engines;
use seen::Seen;
use topics::Topics;
use world::World;

/// How long the flow may take.
const LIMIT: Duration = Duration::from_secs(300);

/// Shows how a flow of 240 tasks survives a killed agent, a frozen agent and a killed engine.
///
/// It takes about a minute and a folder of its own, of which nothing stays. The exit code is 0 if every task has exactly
/// one effective result, 20 if one was lost or doubled, 1 if the demo itself went wrong.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise demo\n  reprise demo --keep\n  reprise demo --kafka 127.0.0.1:9092")]
pub struct Demo {
    /// On Kafka, with two engines: the one that leads is killed, and the other takes over
    #[arg(long, value_name = "HOST:PORT")]
    kafka: Option<String>,
    /// Stands before the names of Kafka's topics, which stay [without: one made up, whose topics are deleted at the end]
    #[arg(long, value_name = "P", requires = "kafka")]
    topic_prefix: Option<String>,
    /// Let engine and agents run on when all is told, until Ctrl-C, and leave the folder
    #[arg(long)]
    keep: bool,
    /// What the demo starts for its own processes: its number, and what to become
    #[arg(last = true, hide = true, value_name = "PROCESS")]
    process: Vec<String>,
}

impl Demo {
    /// Plays it. Whatever happens, no process of it stays behind.
    pub fn run(self, output: Output) -> Result<Exit, Failure> {
        if let [parent, arguments @ ..] = self.process.as_slice() {
            return Err(attached::become_it(parent, arguments));
        }
        let runtime = alone()?;
        let topics = self.kafka.as_deref().map(|brokers| Topics::make(brokers, self.topic_prefix.as_deref()));
        let topics = topics.transpose()?;
        let mut world = World::new(topics.clone()).map_err(|failure| match topics {
            Some(topics) => topics.unused(failure),
            None => failure,
        })?;
        let ended = runtime.block_on(self.shown(&mut world, output));
        let folder = world.folder.display().to_string();
        let kept = self.keep || !matches!(ended, Ok(Exit::Done | Exit::Cancelled));
        if kept {
            world.keep_folder();
        }
        let topics = world.topics.take();
        let things = if topics.is_some() { "ledger and logs" } else { "ledger, journal and logs" };
        drop(world);
        // Nobody writes to them any more.
        let on_kafka = topics.and_then(|topics| topics.end(kept)).map(|left| format!("; {left}")).unwrap_or_default();
        match ended {
            Ok(exit) => {
                let left = if kept { format!("; {things} are left in {folder}") } else { String::new() };
                if kept || exit == Exit::Cancelled || !on_kafka.is_empty() {
                    beside(output, &format!("all of it has ended{left}{on_kafka}\n"));
                }
                Ok(exit)
            }
            Err(failure) => {
                let left = format!("all of it has ended{on_kafka}; what its processes said is in {folder}/*.log");
                Err(Failure::new(failure.exit, format!("the demo went wrong: {failure}\n{left}")))
            }
        }
    }

    /// Plays it unless it is stopped; with --keep the world stays until then.
    async fn shown(&self, world: &mut World, output: Output) -> Result<Exit, Failure> {
        let mut patience = Patience::new(None)?;
        let mut live = if output == Output::Json { Live::silent() } else { Live::titled() };
        let engines = Engines::of(world);
        let played = patience.with(play(world, &engines, &mut live, output)).await;
        live.finish();
        let ended = played.unwrap_or(Ok(Exit::Cancelled));
        match ended {
            Ok(Exit::Cancelled) | Err(_) => {}
            Ok(_) if self.keep => {
                beside(output, &report::look_around(world, engines.asked().engine));
                patience.end().await;
            }
            Ok(_) => {
                let keep = if world.topics.is_some() { "the same with --keep" } else { "reprise demo --keep" };
                let next = format!("  next: {keep}   (it ends in the same way, and then you can look around)\n");
                beside(output, &next);
            }
        }
        ended
    }
}

/// Says what is no part of the verdict.
fn beside(output: Output, words: &str) {
    match output {
        Output::Json => screen::warn(words.trim_end()),
        Output::Text => screen::show(words),
    }
}

/// Plays it to its end, tells what was seen, and judges it.
async fn play(world: &mut World, engines: &Engines, live: &mut Live, output: Output) -> Result<Exit, Failure> {
    let began = Instant::now();
    stage::gather(world, engines).await?;
    let flow = flow::flow(&world.folder, &world.program);
    let execution = stage::submit(engines.api(), &flow).await?;
    let played = stage::play(world, engines, (&execution, began), live);
    let late = |_| Failure::new(Exit::Bug, format!("{execution} had not ended after {} seconds", LIMIT.as_secs()));
    let (view, fault) = timeout(LIMIT, played).await.map_err(late)??;
    let took = began.elapsed();
    live.finish();

    let seen = Seen::read(world, engines, view).await?;
    let verdict = verdict::judge(&flow::tasks(&flow), &seen.journal, &seen.ledger);
    match output {
        Output::Json => screen::json(&report::object(&seen, took, fault, &verdict)),
        Output::Text => {
            screen::show(&report::text(&seen, took, fault, &verdict, Paint::stdout()));
            screen::show(&questions::text(world, engines.asked()).await?);
        }
    }
    if !verdict.is_good() {
        return Ok(Exit::DemoLost);
    }
    seen.check_plan().map(|()| Exit::Done)
}
