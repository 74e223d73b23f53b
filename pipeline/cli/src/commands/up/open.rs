//! The engine of `up` with its log: the one in the data folder, or the one on Kafka that instances share.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use embedded::EmbeddedLog;
use engine::{Engine, StartError};
use kafka::{Election, KafkaLog, Options, Settings, topics};
use protocol::log::Log;
use tokio::sync::oneshot;

use super::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;
use Obstacle::{Later, Never};

/// The batches of an engine on Kafka gather for so long: an append costs more there than a decision.
const WINDOW: Duration = Duration::from_millis(2);
/// A cluster that does not answer is tried again after this.
const AGAIN: Duration = Duration::from_secs(2);

/// A running engine, and what goes with it.
pub struct Open {
    /// The engine.
    pub engine: Engine,
    /// Where its log is, for people.
    pub place: String,
    shared: Option<Shared>,
}

/// What an instance on Kafka holds beside its engine.
struct Shared {
    election: Election,
    /// Locked: the data folder, and its name in the group, are this process's.
    _instance: File,
}

impl Open {
    /// Leaves the group, then resigns: whoever takes over is told by both.
    pub fn close(self) {
        drop(self.shared.map(|shared| shared.election));
        self.engine.stop();
    }
}

/// Opens the log and starts the engine. Waits for Kafka for as long as it takes.
pub async fn open(config: &Config) -> Result<Open, Failure> {
    let Some(settings) = &config.kafka else { return alone(config) };
    let (instance, name) = instance(&config.data)?;
    let partitions = ensure(settings, config.partitions).await?;
    let log = KafkaLog::open(settings, partitions, Options::default()).map_err(machine)?;
    let mut options = options(config);
    (options.partitions, options.standby, options.window) = (partitions, true, WINDOW);
    // What a topic keeps is said by its retention.
    options.trims = false;
    let engine = start(Arc::new(log), options).await?;
    let (leader, reader) = (engine.clone(), engine.clone());
    let lead = Box::new(move |partition| leader.lead(partition));
    let consumed =
        Box::new(move |partition| reader.read_in(partition, |replica| replica.consumed.reports).unwrap_or(0));
    let election = match Election::join(settings, &name, lead, consumed) {
        Ok(election) => election,
        Err(why) => {
            engine.stop();
            return Err(machine(why));
        }
    };
    let place = format!("Kafka at {}, {}", settings.brokers, config.data.display());
    Ok(Open { engine, place, shared: Some(Shared { election, _instance: instance }) })
}

fn alone(config: &Config) -> Result<Open, Failure> {
    let log = EmbeddedLog::open(&config.data.join("log"), &embedded::Options::default());
    let log = log.map_err(|error| machine(error.to_string()))?;
    let engine = Engine::start(Arc::new(log), options(config)).map_err(|error| machine(error.to_string()))?;
    Ok(Open { engine, place: format!("embedded log, {}", config.data.display()), shared: None })
}

fn options(config: &Config) -> engine::Options {
    let mut options = engine::Options::new(config.data.join("snapshots"));
    options.settings = config.pool;
    options.accept_clock = config.accept_clock;
    options.snapshot_entries = config.snapshot_entries.unwrap_or(options.snapshot_entries);
    let builtin = flow::policy::BUILTIN.iter().filter_map(|(name, _)| flow::policy::builtin(name));
    options.policies = builtin.map(Arc::new).collect();
    options
}

/// Starts the engine, once the brokers say what the journals hold: fresh partitions may have no leader yet.
async fn start(log: Arc<dyn Log>, options: engine::Options) -> Result<Engine, Failure> {
    patiently(move || {
        Engine::start(log.clone(), options.clone()).map_err(|error| match error {
            StartError::Unread(why) => Later(why),
            StartError::Data(_) | StartError::Thread(_) => Never(error.to_string()),
        })
    })
    .await
}

