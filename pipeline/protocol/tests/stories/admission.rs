//! What counts, and when it may be acted upon.

use model::record::Header;
use protocol::log::Topic;
use protocol::partition::Config;
use protocol::{In, Out};

use super::instance::{Instance, Log};

#[test]
fn a_candidate_leads_only_after_it_has_read_its_own_announcement() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    one.read(&log);
    assert_eq!(one.unwritten.len(), 1);
    one.read(&log);
    assert!(!one.leads());
    log.write(&mut one);
    one.read(&log);
    assert!(one.leads());
}

#[test]
fn an_answer_waits_until_its_entry_was_read_back() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    one.settle(&mut log);
    log.ask_anything("k1");
    one.read(&log);
    assert_eq!(one.unwritten.len(), 1, "it decides ahead");
    assert_eq!(one.answered(), "", "and acts behind");
    log.write(&mut one);
    one.read(&log);
    assert_eq!(one.answered(), "k1");
}

#[test]
fn what_a_deposed_leader_appends_late_is_ignored_by_everyone() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    one.settle(&mut log);
    log.ask_anything("k1");
    one.read(&log);
    let late = one.unwritten.pop().unwrap();

    let mut two = Instance::fresh(Config::default(), 2);
    two.settle(&mut log);
    assert!(two.leads());
    assert_eq!(two.answered(), "k1", "the request is decided by the new leader");
    log.append(late);
    log.ask_anything("k2");
    two.settle(&mut log);
    one.read(&log);
    assert!(!one.leads(), "it reads that it was deposed");
    let (a, b) = (one.replica(), two.replica());
    assert_eq!((a.seq, &a.state), (b.seq, &b.state), "both have admitted the same");
    assert_eq!(a.state.pools.values().next().unwrap().keys.len(), 2);
}

#[test]
fn who_was_deposed_and_does_not_know_it_yet_stops_nothing_that_the_next_leader_granted() {
    let mut log = Log::default();
    let (mut one, mut two) = (Instance::fresh(Config::default(), 1), Instance::fresh(Config::default(), 2));
    one.settle(&mut log);
    two.settle(&mut log);
    let journal = two.replica().journal.unwrap();
    let (old, new) = (format!("{journal}.0.1.9.0"), format!("{journal}.0.2.9.0"));
    let beat = format!(
        r#"{{"kind":"heartbeat","pool":"p","node":"n","boot":"b","beat":1,"up_ms":9,"stored":1,"holds":["{old}","{new}"]}}"#
    );
    log.put(Topic::Heartbeats, b"p", beat.as_bytes());
    // Beats come through another stream than the journal does.
    one.tell(In::Input { topic: Topic::Heartbeats, records: log.heartbeats.clone(), next: 1, end: 1 });
    assert!(one.leads() && two.leads(), "each thinks so");
    two.read(&log);
    let stops = |instance: &Instance| {
        let stop = |out: &Out| if let Out::Renew { renew, .. } = out { renew.stop.clone() } else { Vec::new() };
        instance.out.iter().flat_map(stop).map(|lease| lease.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(stops(&one), std::slice::from_ref(&old), "what it cannot know may well be current");
    assert_eq!(stops(&two), [old, new]);
}

#[test]
fn of_two_that_announce_the_same_epoch_the_first_in_the_log_leads() {
    let mut log = Log::default();
    let (mut one, mut two) = (Instance::fresh(Config::default(), 1), Instance::fresh(Config::default(), 2));
    one.read(&log);
    two.read(&log);
    log.write(&mut two);
    log.write(&mut one);
    one.read(&log);
    two.read(&log);
    assert!(two.leads() && !one.leads());
    let epochs: Vec<u64> = log.journal.iter().filter_map(epoch).collect();
    assert_eq!(epochs, [1, 1]);
    // a copy of the announcement does not count again
    let copy = log.journal[0].clone();
    log.append(protocol::log::NewRecord { key: copy.key, header: copy.header, value: copy.value });
    log.ask_anything("k");
    two.settle(&mut log);
    assert!(two.leads());
    assert_eq!(two.answered(), "k");
}

#[test]
fn a_follower_that_hears_nothing_announces_itself_and_a_resignation_saves_the_wait() {
    let standby = Config { standby: true, ..Config::default() };
    let mut log = Log::default();
    let (mut one, mut two) = (Instance::fresh(standby.clone(), 1), Instance::new(Default::default(), standby, 2));
    one.settle(&mut log);
    two.read(&log);
    for _ in 0..40 {
        one.pass(100);
        log.write(&mut one);
        one.read(&log);
        two.pass(100);
        two.read(&log);
    }
    assert!(one.leads() && two.unwritten.is_empty(), "a leader with nothing to say beats");
    one.tell(protocol::In::Resign);
    log.write(&mut one);
    two.read(&log);
    two.pass(100);
    assert_eq!(two.unwritten.len(), 1, "it does not wait for silence");
    log.write(&mut two);
    two.settle(&mut log);
    assert!(two.leads());
    let mut three = Instance::new(two.replica(), Config { standby: true, ..Config::default() }, 3);
    three.read(&log);
    three.pass(1_900);
    assert!(three.unwritten.is_empty());
    three.pass(1_200);
    assert_eq!(three.unwritten.len(), 1, "silence for two seconds and a jitter");
}

fn epoch(record: &protocol::log::Record) -> Option<u64> {
    match serde_json::from_slice(&record.header).ok()? {
        Header::Announced { epoch, .. } => Some(epoch),
        Header::Resigned { .. } | Header::Beat { .. } | Header::Entry { .. } => None,
    }
}
