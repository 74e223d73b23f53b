//! `demo`: the main job in about a minute, with everything that it is for going wrong on the way.
//!
//! An engine and five agents in two zones, each a process of its own in a [`world`] of its own, run a [`mod@flow`] of
//! 240 made-up tests. Meanwhile one agent is killed, one frozen and woken, and the engine killed and restarted
//! ([`faults`]). At the end the [`report`] says what became of it; how it is known that nothing was lost and nothing
//! counted twice is the [`verdict`]: each task keeps a ledger, and that is held against the journal.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use gateway::view::{ExecutionView, JournalLine, NodeState, NodeView, RecoveryView, Submitted, TaskItem, TaskWord};
use model::{ExecutionId, PoolId, TaskId};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

mod flow;
mod world;

mod faults;

mod told;
mod verdict;

mod report;

mod remains;

use super::alone;
use crate::api::{Api, fresh_key};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{self, Live};
use crate::paint::Paint;
use crate::resolve::execution_path;
use crate::screen;
use faults::{EngineFault, Stage};
use world::World;

/// The nodes and their zones.
const NODES: [(&str, &str); 5] = [("n1", "a"), ("n2", "a"), ("n3", "b"), ("n4", "b"), ("n5", "a")];
/// How often the screen is drawn.
const EACH: Duration = Duration::from_millis(500);
/// How long the engine may be away.
const AWAY: Duration = Duration::from_secs(60);
/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(300);

/// Shows how a flow of 240 tasks survives a killed agent, a frozen agent and a killed engine.
///
/// It takes about a minute and a folder of its own, of which nothing stays. The exit code is 0 if every task has exactly
/// one effective result, 20 if one was lost or doubled, 1 if the demo itself went wrong.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise demo\n  reprise demo --keep")]
pub struct Demo {
    /// Let the engine run on when all is told, until Ctrl-C, and leave the folder
    #[arg(long)]
    keep: bool,
}

impl Demo {
    /// Plays it. Whatever happens, no process of it stays behind.
    pub fn run(self) -> Result<Exit, Failure> {
        let mut world = World::new()?;
        let folder = world.folder.display().to_string();
        let mut live = Live::titled();
        let ended = alone()?.block_on(async {
            tokio::select! {
                ended = self.play(&mut world, &mut live) => ended,
                () = follow::interruption() => Ok(Exit::Cancelled),
            }
        });
        live.finish();
        let kept = self.keep || matches!(ended, Err(_) | Ok(Exit::DemoLost));
        if kept {
            world.keep_folder();
        }
        match ended {
            Ok(Exit::Cancelled) if !kept => screen::line("stopped; all of it has ended, and nothing is left"),
            Ok(_) if kept => {
                screen::line(&format!("  all of it has ended; journal, ledger and logs are left in {folder}"))
            }
            Ok(_) => {}
            Err(failure) => {
                let message = format!("the demo went wrong: {failure}\nwhat its processes said is in {folder}/*.log");
                return Err(Failure::new(failure.exit, message));
            }
        }
        ended
    }

    async fn play(&self, world: &mut World, live: &mut Live) -> Result<Exit, Failure> {
        let began = Instant::now();
        let api = api(world);
        gather(world, &api).await?;
        let execution = submit(world, &api).await?;
        let both = both(world, &api, (&execution, began), live);
        let late = |_| Failure::new(Exit::Bug, format!("{execution} had not ended after {} seconds", LIMIT.as_secs()));
        let (view, fault) = timeout(LIMIT, both).await.map_err(late)??;
        live.finish();
        let exit = tell(world, &api, (&view, began.elapsed()), fault).await?;
        if self.keep {
            screen::show(&report::look_around(world));
            follow::interruption().await;
        } else {
            screen::line(
                "  next: reprise demo --keep   (the same, and then a look at the journal, the table of nodes, the whys)",
            );
        }
        Ok(exit)
    }
}

fn api(world: &World) -> Api {
    Api::at(world.endpoint(), &PoolId::new("default").expect("a name"))
}

