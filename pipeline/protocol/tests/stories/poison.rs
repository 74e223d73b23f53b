//! What nobody can use stops neither the pool nor the partition: a bug of ours in one input, or whatever strangers write.

use std::collections::BTreeSet;

use model::Body;
use model::request::Ask;
use proptest::prelude::*;
use protocol::Out;
use protocol::log::Topic::{self, Heartbeats, Reports, Requests};
use protocol::partition::Config;

use super::instance::{Instance, Log};

#[test]
fn an_input_that_breaks_us_goes_to_rejects_and_the_rest_goes_on() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut log = Log::default();
    let mut one = Instance::fresh(Config { trip_on: Some("mallory".into()), ..Config::default() }, 1);
    one.settle(&mut log);
    log.ask_anything("k1");
    log.ask("mallory", "k2", Ask::Pause { execution: "f-1".parse().unwrap() });
    log.ask_anything("k3");
    one.settle(&mut log);
    assert!(one.leads());
    assert!(
        one.said("Reject {") && one.said("our own bug: deciding about it failed") && one.said("Alarm(\"requests/1")
    );
    assert!(one.said("our own bug: deciding about it failed; please report it"));
    assert_eq!(one.answered(), "k1 k2 k3", "who asked is told");
    assert_eq!(one.replica().consumed.requests, 3);
}

/// An engine that has the third of four partitions: that of the pool `p`.
fn third_of_four() -> Instance {
    Instance::fresh(Config { partition: (2, 4), ..Config::default() }, 1)
}

