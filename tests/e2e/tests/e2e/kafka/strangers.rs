//! Whatever a stranger writes straight onto the topics is named in `rejects`, with its place and why; what stands behind
//! it is decided all the same.

use std::time::{Duration, Instant};

use e2e::kcat::Record;
use e2e::verdict::Verdict;
use e2e::{World, flows, wait};

crate::trials![what_strangers_write_is_rejected_with_its_place_and_its_reason];

/// How long rejects may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The node whose records the strangers copy.
const NODE: &str = "k1";

/// A record that no engine can use.
struct Strange {
    topic: &'static str,
    /// In the pool's partition, or else in the other.
    at_home: bool,
    key: Option<&'static str>,
    value: Option<Vec<u8>>,
    reason: &'static str,
}

fn what_strangers_write_is_rejected_with_its_place_and_its_reason() {
    let world = World::on_kafka(&broker::address(), 2);
    let _engine = world.engine();
    let _agent = world.agent_on_kafka(NODE, 2, &[]);
    world.nodes_ready(1);
    let kcat = world.kcat();
    let hellos = kcat.records("reports");
    let home = hellos.first().expect("the agent said hello").partition;
    let strange = all_that_is_strange();
    let mut wanted = Vec::new();
    for one in strange {
        let partition = if one.at_home { home } else { 1 - home };
        kcat.append(one.topic, u32::try_from(partition).unwrap(), one.key, one.value.as_deref());
        wanted.push((one, partition));
    }
    // What stands behind all of it is decided.
    let execution = world.submit(&flows::many(&world, "behind", 4));
    assert_eq!(world.ended(&execution)["state"], "completed");
    let begun = Instant::now();
    // What is missing is named below.
    wait::for_it("all of it is rejected", || wanted.len() <= kcat.lines("rejects").len() || PATIENCE < begun.elapsed());
    let mut rejects = kcat.records("rejects");
    for topic in ["reports", "heartbeats", "requests"] {
        let values = kcat.values(topic);
        for (one, partition) in wanted.iter().filter(|(one, _)| one.topic == topic) {
            let is_it = |reject: &Record| {
                let (reason, position) = (reject.value["reason"].as_str(), reject.value["position"].as_u64());
                reject.value["topic"] == topic
                    && reject.partition == *partition
                    && reason.is_some_and(|reason| reason.contains(one.reason))
                    && position.and_then(|position| values.get(&(*partition, position)))
                        == Some(&one.value.clone().unwrap_or_default())
            };
            let found = rejects.iter().position(is_it);
            let found =
                found.unwrap_or_else(|| panic!("no reject of {topic}/{partition}: {}: {rejects:#?}", one.reason));
            rejects.remove(found);
        }
    }
    assert!(rejects.is_empty(), "nothing else is rejected: {rejects:#?}");
    let verdict = Verdict::of(&world);
    verdict.holds(4);
    assert_eq!([verdict.count("node_lost"), verdict.count("failure_classified")], [0, 0]);
}

fn all_that_is_strange() -> Vec<Strange> {
    let home = Some("default");
    let mut all = Vec::new();
    for topic in ["reports", "heartbeats", "requests"] {
        let sound = sound(topic, NODE);
        let rows = [
            (true, home, Some(b"\xff\xfe{".to_vec()), "it is not UTF-8"),
            (true, home, Some(Vec::new()), "it is empty"),
            (true, home, None, "it is empty"),
            (true, home, Some(sound[..sound.len() / 2].to_vec()), "EOF while parsing"),
            (true, None, Some(sound.clone()), "it has no key"),
            (false, home, Some(sound.clone()), "belongs to partition"),
            (true, Some("other"), Some(sound), "its key is not its pool"),
            (true, home, Some(oversized(topic)), "has at most"),
        ];
        let strange = |(at_home, key, value, reason)| Strange { topic, at_home, key, value, reason };
        all.extend(rows.map(strange));
        // A record of `heartbeats` is taken for a beat whatever kind it names.
        if topic != "heartbeats" {
            all.push(strange((true, home, Some(unknown(topic)), "unknown variant `dance`")));
        }
    }
    all
}

/// What the engine would take, had it the right key and place.
fn sound(topic: &str, node: &str) -> Vec<u8> {
    let said = match topic {
        "reports" => format!(r#"{{"kind":"goodbye","pool":"default","node":"{node}","boot":"b","seq":1}}"#),
        "heartbeats" => format!(
            r#"{{"kind":"heartbeat","pool":"default","node":"{node}","boot":"b","beat":1,"up_ms":1,"stored":1,"holds":[]}}"#
        ),
        _ => r#"{"pool":"default","key":"k","who":"a stranger","at":1,"ask":{"ask":"pause","execution":"behind-1"}}"#
            .into(),
    };
    said.into_bytes()
}

/// What says that it is something that nobody knows.
fn unknown(topic: &str) -> Vec<u8> {
    let sound = String::from_utf8(sound(topic, NODE)).unwrap();
    ["goodbye", "heartbeat", "pause"].iter().fold(sound, |text, word| text.replace(word, "dance")).into_bytes()
}

/// What is larger than any input may be.
fn oversized(topic: &str) -> Vec<u8> {
    let sound = String::from_utf8(sound(topic, NODE)).unwrap();
    format!("{},\"more\":\"{}\"}}", &sound[..sound.len() - 1], "x".repeat(200 << 10)).into_bytes()
}
