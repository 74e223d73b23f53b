//! What the inputs may look like: with gaps, or cut before they were read.

use model::record::Consumed;
use protocol::log::Topic;
use protocol::partition::Config;
use protocol::{In, Out};

use super::instance::{Instance, Log};

#[test]
fn an_input_that_ends_in_a_gap_keeps_nobody_waiting() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    one.settle(&mut log);
    // Positions 0 to 4 of both inputs hold nothing.
    for topic in [Topic::Requests, Topic::Reports, Topic::Heartbeats] {
        one.tell(In::Input { topic, records: Vec::new(), next: 5, end: 5 });
    }
    let leader = one.partition.leader().unwrap();
    assert!(leader.soft.caught_up, "all was read");
    assert_eq!(leader.inbox.consumed, Consumed { requests: 5, reports: 5 });
}

#[test]
fn what_was_consumed_without_an_event_is_journaled_within_a_minute_and_missed_by_nobody_who_leads_later() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    one.settle(&mut log);
    let hello = br#"{"kind":"hello","pool":"p","node":"n","boot":"b","seq":1,"slots":1}"#;
    log.put(Topic::Reports, b"p", hello);
    one.settle(&mut log);
    let journaled = |instance: &Instance| (instance.replica().seq, instance.replica().consumed.reports);
    let before = journaled(&one);
    assert_eq!(before.1, 1);
    // The same again causes nothing.
    log.put(Topic::Reports, b"p", hello);
    one.settle(&mut log);
    one.pass(50_000);
    one.settle(&mut log);
    assert_eq!(journaled(&one), before);
    one.pass(20_000);
    one.settle(&mut log);
    assert_eq!(journaled(&one), (before.0 + 1, 2), "an entry without events says so");
    one.pass(200_000);
    one.settle(&mut log);
    assert_eq!(journaled(&one), (before.0 + 1, 2), "once");
}

fn stopped(one: &Instance) -> bool {
    one.out.iter().any(|out| matches!(out, Out::Stop(why) if why.contains("before it was read")))
}

#[test]
fn a_leader_whose_input_was_cut_stops_once_it_has_read_the_journal_to_its_end() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    one.settle(&mut log);
    one.tell(In::InputCut { topic: Topic::Reports, position: 0, start: 7, end: 9 });
    assert!(!stopped(&one) && one.leads(), "it may have been deposed and not know it yet");
    one.read(&log);
    one.pass(100);
    assert!(stopped(&one) && !one.leads());
}

#[test]
fn one_that_was_deposed_meanwhile_goes_on_as_a_follower() {
    let mut log = Log::default();
    let config = Config { standby: true, ..Config::default() };
    let mut one = Instance::fresh(config.clone(), 1);
    one.settle(&mut log);
    let mut two = Instance::new(Default::default(), config, 2);
    two.read(&log);
    // It hears nothing of the first for long, and announces itself.
    two.pass(3_200);
    log.write(&mut two);
    one.tell(In::InputCut { topic: Topic::Requests, position: 0, start: 7, end: 9 });
    one.read(&log);
    one.pass(500);
    assert!(!stopped(&one) && !one.leads());
}