/// Makes and checks the topics, once a broker answers.
async fn ensure(settings: &Settings, wanted: Option<u32>) -> Result<u32, Failure> {
    let settings = settings.clone();
    patiently(move || {
        topics::ensure(&settings, wanted).map_err(|wrong| match wrong.is_away() {
            true => Later(wrong.to_string()),
            false => Never(wrong.to_string()),
        })
    })
    .await
}

/// Why something did not go.
enum Obstacle {
    /// A cluster that does not answer may do so later.
    Later(String),
    /// Somebody has to do something.
    Never(String),
}

/// Tries for as long as it takes, and says why it does not go yet.
async fn patiently<T: Send + 'static>(
    what: impl Fn() -> Result<T, Obstacle> + Send + Sync + 'static,
) -> Result<T, Failure> {
    tried(what, AGAIN, |why| screen::line(&format!("not ready yet, tried again until it works: {why}"))).await
}

/// Tries again after each pause; each reason why it does not go is said once, since one may hide another.
async fn tried<T: Send + 'static>(
    what: impl Fn() -> Result<T, Obstacle> + Send + Sync + 'static,
    pause: Duration,
    mut say: impl FnMut(&str),
) -> Result<T, Failure> {
    let (what, mut said) = (Arc::new(what), BTreeSet::new());
    loop {
        let what = what.clone();
        match aside(move || what()).await? {
            Ok(done) => return Ok(done),
            Err(Never(why)) => return Err(machine(why)),
            Err(Later(why)) => {
                if !said.contains(&why) {
                    say(&why);
                    said.insert(why);
                }
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// This instance's name in the group, kept in its data folder, which no other process uses meanwhile.
fn instance(data: &Path) -> Result<(File, String), Failure> {
    let path = data.join("instance");
    let failed = |error: std::io::Error| machine(format!("{}: {error}", path.display()));
    fs::create_dir_all(data).map_err(failed)?;
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    if file.try_lock().is_err() {
        let data = data.display();
        return Err(machine(format!("{data} is in use by another engine; give each a data folder of its own: --data")));
    }
    let mut name = String::new();
    file.read_to_string(&mut name).map_err(failed)?;
    if name.trim().is_empty() {
        let mut random = [0; 8];
        getrandom::fill(&mut random)
            .map_err(|error| machine(format!("this machine gives no random number: {error}")))?;
        name = random.iter().map(|byte| format!("{byte:02x}")).collect();
        file.rewind().and_then(|()| file.write_all(name.as_bytes())).and_then(|()| file.sync_all()).map_err(failed)?;
    }
    Ok((file, format!("reprise-{}", name.trim())))
}

/// Does what blocks on a thread that nobody who leaves waits for.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let (tell, told) = oneshot::channel();
    let work = move || drop(tell.send(work()));
    let spawned = std::thread::Builder::new().name("open".to_owned()).spawn(work);
    spawned.map_err(|error| machine(format!("the system gives no thread: {error}")))?;
    told.await.map_err(|_| Failure::new(Exit::Bug, "opening the log panicked".to_owned()))
}

fn machine(message: String) -> Failure {
    Failure::new(Exit::Machine, message)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn each_reason_to_wait_is_said_once_also_one_that_another_has_hidden() {
        let left = Mutex::new(vec!["no broker", "no broker", "no right", "no broker", "no right"]);
        let what = move || match left.lock().unwrap().pop() {
            Some(why) => Err(Later(why.to_owned())),
            None => Ok(7),
        };
        let mut said = Vec::new();
        assert_eq!(tried(what, Duration::ZERO, |why| said.push(why.to_owned())).await, Ok(7));
        assert_eq!(said, ["no right", "no broker"]);
    }

    #[test]
    fn an_instance_keeps_its_name_and_its_folder_to_itself() {
        let folder = tempfile::tempdir().unwrap();
        let (held, name) = instance(folder.path()).unwrap();
        let refused = instance(folder.path()).unwrap_err();
        assert!(refused.message.contains("in use by another engine"), "{refused}");
        drop(held);
        assert_eq!(instance(folder.path()).unwrap().1, name);
        assert_ne!(instance(&folder.path().join("other")).unwrap().1, name);
    }
}
