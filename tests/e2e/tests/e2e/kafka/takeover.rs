//! Who leads is killed, asked to stop, started again: another goes on, and nothing is lost or done twice.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use e2e::kcat::Record;
use e2e::verdict::Verdict;
use e2e::{Running, World, flows, wait};
use nix::sys::signal::Signal;

use super::says;

crate::trials![
    a_leader_that_is_killed_again_and_again_loses_and_doubles_nothing,
    an_engine_alone_is_killed_and_goes_on_when_it_is_started_again,
    a_leader_that_is_asked_to_stop_hands_over_at_once,
];

/// How often the leader is killed.
const KILLS: usize = 20;
/// Tasks of the flow that runs meanwhile.
const TASKS: usize = 240;
/// Beyond this a takeover is broken. It is meant to be 3 s, of which 2 to 3 are silence.
const BROKEN: Duration = Duration::from_secs(10);
/// A follower takes over from who has said nothing for this long.
const SILENCE: Duration = Duration::from_secs(2);

fn a_leader_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    let first = World::on_kafka(&broker::address(), 1);
    let second = first.beside("second");
    let mut seats = [(&first, first.engine()), (&second, second.engine())];
    let _agents = [first.agent_on_kafka("k1", 2, &[]), first.agent_on_kafka("k2", 2, &[])];
    let execution = first.submit(&flows::alike(&first, "long", TASKS, "sleep 0.4"));
    let mut killed = Vec::new();
    for _ in 0..KILLS {
        let leads = wait::until("one leads and the other stands by", || {
            let leads = seats.each_ref().map(|(seat, _)| seat.leads());
            let ready = seats.each_ref().map(|(seat, _)| seat.is_ready());
            (ready == [true, true] && leads[0] != leads[1]).then_some(usize::from(leads[1]))
        });
        let before = now_ms();
        seats[leads].1.kill();
        killed.push(before);
        let other = seats[1 - leads].0;
        wait::for_it("the other leads", || other.leads());
        // Who leads and is killed before it has decided anything would be no takeover.
        let taken_over = position(other);
        wait::for_it("it decides", || taken_over < position(other));
        seats[leads].1 = seats[leads].0.begin_engine(&[]);
    }
    let took = takeovers(&first.kcat().records("journal"), &killed);
    let worst = took.iter().max().expect("there were some");
    let mean = took.iter().sum::<Duration>() / u32::try_from(took.len()).unwrap();
    println!("takeovers after {KILLS} kills: worst {worst:?}, mean {mean:?}, all {took:?}");
    assert!(*worst < BROKEN, "{took:?}");
    for (seat, engine) in &mut seats {
        seat.ready(engine);
    }
    assert_eq!(first.ended(&execution)["state"], "completed");
    for seat in [&first, &second] {
        let verdict = Verdict::of(seat);
        verdict.holds(TASKS);
        assert_eq!([verdict.count("node_lost"), verdict.count("failure_classified")], [0, 0]);
    }
}

fn an_engine_alone_is_killed_and_goes_on_when_it_is_started_again() {
    // With the usual times: a busy machine may well be silent for a tenth of them.
    let world = World::on_kafka_with(&broker::address(), "partitions = 2\n");
    let mut engine = world.engine();
    let _agent = world.agent_on_kafka("k1", 2, &[]);
    let execution = world.submit(&flows::many(&world, "alone", 20));
    for _ in 0..3 {
        engine.kill();
        engine = world.engine();
        assert!(world.leads(), "nobody else is there");
    }
    assert_eq!(world.ended(&execution)["state"], "completed");
    let verdict = Verdict::of(&world);
    verdict.holds(20);
    assert_eq!(verdict.count("node_lost"), 0);
}

fn a_leader_that_is_asked_to_stop_hands_over_at_once() {
    let first = World::on_kafka(&broker::address(), 1);
    let second = first.beside("second");
    let mut leaving = first.engine();
    let staying = second.engine();
    says(&staying, "engine ready", 1);
    let _agent = first.agent_on_kafka("k1", 2, &[]);
    let execution = second.submit(&flows::alike(&first, "handed", 30, "sleep 0.2"));
    wait::for_it("it runs", || second.execution(&execution).is_some_and(|view| view["tasks"]["running"] == 2));
    assert!(first.leads());
    let asked = now_ms();
    stop(&mut leaving);
    wait::for_it("the other leads", || second.leads());
    says(&staying, "this instance leads a partition", 1);
    assert_eq!(second.ended(&execution)["state"], "completed");
    let took = takeovers(&second.kcat().records("journal"), &[asked]);
    println!("a planned takeover: {took:?}");
    assert!(took[0] < SILENCE, "{took:?}");
    Verdict::of(&second).holds(30);
}

/// How far the journal is admitted.
fn position(seat: &World) -> u64 {
    seat.get("/v1/pool")["position"].as_u64().unwrap()
}

fn stop(engine: &mut Running) {
    engine.signal(Signal::SIGTERM);
    let status = engine.wait();
    assert!(status.success(), "{status}: {}", engine.said());
    assert!(engine.said().contains("engine stopped; running work goes on"), "{}", engine.said());
}

/// For each moment, how long it took until the first entry of an epoch that was none before it. By the broker's clock,
/// which is this machine's.
fn takeovers(journal: &[Record], moments: &[u64]) -> Vec<Duration> {
    let epoch = |record: &Record| record.header["epoch"].as_u64().unwrap_or(0);
    let took = moments.iter().map(|moment| {
        let last = journal.iter().filter(|record| record.at_ms < *moment).map(epoch).max().unwrap_or(0);
        let mut entries = journal.iter().filter(|record| record.header["record"] == "entry");
        let first = entries.find(|record| last < epoch(record));
        let first = first.unwrap_or_else(|| panic!("no entry after epoch {last}"));
        Duration::from_millis(first.at_ms.saturating_sub(*moment))
    });
    took.collect()
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    u64::try_from(since.as_millis()).expect("it is not that late")
}
