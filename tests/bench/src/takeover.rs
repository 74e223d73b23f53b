//! `takeover`: two engines on Kafka with 100,000 tasks in state, of which the leading one is killed: how long until the
//! other's first start is read by a node. Then one engine alone, killed and started again at once; and how long an engine
//! takes to lead 32 partitions.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use broker::{Broker, Options};

use crate::Failure;
use crate::child::Server;
use crate::cluster::fleet::{Fleet, Load};
use crate::cluster::{Place, serve};
use crate::http::Connection;
use crate::latency::{on_local, submit_to, yaml};
use crate::table::{Bound, Row};

const TASKS: usize = 100_000;
const PARTITIONS: u32 = 4;
/// The partition of the one pool that is at work.
const BUSY: u32 = 1;
/// 50 nodes beat as ours do, every 5 s; 500 attempts of 5 to 10 s.
const LOAD: Load =
    Load { nodes: 50, held: (Duration::from_secs(5), Duration::from_secs(10)), beat: Duration::from_secs(5) };
const RUNS: usize = 5;
/// Many partitions.
const MANY: u32 = 32;
const COLD_RUNS: usize = 3;
/// Who leads has not changed for so long: longer than the group takes to notice that somebody came back.
const STEADY: Duration = Duration::from_secs(8);
const LOOK: Duration = Duration::from_millis(250);
/// Beyond this nobody takes over.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs it.
pub fn run() -> Result<Vec<Row>, Failure> {
    let broker = Broker::start(Options::plain());
    let place = Place::make(&broker, PARTITIONS)?;
    let folder = tempfile::tempdir()?;
    let mut pair =
        Pair { place: place.clone(), places: ["a", "b"].map(|name| folder.path().join(name)), up: [None, None] };
    pair.start(0)?;
    pair.start(1)?;
    let leader = pair.steady()?;
    on_local(submit_to(pair.socket(leader)?, place.pool(BUSY).as_str(), "nightly", &yaml(TASKS), "medium"))?;
    let fleet = Fleet::join(&place, LOAD, BUSY..BUSY + 1)?;
    let mut with = Vec::new();
    for _ in 0..RUNS {
        let leader = pair.steady()?;
        let epoch = newest(&fleet)?;
        let killed = pair.kill(leader);
        with.push(first_after(&fleet, epoch)?.saturating_duration_since(killed));
        pair.start(leader)?;
    }
    let leader = pair.steady()?;
    pair.stop(1 - leader)?;
    let mut without = Vec::new();
    for _ in 0..RUNS {
        pair.steady()?;
        let epoch = newest(&fleet)?;
        let killed = pair.kill(leader);
        pair.start(leader)?;
        without.push(first_after(&fleet, epoch)?.saturating_duration_since(killed));
    }
    drop(fleet);
    let rows = [
        row("100,000 tasks, leader killed, a follower: until a start", &mut with).bound(Bound::AtMost(3.0)),
        row("no follower, started again: until a start", &mut without).bound(Bound::AtMost(10.0)),
        row("32 partitions: from process start until all are led", &mut cold(&broker)?),
    ];
    Ok(rows.into())
}

/// The worst, with all of them beside it.
fn row(what: &str, took: &mut [Duration]) -> Row {
    took.sort_unstable();
    let words: Vec<String> = took.iter().map(|took| format!("{:.2}", took.as_secs_f64())).collect();
    let (median, worst) = (took[took.len() / 2].as_secs_f64(), took[took.len() - 1].as_secs_f64());
    Row::new("takeover", format!("{what}, worst"), worst, "s").note(format!("median {median:.2}; {}", words.join(" ")))
}

/// Two engines, each with its folder, which run or not.
struct Pair {
    place: Place,
    places: [PathBuf; 2],
    up: [Option<Server>; 2],
}

impl Pair {
    fn start(&mut self, which: usize) -> Result<(), Failure> {
        std::fs::create_dir_all(&self.places[which])?;
        self.up[which] = Some(serve("kafka", &self.place, &self.places[which])?);
        Ok(())
    }

    /// Kills it; returns when that was.
    fn kill(&mut self, which: usize) -> Instant {
        let killed = Instant::now();
        // Dropped, it is killed.
        self.up[which] = None;
        killed
    }

    fn stop(&mut self, which: usize) -> Result<(), Failure> {
        self.up[which].take().map_or(Ok(()), Server::stop)
    }

    fn socket(&self, which: usize) -> Result<&Path, Failure> {
        Ok(&self.up[which].as_ref().ok_or("it does not run")?.socket)
    }

    /// Waits until the same one has led the busy partition for a while.
    fn steady(&self) -> Result<usize, Failure> {
        let begun = Instant::now();
        let mut since: Option<(usize, Instant)> = None;
        while begun.elapsed() < PATIENCE {
            let mut leaders = Vec::new();
            for (which, server) in self.up.iter().enumerate() {
                if let Some(server) = server
                    && leads(&server.socket)?
                {
                    leaders.push(which);
                }
            }
            since = match (leaders.as_slice(), since) {
                ([leader], Some((was, at))) if was == *leader => Some((was, at)),
                ([leader], _) => Some((*leader, Instant::now())),
                _ => None,
            };
            if let Some((leader, at)) = since
                && STEADY < at.elapsed()
            {
                return Ok(leader);
            }
            std::thread::sleep(LOOK);
        }
        Err("nobody leads for long".into())
    }
}

fn leads(socket: &Path) -> Result<bool, Failure> {
    let text = on_local(async { Connection::open(socket).await?.get("/metrics").await })?;
    let leads = format!("reprise_leading{{partition=\"{BUSY}\"}} 1");
    Ok(String::from_utf8_lossy(&text).lines().any(|line| line == leads))
}

/// The newest epoch whose start a node has read.
fn newest(fleet: &Fleet) -> Result<u64, Failure> {
    Ok(*fleet.seen(BUSY).epochs.last_key_value().ok_or("no node was given a start")?.0)
}

/// When the first start of a later epoch was read.
fn first_after(fleet: &Fleet, epoch: u64) -> Result<Instant, Failure> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some((_, at)) = fleet.seen(BUSY).epochs.range(epoch + 1..).next() {
            return Ok(*at);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(format!("nothing was decided within {PATIENCE:?}").into())
}

/// How long an engine takes until many partitions are led whose journals are empty.
fn cold(broker: &Broker) -> Result<Vec<Duration>, Failure> {
    let mut took = Vec::new();
    for _ in 0..COLD_RUNS {
        let (place, folder) = (Place::make(broker, MANY)?, tempfile::tempdir()?);
        let server = serve("kafka", &place, folder.path())?;
        took.push(server.took);
        server.stop()?;
    }
    Ok(took)
}
