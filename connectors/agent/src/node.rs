//! An agent from start to end, in the order that `connectors/WIRE.md` asks for: the earlier boot's attempts
//! have ended and are reported, then hello, then beats and commands; a goodbye comes last.

use std::sync::Arc;
use std::time::Duration;
use std::{error, fmt, io};

use model::report::Hello;
use model::{BootId, LeaseId, Millis, NodeId, ReportKind};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::beats::Beats;
use crate::charges::{Charges, Way};
use crate::client::Client;
use crate::home::{Boots, Home};
use crate::ledger::{Ledger, Who};
use crate::link::Link;
use crate::options::Options;
use crate::rules::Closed;
use crate::store::Store;
use crate::{leftovers, machine, output, room, sender};

/// How long the last reports may take to be acknowledged; what is not is sent by the next boot.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long killed attempts may take to end.
const KILLED: Duration = Duration::from_secs(10);

/// Whether an agent shall go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// It shall.
    No,
    /// No more starts; attempts end with their grace; goodbye.
    Gently,
    /// Attempts are killed; goodbye.
    AtOnce,
}

/// Why an agent ended otherwise than by being told to.
#[derive(Debug)]
pub enum Error {
    /// This machine: a folder, a lock, a disk.
    Machine(io::Error),
    /// The options cannot be.
    Options(String),
    /// Another agent of this name is in the pool.
    NameTaken(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine(error) => write!(f, "the agent cannot run on this machine: {error}"),
            Self::Options(what) => f.write_str(what),
            Self::NameTaken(why) => {
                write!(
                    f,
                    "the engine does not take this node in: {why}; give it another name with --name, or wait \
                           until the other one is lost"
                )
            }
        }
    }
}

impl error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Machine(error)
    }
}

/// What SIGTERM and SIGINT ask for: the first one gently, the second at once.
pub fn signals() -> io::Result<watch::Receiver<Stop>> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (stop, stopped) = watch::channel(Stop::No);
    tokio::spawn(async move {
        for next in [Stop::Gently, Stop::AtOnce] {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            tracing::info!("stopping: {next:?}");
            stop.send_replace(next);
        }
        std::future::pending::<()>().await; // keeps `stop`, and the signals from killing us
    });
    Ok(stopped)
}

/// Runs an agent until it is told to stop. `joined` is called once, with its name, when the engine has taken it in.
pub async fn run(
    options: Options,
    mut stop: watch::Receiver<Stop>,
    joined: impl FnOnce(&NodeId) + Send,
) -> Result<(), Error> {
    options.check().map_err(Error::Options)?;
    let home = Arc::new(Home::take(&options.state, options.name.as_ref())?);
    let output = output::way(&options);
    let client = || output.clone().map(Client::new);
    let (link, boots) = tokio::select! {
        begun = begin(&home, &options) => begun?,
        _ = stop.wait_for(|stop| *stop != Stop::No) => return Ok(()), // the next start settles what this one did not
    };
    let mut beside = JoinSet::new();
    let old = home.attempts()?.into_iter().map(|lease| (lease, home.attempt(lease))).collect::<Vec<(LeaseId, _)>>();
    beside.spawn(leftovers::send_output(old, client()));

    let who = Who { pool: options.pool.clone(), node: home.node.clone(), boot: boots.boot.clone() };
    let (store, _none) = Store::open(&home.store(&boots.boot), &boots.boot)?;
    let ledger = Ledger::begin(who, card(&options, boots), Arc::clone(&home), store).map_err(no_thread)?;
    beside.spawn(sender::send_all(Arc::clone(&ledger), link.by_hand()));
    beside.spawn(room::watch(Arc::clone(&ledger), options.state.clone()));
    let Options { supervisor, dir, output_bytes, .. } = options;
    let way = Way { supervisor, dir, output_bytes, open_files: machine::raise_open_files() };
    let charges = Charges::new(Arc::clone(&ledger), home, way, client());

    let _abandoned = Abandon(&charges);
    failpoint::hit("agent.hello.before");
    ledger.say_hello();
    if serve(&charges, link, &mut stop, joined).await? {
        leave(&charges).await;
    }
    Ok(())
}

