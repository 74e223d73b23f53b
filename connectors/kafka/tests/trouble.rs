//! What goes wrong with a real broker, each thing with its message: away, deleted, made anew, cut short, too small, not
//! allowed, slow. Nothing that was acknowledged is missing afterwards, or that is said.

use std::fs;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use broker::{Broker, Options, To};
use kafka::{Election, KafkaLog, Settings, topics};
use protocol::log::{AppendError, Log, NewRecord, Page, ReadError, Stream, Topic};

const JOURNAL: Stream = Stream { topic: Topic::Journal, partition: 0 };
const REPORTS: Stream = Stream { topic: Topic::Reports, partition: 0 };
/// How long anything here may take: longer than a producer's patience.
const PATIENCE: Duration = Duration::from_secs(60);

type Outcome = Result<Vec<u64>, AppendError>;

fn at(address: &str) -> Settings {
    Settings { prefix: broker::prefix(), ..Settings::new(address) }
}

fn open(settings: &Settings) -> Arc<KafkaLog> {
    Arc::new(KafkaLog::open(settings, 1, kafka::Options::default()).expect("clients can be made"))
}

fn send(log: &KafkaLog, to: Stream, value: Vec<u8>) -> Receiver<Outcome> {
    let (tell, told) = sync_channel(1);
    let record = NewRecord { key: b"p".to_vec(), header: Vec::new(), value };
    log.append(to, vec![record], Box::new(move |outcome| drop(tell.try_send(outcome))));
    told
}

fn append(log: &KafkaLog, to: Stream, value: &str) -> Outcome {
    send(log, to, value.into()).recv_timeout(PATIENCE).expect("every append is answered")
}

/// Follows a stream from its beginning.
struct Follower<'a> {
    log: &'a KafkaLog,
    of: Stream,
    next: u64,
}

impl<'a> Follower<'a> {
    fn new(log: &'a KafkaLog, of: Stream) -> Self {
        Self { log, of, next: 0 }
    }

    /// Reads on until a read is so.
    fn until(&mut self, so: impl Fn(&Result<Page, ReadError>) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let read = self.log.read(self.of, self.next, 1 << 20);
            if let Ok(page) = &read {
                self.next = page.next;
            }
            if so(&read) {
                return;
            }
            assert!(Instant::now() < deadline, "in time, not only {read:?}");
            self.log.wait(&[(self.of, self.next)], Duration::from_millis(50));
        }
    }

    /// Reads on until a record of this value comes.
    fn brings(&mut self, value: &str) {
        self.until(|read| {
            read.as_ref().is_ok_and(|page| page.records.iter().any(|record| record.value == value.as_bytes()))
        });
    }
}

fn says(read: &Result<Page, ReadError>, words: &str) -> bool {
    matches!(read, Err(ReadError::Failed(why)) if why.contains(words))
}

#[test]
fn clients_that_know_no_broker_any_more_begin_again_with_the_addresses() {
    // A broker that stops may say that there is none, and is then forgotten: as if no address had ever been given.
    let mut settings = at(&broker::address());
    topics::ensure(&settings, Some(1)).expect("topics can be made");
    settings.keys.insert("bootstrap.servers".to_owned(), String::new());
    let log = open(&settings);
    let (tell, led) = sync_channel(1);
    let lead = Box::new(move |partition| tell.try_send(partition).unwrap_or_default());
    let _group = Election::join(&settings, "stranded", lead, Box::new(|_| 0)).expect("a client can be made");

    append(&log, JOURNAL, "what the producer brings").expect("the producer has found a broker");
    Follower::new(&log, JOURNAL).brings("what the producer brings");
    assert_eq!(led.recv_timeout(PATIENCE), Ok(0), "the group has let us in");
}

