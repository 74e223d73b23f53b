//! The broker dies under engines and nodes that work, and comes back: that is said, nobody is blamed for it, and nothing
//! is lost or done twice.

use std::fs;
use std::time::{Duration, Instant};

use broker::{Broker, Options};
use e2e::verdict::Verdict;
use e2e::{World, flows, wait};

use super::says;

crate::trials![a_broker_that_is_away_for_longer_than_a_node_may_be_costs_nothing];

/// A node is lost after six seconds here: what connects anew on a busy machine has three before it is suspected.
const SETTINGS: &str = "partitions = 1\n[node]\nlost = \"6s\"\n";
/// How long the broker is away: twice that.
const AWAY: Duration = Duration::from_secs(12);

fn a_broker_that_is_away_for_longer_than_a_node_may_be_costs_nothing() {
    let mut broker = Broker::start(Options::plain());
    let first = World::on_kafka_with(&broker.address(), SETTINGS);
    let one = first.engine();
    let second = first.beside("second");
    let two = second.engine();
    says(&two, "engine ready", 1);
    let _agents = [first.agent_on_kafka("k1", 2, &[]), second.agent("http", 2, &[])];
    first.nodes_ready(2);
    let held = first.submit(&flows::alike(&first, "held", 4, "while [ ! -e go ]; do sleep 0.05; done"));
    wait::for_it("all of it runs", || first.execution(&held).is_some_and(|view| view["tasks"]["running"] == 4));
    let behind = second.submit(&flows::many(&first, "behind", 10));

    let begun = Instant::now();
    broker.kill();
    for (seat, engine) in [(&first, &one), (&second, &two)] {
        says(engine, "not ready: ", 1);
        let reply = seat.ask("GET", "/readyz", &[], b"").unwrap();
        assert_eq!(reply.status, 503, "{reply:?}");
        assert!(reply.body.contains("broker"), "{reply:?}");
        wait::for_it("the numbers say so", || {
            let numbers = seat.ask("GET", "/metrics", &[], b"").unwrap().body;
            let wanted = [r#"reprise_led{partition="0"} 0"#, "reprise_log_brokers_up 0"];
            wanted.iter().all(|wanted| numbers.lines().any(|line| line == *wanted))
        });
    }
    // Work ends meanwhile, which nobody can hear.
    fs::write(first.path("go"), "").unwrap();
    wait::for_it("the broker is away for long enough", || AWAY <= begun.elapsed());
    broker.restart();
    let back = Instant::now();
    for (seat, engine) in [(&first, &one), (&second, &two)] {
        says(engine, "ready again", 1);
        wait::for_it("it is ready", || seat.is_ready());
        assert_eq!(engine.said().matches("ready again").count(), 1, "{}", engine.said());
    }
    println!("ready again {:?} after the broker was", back.elapsed());
    for execution in [&held, &behind] {
        assert_eq!(second.ended(execution)["state"], "completed");
    }
    let after = second.submit(&flows::many(&first, "after", 4));
    assert_eq!(second.ended(&after)["state"], "completed");
    let verdict = Verdict::of(&first);
    verdict.holds(18);
    let blamed = ["node_suspected", "node_lost", "failure_classified"].map(|kind| verdict.count(kind));
    assert_eq!(blamed, [0, 0, 0], "nodes suspected, nodes lost, failures");
    // Starts that were on their way may come too late and again; what had begun is never begun again.
    assert_eq!(verdict.ledger.iter().filter(|[word, ..]| word == "began").count(), 18);
}
