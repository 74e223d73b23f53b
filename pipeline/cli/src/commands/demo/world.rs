//! The world of the demo: a folder, ports, engines and agents, each a process of this same program.
//!
//! Whatever happens, nothing of it stays behind. An agent that is killed leaves supervisors, and those leave tests;
//! this process takes them all in (it is their *subreaper*), so that at the end it finds every one among its own
//! descendants, and nobody else's.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use agent::endpoint::Endpoint;
use model::TaskId;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::attached;
use super::flow::SCRIPT;
use super::remains;
use super::topics::Topics;
use super::verdict::Ledger;
use crate::exit::Exit;
use crate::failure::Failure;

/// The engine's name here, and its folder's; agents are called after their nodes.
const ALONE: [(&str, &str); 1] = [("engine", "data")];
/// The same of two engines that share a log on Kafka.
const PAIR: [(&str, &str); 2] = [("engine-1", "data-1"), ("engine-2", "data-2")];
/// A tenth of the usual times.
const SETTINGS: &str = "[node]\nlost = \"3s\"\n";
/// Ports below those that the kernel hands out for connections, so that the engine finds its own again.
const PORTS: std::ops::Range<u16> = 17_717..18_717;
/// How much of a process's last words is shown when it has ended by itself.
const LAST_WORDS: usize = 10;

/// Everything that the demo has.
#[derive(Debug)]
pub struct World {
    /// Everything of it is in here, but for what is on Kafka.
    pub folder: PathBuf,
    /// Its engines.
    pub engines: Vec<Engine>,
    /// Where they have their log, if they share one.
    pub topics: Option<Topics>,
    /// This program.
    pub program: PathBuf,
    temporary: Option<TempDir>,
    running: BTreeMap<String, Child>,
}

/// An engine, whether it runs or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Engine {
    /// Its name here.
    pub name: &'static str,
    /// Where it listens.
    pub port: u16,
    data: &'static str,
}

/// How an agent speaks with the engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To one of them, by its place in the list.
    Http(usize),
    /// To all of them.
    Kafka,
}

impl World {
    /// A world in which nothing runs yet: for one engine, or for two with their log in these topics.
    pub fn new(topics: Option<Topics>) -> Result<Self, Failure> {
        let made = || {
            set_child_subreaper(true)?;
            let temporary = tempfile::Builder::new().prefix("reprise-demo-").tempdir()?;
            let folder = temporary.path().canonicalize()?;
            for name in ["ledger", "marks", "state"] {
                fs::create_dir(folder.join(name))?;
            }
            fs::write(folder.join("task.sh"), SCRIPT)?;
            fs::write(folder.join("reprise.toml"), SETTINGS)?;
            let names = if topics.is_some() { PAIR.as_slice() } else { ALONE.as_slice() };
            let ports = free_ports(names.len())?;
            let engines = names.iter().zip(ports).map(|((name, data), port)| Engine { name, port, data }).collect();
            let (program, temporary) = (std::env::current_exe()?, Some(temporary));
            Ok(Self { folder, engines, topics, program, temporary, running: BTreeMap::new() })
        };
        made().map_err(|error: io::Error| cannot("prepare a folder for the demo", &error))
    }

    /// How one of its engines is reached.
    pub fn endpoint(&self, engine: Engine) -> Endpoint {
        Endpoint::socket(&self.folder.join("state").join("reprise"), engine.port)
    }

    /// Starts an engine.
    pub fn start_engine(&mut self, engine: Engine) -> Result<(), Failure> {
        let path = |name: &str| self.folder.join(name).display().to_string();
        let listen = format!("127.0.0.1:{}", engine.port);
        let arguments = ["up", "--data", &path(engine.data), "--listen", &listen, "--config", &path("reprise.toml")];
        let arguments = arguments.map(str::to_owned).into_iter().chain(self.on_kafka());
        self.start(engine.name, &arguments.collect::<Vec<_>>(), None)
    }