#[test]
fn a_broker_that_dies_is_said_and_what_it_acknowledged_is_there_when_it_is_back() {
    let mut broker = Broker::start(Options::plain());
    let settings = at(&broker.address());
    topics::ensure(&settings, Some(1)).unwrap();
    let log = open(&settings);
    let before = append(&log, JOURNAL, "before").expect("it is appended");
    Follower::new(&log, JOURNAL).brings("before");
    broker.kill();
    let meanwhile = send(&log, JOURNAL, b"meanwhile".to_vec());
    let died = Instant::now();
    let mut next = before[0] + 1;
    while !says(&log.read(JOURNAL, next, 100), "no broker") {
        assert!(died.elapsed() < Duration::from_secs(5), "an empty page is no proof that nothing came");
        log.wait(&[(JOURNAL, next)], Duration::from_millis(50));
    }
    broker.restart();
    let meanwhile = meanwhile.recv_timeout(PATIENCE).expect("it is answered");
    let after = append(&log, JOURNAL, "after").expect("it goes on");
    let mut seen = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while next <= after[0] {
        assert!(Instant::now() < deadline, "what was acknowledged comes: {seen:?}");
        if let Ok(page) = log.read(JOURNAL, next, 1 << 20) {
            next = page.next;
            seen.extend(page.records.into_iter().map(|record| String::from_utf8(record.value).unwrap()));
        }
        log.wait(&[(JOURNAL, next)], Duration::from_millis(50));
    }
    let want: &[&str] = if meanwhile.is_ok() { &["meanwhile", "after"] } else { &["after"] };
    assert!(seen == want || seen == ["meanwhile", "after"], "{seen:?} after {meanwhile:?}");
}

#[test]
fn a_journal_that_is_deleted_or_cut_short_is_a_cut_and_never_read_as_another() {
    let mut broker = Broker::start(Options::plain());
    let settings = at(&broker.address());
    topics::ensure(&settings, Some(1)).unwrap();
    let log = open(&settings);
    let last = (0..20).map(|n| append(&log, JOURNAL, &n.to_string()).unwrap()[0]).max().unwrap();
    for n in 0..20 {
        append(&log, REPORTS, &n.to_string()).unwrap();
    }
    for stream in [JOURNAL, REPORTS] {
        Follower::new(&log, stream).until(|read| read.as_ref().is_ok_and(|page| page.next > last));
    }
    // The machine of an only replica lost its disk's last blocks.
    broker.kill();
    let folder = broker.log_dir().join(format!("{}-0", settings.topic(Topic::Journal)));
    let file = fs::OpenOptions::new().write(true).open(folder.join("00000000000000000000.log")).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    drop(fs::remove_file(broker.log_dir().join(".kafka_cleanshutdown")));
    broker.restart();
    let (mut cut, deadline) = (None, Instant::now() + PATIENCE);
    while cut.is_none() {
        assert!(Instant::now() < deadline, "the cut is told");
        cut = match log.read(JOURNAL, last + 1, 100) {
            Err(ReadError::Cut { position, start, end }) => Some((position, start, end)),
            Ok(page) => {
                assert!(page.records.is_empty(), "{page:?}");
                None
            }
            Err(ReadError::Failed(_)) => None,
        };
        log.wait(&[(JOURNAL, last + 1)], Duration::from_millis(50));
    }
    assert!(matches!(cut, Some((position, 0, end)) if position == last + 1 && end <= last), "{cut:?}");
    // Who goes on from the end hears what comes.
    let end = cut.map_or(0, |(_, _, end)| end);
    append(&open(&settings), JOURNAL, "after the cut").expect("another producer appends");
    Follower { next: end, ..Follower::new(&log, JOURNAL) }.brings("after the cut");

    broker.delete_topic(&settings.topic(Topic::Reports));
    let reports = last + 1;
    let told = until(|| match log.read(REPORTS, reports, 100) {
        Err(ReadError::Failed(why)) => why.contains("has no topic").then_some(why),
        Ok(_) | Err(ReadError::Cut { .. }) => None,
    });
    assert!(told.contains(&settings.topic(Topic::Reports)), "{told}");
    topics::ensure(&settings, Some(1)).unwrap();
    let end = until(|| match log.read(REPORTS, reports, 100) {
        Err(ReadError::Cut { end, .. }) => Some(end),
        Ok(page) => {
            assert!(page.records.is_empty(), "{page:?}");
            None
        }
        Err(ReadError::Failed(_)) => None,
    });
    assert_eq!(end, 0, "a topic made anew holds nothing");
}

#[test]
fn a_topic_that_is_made_anew_is_read_on_from_its_new_beginning() {
    let broker = Broker::shared();
    let settings = at(&broker.address());
    topics::ensure(&settings, Some(1)).unwrap();
    let log = open(&settings);
    append(&log, REPORTS, "old").unwrap();
    let mut follower = Follower::new(&log, REPORTS);
    follower.brings("old");
    broker.delete_topic(&settings.topic(Topic::Reports));
    follower.until(|read| says(read, "has no topic"));
    topics::ensure(&settings, Some(1)).unwrap();
    follower.until(|read| matches!(read, Err(ReadError::Cut { end: 0, .. })));
    append(&log, REPORTS, "new").unwrap();
    Follower::new(&log, REPORTS).brings("new");
}

fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "in time");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_wrong_with_topics_is_named_at_once_with_the_commands_that_mend_it() {
    let settings = at(&broker::address());
    let own = Broker::given().is_none();
    assert_eq!(topics::ensure(&settings, Some(2)), Ok(2));
    assert_eq!(topics::ensure(&settings, None), Ok(2), "what is there is gone on with");
    let differs = topics::ensure(&settings, Some(3)).unwrap_err().to_string();
    assert!(differs.contains("`partitions = 2`"), "{differs}");
    if !own {
        return;
    }
    let broker = Broker::shared();
    let journal = settings.topic(Topic::Journal);
    for (key, value) in [("cleanup.policy", "compact"), ("retention.ms", "1000"), ("max.message.bytes", "1000")] {
        broker.alter_topic(&journal, key, value);
    }
    let unread = [settings.topic(Topic::Requests), settings.topic(Topic::Reports)];
    unread.iter().for_each(|name| broker.alter_topic(name, "retention.bytes", "1000000000"));
    let wrong = topics::ensure(&settings, None).unwrap_err().to_string();
    for mended in ["cleanup.policy=delete", "retention.ms=-1", "max.message.bytes=1048588"] {
        let command = format!("--entity-name {journal} --add-config {mended}");
        assert!(wrong.lines().any(|line| line.contains(&command)), "{mended} in {wrong}");
    }
    for name in unread {
        let command = format!("--entity-name {name} --add-config retention.bytes=-1");
        assert!(wrong.lines().any(|line| line.contains(&command)), "{command} in {wrong}");
    }
    let log = open(&settings);
    // The first is too large for the topic, the second for the client, which does not know the topic's bound.
    for (stream, bytes) in [(JOURNAL, 50_000), (REPORTS, 1_010_000)] {
        let refused = send(&log, stream, noise(bytes)).recv_timeout(PATIENCE).unwrap();
        assert!(
            matches!(&refused, Err(AppendError::Refused(why)) if why.contains("max.message.bytes=")
                && why.contains("message.max.bytes is 1000000")),
            "an oversized record: {refused:?}"
        );
    }
    append(&log, REPORTS, &"x".repeat(990_000)).expect("the client's bound is as large as its words say");
    append(&log, JOURNAL, "small").expect("what follows is taken");
}

/// What cannot be compressed.
fn noise(bytes: u32) -> Vec<u8> {
    (0..bytes).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[test]
fn a_topic_that_was_made_by_the_way_says_nothing_of_the_number_of_partitions() {
    let broker = Broker::shared();
    let by_the_way = |topic: Topic| {
        let settings = at(&broker.address());
        broker.create_topic(&settings.topic(topic), 1, &[]);
        settings
    };
    let wrong = |settings: &Settings| topics::ensure(settings, None).unwrap_err().to_string();
    let fresh = by_the_way(Topic::Reports);
    let reports = fresh.topic(Topic::Reports);
    let said = wrong(&fresh);
    for words in [
        format!("topic `{reports}` has 1 partitions, and all topics must have 4"),
        format!("--alter --topic {reports} --partitions 4"),
        "set `partitions = 1` if".to_owned(),
        format!("--entity-name {reports} --add-config message.timestamp.type=LogAppendTime"),
    ] {
        assert!(said.contains(&words), "{words} in {said}");
    }
    let said = topics::ensure(&fresh, Some(1)).unwrap_err().to_string();
    assert!(!said.contains("all topics must have"), "none was made with 4 yet: {said}");

    let settings = by_the_way(Topic::Heartbeats);
    let heartbeats = settings.topic(Topic::Heartbeats);
    broker.create_topic(&settings.topic(Topic::Journal), 2, &[]);
    let said = wrong(&settings);
    assert!(said.contains(&format!("--alter --topic {heartbeats} --partitions 2")), "{said}");
    assert!(!said.contains("deleted"), "{said}");
    assert_eq!(said.matches("all topics must have").count(), 1, "{said}");
}

/// Settings of the user `reprise`.
fn named(broker: &Broker, prefix: &str, password: &str) -> Settings {
    let keys = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "reprise"),
        ("sasl.password", password),
    ];
    let keys = keys.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    Settings { brokers: broker.secured_address(), prefix: prefix.to_owned(), keys }
}

