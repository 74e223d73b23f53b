//! Doubt has one way out: drop what was decided ahead, follow, announce again after a while.

use protocol::In;
use protocol::partition::Config;

use super::instance::{Instance, Log};

#[test]
fn an_append_that_fails_is_doubt_and_what_it_held_is_decided_again() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    one.settle(&mut log);
    log.ask_anything("k1");
    one.read(&log);
    one.unwritten.clear();
    one.tell(In::AppendFailed { why: "the disk is full".into(), header: Vec::new() });
    assert!(!one.leads() && one.said("following again: an append failed"));
    one.pass(900);
    assert!(one.unwritten.is_empty(), "it waits before it announces again");
    one.pass(200);
    one.settle(&mut log);
    assert!(one.leads());
    assert_eq!(one.answered(), "k1");
}

#[test]
fn a_failure_that_an_earlier_leadership_left_is_no_doubt_of_the_present_one() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    one.settle(&mut log);
    log.ask_anything("k1");
    one.read(&log);
    let header = one.unwritten.pop().unwrap().header;
    one.tell(In::AppendFailed { why: "timed out".into(), header: header.clone() });
    assert!(!one.leads());
    one.pass(1_200);
    one.settle(&mut log);
    assert!(one.leads());
    one.tell(In::AppendFailed { why: "timed out".into(), header });
    assert!(one.leads(), "it was told long after");
}

#[test]
fn an_entry_that_is_not_read_back_in_time_is_doubt_and_may_still_count() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config { readback_ms: 2_000, ..Config::default() }, 1);
    one.settle(&mut log);
    log.ask_anything("k1");
    one.read(&log);
    let slow = one.unwritten.pop().unwrap();
    one.pass(2_200);
    assert!(!one.leads());
    log.append(slow);
    one.read(&log);
    assert_eq!(one.answered(), "k1", "who folds it answers it");
    one.pass(1_200);
    one.settle(&mut log);
    assert!(one.leads());
    assert_eq!(one.replica().consumed.requests, 1, "and it is not decided twice");
    assert_eq!(one.answered(), "");
}

#[test]
fn each_doubt_waits_longer_than_the_one_before() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    let mut waits = Vec::new();
    one.read(&log);
    for _ in 0..3 {
        one.unwritten.clear();
        one.tell(In::AppendFailed { why: "no".into(), header: Vec::new() });
        let mut waited = 0;
        while one.unwritten.is_empty() {
            one.pass(100);
            waited += 100;
        }
        waits.push(waited);
    }
    assert_eq!(waits, [1_000, 2_000, 4_000]);
    one.settle(&mut log);
    assert!(one.leads());
}
