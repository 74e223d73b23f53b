//! The topics, read whole from position 0 when all has ended; and as lines of JSON in the folder of the run, from which
//! they can be read once more.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use kafka::{KafkaLog, Settings};
use protocol::log::{Log, Record, Stream, Topic};
use serde::{Deserialize, Serialize};
use sim::log::Tapes;

use crate::scene::PARTITIONS;

/// Bytes read at once.
const PAGE: usize = 1 << 20;
/// How long a stream may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A record as a line.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    topic: Topic,
    partition: u32,
    position: u64,
    at: Option<u64>,
    key: String,
    header: String,
    value: String,
}

/// Reads every topic of every partition: a set of tapes for each.
pub fn topics(broker: &str, prefix: &str) -> Result<Vec<Tapes>, String> {
    let settings = Settings { prefix: prefix.to_owned(), ..Settings::new(broker) };
    let log = KafkaLog::open(&settings, PARTITIONS, kafka::Options::default())?;
    let mut all = Vec::new();
    for partition in 0..PARTITIONS {
        let mut tapes = Tapes::new(1);
        for (topic, _) in Topic::ALL {
            for record in stream(&log, Stream { topic, partition })? {
                keep(&mut tapes, topic, record);
            }
        }
        all.push(tapes);
    }
    Ok(all)
}

/// Since when a record is visible is when the broker took it: it has no other broker to wait for.
fn keep(tapes: &mut Tapes, topic: Topic, record: Record) {
    let visible = record.appended.map_or(0, |at| at.0);
    tapes.of_mut(topic).keep(record, visible);
}

fn stream(log: &KafkaLog, of: Stream) -> Result<Vec<Record>, String> {
    let begun = Instant::now();
    let (mut records, mut position, mut end, mut why) = (Vec::new(), 0, None, String::new());
    while begun.elapsed() < PATIENCE {
        if end.is_none() {
            end = log.range(of).ok().map(|range| range.end);
        }
        if end.is_some_and(|end| end <= position) {
            return Ok(records);
        }
        match log.read(of, position, PAGE) {
            Ok(page) => {
                position = page.next;
                records.extend(page.records);
            }
            Err(error) => why = error.to_string(),
        }
        log.wait(&[(of, position)], Duration::from_millis(100));
    }
    Err(format!("{of} cannot be read to its end: at {position} of {end:?}: {why}"))
}

/// Writes all records as lines.
pub fn write(path: &Path, partitions: &[Tapes]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for (tapes, partition) in partitions.iter().zip(0..) {
        for (topic, _) in Topic::ALL {
            for stored in tapes.of(topic).all() {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let Record { position, key, header, value, appended } = &stored.record;
                let at = appended.map(|at| at.0);
                let (key, header, value) = (text(key), text(header), text(value));
                serde_json::to_writer(
                    &mut file,
                    &Line { topic, partition, position: *position, at, key, header, value },
                )?;
                file.write_all(b"\n")?;
            }
        }
    }
    file.flush()
}

/// Reads such lines.
pub fn lines(path: &Path) -> io::Result<Vec<Tapes>> {
    let mut all: Vec<Tapes> = (0..PARTITIONS).map(|_| Tapes::new(1)).collect();
    for line in BufReader::new(File::open(path)?).lines() {
        let line: Line = serde_json::from_str(&line?)?;
        let Line { topic, partition, position, at, key, header, value } = line;
        let (key, header, value) = (key.into_bytes(), header.into_bytes(), value.into_bytes());
        let record = Record { position, key, header, value, appended: at.map(model::Timestamp) };
        let tapes = all.get_mut(partition as usize).ok_or_else(|| io::Error::other("a partition that is not there"))?;
        keep(tapes, topic, record);
    }
    Ok(all)
}
