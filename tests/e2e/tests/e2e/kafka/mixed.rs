//! Engines beside each other, and nodes of every make at any of them: each answers for all.

use std::fs;

use e2e::verdict::Verdict;
use e2e::{World, flows, wait};
use serde_json::{Value, json};

use super::python_node;

crate::trials![
    nodes_of_all_makes_share_a_pool_whichever_engine_they_speak_to,
    every_pool_is_answered_at_every_engine,
    kcat_reads_every_topic_as_lines_of_json,
    a_large_flow_is_taken_in_by_an_engine_that_does_not_lead,
];

/// Tasks of a flow that goes in by many parts.
const LARGE: usize = 5_000;

fn nodes_of_all_makes_share_a_pool_whichever_engine_they_speak_to() {
    // With the usual times: no test of how quickly a node in Python beats.
    let leader = World::on_kafka_with(&broker::address(), "partitions = 1\n");
    let _first = leader.engine();
    let follower = leader.beside("second");
    let _second = follower.engine();
    assert!(leader.leads() && !follower.leads(), "who comes second waits");
    let _nodes = [
        leader.agent_on_kafka("k1", 1, &[]),
        leader.agent_on_kafka("k2", 1, &[]),
        leader.agent("http-leader", 1, &[]),
        follower.agent("http-follower", 1, &[]),
        python_node(&leader, "python"),
    ];
    for seat in [&leader, &follower] {
        seat.nodes_ready(5);
    }
    // As many tasks as slots, each of which waits for all others.
    let execution = follower.submit(&flows::alike(&leader, "all", 6, "while [ ! -e go ]; do sleep 0.05; done"));
    wait::for_it("the other engine has read of it", || leader.knows(&execution));
    wait::for_it("all slots are taken", || {
        leader.execution(&execution).is_some_and(|view| view["tasks"]["running"] == 6)
    });
    fs::write(leader.path("go"), "").unwrap();
    assert_eq!(follower.ended(&execution)["state"], "completed");
    let more = leader.submit(&flows::mixed(&leader));
    assert_eq!(leader.ended(&more)["state"], "completed");
    for seat in [&leader, &follower] {
        let verdict = Verdict::of(seat);
        verdict.holds(16);
        for node in ["k1", "k2", "http-leader", "http-follower", "python"] {
            let ran = verdict.events("attempt_ended").filter(|end| end["node"] == node && end["outcome"] == "passed");
            assert!(0 < ran.count(), "{node} ran nothing");
        }
        assert_eq!([verdict.count("node_lost"), verdict.count("failure_classified")], [0, 0]);
    }
}

fn every_pool_is_answered_at_every_engine() {
    let first = World::on_kafka(&broker::address(), 4);
    let _one = first.engine();
    let second = first.beside("second");
    let _two = second.engine();
    let pools = ["default", "blue", "red", "green"];
    let pool_leads = |seat: &World, pool: &str| seat.get(&format!("/v1/pool?pool={pool}"))["leader"]["here"] == true;
    let _nodes: Vec<_> =
        pools.iter().map(|pool| second.agent_on_kafka(&format!("of-{pool}"), 1, &["--pool", pool])).collect();
    // The group spreads the partitions over both.
    wait::for_it("each of the two leads some of the pools, and each pool is led once", || {
        let leads = |seat: &World| pools.map(|pool| pool_leads(seat, pool));
        let (one, two) = (leads(&first), leads(&second));
        one.contains(&true) && two.contains(&true) && (0..4).all(|n| one[n] != two[n])
    });
    let flow = json!({ "flow": "short", "tasks": { "only": { "run": "echo hello" } } });
    fs::write(first.path("short.yaml"), flow.to_string()).unwrap();
    for (n, pool) in pools.iter().enumerate() {
        let (here, there) = if n % 2 == 0 { (&first, &second) } else { (&second, &first) };
        here.run(&["--pool", pool, "run", "short.yaml"]).ended(0);
        let node = format!("of-{pool}");
        for seat in [here, there] {
            let status = seat.run(&["--pool", pool, "status"]).ended(0).says(&["short", "1 ready"]);
            let led = if pool_leads(seat, pool) { "leader here" } else { "led by another instance" };
            let head = status.out.lines().next().unwrap();
            assert!(head.contains(led) && head.contains(&format!("pool {pool}: ")), "{head}");
            seat.run(&["--pool", pool, "why", "short-1/only"]).ended(0).says(&[&node]);
            seat.run(&["--pool", pool, "logs", "short-1/only"]).ended(0);
            seat.run(&["--pool", pool, "journal", "--kind", "node_joined"]).ended(0).says(&[&node]);
        }
    }
}

fn kcat_reads_every_topic_as_lines_of_json() {
    let world = World::on_kafka(&broker::address(), 1);
    let _engine = world.engine();
    let _agent = world.agent_on_kafka("k1", 2, &[]);
    let execution = world.submit(&flows::many(&world, "short", 3));
    assert_eq!(world.ended(&execution)["state"], "completed");
    let kcat = world.kcat();
    kcat.append("reports", 0, Some("default"), Some(b"not for you"));
    wait::for_it("it is rejected", || !kcat.lines("rejects").is_empty());
    let expected = [
        ("requests", "submit"),
        ("reports", "hello"),
        ("reports", "finished"),
        ("heartbeats", "heartbeat"),
        ("journal", "attempt_dispatched"),
        ("commands", "start"),
        ("commands", "renew"),
        ("rejects", "reason"),
    ];
    for (topic, word) in expected {
        let lines = kcat.lines(topic);
        assert!(lines.iter().any(|line| line.contains(word)), "no {word} in {topic}: {lines:#?}");
        for line in lines.iter().filter(|line| *line != "not for you") {
            let read: Result<Value, _> = serde_json::from_str(line);
            assert!(read.is_ok_and(|value| value.is_object()), "{topic}: {line}");
        }
    }
}

fn a_large_flow_is_taken_in_by_an_engine_that_does_not_lead() {
    let leader = World::on_kafka(&broker::address(), 1);
    let _first = leader.engine();
    let follower = leader.beside("second");
    let _second = follower.engine();
    let tasks = (0..LARGE).map(|n| {
        let after = if n == 0 { Vec::new() } else { vec![format!("t{}", n / 2)] };
        (format!("t{n}"), json!({ "run": format!("echo {n} {}", "x".repeat(200)), "after": after }))
    });
    let flow = flows::flow("large", Value::Object(tasks.collect()));
    assert!(!follower.leads());
    let execution = follower.submit(&flow);
    let parts = leader.kcat().lines("requests").len();
    assert!(1 < parts, "it went in by one part");
    for seat in [&follower, &leader] {
        wait::for_it("it is known here", || seat.knows(&execution));
        let view = seat.execution(&execution).expect("it is known");
        assert_eq!(view["tasks"]["total"], LARGE, "{view:#}");
        seat.run(&["why", "large-1/t1"]).ended(0);
    }
    follower.run(&["cancel", &execution]).ended(0);
    wait::for_it("it is cancelled", || leader.execution(&execution).is_some_and(|view| view["state"] == "cancelled"));
}
