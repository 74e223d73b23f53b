//! A world: a folder, a port, a user's state; engines, agents and commands that know no other.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

mod on_kafka;
mod reaper;

use on_kafka::OnKafka;

use crate::binary;
use crate::http::{self, Reply};
use crate::process::Running;
use crate::said::Said;
use crate::wait;

/// The longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(40);

/// A tenth of the usual times: a node is lost after three seconds.
pub const TENTH: &str = "[node]\nlost = \"3s\"\n";

/// A world of its own.
#[derive(Debug)]
pub struct World {
    /// Everything of it is in here.
    pub folder: Arc<TempDir>,
    /// Where its engine listens.
    pub port: u16,
    /// Where its engine's data are.
    pub data: PathBuf,
    /// What the environment of all its commands has beside.
    pub environment: Vec<(String, String)>,
    /// What its engine is called.
    engine: String,
    on_kafka: Option<OnKafka>,
    keys: Cell<u64>,
    words: RefCell<Vec<String>>,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world with a tenth of the usual times.
    pub fn new() -> Self {
        Self::with(TENTH)
    }

    /// A world with this `reprise.toml`.
    pub fn with(settings: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("e2e").tempdir().expect("a temporary folder can be made");
        fs::write(folder.path().join("reprise.toml"), settings).expect("a temporary folder can be written to");
        Self::of(Arc::new(folder), "engine", None)
    }

    fn of(folder: Arc<TempDir>, engine: &str, on_kafka: Option<OnKafka>) -> Self {
        let data = folder.path().join(if engine == "engine" { "data" } else { engine });
        let (engine, port, environment) = (engine.to_owned(), free_port(), Vec::new());
        Self { folder, port, data, environment, engine, on_kafka, keys: Cell::new(0), words: RefCell::default() }
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The snapshots that its engine has written whole.
    pub fn snapshots(&self) -> Vec<PathBuf> {
        let Ok(folder) = fs::read_dir(self.data.join("snapshots")) else { return Vec::new() };
        let paths = folder.map(|entry| entry.expect("a folder can be listed").path());
        paths.filter(|path| path.extension().is_some_and(|name| name == "jsonl")).collect()
    }

    /// This user's state folder.
    pub fn state(&self) -> PathBuf {
        self.path("state").join("reprise")
    }

    /// A command line that is not started yet, with nothing in its environment but this world.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(&binary::reprise(), arguments)
    }