    /// Starts an agent of four slots.
    pub fn start_agent(&mut self, node: &str, zone: &str, way: Way) -> Result<(), Failure> {
        let dir = self.folder.join(node);
        fs::create_dir(&dir).map_err(|error| cannot("prepare a folder for an agent", &error))?;
        let dir = dir.display().to_string();
        let mut arguments =
            ["agent", "--name", node, "--slots", "4", "--zone", zone, "--dir", &dir].map(str::to_owned).to_vec();
        let engine = match way {
            Way::Http(place) => self.engines[place],
            // What its tasks print goes over HTTP all the same.
            Way::Kafka => {
                arguments.extend(self.on_kafka());
                self.engines[self.engines.len() - 1]
            }
        };
        self.start(node, &arguments, Some(engine))
    }

    /// The arguments that lead to the topics, if there are any.
    fn on_kafka(&self) -> Vec<String> {
        self.topics.as_ref().map(Topics::arguments).unwrap_or_default()
    }

    /// Starts one process, whose words go into a file of its name.
    fn start(&mut self, name: &str, arguments: &[String], engine: Option<Engine>) -> Result<(), Failure> {
        let failed = |error: io::Error| cannot(&format!("start {name}"), &error);
        let words = File::options().create(true).append(true).open(self.words(name)).map_err(failed)?;
        let mut command = attached::command(&self.program, arguments);
        command.current_dir(&self.folder).process_group(0).stdin(Stdio::null());
        command.stdout(words.try_clone().map_err(failed)?).stderr(words);
        // Whatever log and settings its user has, the world has its own.
        for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("REPRISE_")) {
            command.env_remove(key);
        }
        command.env("XDG_STATE_HOME", self.folder.join("state")).env("NO_COLOR", "1");
        command.envs(engine.map(|engine| ("REPRISE_URL", engine.url())));
        self.running.insert(name.to_owned(), command.spawn().map_err(failed)?);
        Ok(())
    }

    /// Sends a signal to one process.
    pub fn signal(&self, name: &str, signal: Signal) -> Result<(), Failure> {
        let pid = i32::try_from(self.running[name].id()).expect("processes are numbered by positive i32");
        kill(Pid::from_raw(pid), signal).map_err(|error| cannot(&format!("send {signal} to {name}"), &error.into()))
    }

    /// Kills one process with SIGKILL.
    pub fn kill(&mut self, name: &str) -> Result<(), Failure> {
        self.signal(name, Signal::SIGKILL)?;
        let mut child = self.running.remove(name).expect("it got a signal");
        child.wait().map_err(|error| cannot(&format!("wait for the end of {name}"), &error))?;
        Ok(())
    }

    /// Fails if a process has ended that nobody has killed.
    pub fn check(&mut self) -> Result<(), Failure> {
        for (name, child) in &mut self.running {
            if let Ok(Some(status)) = child.try_wait() {
                let words = last_words(&self.folder.join(format!("{name}.log")));
                return Err(Failure::new(Exit::Bug, format!("{name} ended by itself ({status}):\n{words}")));
            }
        }
        Ok(())
    }

    /// What tasks have signed.
    pub fn ledger(&self) -> Result<Ledger, Failure> {
        let read = || {
            let mut ledger = Ledger::new();
            for entry in fs::read_dir(self.folder.join("ledger"))? {
                let (name, text) =
                    entry.and_then(|entry| Ok((entry.file_name(), fs::read_to_string(entry.path())?)))?;
                let task = TaskId::new(&name.to_string_lossy()).map_err(io::Error::other)?;
                ledger.insert(task, text.lines().map(str::to_owned).collect());
            }
            Ok(ledger)
        };
        read().map_err(|error: io::Error| cannot("read the ledger of the tasks", &error))
    }

    /// Lets the folder stay when all else ends.
    pub fn keep_folder(&mut self) {
        _ = self.temporary.take().map(TempDir::keep);
    }

    fn words(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }
}

impl Engine {
    /// Where it listens, as `REPRISE_URL` says it.
    pub fn url(self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        remains::end_descendants();
    }
}

fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    let start = u16::try_from(std::process::id() % 1_000).expect("less than 1,000");
    let ports = PORTS.map(|port| PORTS.start + (port - PORTS.start + start) % 1_000);
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let found: Vec<u16> = ports.filter(free).take(count).collect();
    if found.len() == count { Ok(found) } else { Err(io::Error::other("none of the ports 17717 to 18716 is free")) }
}

fn last_words(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n")
}

fn cannot(what: &str, error: &io::Error) -> Failure {
    Failure::new(Exit::Machine, format!("this machine cannot {what}: {error}"))
}
