//! One consumer whose partitions have queues of their own, which is what we have, beside a consumer for each partition.
//!
//! The second is played by a log for each partition of which only that partition is followed: each brings a producer and
//! a prober too, which a consumer of a partition would not need.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use broker::Broker;
use kafka::KafkaLog;
use protocol::log::{Log, NewRecord, Stream, Topic};

use crate::Failure;
use crate::child::numbers;
use crate::cluster::Place;
use crate::table::Row;

/// How long idling is measured.
pub const IDLE: Duration = Duration::from_secs(10);

const PARTITIONS: u32 = 32;
const RECORDS: u64 = 400_000;
const BYTES: usize = 300;
/// Records of one append.
const BATCH: u64 = 500;

/// Runs both, one after the other, on the same records.
pub fn rows(broker: &Broker) -> Result<Vec<Row>, Failure> {
    let place = Place::make(broker, PARTITIONS)?;
    fill(&place)?;
    let follow = |logs: u32| -> Result<[f64; 5], Failure> {
        let [brokers, prefix, partitions] = place.words();
        let (logs, records) = (logs.to_string(), RECORDS.to_string());
        let told = numbers(&["follow", &brokers, &prefix, &partitions, &logs, &records])?;
        told.try_into().map_err(|told| format!("a reader said {told:?}").into())
    };
    let [threads, resident, took, processor, idle] = follow(1)?;
    let [each_threads, each_resident, each_took, each_processor, each_idle] = follow(PARTITIONS)?;
    let row = |what: &str, one: f64, each: f64, unit| {
        let note = format!("a consumer per partition: {each:.2} {unit}");
        Row::new("kafka", format!("32 partitions, one consumer: {what}"), one, unit).note(note)
    };
    let (rate, each_rate) = (RECORDS as f64 / took, RECORDS as f64 / each_took);
    Ok(vec![
        row("400,000 records of 300 bytes", rate, each_rate, "/s"),
        row("processor time of that", processor, each_processor, "s"),
        row("processor time of 10 s idle", idle, each_idle, "s"),
        row("threads", threads, each_threads, ""),
        row("memory afterwards", resident, each_resident, "MiB"),
    ])
}

fn fill(place: &Place) -> Result<(), Failure> {
    let log = KafkaLog::open(&place.settings, place.partitions, kafka::Options::default())?;
    let record = |n: u64| NewRecord { key: b"pool-0".to_vec(), header: Vec::new(), value: noise(n) };
    let each = RECORDS / u64::from(place.partitions);
    for from in (0..each).step_by(usize::try_from(BATCH)?) {
        let (tell, told) = sync_channel(place.partitions as usize);
        for partition in 0..place.partitions {
            let (records, tell) = ((from..from + BATCH).map(record).collect(), tell.clone());
            let done = move |outcome| drop(tell.try_send(outcome));
            log.append(Stream { topic: Topic::Reports, partition }, records, Box::new(done));
        }
        for _ in 0..place.partitions {
            told.recv()??;
        }
    }
    Ok(())
}

/// What compresses no better than reports do: about to a half.
fn noise(n: u64) -> Vec<u8> {
    let mut random = n + 1;
    let mut byte = |_| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b'a' + (random >> 60) as u8
    };
    (0..BYTES).map(&mut byte).collect()
}
