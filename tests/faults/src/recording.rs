//! A run as it lies in its folder: the topics, what the nodes ran, what people were told, which faults there were. The
//! judge knows nothing else, so a folder that was kept can be judged once more.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use model::{NodeId, PoolId, PoolSettings};
use protocol::Replica;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sim::log::Tapes;
use sim::store;

use crate::faults::Done;
use crate::ledger::{self, Line};
use crate::people::Told;
use crate::read;
use crate::scene::{self, ENGINES, SLOTS, Scene};

/// A node's own account.
#[derive(Debug, Clone)]
pub struct Account {
    /// The node.
    pub name: NodeId,
    /// Its pool.
    pub pool: PoolId,
    /// Its slots.
    pub slots: u32,
    /// What it wrote down.
    pub lines: Vec<Line>,
}

/// A snapshot of an engine, or why it cannot be read.
pub type Snapshot = (String, Result<Replica, String>);

/// All of it.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The topics by partition.
    pub partitions: Vec<Tapes>,
    /// Snapshots by partition.
    pub snapshots: BTreeMap<u32, Vec<Snapshot>>,
    /// The nodes.
    pub accounts: Vec<Account>,
    /// What people were told.
    pub told: Vec<Told>,
    /// The faults.
    pub faults: Vec<Done>,
    /// The settings of each pool.
    pub settings: PoolSettings,
    /// Engines, broker and nodes share one clock.
    pub one_clock: bool,
}

impl Recording {
    /// Reads a folder.
    pub fn load(scene: &Scene) -> io::Result<Self> {
        let account = |seat: scene::Seat| {
            let lines = ledger::read(&scene.ledger(&seat.name))?;
            Ok(Account { name: seat.name, pool: seat.pool, slots: SLOTS, lines })
        };
        Ok(Self {
            partitions: read::lines(&scene.folder().join("topics.jsonl"))?,
            snapshots: snapshots(scene)?,
            accounts: scene::all_seats().map(account).collect::<io::Result<_>>()?,
            told: objects(&scene.folder().join("told.jsonl"))?,
            faults: objects(&scene.folder().join("faults.jsonl"))?,
            settings: scene::settings(),
            one_clock: true,
        })
    }
}

/// Writes objects, a line each.
pub fn write<T: Serialize>(path: &Path, objects: &[T]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for object in objects {
        serde_json::to_writer(&mut file, object)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}

fn objects<T: DeserializeOwned>(path: &Path) -> io::Result<Vec<T>> {
    let text = fs::read_to_string(path)?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// What the engines wrote of each partition; the name of a file begins with the partition's number.
fn snapshots(scene: &Scene) -> io::Result<BTreeMap<u32, Vec<Snapshot>>> {
    let mut all: BTreeMap<u32, Vec<Snapshot>> = BTreeMap::new();
    for engine in 0..ENGINES {
        let Ok(files) = fs::read_dir(scene.engine(engine).join("data/snapshots")) else { continue };
        for file in files {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            let number = name.strip_suffix(".jsonl").and_then(|name| name.split_once('-')?.0.parse().ok());
            let Some(partition) = number else { continue };
            let replica = store::decode(&fs::read(file.path())?).map_err(|why| why.to_string());
            all.entry(partition).or_default().push((format!("the snapshot {name} of engine{engine}"), replica));
        }
    }
    Ok(all)
}
