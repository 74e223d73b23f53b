//! `up`: engine and gateway, on a log of its own or on one that it shares over Kafka, until SIGTERM or Ctrl-C.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use engine::{Engine, Health, Trouble};
use gateway::Gateway;
use journal::Tables;
use model::{Millis, PoolSettings};
use tokio::signal::unix::{SignalKind, signal};

use crate::api;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::log;
use crate::screen;
use crate::settings::{self, File, LogFormat};
use crate::words::counted;
use open::Open;

mod open;

/// How long the engine may read its journal before that is said aloud.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a stopped engine is looked for.
const LOOK: Duration = Duration::from_secs(1);

/// Starts engine and gateway; SIGTERM or Ctrl-C stops them, and running work goes on without them.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise up\n  reprise up --data /var/lib/reprise --listen 0.0.0.0:7717 \
                        --token-file /etc/reprise/token\n  reprise up --kafka kafka:9092 --topic-prefix ci-")]
pub struct Up {
    /// The data folder [without: ./reprise-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the gateway listens [without: 127.0.0.1:7717]
    #[arg(long, value_name = "ADDR", value_parser = address)]
    listen: Option<SocketAddr>,
    /// A file with the token for TCP; needed beyond this machine
    #[arg(long, value_name = "F", env = "REPRISE_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Keeps its log on Kafka, and shares it with every engine there: each can take over from each
    #[arg(long, value_name = "HOST:PORT", env = "REPRISE_KAFKA")]
    kafka: Option<String>,
    /// Stands before the names of Kafka's topics
    #[arg(long, value_name = "P", env = "REPRISE_TOPIC_PREFIX")]
    topic_prefix: Option<String>,
    /// Where the journal's tables go: a folder, or an object store's address [without: tables in the data folder]
    #[arg(long, value_name = "ADDRESS", env = "REPRISE_TABLES")]
    tables: Option<String>,
    /// Settings: reprise help environment
    #[arg(long, value_name = "FILE", env = "REPRISE_CONFIG")]
    config: Option<PathBuf>,
    /// Go on although the wall clock is far from the journal's last entry; every deadline moves by the difference
    #[arg(long)]
    accept_clock: bool,
    /// How its log looks [without: text]
    #[arg(long, value_enum, value_name = "FORM")]
    log_format: Option<LogFormat>,
    /// Entries between two snapshots; few, where a test wants to see many
    #[arg(long, value_name = "N", hide = true)]
    snapshot_entries: Option<u64>,
    /// The longest that rows wait for their file; short, where a test wants to see files
    #[arg(long, value_name = "TIME", hide = true, value_parser = flow::time::parse_duration)]
    tables_flush: Option<Millis>,
}

/// What `up` was told, from wherever: nothing is left to interpret.
#[derive(Debug)]
struct Config {
    data: PathBuf,
    kafka: Option<kafka::Settings>,
    partitions: Option<u32>,
    listen: SocketAddr,
    token_file: Option<PathBuf>,
    pool: PoolSettings,
    accept_clock: bool,
    log_format: LogFormat,
    snapshot_entries: Option<u64>,
    tables: journal::Options,
}

impl Up {
    /// Runs until it is told to stop.
    pub fn run(self) -> Result<Exit, Failure> {
        let file = self.config.as_deref().map(settings::read).transpose()?.unwrap_or_default();
        let config = self.config(file)?;
        log::begin(config.log_format);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(no_loop)?;
        runtime.block_on(serve(config))
    }

    /// A flag goes before the environment, the environment before the file.
    fn config(self, file: File) -> Result<Config, Failure> {
        let pool = file.pool()?.unwrap_or_default();
        let kafka = settings::kafka(self.kafka.as_deref(), self.topic_prefix.as_deref(), &file)?;
        if let (None, Some(partitions @ 2..)) = (&kafka, file.partitions) {
            let why = format!("`partitions = {partitions}` is for Kafka: the log in the data folder has one");
            return Err(Failure::new(Exit::Refused, why));
        }
        let data = self.data.or(file.data).unwrap_or_else(|| "./reprise-data".into());
        let mut tables = match self.tables.or(file.tables) {
            Some(address) => journal::Options::new(address, false),
            None => journal::Options::new(data.join("tables").display().to_string(), true),
        };
        tables.days.extend(file.days);
        tables.flush = self.tables_flush.map_or(tables.flush, |flush| Duration::from_millis(flush.0));
        let standard = || SocketAddr::from(([127, 0, 0, 1], agent::endpoint::PORT));
        Ok(Config {
            data,
            listen: self.listen.or(file.listen).unwrap_or_else(standard),
            kafka,
            partitions: file.partitions,
            token_file: self.token_file.or(file.token_file),
            pool,
            accept_clock: self.accept_clock,
            log_format: self.log_format.or(file.log_format).unwrap_or(LogFormat::Text),
            snapshot_entries: self.snapshot_entries,
            tables,
        })
    }
}

