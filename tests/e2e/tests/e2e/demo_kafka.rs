//! The demo on a real Kafka, as a program runs it: two engines, of which the leading one is killed.

use std::time::Duration;

use e2e::{World, wait};
use serde_json::{Value, json};

crate::trials![the_demo_on_kafka_loses_nothing, the_demo_takes_no_topics_that_are_in_use];

/// Much more than its minute, for a machine that has much else to do.
const LIMIT: Duration = Duration::from_secs(330);

fn the_demo_on_kafka_loses_nothing() {
    let world = World::new();
    let address = broker::address();
    let line = ["demo", "--kafka", &address, "--output", "json"];
    let mut demo = world.begin("demo", world.command(&line).env("TMPDIR", world.folder.path()));
    let status = wait::within(LIMIT, "the demo ends", || demo.ended());
    assert!(status.success(), "{status}\n{}", demo.said());
    let verdict = demo.said().lines().find_map(|line| serde_json::from_str::<Value>(line).ok()).unwrap();
    assert_eq!((&verdict["total"], &verdict["effective"]), (&json!(240), &json!(240)), "{verdict:#}");
    assert_eq!((&verdict["lost"], &verdict["doubled"]), (&json!([]), &json!([])), "{verdict:#}");
    let takeover = &verdict["takeover"];
    let [killed, by] = ["killed", "by"].map(|who| takeover[who].as_str().unwrap_or_default());
    assert!([("engine-1", "engine-2"), ("engine-2", "engine-1")].contains(&(killed, by)), "{takeover:#}");
    assert!(takeover["first_decision_ms"].is_u64(), "{takeover:#}");
}

fn the_demo_takes_no_topics_that_are_in_use() {
    let world = World::new();
    let (address, prefix) = (broker::address(), broker::prefix());
    let on_kafka = ["--kafka", &address, "--topic-prefix", &prefix].map(str::to_owned);
    let up: Vec<String> = world.up_arguments().into_iter().chain(on_kafka.clone()).collect();
    let up: Vec<&str> = up.iter().map(String::as_str).collect();
    let mut engine = world.begin("engine", &mut world.command(&up));
    world.ready(&mut engine);
    let [kafka, address, topics, prefix] = &on_kafka;
    let said = world.run(&["demo", kafka, address, topics, prefix]).ended(5);
    said.says(&[&format!("`{prefix}journal` holds a journal already")]);
    assert!(engine.ended().is_none(), "{}", engine.said());
}