/// Starts engine and agents, and waits until all nodes are there.
async fn gather(world: &mut World, api: &Api) -> Result<(), Failure> {
    world.start_engine()?;
    faults::until_ready(api, world).await?;
    for (node, zone) in NODES {
        world.start_agent(node, zone)?;
    }
    let since = Instant::now();
    loop {
        world.check()?;
        let nodes: Vec<NodeView> = api.list("/v1/nodes", &[]).await?.read()?;
        if nodes.iter().filter(|node| node.state == NodeState::Ready).count() == NODES.len() {
            return Ok(());
        }
        if since.elapsed() > AWAY {
            return Err(Failure::new(Exit::Bug, format!("only {} of {} nodes came", nodes.len(), NODES.len())));
        }
        sleep(EACH / 5).await;
    }
}

async fn submit(world: &World, api: &Api) -> Result<ExecutionId, Failure> {
    let flow = Bytes::from(flow::flow(&world.folder, &world.program).to_string());
    let key = fresh_key()?;
    let answer = api.post("/v1/executions", &[], key.as_str(), ("application/json", flow)).await?;
    let submitted: Submitted =
        serde_json::from_slice(&answer).map_err(|error| Failure::unreadable("the submission", &error))?;
    Ok(submitted.execution.execution)
}

/// Shows the execution to its end while the faults are played.
async fn both(
    world: &mut World,
    api: &Api,
    (execution, began): (&ExecutionId, Instant),
    live: &mut Live,
) -> Result<(ExecutionView, EngineFault), Failure> {
    let (show, views) = watch::channel(None);
    let (notes, said) = mpsc::channel(8);
    let stage = Stage { api, execution, views, notes, began };
    tokio::try_join!(shown((api, execution), live, show, said), faults::play(stage, world))
}

async fn shown(
    (api, execution): (&Api, &ExecutionId),
    live: &mut Live,
    show: watch::Sender<Option<ExecutionView>>,
    mut said: mpsc::Receiver<String>,
) -> Result<ExecutionView, Failure> {
    let mut heard = Instant::now();
    let mut tick = interval(EACH);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(note) = said.recv() => live.note(&note),
            _ = tick.tick() => match follow::look(api, execution, live).await {
                Ok(view) => {
                    heard = Instant::now();
                    show.send_replace(Some(view.clone()));
                    if view.ended.is_some() {
                        return Ok(view);
                    }
                }
                Err(failure) if failure.exit == Exit::NoEngine && heard.elapsed() < AWAY => {}
                Err(failure) => return Err(failure),
            },
        }
    }
}

/// Judges, and says all there is to say.
async fn tell(
    world: &World,
    api: &Api,
    (view, took): (&ExecutionView, Duration),
    fault: EngineFault,
) -> Result<Exit, Failure> {
    let items: Vec<TaskItem> = api.list(&format!("{}/tasks", execution_path(&view.execution)), &[]).await?.read()?;
    let journal: Vec<JournalLine> = api.list("/v1/journal", &[]).await?.read()?;
    let recoveries: Vec<RecoveryView> = api.list("/v1/recoveries", &[]).await?.read()?;
    let tasks: Vec<TaskId> = items.iter().map(|item| item.task.clone()).collect();
    let verdict = verdict::judge(&tasks, &journal, &world.ledger()?);
    let planned = as_planned(view, &items);
    let paint = Paint::stdout();
    screen::show(&report::ended(took, view, planned, paint));
    screen::show(&report::table(&report::rows(&journal, &recoveries, fault)));
    screen::show(&report::retried(&told::retries(&journal)));
    screen::show(&report::verdict(&verdict, paint));
    if !verdict.is_good() {
        return Ok(Exit::DemoLost);
    }
    if planned {
        return Ok(Exit::Done);
    }
    Err(Failure::new(Exit::Bug, format!("nothing was lost, but other tasks failed than planned: {}", view.reason)))
}

/// Whether those failed that should, and those were skipped that depend on them.
fn as_planned(view: &ExecutionView, items: &[TaskItem]) -> bool {
    let failed = items.iter().filter(|item| item.state == TaskWord::Failed).map(|item| item.task.as_str());
    let counts = &view.tasks;
    failed.collect::<BTreeSet<_>>() == BTreeSet::from(flow::FAIL)
        && counts.skipped == flow::SKIPPED
        && counts.parked + counts.cancelled == 0
}
