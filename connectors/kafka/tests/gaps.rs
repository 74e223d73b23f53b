//! Positions that hold no record: a stranger's transaction leaves a mark at its end, and nobody waits for it for ever.

use std::time::{Duration, Instant};

use kafka::{KafkaLog, Settings, topics};
use protocol::log::{Log, Stream, Topic};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

#[test]
fn the_end_is_reached_beyond_the_mark_of_a_transaction() {
    let settings = Settings { prefix: broker::prefix(), ..Settings::new(&broker::address()) };
    topics::ensure(&settings, Some(1)).unwrap();
    let log = KafkaLog::open(&settings, 1, kafka::Options::default()).unwrap();
    let journal = Stream { topic: Topic::Journal, partition: 0 };
    let name = settings.topic(Topic::Journal);
    let stranger: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &settings.brokers)
        .set("transactional.id", format!("{}stranger", settings.prefix))
        .create()
        .unwrap();
    stranger.init_transactions(Duration::from_secs(30)).unwrap();
    stranger.begin_transaction().unwrap();
    stranger
        .send(BaseRecord::<str, str>::to(&name).partition(0).payload("a").key("p"))
        .map_err(|(error, _)| error)
        .unwrap();
    stranger.commit_transaction(Duration::from_secs(30)).unwrap();

    let (begun, mut next, mut seen) = (Instant::now(), 0, 0);
    loop {
        let page = log.read(journal, next, 100).unwrap();
        (next, seen) = (page.next, seen + page.records.len());
        if seen == 1 && next == 2 && page.end == 2 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "at {next} of {}, with {seen} records", page.end);
        log.wait(&[(journal, next)], Duration::from_millis(50));
    }
    println!("beyond the mark after {:?}", begun.elapsed());
}