/// Lets go of what still runs, however the agent ends.
struct Abandon<'a>(&'a Charges);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Opens the way to the engine and begins a boot.
async fn begin(home: &Home, options: &Options) -> Result<(Link, Boots), Error> {
    let link = Link::open(options, &home.node).await?;
    let boots = begin_boot(home, options, &link).await?;
    Ok((link, boots))
}

/// Settles the boot before and begins the next.
async fn begin_boot(home: &Home, options: &Options, link: &Link) -> Result<Boots, Error> {
    let mut was = None;
    if let Some(before) = home.boots()? {
        let was_known = leftovers::settle(home, &before, &link.another()).await?;
        was = if was_known { Some(before.boot) } else { before.was };
    }
    let boot = BootId::new(&machine::random_hex(8)?).expect("hexadecimal digits are a name");
    let boots = Boots { boot, was, pool: options.pool.clone() };
    home.begin(&boots)?;
    failpoint::hit("agent.boot.begun");
    Ok(boots)
}

fn card(options: &Options, boots: Boots) -> Hello {
    Hello {
        slots: options.slots,
        memory_mb: options.memory_mb,
        zone: options.zone.clone(),
        labels: options.labels.clone(),
        was: boots.was,
        journal: None,
        holds: Vec::new(),
    }
}

/// Beats and takes commands until told to stop and all attempts have ended. Returns whether there is one to say
/// goodbye to.
async fn serve(
    charges: &Arc<Charges>,
    link: Link,
    stop: &mut watch::Receiver<Stop>,
    joined: impl FnOnce(&NodeId),
) -> Result<bool, Error> {
    let ledger = &charges.ledger;
    let mut changes = ledger.changes();
    let is_known = async { while !ledger.is_hello_acked() && changes.changed().await.is_ok() {} };
    tokio::select! {
        () = is_known => {}
        _ = stop.wait_for(|stop| *stop != Stop::No) => return Ok(false),
    }
    if let Some(why) = ledger.unwanted() {
        let what = "change --slots, --label or --zone as that says";
        return Err(Error::Options(format!("the engine cannot take this node in: {why}; {what}")));
    }
    failpoint::hit("agent.hello.acked");
    let who = &ledger.who;
    tracing::info!("node {} has said hello to pool {} at {link}", who.node, who.pool);
    let beats = Beats::begin(Arc::clone(charges), link.another()).map_err(no_thread)?;
    let mut stream = JoinSet::new();
    stream.spawn(link.follow(Arc::clone(charges)));
    let lives = async {
        while !ledger.with_rules(|rules| rules.is_joined()) && changes.changed().await.is_ok() {}
        joined(&who.node);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        words = beats.name_taken() => return Err(Error::NameTaken(words)),
        () = lives => {}
        _ = stop.wait_for(|stop| *stop != Stop::No) => {}
    }
    ledger.with_rules(|rules| rules.close(Closed::Leaving, "shutting down".into()));
    charges.cancel_all(None);
    tokio::select! {
        () = all_ended(ledger) => return Ok(true),
        _ = stop.wait_for(|stop| *stop == Stop::AtOnce) => {}
    }
    charges.cancel_all(Some(Millis(0)));
    let ended = timeout(KILLED, all_ended(ledger)).await.is_ok();
    if !ended {
        tracing::error!("attempts do not end; the next start reports them");
    }
    Ok(ended) // a goodbye comes last
}

/// A thread cannot be had.
pub(crate) fn no_thread(error: io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("{error}; it may have too few threads or files: see `ulimit -u` and `ulimit -n`"),
    )
}

/// Waits until each attempt's end is stored.
async fn all_ended(ledger: &Ledger) {
    let mut changes = ledger.changes();
    while !ledger.with_rules(|rules| rules.holds().is_empty()) && changes.changed().await.is_ok() {}
}

/// Says goodbye, and waits until all is acknowledged, for a while.
async fn leave(charges: &Charges) {
    let ledger = &charges.ledger;
    failpoint::hit("agent.goodbye.before");
    let mut changes = ledger.changes();
    let all_sent = async {
        ledger.store(vec![ReportKind::Goodbye { why: "shutdown".into() }]).await;
        while !ledger.is_sent() && changes.changed().await.is_ok() {}
        charges.all_done().await;
    };
    if timeout(FAREWELL, all_sent).await.is_err() {
        tracing::warn!("the engine has not acknowledged all that this node said; the next start sends it again");
    }
}