    /// The same of another program.
    pub fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.folder.path());
        command.env("XDG_STATE_HOME", self.path("state")).env("NO_COLOR", "1");
        command.env("REPRISE_URL", format!("http://127.0.0.1:{}", self.port));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        // Where an instrumented binary notes which of its lines it met.
        command.envs(std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file)));
        command
    }

    /// A line for the shell in this world, where `$REPRISE` is the binary: for pipes and redirections.
    pub fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        let of_binary = self.command(&[]);
        let variables = of_binary.get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.args(["-c", line]).current_dir(self.folder.path()).env_clear().envs(variables);
        command.env("REPRISE", binary::reprise());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Said {
        let mut command = self.command(arguments);
        self.finish(&mut command)
    }

    /// Runs a command that was changed, to its end.
    pub fn finish(&self, command: &mut Command) -> Said {
        Said::of(command)
    }

    /// The arguments with which its engine starts.
    pub fn up_arguments(&self) -> Vec<String> {
        let listen = format!("127.0.0.1:{}", self.port);
        let (data, config) = (self.data.display().to_string(), self.path("reprise.toml").display().to_string());
        // Snapshots so often that each test goes on from one, and trims behind the one before.
        let line = ["up", "--data", &data, "--listen", &listen, "--config", &config, "--snapshot-entries", "8"];
        let on_kafka = self.on_kafka.as_ref().map(OnKafka::arguments).unwrap_or_default();
        line.map(str::to_owned).into_iter().chain(on_kafka).collect()
    }

    /// What its engine is called.
    pub fn engine_name(&self) -> String {
        self.engine.clone()
    }

    /// Starts the engine, and does not wait for it.
    pub fn begin_engine(&self, environment: &[(&str, &str)]) -> Running {
        let arguments = self.up_arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.begin(&self.engine, self.command(&arguments).envs(environment.iter().copied()))
    }

    /// Starts the engine, and waits until it is ready.
    pub fn engine(&self) -> Running {
        let mut engine = self.begin_engine(&[]);
        self.ready(&mut engine);
        engine
    }

    /// Waits until the engine is ready.
    pub fn ready(&self, engine: &mut Running) {
        wait::for_it("the engine is ready", || {
            assert!(engine.ended().is_none(), "the engine ended:\n{}", engine.said());
            self.is_ready()
        });
    }

    /// Whether an engine answers.
    pub fn is_ready(&self) -> bool {
        self.ask("GET", "/readyz", &[], b"").is_ok_and(|reply| reply.status == 200)
    }

    /// Starts an agent, and does not wait for it.
    pub fn agent(&self, name: &str, slots: u32, environment: &[(&str, &str)]) -> Running {
        let slots = slots.to_string();
        let mut command = self.command(&["agent", "--name", name, "--slots", &slots]);
        self.begin(name, command.envs(environment.iter().copied()))
    }

    /// Starts anything that this world ends with.
    pub fn begin(&self, name: &str, command: &mut Command) -> Running {
        let words = self.path(&format!("{name}.log"));
        self.words.borrow_mut().push(name.to_owned());
        Running::start(name, command, words).expect("a process can be started")
    }

    /// Asks the engine over its socket.
    pub fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
        let socket = self.state().join(format!("{}.sock", self.port));
        http::ask(&socket, &format!("{method} {target}"), headers, body, ANSWER)
    }

    /// Asks for something until the engine is there to answer.
    pub fn get(&self, target: &str) -> Value {
        wait::until(target, || self.ask("GET", target, &[], b"").ok().filter(|reply| reply.status == 200)).json()
    }

    /// Submits a flow, with one key, until it is taken in; the execution's name.
    pub fn submit(&self, flow: &Value) -> String {
        self.submit_while(flow, || {})
    }

    /// Submits a flow, with one key, until it is taken in; between tries something else is seen to.
    pub fn submit_while(&self, flow: &Value, mut between: impl FnMut()) -> String {
        let key = self.key();
        let headers = [("idempotency-key", key.as_str()), ("content-type", "application/json")];
        let body = flow.to_string();
        let reply = wait::until("the flow is taken in", || {
            between();
            let reply = self.ask("POST", "/v1/executions", &headers, body.as_bytes()).ok()?;
            assert!(![400, 422].contains(&reply.status), "the flow is refused: {reply:?}");
            (reply.status == 201).then_some(reply)
        });
        let answer = reply.json();
        // The answer holds the execution's view, whichever way it is nested.
        let view = if answer["execution"].is_object() { &answer["execution"] } else { &answer };
        view["execution"].as_str().unwrap_or_else(|| panic!("no execution in {answer}")).to_owned()
    }

    /// An idempotency key that this world has not used.
    pub fn key(&self) -> String {
        self.keys.set(self.keys.get() + 1);
        format!("key-{}-{}", self.engine, self.keys.get())
    }

    /// Whether this engine has read of an execution that another one acknowledged.
    pub fn knows(&self, execution: &str) -> bool {
        let reply = self.ask("GET", &format!("/v1/executions/{execution}"), &[], b"");
        reply.is_ok_and(|reply| reply.status == 200)
    }

    /// The execution as it stands, if the engine answers now.
    pub fn execution(&self, execution: &str) -> Option<Value> {
        let reply = self.ask("GET", &format!("/v1/executions/{execution}"), &[], b"").ok()?;
        assert_ne!(reply.status, 404, "{execution} was acknowledged, and is lost: {reply:?}");
        (reply.status == 200).then(|| reply.json())
    }

    /// Waits until an execution's round has ended; how it stands then.
    pub fn ended(&self, execution: &str) -> Value {
        self.ended_while(execution, || {})
    }

    /// Waits until an execution's round has ended; between looks something else is seen to.
    pub fn ended_while(&self, execution: &str, mut between: impl FnMut()) -> Value {
        wait::until(&format!("{execution} ends"), || {
            between();
            self.execution(execution).filter(|view| !view["ended"].is_null())
        })
    }

    /// A task of an execution, with its attempts.
    pub fn task(&self, execution: &str, task: &str) -> Value {
        self.get(&format!("/v1/executions/{execution}/tasks/{task}"))
    }

    /// Waits until a task stands where it is wanted.
    pub fn task_is(&self, execution: &str, task: &str, state: &str) {
        wait::for_it(&format!("{execution}/{task} is {state}"), || {
            self.task(execution, task)["item"]["state"] == state
        });
    }

    /// Waits until so many nodes are ready.
    pub fn nodes_ready(&self, count: usize) {
        wait::for_it(&format!("{count} nodes are ready"), || {
            self.node_states().filter(|state| state == "ready").count() == count
        });
    }

    /// The state of a node.
    pub fn node(&self, name: &str) -> Option<String> {
        let nodes = self.get("/v1/nodes");
        let node = nodes["items"].as_array()?.iter().find(|node| node["node"] == name)?;
        node["state"].as_str().map(str::to_owned)
    }

    fn node_states(&self) -> impl Iterator<Item = String> {
        let nodes = self.get("/v1/nodes");
        let states = nodes["items"].as_array().cloned().unwrap_or_default();
        states.into_iter().filter_map(|node| node["state"].as_str().map(str::to_owned))
    }

    /// The last lines of whatever ran in it.
    fn last_words(&self) -> String {
        let mut names = self.words.borrow().clone();
        names.sort();
        names.dedup();
        let tail = |path: &Path| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(25)..].join("\n")
        };
        names.iter().map(|name| format!("--- {name}\n{}\n", tail(&self.path(&format!("{name}.log"))))).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.last_words());
        }
        // The last one that knows the folder.
        if Arc::strong_count(&self.folder) == 1 {
            reaper::end_all_that_know(self.folder.path());
        }
    }
}

/// A port that nobody listens at, below those that the kernel hands out for connections.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 10_000).expect("less than 10,000");
    loop {
        let port = 12_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 18_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
