//! A machine whose clock is far from the log's does not lead, and does not set the clock of those who do.

use model::Timestamp;
use protocol::partition::Config;
use protocol::{In, Replica};

use super::instance::{Instance, Log};

#[test]
fn a_candidate_whose_clock_is_off_the_logs_makes_way_and_tries_again_later() {
    for (wall, words) in [(1_007_000, "7.0s ahead of the log's"), (993_000, "7.0s behind the log's")] {
        let mut log = Log { clock: Some(Timestamp(1_000_000)), ..Log::default() };
        let mut one = Instance::fresh(standby(), 1);
        one.at.wall_ms = wall;
        one.settle(&mut log);
        assert!(!one.leads() && one.said(words) && one.said("set it right"), "{:?}", one.out);
        assert!(one.replica().resigned, "others need not wait for silence");
        // It is the only one, and somebody sets its clock right.
        one.at.wall_ms = 1_000_000;
        one.pass(900);
        one.settle(&mut log);
        assert!(!one.leads(), "not at once");
        one.pass(200);
        one.settle(&mut log);
        assert!(one.leads());
    }
}

#[test]
fn what_a_wrong_clock_says_in_an_announcement_does_not_become_the_time_of_all() {
    let hour = 3_600_000;
    let mut log = Log { clock: Some(Timestamp(1_000_000)), ..Log::default() };
    let mut wrong = Instance::fresh(standby(), 1);
    wrong.at.wall_ms += hour;
    wrong.settle(&mut log);
    assert!(!wrong.leads());
    let mut right = Instance::fresh(standby(), 2);
    right.settle(&mut log);
    assert!(right.leads());
    let replica = right.replica();
    assert!(replica.now.0 < 1_006_000 && replica.first_announced.0 < 1_006_000, "{replica:?}");
}

#[test]
fn a_leader_whose_clock_comes_to_be_off_the_logs_makes_way_at_its_next_entry_or_beat() {
    for entry in [true, false] {
        let mut log = Log { clock: Some(Timestamp(1_000_000)), ..Log::default() };
        let mut one = Instance::fresh(standby(), 1);
        one.settle(&mut log);
        assert!(one.leads());
        log.clock = Some(Timestamp(993_000));
        if entry {
            log.ask_anything("k1");
        } else {
            one.pass(500);
        }
        one.settle(&mut log);
        let by = if entry { "7.0s" } else { "7.5s" };
        assert!(!one.leads() && one.said(&format!("{by} ahead of the log's")), "{:?}", one.out);
        assert_eq!((one.answered() == "k1", one.replica().resigned), (entry, true), "what it decided counts");
        let mut two = Instance::new(Replica::default(), standby(), 2);
        // Time does not fall: the next leader's begins where this one's was, so the log's has to come near that.
        (two.at.wall_ms, log.clock) = (996_000, Some(Timestamp(996_000)));
        two.read(&log);
        two.pass(100);
        two.settle(&mut log);
        assert!(two.leads(), "another need not wait for silence");
    }
}

#[test]
fn a_slow_log_is_no_wrong_clock() {
    let mut log = Log { clock: Some(Timestamp(1_000_000)), ..Log::default() };
    let mut one = Instance::fresh(Config { readback_ms: 60_000, ..standby() }, 1);
    one.read(&log);
    log.clock = Some(Timestamp(1_006_000));
    log.write(&mut one);
    one.pass(12_000);
    one.read(&log);
    assert!(one.leads(), "it was taken between sending and reading: {:?}", one.out);
}

#[test]
fn who_leads_again_after_another_did_has_not_added_that_time_to_its_clock() {
    let mut log = Log { clock: Some(Timestamp(1_000_000)), ..Log::default() };
    let mut one = Instance::fresh(standby(), 1);
    one.settle(&mut log);
    let mut two = Instance::new(Replica::default(), standby(), 2);
    two.read(&log);
    two.tell(In::Lead);
    two.settle(&mut log);
    one.read(&log);
    assert!(two.leads() && !one.leads());
    for second in 1..=9 {
        log.clock = Some(Timestamp(1_000_000 + second * 1_000));
        one.pass(1_000);
        two.pass(1_000);
        log.ask_anything(&format!("k{second}"));
        two.settle(&mut log);
        one.read(&log);
    }
    one.tell(In::Lead);
    one.settle(&mut log);
    assert!(one.leads(), "its clock is right: {:?}", one.out);
    assert_eq!(one.replica().now, Timestamp(1_009_000));
}

fn standby() -> Config {
    Config { standby: true, ..Config::default() }
}
