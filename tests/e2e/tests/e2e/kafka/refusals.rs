//! What `up` does not begin with: no broker yet, which it waits for; topics that cannot be used and a data folder that is
//! another's, which it refuses with what to do.

use broker::{Broker, Proxy};
use e2e::{World, flows};
use nix::sys::signal::Signal;

use super::says;

crate::trials![
    no_broker_is_said_at_once_and_waited_for,
    who_waits_for_a_broker_can_be_stopped_at_once,
    topics_that_cannot_be_used_are_refused_with_the_command_that_mends_them,
    a_data_folder_in_use_is_refused_with_what_to_do,
];

/// The plain broker of this process, which is needed where topics are made with Kafka's own tools.
fn shared() -> &'static Broker {
    Broker::shared()
}

fn no_broker_is_said_at_once_and_waited_for() {
    // It is found through this proxy; what it advertises is itself.
    let way = Proxy::to(&broker::address());
    way.cut();
    let world = World::on_kafka(&way.address(), 1);
    let mut engine = world.begin_engine(&[]);
    let _agent = world.agent_on_kafka("k1", 1, &[]);
    says(&engine, "no Kafka broker answers at 127.0.0.1:", 1);
    assert!(engine.said().contains("not ready yet") && engine.said().contains("is it running"), "{}", engine.said());
    assert!(engine.ended().is_none());
    way.heal();
    world.ready(&mut engine);
    says(&engine, "engine ready", 1);
    let execution = world.submit(&flows::many(&world, "late", 2));
    assert_eq!(world.ended(&execution)["state"], "completed");
    assert_eq!(engine.said().matches("no Kafka broker answers").count(), 1, "{}", engine.said());
}

fn who_waits_for_a_broker_can_be_stopped_at_once() {
    let way = Proxy::to("127.0.0.1:9");
    way.cut();
    let world = World::on_kafka(&way.address(), 1);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut engine = world.begin_engine(&[]);
        engine.takes(signal);
        engine.signal(signal);
        assert_eq!(engine.wait().code(), Some(0), "{signal}: {}", engine.said());
    }
    let mut engine = world.begin_engine(&[]);
    says(&engine, "not ready yet", 1);
    engine.signal(Signal::SIGTERM);
    assert_eq!(engine.wait().code(), Some(0), "{}", engine.said());
}

fn topics_that_cannot_be_used_are_refused_with_the_command_that_mends_them() {
    let broker = shared();
    let world = World::on_kafka(&broker.address(), 2);
    broker.create_topic(&world.topic("journal"), 2, &[("cleanup.policy", "compact")]);
    broker.create_topic(&world.topic("reports"), 3, &[]);
    broker.create_topic(&world.topic("heartbeats"), 1, &[]);
    let (journal, reports, heartbeats) = (world.topic("journal"), world.topic("reports"), world.topic("heartbeats"));
    let said = up(&world).ended(7);
    let said = said.says(&[
        &format!("topic `{journal}` has cleanup.policy=compact"),
        &format!("--alter --entity-type topics --entity-name {journal} --add-config cleanup.policy=delete"),
        &format!("topic `{reports}` has 3 partitions, and all topics must have 2"),
        "use another `topic_prefix`",
        &format!("--alter --topic {heartbeats} --partitions 2"),
    ]);
    assert!(!said.to_string().contains("engine ready"), "{said}");
}

fn a_data_folder_in_use_is_refused_with_what_to_do() {
    let world = World::on_kafka(&broker::address(), 1);
    let _engine = world.engine();
    let mut other = world.beside("second");
    other.data = world.data.clone();
    let data = world.data.display().to_string();
    up(&other).ended(7).says(&[&data, "in use by another engine", "--data"]);
    assert!(world.is_ready(), "who has it is not disturbed");
}

fn up(world: &World) -> e2e::Said {
    let arguments = world.up_arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    world.run(&arguments)
}
