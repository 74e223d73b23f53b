//! What is struck: broker, proxy, engines and processes of nodes; and how each fault is done and healed.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::thread::sleep;
use std::time::Duration;

use broker::{Broker, Proxy};
use nix::sys::signal::Signal;
use sim::random::Random;

use super::{Done, Kind};
use crate::clock::Clock;
use crate::engines::Engine;
use crate::ledger::{self, Line};
use crate::process::{Process, until};
use crate::scene::{self, LOST, PARTITIONS, Scene};

/// How long a signal may take.
const SOON: Duration = Duration::from_secs(10);
/// How long a partition may be without a leader before that is no takeover any more.
const TAKEOVER: Duration = Duration::from_secs(40);

/// All that can be struck.
#[derive(Debug)]
pub struct Field {
    /// The broker.
    pub broker: Broker,
    /// The connection that some go through.
    pub proxy: Proxy,
    /// The engines.
    pub engines: Vec<Engine>,
    /// The processes of nodes, each with the number of its life.
    pub fleets: Vec<(Option<Process>, u64)>,
    /// The clock.
    pub clock: Clock,
    /// The folder.
    pub scene: Scene,
    /// The prefix of topics.
    pub prefix: String,
    /// The binary.
    pub reprise: PathBuf,
    /// The seed.
    pub seed: u64,
    /// Chance.
    pub random: Random,
}

impl Field {
    /// Does a fault of a kind and heals it.
    pub fn strike(&mut self, kind: Kind) -> io::Result<Done> {
        let from = self.clock.now();
        let (target, effective) = match kind {
            Kind::KillLeader => self.kill_engine(true)?,
            Kind::KillFollower => self.kill_engine(false)?,
            Kind::StopLeader => self.stop_engine(true),
            Kind::StopFollower => self.stop_engine(false),
            Kind::KillBroker => {
                self.broker.kill();
                self.pause(1_000, 5_000);
                self.broker.restart();
                ("broker".to_owned(), true)
            }
            Kind::RestartBroker => {
                self.broker.stop();
                self.broker.restart();
                ("broker".to_owned(), true)
            }
            Kind::StopBroker => self.stop_broker(),
            Kind::KillNodes => self.kill_nodes()?,
            Kind::StopNodes => self.stop_nodes(),
            Kind::Delay | Kind::Cut | Kind::Hang => self.disturb(kind),
        };
        Ok(Done { kind, target, from, to: self.clock.now(), effective })
    }

    /// Waits for a time between the two, in milliseconds.
    pub fn pause(&mut self, least: u64, most: u64) {
        sleep(Duration::from_millis(self.random.between(least, most)));
    }

    /// The engine that leads a partition, or the one that leads least of the others; and the partition.
    fn choose(&mut self, leader: bool) -> Option<(usize, u32)> {
        let partition = u32::try_from(self.random.below(u64::from(PARTITIONS))).unwrap_or(0);
        let leads = until(TAKEOVER, || {
            let leads: Vec<Vec<u32>> = self.engines.iter().map(|e| e.leads().unwrap_or_default()).collect();
            leads.iter().any(|led| led.contains(&partition)).then_some(leads)
        })?;
        let has = |engine: &usize| leads[*engine].contains(&partition);
        let engines = 0..leads.len();
        let engine = match leader {
            true => engines.into_iter().find(has),
            false => engines.into_iter().filter(|engine| !has(engine)).min_by_key(|engine| leads[*engine].len()),
        };
        Some((engine?, partition))
    }

    fn leads(&self, engine: usize, partition: u32) -> bool {
        self.engines[engine].leads().is_some_and(|led| led.contains(&partition))
    }

    fn kill_engine(&mut self, leader: bool) -> io::Result<(String, bool)> {
        let Some((engine, partition)) = self.choose(leader) else { return Ok(("nobody led".to_owned(), false)) };
        let killed = kill(&mut self.engines[engine].process);
        self.pause(500, 9_000);
        let reprise = self.reprise.clone();
        self.engines[engine].start(&reprise)?;
        let led = until(TAKEOVER, || (0..self.engines.len()).any(|e| self.leads(e, partition)).then_some(()));
        Ok((format!("engine{engine} of partition {partition}"), killed && (!leader || led.is_some())))
    }