async fn serve(config: Config) -> Result<Exit, Failure> {
    // Before anything is opened, so that no signal finds us half way.
    let mut term = signal(SignalKind::terminate()).map_err(no_loop)?;
    let mut int = signal(SignalKind::interrupt()).map_err(no_loop)?;
    let opened = tokio::select! {
        opened = open::open(&config) => opened?,
        _ = term.recv() => return Ok(Exit::Done),
        _ = int.recv() => return Ok(Exit::Done),
    };
    let (engine, place) = (opened.engine.clone(), opened.place.clone());
    let tables = match start_tables(&config, &engine) {
        Ok(tables) => tables,
        Err(failure) => {
            stop(opened, None).await;
            return Err(failure);
        }
    };
    let gateway = match start_gateway(&config, &engine, &tables).await {
        Ok(gateway) => gateway,
        Err(failure) => {
            stop(opened, Some(tables)).await;
            return Err(failure);
        }
    };
    let ended = tokio::select! {
        ended = attend(&engine, &gateway, &place) => Err(ended),
        _ = term.recv() => Ok(()),
        _ = int.recv() => Ok(()),
    };
    gateway.stop().await;
    let left = stop(opened, Some(tables)).await;
    ended.map(|()| {
        screen::line(&stopped(left));
        Exit::Done
    })
}

/// Says when the engine is ready, and when it no longer is; returns only if it stops by itself.
async fn attend(engine: &Engine, gateway: &Gateway, place: &str) -> Failure {
    loop {
        let health = engine.ready(PATIENCE).await;
        if let Some(failure) = given_up(&health) {
            return failure;
        }
        // One that is led and has no room takes nothing either: the same word that `/readyz` gives. What has stopped
        // in some partitions only goes on with the others, and has said so.
        if is_good(&health) {
            screen::line(&ready(gateway.address, place, engine));
            break;
        }
        screen::line(&not_ready("not ready yet", &health));
        if health.led {
            tokio::time::sleep(PATIENCE).await;
        }
    }
    let mut good = true;
    loop {
        tokio::time::sleep(LOOK).await;
        let health = engine.health();
        if let Some(failure) = given_up(&health) {
            return failure;
        }
        if good != is_good(&health) {
            good = !good;
            let words = if good { "ready again".to_owned() } else { not_ready("not ready", &health) };
            screen::line(&words);
        }
    }
}

fn is_good(health: &Health) -> bool {
    health.led && matches!(health.trouble, None | Some(Trouble::Partial(_)))
}

fn start_tables(config: &Config, engine: &Engine) -> Result<Tables, Failure> {
    Tables::start(engine.clone(), config.tables.clone()).map_err(|error| {
        let exit = match &error {
            journal::tables::StartError::Store(_) => Exit::Refused,
            journal::tables::StartError::Thread(_) => Exit::Machine,
        };
        Failure::new(exit, error.to_string())
    })
}

async fn start_gateway(config: &Config, engine: &Engine, tables: &Tables) -> Result<Gateway, Failure> {
    let options = gateway::Options {
        listen: config.listen,
        state: api::state()?,
        output: config.data.join("output"),
        limits: gateway::output::Limits::default(),
        token_file: config.token_file.clone(),
        tables: Some(tables.clone()),
    };
    let started = Gateway::start(engine.clone(), options).await;
    started.map_err(|error| {
        let exit = match &error {
            gateway::StartError::Open { .. } => Exit::NotNow,
            gateway::StartError::Token { .. } if config.token_file.is_some() => Exit::Refused,
            gateway::StartError::Port { .. }
            | gateway::StartError::Lives { .. }
            | gateway::StartError::Socket { .. }
            | gateway::StartError::Token { .. }
            | gateway::StartError::Output { .. } => Exit::Machine,
        };
        Failure::new(exit, error.to_string())
    })
}

/// Resigns, so that the next engine need not wait. The tables get their last rows meanwhile: what did not land, if so.
async fn stop(opened: Open, tables: Option<Tables>) -> Option<String> {
    let close = move || {
        if let Some(tables) = &tables {
            tables.begin_stop();
        }
        opened.close();
        tables.and_then(|tables| unlanded(tables.stop(), tables.standing().trouble.is_some()))
    };
    tokio::task::spawn_blocking(close).await.unwrap_or_else(|_| {
        tracing::error!("the engine did not stop well: its journal is safe, and the next start reads it");
        None
    })
}

