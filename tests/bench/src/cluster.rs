//! `kafka`: from the report that an attempt has ended to the start that takes its slot, over a real broker on the same
//! machine: 4 partitions, a pool in each, 50 nodes with 10 slots, 2,000 reports and 200 beats a second. Beside it, in the
//! same run and under the same load, the bare loop: what broker, client and threads cost whoever decides. Then where the
//! time goes, and what readers cost.

pub mod fleet;
pub mod readers;

mod parts;

use std::time::{Duration, Instant};

use broker::{Broker, Options};
use kafka::{Settings, topics};
use model::{PoolId, partition_of};

use crate::Failure;
use crate::child::Server;
use crate::latency::{on_local, submit_to, yaml};
use crate::machine::percentile;
use crate::table::{Bound, Row};

use fleet::{Fleet, Load};
use parts::{Parts, Watch};

/// The batches of an engine on Kafka gather for so long, as those of `reprise up`; those of the bare loop too.
pub const WINDOW: Duration = Duration::from_millis(2);

const PARTITIONS: u32 = 4;
/// 500 attempts at once, three reports each, make 2,000 reports a second; and 50 nodes beat 200 times a second.
const LOAD: Load = Load {
    nodes: 50,
    held: (Duration::from_millis(490), Duration::from_millis(1_000)),
    beat: Duration::from_millis(250),
};
/// A broker's first seconds are slow: they are spent on a bare loop that nobody counts.
const COLD: Duration = Duration::from_secs(10);
const WARM_UP: Duration = Duration::from_secs(5);
const COUNTED: Duration = Duration::from_secs(20);
/// How long the parts of a report's way are watched, after what is counted: watching costs, too.
const WATCHED: Duration = Duration::from_secs(8);
/// Each is run so often, in turn.
const RUNS: usize = 2;
/// Tasks of a pool's flow: more than are run.
const TASKS: usize = 9_000;

/// Topics on a cluster.
#[derive(Clone)]
pub struct Place {
    /// Where they are.
    pub settings: Settings,
    /// How many partitions each has.
    pub partitions: u32,
}

impl Place {
    /// Topics with a prefix that are there.
    pub fn of(brokers: &str, prefix: &str, partitions: u32) -> Self {
        Self { settings: Settings { prefix: prefix.to_owned(), ..Settings::new(brokers) }, partitions }
    }

    /// Fresh topics.
    pub fn make(broker: &Broker, partitions: u32) -> Result<Self, Failure> {
        let place = Self::of(&broker.address(), &broker::prefix(), partitions);
        topics::ensure(&place.settings, Some(partitions))?;
        Ok(place)
    }

    /// It as arguments of whoever serves it.
    pub fn words(&self) -> [String; 3] {
        [self.settings.brokers.clone(), self.settings.prefix.clone(), self.partitions.to_string()]
    }

    /// The first pool that is in a partition.
    pub fn pool(&self, partition: u32) -> PoolId {
        let pools = (0..).filter_map(|n| PoolId::new(&format!("pool-{n}")).ok());
        pools.into_iter().find(|pool| partition_of(pool, self.partitions) == partition).expect("pools spread")
    }
}

/// Runs it.
pub fn run() -> Result<Vec<Row>, Failure> {
    let broker = Broker::start(Options::plain());
    measure(&broker, "loop", COLD, false)?;
    let (mut bare, mut whole) = (Vec::new(), Vec::new());
    for run in 1..=RUNS {
        bare.push(measure(&broker, "loop", COUNTED, run == RUNS)?);
        whole.push(measure(&broker, "kafka", COUNTED, run == RUNS)?);
    }
    let (parts_bare, parts) =
        (bare.last_mut().and_then(|m| m.parts.take()), whole.last_mut().and_then(|m| m.parts.take()));
    let mut rows = rows(&bare, &whole);
    if let (Some(bare), Some(whole)) = (parts_bare, parts) {
        rows.extend(parts::rows(&bare, &whole));
    }
    rows.extend(readers::rows(&broker)?);
    Ok(rows)
}

struct Measured {
    took: Vec<Duration>,
    processor: f64,
    parts: Option<Parts>,
}

fn rows(bare: &[Measured], whole: &[Measured]) -> Vec<Row> {
    let all = |of: &[Measured], percent| {
        let mut took: Vec<Duration> = of.iter().flat_map(|m| m.took.iter().copied()).collect();
        percentile(&mut took, percent)
    };
    let each = |of: &[Measured]| {
        let p99 = of.iter().map(|m| format!("{:.2}", percentile(&mut m.took.clone(), 99)));
        format!("of the runs alone {}", p99.collect::<Vec<_>>().join(" and "))
    };
    let reports = |of: &[Measured]| of.iter().map(|m| m.took.len() * 3).sum::<usize>() as f64;
    let rate = |of: &[Measured]| format!("{:.0} reports/s", reports(of) / (COUNTED * RUNS as u32).as_secs_f64());
    let processor = |of: &[Measured]| of.iter().map(|m| m.processor).sum::<f64>() * 1e6 / reports(of);
    let row = |what: &str, value, unit| Row::new("kafka", what, value, unit);
    let (bare_p99, p99) = (all(bare, 99), all(whole, 99));
    vec![
        row("report to command p50, bare loop", all(bare, 50), "ms").note(rate(bare)),
        row("report to command p99, bare loop", bare_p99, "ms").note(each(bare)),
        row("report to command p50, engine", all(whole, 50), "ms").note(rate(whole)),
        row("report to command p99, engine", p99, "ms").note(each(whole)),
        row("p99, engine to bare loop", p99 / bare_p99, "x").bound(Bound::AtMost(2.0)),
        row("processor time of a report, bare loop", processor(bare), "µs"),
        row("processor time of a report, engine", processor(whole), "µs")
            .note(format!("{:.1}x the bare loop", processor(whole) / processor(bare))),
    ]
}

/// Runs one of them on fresh topics for so long.
fn measure(broker: &Broker, what: &str, counted: Duration, watched: bool) -> Result<Measured, Failure> {
    let place = Place::make(broker, PARTITIONS)?;
    let folder = tempfile::tempdir()?;
    let server = serve(what, &place, folder.path())?;
    if what == "kafka" {
        let yaml = yaml(TASKS);
        for partition in 0..PARTITIONS {
            on_local(submit_to(&server.socket, place.pool(partition).as_str(), "steady", &yaml, "medium"))?;
        }
    }
    let fleet = Fleet::join(&place, LOAD, 0..PARTITIONS)?;
    std::thread::sleep(WARM_UP);
    let (from, before) = (Instant::now(), server.processor_seconds()?);
    std::thread::sleep(counted);
    let processor = server.processor_seconds()? - before;
    let took = fleet.between(from, from + counted);
    if took.is_empty() {
        return Err("no slot was taken again: nothing was measured".into());
    }
    let parts = if watched {
        let watch = Watch::begin(&place, (what == "kafka").then_some(server.socket.as_path()))?;
        std::thread::sleep(WATCHED);
        Some(watch.end(&fleet)?)
    } else {
        None
    };
    drop(fleet);
    server.stop()?;
    Ok(Measured { took, processor, parts })
}

/// Starts an engine or a bare loop, and waits until it is ready.
pub fn serve(what: &str, place: &Place, folder: &std::path::Path) -> Result<Server, Failure> {
    let [brokers, prefix, partitions] = place.words();
    Server::start(&[what, &brokers, &prefix, &partitions], folder)
}
