//! Readers as an instance has them: a thread a partition, which follows the five streams that a leader reads. All
//! through one log, or each through a log of its own; it says what that took.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kafka::KafkaLog;
use protocol::log::{Log, Stream, Topic};

use crate::Failure;
use crate::cluster::Place;
use crate::cluster::readers::IDLE;
use crate::machine::{process_seconds, resident_mib, threads};

const TOPICS: [Topic; 5] = [Topic::Journal, Topic::Requests, Topic::Reports, Topic::Heartbeats, Topic::Commands];
/// As the engine reads and waits.
const BYTES: usize = 256 * 1024;
const TICK: Duration = Duration::from_millis(50);
/// What was read may be put away before idling is measured.
const SETTLE: Duration = Duration::from_secs(2);

/// Reads so many reports of all partitions through so many logs, then idles; prints threads, MiB, seconds of reading,
/// processor seconds of reading and of idling.
pub fn run(place: &Place, logs: u32, records: u64) -> Result<(), Failure> {
    let began = Instant::now();
    let open = || KafkaLog::open(&place.settings, place.partitions, kafka::Options::default()).map(Arc::new);
    let logs = (0..logs).map(|_| open()).collect::<Result<Vec<_>, _>>()?;
    let stop = Arc::new(AtomicBool::new(false));
    let (tell, told) = std::sync::mpsc::sync_channel(place.partitions as usize);
    for partition in 0..place.partitions {
        let (log, stop, tell) = (logs[partition as usize % logs.len()].clone(), stop.clone(), tell.clone());
        let wanted = records / u64::from(place.partitions);
        thread::Builder::new().name(format!("reader-{partition}")).spawn(move || {
            // Who starts us waits for all.
            follow(log.as_ref(), partition, wanted, &stop, &|| tell.send(()).unwrap_or_default());
        })?;
    }
    for _ in 0..place.partitions {
        told.recv()?;
    }
    let (read, read_processor) = (began.elapsed().as_secs_f64(), process_seconds("self")?);
    thread::sleep(SETTLE);
    let before = process_seconds("self")?;
    thread::sleep(IDLE);
    let idle = process_seconds("self")? - before;
    println!("{} {} {read} {read_processor} {idle}", threads("self")?, resident_mib("self")?);
    stop.store(true, Ordering::Release);
    Ok(())
}

fn follow(log: &KafkaLog, partition: u32, wanted: u64, stop: &AtomicBool, done: &dyn Fn()) {
    let (mut at, mut seen, mut told) = ([0; 5], 0, false);
    while !stop.load(Ordering::Acquire) {
        let mut any = false;
        for (topic, at) in TOPICS.into_iter().zip(&mut at) {
            // What cannot be read now can be later.
            let Ok(page) = log.read(Stream { topic, partition }, *at, BYTES) else { continue };
            any |= !page.records.is_empty();
            seen += page.records.len() as u64;
            *at = page.next;
        }
        if wanted <= seen && !std::mem::replace(&mut told, wanted <= seen) {
            done();
        }
        if !any {
            let streams = TOPICS.into_iter().zip(at);
            let streams: Vec<_> = streams.map(|(topic, at)| (Stream { topic, partition }, at)).collect();
            log.wait(&streams, TICK);
        }
    }
}