/// Rows are made only where it is known what has landed: none is no sign that all have.
fn unlanded(rows: usize, in_trouble: bool) -> Option<String> {
    match rows {
        0 if in_trouble => Some("rows".to_owned()),
        0 => None,
        rows => Some(format!("at least {}", counted(rows as u64, "row"))),
    }
}

fn stopped(left: Option<String>) -> String {
    let goes_on = "engine stopped; running work goes on, and reports to the next one";
    let Some(rows) = left else { return goes_on.to_owned() };
    format!("{goes_on}; {rows} did not land in the tables: the journal has them, and the next one lands them")
}

fn given_up(health: &Health) -> Option<Failure> {
    match &health.trouble {
        Some(Trouble::Stopped(why)) => Some(Failure::new(Exit::Machine, format!("the engine has stopped: {why}"))),
        Some(Trouble::Disk(_) | Trouble::Doubt(_) | Trouble::Unread(_) | Trouble::Partial(_)) | None => None,
    }
}

fn ready(address: SocketAddr, place: &str, engine: &Engine) -> String {
    let leads = engine.healths().iter().filter(|health| health.leading).count();
    let what = match engine.is_standby() {
        true => format!("leads {leads} of {} partitions", engine.partitions()),
        false => format!("epoch {}", engine.health().epoch),
    };
    format!("engine ready at http://{address} ({place}, {what})")
}

fn not_ready(word: &str, health: &Health) -> String {
    match &health.trouble {
        Some(Trouble::Disk(why)) => {
            let reserve = embedded::Options::default().reserve_bytes >> 20;
            format!("{word}: {why}; beside what it writes the log keeps a reserve of {reserve} MiB")
        }
        Some(Trouble::Doubt(why) | Trouble::Unread(why) | Trouble::Partial(why) | Trouble::Stopped(why)) => {
            format!("{word}: {why}")
        }
        None if health.journal_read => {
            format!("{word}: nobody leads just now; another instance takes over in a moment")
        }
        None => format!("{word}: the journal is read, {} entries so far", health.seq),
    }
}

fn no_loop(error: io::Error) -> Failure {
    Failure::new(Exit::Machine, format!("this machine gives no event loop: {error}"))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "an address and a port, as in 127.0.0.1:7717".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_stops_says_what_did_not_land() {
        let goes_on = "engine stopped; running work goes on, and reports to the next one";
        let rest = "did not land in the tables: the journal has them, and the next one lands them";
        let said = |rows, in_trouble| stopped(unlanded(rows, in_trouble));
        assert_eq!(said(0, false), goes_on);
        assert_eq!(said(0, true), format!("{goes_on}; rows {rest}"));
        assert_eq!(said(1, true), format!("{goes_on}; at least 1 row {rest}"));
    }

    const NOTHING: Up = Up {
        data: None,
        listen: None,
        token_file: None,
        kafka: None,
        topic_prefix: None,
        config: None,
        accept_clock: false,
        log_format: None,
        snapshot_entries: None,
        tables: None,
        tables_flush: None,
    };

    #[test]
    fn a_flag_goes_before_the_file_and_the_file_before_what_is_usual() {
        let usual = NOTHING.config(File::default()).unwrap();
        assert_eq!(
            (usual.data.as_path(), usual.listen.to_string().as_str()),
            (std::path::Path::new("./reprise-data"), "127.0.0.1:7717")
        );
        let file = || File { data: Some("/a".into()), listen: "127.0.0.1:1".parse().ok(), ..File::default() };
        assert_eq!(NOTHING.config(file()).unwrap().data, std::path::Path::new("/a"));
        let flags = Up { data: Some("/b".into()), ..NOTHING };
        let config = flags.config(file()).unwrap();
        assert_eq!((config.data.as_path(), config.listen.port()), (std::path::Path::new("/b"), 1));
    }

    #[test]
    fn partitions_without_kafka_are_refused() {
        let file = |partitions| File { partitions: Some(partitions), ..File::default() };
        assert_eq!(NOTHING.config(file(1)).unwrap().partitions, Some(1));
        let refused = NOTHING.config(file(4)).unwrap_err();
        assert!(refused.exit == Exit::Refused && refused.message.contains("partitions = 4"), "{refused}");
    }
}
