//! An agent over a real Kafka broker, against an engine that only notes what it says, with supervisors that only
//! pretend. The rules of a node are tested over HTTP; here it is the way that is tested.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it unwraps, in its helpers too")]

mod engine;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use agent::endpoint::Endpoint;
use agent::{Error, Options, Stop};
use broker::Broker;
use kafka::{Settings, topics};
use model::command::Order;
use model::report::Cause;
use model::{BootId, JournalId, LeaseId, Millis, NodeId, PoolId, Report, ReportKind, Start};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use engine::{Engine, PARTITIONS, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_joins_over_kafka_runs_what_it_is_given_and_says_goodbye() {
    let rig = Rig::new(&broker::address());
    let engine = rig.engine();
    let agent = rig.start_agent();
    until(&engine, "it has read an answer", |w| w.beats.len() > 1).await;
    let boot = boot(&engine);
    order_start(&engine, "n2", start(&boot, 7, "pass"));
    order_start(&engine, "n1", start(&boot, 1, "pass"));
    until(&engine, "its end", |w| ended(w, 1) == Some(Cause::Exit)).await;
    assert_eq!(words(&engine.world(), 1), ["accepted", "started", "progress", "results", "finished"]);

    order_start(&engine, "n1", start(&boot, 2, "wait"));
    order_start(&engine, "n1", start(&boot, 3, "wait"));
    until(&engine, "both run", |w| words(w, 2).contains(&"started") && words(w, 3).contains(&"started")).await;
    engine.world().stop = vec![lease(2)];
    engine.order("n1", &cancel(3));
    until(&engine, "both ends", |w| (ended(w, 2), ended(w, 3)) == (Some(Cause::Cancel), Some(Cause::Cancel))).await;

    let begun = Instant::now();
    agent.stop.send_replace(Stop::Gently);
    agent.task.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits for output that no engine keeps");
    until(&engine, "a goodbye", |w| w.reports.last().is_some_and(|r| r.kind.word() == "goodbye")).await;
    let world = engine.world();
    assert!(world.reports.iter().zip(1..).all(|(report, seq)| report.seq == seq), "in order, without a gap");
    assert!(words(&world, 7).is_empty(), "a command for another node is not heard");
    assert!(world.keys.iter().all(|key| key == b"blue"), "{:?}", world.keys);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_waits_for_topics_that_come_later_and_speaks_again_when_it_is_told_to() {
    let rig = Rig::without_topics(&broker::address());
    let agent = rig.start_agent();
    tokio::time::sleep(Duration::from_millis(500)).await;
    rig.make_topics();
    let engine = rig.engine();
    until(&engine, "a beat", |w| !w.beats.is_empty()).await;
    let is_hello = |report: &&Report| report.kind.word() == "hello";
    engine.world().hello = true;
    until(&engine, "a second hello", |w| w.reports.iter().filter(is_hello).count() > 1).await;
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_agent_settles_its_old_boot_over_kafka_before_the_new_one_says_hello() {
    let rig = Rig::new(&broker::address());
    let engine = rig.engine();
    let agent = rig.start_agent();
    until(&engine, "it has read an answer", |w| w.beats.len() > 1).await;
    let old = boot(&engine);
    order_start(&engine, "n1", start(&old, 1, "wait"));
    until(&engine, "it runs", |w| words(w, 1).contains(&"started")).await;
    agent.kill().await;
    let agent = rig.start_agent();
    until(&engine, "the new boot beats", |w| w.beats.last().is_some_and(|beat| beat.boot != old)).await;
    {
        let world = engine.world();
        assert_eq!(ended(&world, 1), Some(Cause::Agent));
        let hello = world.reports.iter().position(|r| r.boot != old && r.kind.word() == "hello").unwrap();
        let last_of_old = world.reports.iter().rposition(|r| r.boot == old).unwrap();
        assert!(last_of_old < hello, "all of the old boot is durable before the hello of the new one");
        let ReportKind::Hello(said) = &world.reports[hello].kind else { unreachable!() };
        assert_eq!(said.was.as_ref(), Some(&old));
    }
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_come_after_their_beat_has_given_up_let_work_live_on() {
    let rig = Rig::new(&broker::address());
    let engine = rig.engine();
    let agent = rig.start_agent();
    until(&engine, "it has read an answer", |w| w.beats.len() > 1).await;
    order_start(&engine, "n1", start(&boot(&engine), 1, "wait"));
    until(&engine, "it runs", |w| words(w, 1).contains(&"started")).await;
    engine.world().late = Duration::from_millis(700); // a beat waits for 50 ms
    let begun = engine.world().beats.len();
    until(&engine, "beats that wait in vain", |w| w.beats.len() > begun + 2).await;
    let heard = progress_notes(&engine.world(), 1);
    until(&engine, "it hears that it lives on", |w| progress_notes(w, 1) > heard + 1).await;
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_nobody_answers_beats_often_enough_for_a_pool_that_is_quick_to_give_up() {
    let rig = Rig::new(&broker::address());
    let engine = rig.engine();
    engine.world().mute = true;
    let agent = rig.start_agent();
    until(&engine, "beats in vain", |w| w.beats.len() > 3).await;
    let gaps = engine.world().beats.windows(2).map(|pair| pair[1].up_ms.0 - pair[0].up_ms.0).collect::<Vec<_>>();
    assert!(gaps.iter().all(|gap| *gap < 5_000), "no beat waits for the answer to the one before: {gaps:?}");
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_ends_the_agent_over_kafka_too() {
    let rig = Rig::new(&broker::address());
    let engine = rig.engine();
    engine.world().taken = Some("n1 of boot 77aa was heard 2.0s ago".into());
    let error = rig.start_agent().task.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::NameTaken(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_outlive_a_broker_that_is_killed_and_come_in_order_when_it_is_back() {
    let mut broker = Broker::start(broker::Options::plain());
    let rig = Rig::new(&broker.address());
    let engine = rig.engine();
    let agent = rig.start_agent();
    until(&engine, "it has read an answer", |w| w.beats.len() > 1).await;
    let boot = boot(&engine);
    order_start(&engine, "n1", start(&boot, 1, "wait"));
    order_start(&engine, "n1", start(&boot, 2, "slow"));
    until(&engine, "both run", |w| words(w, 1).contains(&"started") && words(w, 2).contains(&"started")).await;
    engine.world().stop = vec![lease(1), lease(2)];
    broker.kill();
    tokio::time::sleep(Duration::from_secs(2)).await;
    broker.restart();
    until(&engine, "both ends", |w| ended(w, 1).is_some() && ended(w, 2).is_some()).await;
    order_start(&engine, "n1", start(&boot, 3, "pass"));
    until(&engine, "work after it", |w| ended(w, 3) == Some(Cause::Exit)).await;
    assert!(engine.world().reports.iter().zip(1..).all(|(report, seq)| report.seq == seq), "in order, without a gap");
    agent.kill().await;
}

/// Runs where Python has Kafka's client: `pip install confluent-kafka`.
#[tokio::test(flavor = "multi_thread")]
async fn the_node_in_python_speaks_kafka_by_the_rules_of_the_wire() {
    let python = std::env::var("REPRISE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has_client = std::process::Command::new(&python).args(["-c", "import confluent_kafka"]).output().unwrap();
    if !has_client.status.success() {
        return eprintln!("not run: {python} has no confluent_kafka");
    }
    let rig = Rig::new(&broker::address());
    let engine = rig.engine();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/node_kafka.py");
    let mut node = tokio::process::Command::new(python)
        .arg(script)
        .args([&rig.settings.brokers, "blue", "n1", &rig.settings.prefix])
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    until(&engine, "it has read an answer", |w| w.beats.len() > 1).await;
    let boot = boot(&engine);
    let run = |n, words: &[&str]| Start { run: words.iter().map(|w| (*w).into()).collect(), ..start(&boot, n, "") };
    order_start(&engine, "n1", run(1, &["true"]));
    until(&engine, "its end", |w| ended(w, 1) == Some(Cause::Exit)).await;
    order_start(&engine, "n1", run(1, &["true"]));
    order_start(&engine, "n1", Start { slots: 3, ..run(2, &["true"]) });
    order_start(&engine, "n1", run(3, &["sleep", "60"]));
    until(&engine, "it is held", |w| w.beats.last().is_some_and(|beat| beat.holds == [lease(3)])).await;
    engine.order("n1", &cancel(3));
    until(&engine, "its end", |w| ended(w, 3) == Some(Cause::Cancel)).await;
    assert_eq!(words(&engine.world(), 1), ["accepted", "started", "finished"]);
    assert_eq!(words(&engine.world(), 2), ["refused"]);
    assert!(engine.world().reports.iter().zip(1..).all(|(report, seq)| report.seq == seq), "in order, no gap");
    assert!(engine.world().keys.iter().all(|key| key == b"blue"));
    engine.world().taken = Some("another lives".into());
    assert_eq!(node.wait().await.unwrap().code(), Some(1));
}

/// A state folder, and topics of its own.
struct Rig {
    state: tempfile::TempDir,
    settings: Settings,
}

struct Agent {
    stop: watch::Sender<Stop>,
    task: JoinHandle<Result<(), Error>>,
}

impl Agent {
    /// As SIGKILL would: nothing is said or awaited.
    async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

impl Rig {
    fn new(brokers: &str) -> Self {
        let rig = Self::without_topics(brokers);
        rig.make_topics();
        rig
    }

    fn without_topics(brokers: &str) -> Self {
        let settings = Settings { prefix: broker::prefix(), ..Settings::new(brokers) };
        Self { state: tempfile::tempdir().unwrap(), settings }
    }

    fn make_topics(&self) {
        topics::ensure(&self.settings, Some(PARTITIONS)).unwrap();
    }

    fn engine(&self) -> Engine {
        Engine::start(&self.settings, &pool())
    }

    fn start_agent(&self) -> Agent {
        let state = self.state.path();
        let mut options = Options::new(pool(), Endpoint::socket(state, 7717), state.to_owned()).unwrap();
        options.name = Some(NodeId::new("n1").unwrap());
        options.slots = 2;
        options.kafka = Some(self.settings.clone());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agent/supervisor.py");
        options.supervisor = vec!["python3".into(), script.into()];
        let (stop, stopped) = watch::channel(Stop::No);
        let task = tokio::spawn(async move {
            loop {
                // The lock of a killed agent is free once its last thread has ended.
                match agent::run(options.clone(), stopped.clone(), |_| ()).await {
                    Err(Error::Machine(error)) if error.to_string().contains("already") => {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    ended => return ended,
                }
            }
        });
        Agent { stop, task }
    }
}

/// Waits until something is so.
async fn until(engine: &Engine, what: &str, is_so: impl Fn(&World) -> bool) {
    let begun = Instant::now();
    while !is_so(&engine.world()) {
        if Duration::from_secs(60) < begun.elapsed() {
            let world = format!("{:#?}", engine.world());
            panic!("never: {what}; {world}");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Sends a start, after the last beat.
fn order_start(engine: &Engine, node: &str, mut start: Start) {
    start.after_beat = engine.world().beats.last().unwrap().beat;
    engine.order(node, &Order::Start(Box::new(start)));
}

fn boot(engine: &Engine) -> BootId {
    engine.world().beats.last().unwrap().boot.clone()
}

fn pool() -> PoolId {
    PoolId::new("blue").unwrap()
}

fn lease(seq: u64) -> LeaseId {
    LeaseId { journal: JournalId(5), partition: 0, epoch: 1, seq, index: 0 }
}

fn cancel(number: u64) -> Order {
    let (lease, why) = (lease(number), "no more needed".to_owned());
    Order::Cancel { id: "c".into(), journal: JournalId(5), lease, grace_ms: Millis(0), why }
}

fn start(boot: &BootId, number: u64, what: &str) -> Start {
    Start {
        id: format!("c{number}"),
        journal: JournalId(5),
        boot: boot.clone(),
        attempt: format!("f-1/t{number}@1"),
        lease: lease(number),
        after_beat: 0,
        expires_ms: Millis(20_000),
        strict: false,
        slots: 1,
        run: vec![what.into()],
        env: BTreeMap::new(),
        dir: None,
        timeout_ms: Millis(60_000),
        stall_ms: None,
        grace_ms: Millis(1_000),
        memory_mb: 0,
        checkpoint: Some("118".into()),
        results: Vec::new(),
    }
}

fn of(world: &World, number: u64) -> impl Iterator<Item = &Report> {
    world.reports.iter().filter(move |report| report.kind.lease().is_some_and(|lease| lease.seq == number))
}

/// What was reported of a lease.
fn words(world: &World, number: u64) -> Vec<&'static str> {
    of(world, number).map(|report| report.kind.word()).collect()
}

fn ended(world: &World, number: u64) -> Option<Cause> {
    of(world, number)
        .find_map(|report| if let ReportKind::Finished { end, .. } = &report.kind { Some(end.cause) } else { None })
}

/// How many reports of progress there are: a supervisor that hears that it lives on says so.
fn progress_notes(world: &World, number: u64) -> usize {
    words(world, number).iter().filter(|word| **word == "progress").count()
}
