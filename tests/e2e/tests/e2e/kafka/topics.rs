//! Topics are deleted under engines that work, and made again: what is soft comes back by itself; where data are gone
//! that is said, and a start says it again.

use broker::Broker;
use e2e::verdict::Verdict;
use e2e::{World, flows, wait};

use super::says;

crate::trials![
    soft_topics_that_are_made_anew_are_used_again,
    a_journal_that_is_gone_is_said,
    reports_that_are_gone_are_said,
    requests_that_are_gone_are_said,
];

/// What a topic is made with here: what `up` would.
const SETTINGS: [(&str, &str); 2] = [("message.timestamp.type", "LogAppendTime"), ("max.message.bytes", "1048588")];

fn soft_topics_that_are_made_anew_are_used_again() {
    let broker = Broker::shared();
    let world = World::on_kafka(&broker.address(), 1);
    let mut engine = world.engine();
    let _agents = [world.agent_on_kafka("k1", 1, &[]), world.agent("http", 1, &[])];
    world.nodes_ready(2);
    let before = world.submit(&flows::many(&world, "before", 4));
    assert_eq!(world.ended(&before)["state"], "completed");
    for word in ["heartbeats", "commands", "rejects"] {
        broker.delete_topic(&world.topic(word));
        broker.create_topic(&world.topic(word), 1, &SETTINGS);
        world.kcat().append("reports", 0, Some("default"), Some(word.as_bytes()));
        let after = world.submit(&flows::many(&world, &format!("after-{word}"), 4));
        assert_eq!(world.ended(&after)["state"], "completed");
        world.nodes_ready(2);
    }
    wait::for_it("it is rejected", || !world.kcat().lines("rejects").is_empty());
    assert!(engine.ended().is_none(), "{}", engine.said());
    Verdict::of(&world).holds(16);
}

fn a_journal_that_is_gone_is_said() {
    gone("journal");
}

fn reports_that_are_gone_are_said() {
    gone("reports");
}

fn requests_that_are_gone_are_said() {
    gone("requests");
}

/// Deletes a topic whose data nobody can do without: `up` says so while it is missing, once it is there again, and when
/// it is started again.
fn gone(word: &str) {
    let broker = Broker::shared();
    let world = World::on_kafka(&broker.address(), 1);
    let mut engine = world.engine();
    let _agent = world.agent_on_kafka("k1", 1, &[]);
    let before = world.submit(&flows::many(&world, "before", 4));
    assert_eq!(world.ended(&before)["state"], "completed");
    let topic = world.topic(word);
    broker.delete_topic(&topic);
    says(&engine, "not ready: ", 1);
    says(&engine, &format!("Kafka has no topic `{topic}`: was it deleted?"), 1);
    broker.create_topic(&topic, 1, &SETTINGS);
    let status = engine.wait();
    assert_eq!(status.code(), Some(7), "{}", engine.said());
    says(&engine, "the engine has stopped: ", 1);
    let arguments = world.up_arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // The words of a journal, and of inputs.
    let again = world.run(&arguments).ended(7).to_string();
    assert!(again.contains("are gone: the stream holds") || again.contains("data is missing"), "{again}");
}
