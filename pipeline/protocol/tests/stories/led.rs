//! Whether somebody leads, as an instance can know it.

use protocol::partition::Config;
use protocol::{In, Replica};

use super::instance::{Instance, Log};

#[test]
fn who_hears_the_leader_knows_that_somebody_leads_and_who_hears_it_no_more_does_not() {
    let (mut log, standby) = (Log::default(), standby());
    let mut two = Instance::new(Replica::default(), standby.clone(), 2);
    two.read(&log);
    assert!(!led(&two), "nobody was ever counted");
    let mut one = Instance::fresh(standby, 1);
    one.settle(&mut log);
    two.read(&log);
    assert!(led(&one) && led(&two) && !two.leads());
    for _ in 0..10 {
        one.pass(1_000);
        one.settle(&mut log);
        two.pass(1_000);
        two.read(&log);
        assert!(led(&two) && !two.leads(), "its beats say so");
    }
    // A follower that may not announce itself: what it has appended goes nowhere.
    two.pass(5_900);
    assert!(led(&two), "a takeover may be under way");
    two.pass(200);
    assert!(!led(&two));
}

#[test]
fn the_dead_of_an_old_journal_do_not_lead() {
    let mut log = Log::default();
    let mut one = Instance::fresh(standby(), 1);
    one.settle(&mut log);
    log.ask_anything("k1");
    one.settle(&mut log);
    let mut two = Instance::new(Replica::default(), standby(), 2);
    two.read(&log);
    assert!(!led(&two), "that was read, not heard");
    one.pass(500);
    one.settle(&mut log);
    two.read(&log);
    assert!(led(&two), "that was heard");
}

#[test]
fn nobody_leads_after_a_resignation_or_once_a_leader_doubts_itself() {
    let mut log = Log::default();
    let mut one = Instance::fresh(standby(), 1);
    one.settle(&mut log);
    let mut two = Instance::new(Replica::default(), standby(), 2);
    two.read(&log);
    one.pass(500);
    one.settle(&mut log);
    two.read(&log);
    assert!(led(&two));
    one.tell(In::AppendFailed { why: "lost".into(), header: Vec::new() });
    assert!(!led(&one), "the leader that was counted last is itself");
    assert!(led(&two), "who follows cannot know yet");
    one.pass(1_200);
    one.settle(&mut log);
    two.read(&log);
    assert!(one.leads() && led(&one) && led(&two));
    one.tell(In::Resign);
    log.write(&mut one);
    one.read(&log);
    two.read(&log);
    assert!(!led(&one) && !led(&two));
}

#[test]
fn a_leader_that_does_not_hear_itself_is_no_leader_for_others_and_then_none_at_all() {
    let mut log = Log::default();
    let mut one = Instance::fresh(standby(), 1);
    one.settle(&mut log);
    one.pass(5_900);
    assert!(led(&one));
    one.pass(200);
    assert!(one.leads() && !led(&one), "another may lead, for all it knows");
    one.pass(5_000);
    assert!(!one.leads() && one.said("was not read back in time"), "{:?}", one.out);
}

#[test]
fn an_instance_alone_leads_or_nobody_does() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    one.settle(&mut log);
    assert!(led(&one));
    one.tell(In::AppendFailed { why: "lost".into(), header: Vec::new() });
    one.settle(&mut log);
    assert!(!led(&one));
}

fn standby() -> Config {
    Config { standby: true, ..Config::default() }
}

fn led(instance: &Instance) -> bool {
    instance.partition.is_led(instance.at)
}