/// Good inputs with poison after each of them, or without.
fn good_and(poison: &[(Topic, &[u8], &[u8], &str)]) -> Log {
    let mut log = Log::default();
    let say = |log: &mut Log, seq: u64, what: &str| {
        let line = format!(r#"{{"pool":"p","node":"n1","boot":"b1","seq":{seq},{what}}}"#);
        log.put(Reports, b"p", line.as_bytes());
    };
    for round in 0..3 {
        let hello = format!(r#""kind":"hello","slots":{}"#, round + 1);
        say(&mut log, round + 1, &hello);
        log.ask_anything(&format!("k{round}"));
        let beat = format!(
            r#"{{"kind":"heartbeat","pool":"p","node":"n1","boot":"b1","beat":{},"up_ms":9,"stored":1}}"#,
            round + 1
        );
        log.put(Heartbeats, b"p", beat.as_bytes());
        for (topic, key, value, _) in poison.iter().skip(usize::try_from(round).unwrap()).step_by(3) {
            log.put(*topic, key, value);
        }
    }
    log
}

/// What was decided about inputs that can be used, with the number of the entry; and the answers to beats.
fn decided(one: &Instance) -> (Vec<(u64, model::Event)>, Vec<model::Renew>) {
    let (mut events, mut renews) = (Vec::new(), Vec::new());
    for out in &one.out {
        if let Out::Admitted { seq, entry, .. } = out {
            let good = entry.events.iter().filter(|event| !matches!(event.event, Body::InputRejected { .. }));
            events.extend(good.map(|event| (*seq, event.clone())));
        }
        if let Out::Renew { renew, .. } = out {
            renews.push(renew.clone());
        }
    }
    (events, renews)
}

/// What went to `rejects`: topic, position and reason.
fn rejected(one: &Instance) -> Vec<(String, u64, String)> {
    let records = |out: &Out| if let Out::Reject { records, .. } = out { records.clone() } else { Vec::new() };
    let read = |record: protocol::log::NewRecord| {
        let reject: serde_json::Value = serde_json::from_slice(&record.value).unwrap();
        let text = |field: &str| reject[field].as_str().unwrap().to_owned();
        (text("topic"), reject["position"].as_u64().unwrap(), text("reason"))
    };
    one.out.iter().flat_map(records).map(read).collect()
}

#[test]
fn poison_is_rejected_once_with_its_place_and_the_good_is_decided_as_without_it() {
    let bye = br#"{"kind":"goodbye","pool":"p","node":"n2","boot":"b","seq":1}"#;
    let far = br#"{"kind":"goodbye","pool":"p","node":"n2","boot":"b","seq":18446744073709551615}"#;
    let abc = br#"{"kind":"goodbye","pool":"abc","node":"n2","boot":"b","seq":1}"#;
    let holds = format!(
        r#"{{"kind":"heartbeat","pool":"p","node":"n1","boot":"b1","beat":7,"up_ms":1,"stored":0,"holds":[{}]}}"#,
        vec![r#""j5.0.4.1.0""#; 1_001].join(",")
    );
    let pause = br#"{"pool":"p","key":"x","who":"eve","at":1000000,"ask":{"ask":"pause","execution":"f-1"}}"#;
    let sing = br#"{"pool":"p","key":"x","who":"eve","at":1000000,"ask":{"ask":"sing"}}"#;
    let poison: &[(Topic, &[u8], &[u8], &str)] = &[
        (Reports, b"p", b"\xff\xfe{", "it is not UTF-8 (byte 1)"),
        (Reports, b"p", b"", "it is empty"),
        (Reports, b"p", &bye[..20], "EOF while parsing"),
        (Reports, b"", bye, "it has no key: reports are keyed by their pool"),
        (Reports, b"q", bye, "its key is not its pool, `p`"),
        (Reports, b"\xc3\x28", bye, "its key is not its pool, `p`"),
        (Reports, b"abc", abc, "pool `abc` belongs to partition 3 of 4, not 2"),
        (Reports, b"p", far, "`seq` counts from 1, up to 2^53"),
        (Reports, b"p", br#"{"kind":"sang","pool":"p","node":"n","boot":"b","seq":1}"#, "unknown variant `sang`"),
        (Requests, b"p", b"\xf0\x28\x8c\x28", "it is not UTF-8 (byte 1)"),
        (Requests, b"p", b"", "it is empty"),
        (Requests, b"p", &pause[..40], "EOF while parsing"),
        (Requests, b"", pause, "it has no key: requests are keyed by their pool"),
        (Requests, b"21", pause, "its key is not its pool, `p`"),
        (Requests, b"p", &[b'['; 200_000], "a request has at most 128 KiB"),
        (Requests, b"p", &[b'['; 200], "invalid type: sequence, expected a string"),
        (Requests, b"p", sing, "unknown variant `sing`"),
        (Heartbeats, b"p", b"\x00\x9f", "it is not UTF-8 (byte 2)"),
        (Heartbeats, b"p", b"", "it is empty"),
        (Heartbeats, b"", holds.as_bytes(), "it has no key: heartbeats are keyed by their pool"),
        (Heartbeats, b"p", holds.as_bytes(), "a node holds at most 1000 leases"),
        (Heartbeats, b"p", &[b' '; 98_305], "a heartbeat has at most 96 KiB"),
    ];
    let (mut log, mut clean) = (good_and(poison), good_and(&[]));
    let (mut one, mut other) = (third_of_four(), third_of_four());
    one.settle(&mut log);
    other.settle(&mut clean);
    assert!(one.leads() && decided(&one).0.len() > 5 && decided(&one).1.len() == 3);
    assert_eq!(decided(&one), decided(&other), "each good one in the same entry");

    let rejected = rejected(&one);
    let places: BTreeSet<(&str, u64)> = rejected.iter().map(|(topic, at, _)| (topic.as_str(), *at)).collect();
    assert_eq!((rejected.len(), places.len()), (poison.len(), poison.len()), "each of them once");
    for (topic, at, reason) in &rejected {
        let stream = [&log.requests, &log.reports, &log.heartbeats]
            [["requests", "reports", "heartbeats"].iter().position(|word| word == topic).unwrap()];
        let record = &stream[usize::try_from(*at).unwrap()];
        let is_it = |(of, key, value, why): &&(Topic, &[u8], &[u8], &str)| {
            of.word() == topic && *key == record.key && *value == record.value && reason.contains(why)
        };
        assert!(poison.iter().any(|poison| is_it(&poison)), "{topic}/{at}: {reason}");
    }
    assert_eq!(one.replica().state.pools.len(), 1, "poison makes no pool");
}

/// Bytes of all sorts: any, words that come near to an input, an input with a byte changed.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let good = br#"{"pool":"p","node":"n","boot":"b","seq":1,"beat":1,"up_ms":1,"stored":0,"kind":"hello","slots":1}"#;
    let changed = (0..good.len(), any::<u8>()).prop_map(move |(at, byte)| {
        let mut bytes = good.to_vec();
        bytes[at] = byte;
        bytes
    });
    let near =
        prop::collection::vec(prop::sample::select(vec!["{", "}", "[", "\"p\"", ":", "1e99", "null", "\\u"]), 0..9);
    prop_oneof![prop::collection::vec(any::<u8>(), 0..40), near.prop_map(|words| words.concat().into_bytes()), changed]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_stop_a_partition(
        records in prop::collection::vec(
            (prop::sample::select(vec![Reports, Requests, Heartbeats]), prop_oneof![Just(b"p".to_vec()), bytes()], bytes()),
            0..30,
        )
    ) {
        let mut log = Log::default();
        let mut one = third_of_four();
        one.settle(&mut log);
        for (topic, key, value) in &records {
            log.put(*topic, key, value);
        }
        log.ask_anything("last");
        one.settle(&mut log);
        prop_assert!(one.leads() && !one.said("Stop(") && !one.said("our own bug"));
        prop_assert!(one.answered().ends_with("last"));
        prop_assert!(one.replica().state.pools.len() <= 1, "nobody but `p` has its home here");
    }
}

fn rejects(one: &mut Instance) -> Vec<(u64, usize)> {
    let offered = |out: protocol::Out| {
        let protocol::Out::Reject { records, seq } = out else { return None };
        Some((seq, records.len()))
    };
    one.out.drain(..).filter_map(offered).collect()
}

#[test]
fn rejects_that_did_not_reach_the_log_are_offered_again_whatever_came_after_them() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    one.settle(&mut log);
    for key in ["k1", "k2"] {
        log.ask_anything(key);
        log.requests.last_mut().unwrap().value = b"{".to_vec();
    }
    one.settle(&mut log);
    let first = rejects(&mut one);
    assert_eq!((first.len(), first[0].1), (1, 2), "those of one entry go together");
    log.ask_anything("k3");
    log.requests.last_mut().unwrap().value = b"{".to_vec();
    one.settle(&mut log);
    let second = rejects(&mut one);
    one.tell(protocol::In::RejectsOut { seq: second[0].0 });
    one.settle(&mut log);
    assert_eq!(one.replica().state.unsent.len(), 3, "the first are not out: nothing is forgotten");
    one.pass(10_200);
    let again = rejects(&mut one);
    assert_eq!(again[0], first[0]);
    one.tell(protocol::In::RejectsOut { seq: first[0].0 });
    one.settle(&mut log);
    assert!(one.replica().state.unsent.is_empty());
}