#[test]
fn who_is_not_allowed_is_told_topic_principal_and_right_within_ten_seconds() {
    let broker = Broker::start(Options::secured(&[("reprise", "secret"), ("admin", "secret")]));
    let prefix = broker::prefix();
    let secured = |password: &str| named(&broker, &prefix, password);
    let begun = Instant::now();
    let stranger = topics::ensure(&secured("wrong"), Some(1)).unwrap_err().to_string();
    assert!(stranger.contains("`User:reprise`") && stranger.contains("sasl.password"), "{stranger}");
    let settings = secured("secret");
    let creates = topics::ensure(&settings, Some(1)).unwrap_err().to_string();
    assert!(creates.contains("`User:reprise`") && creates.contains("--operation Create"), "{creates}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());

    let plain = Settings { prefix: prefix.clone(), ..Settings::new(&broker.address()) };
    topics::ensure(&plain, Some(1)).unwrap();
    let journal = settings.topic(Topic::Journal);
    broker.allow("reprise", &["Read", "Describe"], To::Topic(&journal));
    let (log, begun) = (open(&settings), Instant::now());
    let refused = append(&log, JOURNAL, "x");
    assert!(
        matches!(&refused, Err(AppendError::Refused(why)) if why.contains("--operation Write")
            && why.contains("User:reprise") && why.contains(&journal)),
        "{refused:?}"
    );
    Follower::new(&log, REPORTS).until(|read| says(read, "--operation Read"));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    broker.allow("reprise", &["Write"], To::Topic(&journal));
    until(|| append(&log, JOURNAL, "y").ok());
}

#[test]
fn who_may_ask_for_an_end_and_not_read_up_to_it_is_told_so_for_as_long_as_that_is() {
    let broker = Broker::start(Options::secured(&[("reprise", "secret"), ("admin", "secret")]));
    let settings = named(&broker, &broker::prefix(), "secret");
    let plain = Settings { prefix: settings.prefix.clone(), ..Settings::new(&broker.address()) };
    topics::ensure(&plain, Some(1)).unwrap();
    let reports = settings.topic(Topic::Reports);
    broker.allow("reprise", &["Write"], To::Topic(&reports));
    let log = open(&settings);
    until(|| append(&log, REPORTS, "x").ok());
    let mut follower = Follower::new(&log, REPORTS);
    // The client says it once; ends are told all the time.
    for _ in 0..20 {
        follower.until(|read| says(read, "--operation Read") && says(read, &reports) && says(read, "User:reprise"));
        assert_eq!(follower.next, 0);
    }
    broker.allow("reprise", &["Read"], To::Topic(&reports));
    follower.brings("x");
}

#[test]
fn over_tls_it_is_the_same_log() {
    let broker = Broker::start(Options::secured(&[("reprise", "secret")]));
    let prefix = broker::prefix();
    broker.allow("reprise", &["All"], To::Topics(&prefix));
    let keys = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "reprise"),
        ("sasl.password", "secret"),
        ("ssl.ca.location", broker.certificate().to_str().unwrap()),
    ];
    let keys = keys.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let settings = Settings { brokers: broker.tls_address(), prefix, keys };
    topics::ensure(&settings, Some(1)).unwrap();
    let log = open(&settings);
    let position = append(&log, JOURNAL, "over tls").expect("it is appended")[0];
    assert_eq!(position, 0);
    Follower::new(&log, JOURNAL).brings("over tls");
}

#[test]
fn a_connection_that_is_slow_or_hangs_makes_no_empty_page_a_proof() {
    let broker = Broker::start(Options::plain().proxied());
    let proxy = broker.proxy();
    let settings = at(&proxy.address());
    topics::ensure(&settings, Some(1)).unwrap();
    let log = open(&settings);
    let mut follower = Follower::new(&log, JOURNAL);
    append(&log, JOURNAL, "quick").unwrap();
    follower.brings("quick");
    proxy.delay(Duration::from_millis(100));
    append(&log, JOURNAL, "slow").expect("slow is no failure");
    follower.brings("slow");
    proxy.hang();
    follower.until(|read| says(read, "nothing heard"));
    proxy.heal();
    append(&log, JOURNAL, "healed").expect("it goes on");
    follower.brings("healed");
}
