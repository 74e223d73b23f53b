//! Who reads elsewhere than before gets what stands there, and nothing that was fetched for the place before.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use kafka::{KafkaLog, Options, Settings, topics};
use protocol::log::{Log, NewRecord, Stream, Topic};

const COUNT: u64 = 20_000;

#[test]
fn a_reader_that_moves_gets_what_stands_at_its_new_place() {
    let brokers = broker::address();
    let settings = Settings { prefix: broker::prefix(), ..Settings::new(&brokers) };
    topics::ensure(&settings, Some(1)).expect("topics can be made");
    let log: Arc<dyn Log> = Arc::new(KafkaLog::open(&settings, 1, Options::default()).unwrap());
    let reports = Stream { topic: Topic::Reports, partition: 0 };
    let record = |n: u64| NewRecord { key: b"p".to_vec(), header: Vec::new(), value: n.to_string().into_bytes() };
    let (tell, told) = sync_channel(1);
    log.append(reports, (0..COUNT).map(record).collect(), Box::new(move |outcome| tell.send(outcome).unwrap()));
    let positions = told.recv().unwrap().expect("it is appended");
    let mut random = 7_u64;

    for _ in 0..60 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let first = (random >> 33) % (COUNT - 10);

        let (mut next, mut seen) = (positions[first as usize], Vec::new());
        while seen.len() < 10 {
            let page = log.read(reports, next, 100).expect("it can be read");
            seen.extend(page.records);
            next = page.next;
            if seen.is_empty() {
                log.wait(&[(reports, next)], Duration::from_secs(5));
            }
        }

        for (n, record) in seen.iter().enumerate() {
            let want = first + n as u64;
            assert_eq!(
                (record.position, record.value.as_slice()),
                (positions[want as usize], want.to_string().as_bytes())
            );
        }
    }
}