    fn stop_engine(&mut self, leader: bool) -> (String, bool) {
        let Some((engine, partition)) = self.choose(leader) else { return ("nobody led".to_owned(), false) };
        let Some(stopped) = stop(self.engines[engine].process.as_ref()) else { return ("nobody".to_owned(), false) };
        let taken = leader
            && until(TAKEOVER, || {
                (0..self.engines.len()).any(|e| e != engine && self.leads(e, partition)).then_some(())
            })
            .is_some();
        if leader {
            // Now and then it wakes up while the other is at work already.
            self.pause(0, 2_000);
        } else {
            self.pause(4_000, 9_000);
        }
        let still = self.engines[engine].process.as_ref().is_some_and(Process::is_stopped);
        go_on(self.engines[engine].process.as_ref());
        (format!("engine{engine} of partition {partition}"), stopped && still && (taken || !leader))
    }

    fn stop_broker(&mut self) -> (String, bool) {
        self.broker.freeze();
        self.pause(3_000, 7_000);
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.broker.pid())).unwrap_or_default();
        let still = stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'));
        self.broker.thaw();
        ("broker".to_owned(), still)
    }

    fn kill_nodes(&mut self) -> io::Result<(String, bool)> {
        let process = usize::try_from(self.random.below(self.fleets.len() as u64)).unwrap_or(0);
        self.end_nodes(process)?;
        self.pause(300, 7_000);
        self.start_nodes(process)?;
        Ok((format!("nodes{process}"), true))
    }

    fn stop_nodes(&mut self) -> (String, bool) {
        let process = usize::try_from(self.random.below(self.fleets.len() as u64)).unwrap_or(0);
        let stopped = stop(self.fleets[process].0.as_ref()).unwrap_or(false);
        self.pause(LOST.0 + 1_500, LOST.0 + 5_000);
        let still = self.fleets[process].0.as_ref().is_some_and(Process::is_stopped);
        go_on(self.fleets[process].0.as_ref());
        (format!("nodes{process}"), stopped && still)
    }

    fn disturb(&mut self, kind: Kind) -> (String, bool) {
        let before = self.proxy.connections();
        let late = Duration::from_millis(self.random.between(100, 700));
        match kind {
            Kind::Cut => self.proxy.cut(),
            Kind::Hang => self.proxy.hang(),
            Kind::Delay => self.proxy.delay(late),
            Kind::KillLeader
            | Kind::KillFollower
            | Kind::StopLeader
            | Kind::StopFollower
            | Kind::KillBroker
            | Kind::RestartBroker
            | Kind::StopBroker
            | Kind::KillNodes
            | Kind::StopNodes => return ("not the proxy's".to_owned(), false),
        }
        let effective = 0 < before && (kind != Kind::Cut || self.proxy.connections() == 0);
        self.pause(3_000, 9_000);
        self.proxy.heal();
        (format!("{before} connections"), effective)
    }

    /// Kills a process of nodes, and says in the ledgers that all that ran there has ended. One that had ended by itself is
    /// an error: nobody asked it to.
    pub fn end_nodes(&mut self, process: usize) -> io::Result<()> {
        let killed = kill(&mut self.fleets[process].0);
        let at = self.clock.now();
        for seat in scene::seats(process) {
            let path = self.scene.ledger(&seat.name);
            let mut file = std::fs::File::options().create(true).append(true).open(path)?;
            ledger::append(&mut file, &[Line::Died { at }])?;
        }
        let words = self.scene.words(&format!("nodes{process}"));
        let by_itself = || io::Error::other(format!("nodes{process} had ended by itself: {}", words.display()));
        killed.then_some(()).ok_or_else(by_itself)
    }

    /// Starts a process of nodes for its next life.
    pub fn start_nodes(&mut self, process: usize) -> io::Result<()> {
        let (running, life) = &mut self.fleets[process];
        *life += 1;
        // Two of the five go through the proxy, as one of the engines does.
        let broker = if process < 3 { self.broker.address() } else { self.proxy.address() };
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("nodes").arg(self.scene.folder()).args([&broker, &self.prefix]);
        command.args([process as u64, *life, self.seed, self.clock.offset].map(|n| n.to_string()));
        *running = Some(Process::start(command, &self.scene.words(&format!("nodes{process}")))?);
        Ok(())
    }
}

fn kill(process: &mut Option<Process>) -> bool {
    let Some(mut process) = process.take() else { return false };
    process.signal(Signal::SIGKILL);
    process.end(SOON).and_then(|ended: ExitStatus| ended.signal()) == Some(Signal::SIGKILL as i32)
}

fn stop(process: Option<&Process>) -> Option<bool> {
    let process = process?;
    process.signal(Signal::SIGSTOP);
    Some(until(SOON, || process.is_stopped().then_some(())).is_some())
}

fn go_on(process: Option<&Process>) {
    if let Some(process) = process {
        process.signal(Signal::SIGCONT);
    }
}
