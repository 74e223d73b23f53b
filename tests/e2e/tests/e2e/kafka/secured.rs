//! A broker that asks who comes and lets nobody do what nobody granted: what is missing is said with topic, principal and
//! right, and is not waited for in vain.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use broker::{Broker, Options, To};
use e2e::verdict::Verdict;
use e2e::{Running, World, flows};

use super::says;

crate::trials![
    a_right_that_is_missing_is_named_and_taken_up_once_it_is_granted,
    engine_and_agent_come_in_over_tls_with_a_password_from_a_file,
];

/// Within this time an administrator reads what is missing.
const SAID: Duration = Duration::from_secs(10);
const PASSWORD: &str = "correct horse";

/// The one of both tests: they take different users.
fn secured() -> &'static Broker {
    static SECURED: OnceLock<Broker> = OnceLock::new();
    SECURED.get_or_init(|| Broker::start(Options::secured(&[("ada", PASSWORD), ("grace", PASSWORD)])))
}

fn a_right_that_is_missing_is_named_and_taken_up_once_it_is_granted() {
    let broker = secured();
    let world = World::on_kafka_with(&broker.secured_address(), "");
    settle(&world, "ada", "SASL_PLAINTEXT", "");
    let all = |word: &str| broker.allow("ada", &["Read", "Write", "Create"], To::Topic(&world.topic(word)));
    ["requests", "reports", "heartbeats", "commands", "rejects"].iter().for_each(|word| all(word));
    broker.allow("ada", &["Read"], To::Group(&format!("{}reprise", world.prefix())));
    let journal = world.topic("journal");
    broker.allow("ada", &["Read", "Create"], To::Topic(&journal));
    let begun = Instant::now();
    let mut engine = world.begin_engine(&[]);
    says(&engine, &format!("Kafka does not let `User:ada` write topic `{journal}`"), 1);
    println!("a missing right is said after {:?}", begun.elapsed());
    assert!(begun.elapsed() < SAID, "{:?}: {}", begun.elapsed(), engine.said());
    assert!(engine.said().contains(&format!("--operation Write --topic {journal}")), "{}", engine.said());
    assert!(!engine.said().contains(PASSWORD), "{}", engine.said());
    assert_eq!(world.ask("GET", "/readyz", &[], b"").unwrap().status, 503);
    broker.allow("ada", &["Write"], To::Topic(&journal));
    world.ready(&mut engine);
    says(&engine, "engine ready", 1);
    works(&world, &engine);
}

fn engine_and_agent_come_in_over_tls_with_a_password_from_a_file() {
    let broker = secured();
    let world = World::on_kafka_with(&broker.tls_address(), "");
    settle(&world, "grace", "SASL_SSL", &trust(broker.certificate()));
    broker.allow("grace", &["Read", "Write", "Create"], To::Topics(world.prefix()));
    broker.allow("grace", &["Read"], To::Groups(world.prefix()));
    let engine = world.engine();
    works(&world, &engine);
}

/// An agent joins with the same settings, and works.
fn works(world: &World, engine: &Running) {
    let agent = world.agent_on_kafka("k1", 2, &[]);
    let execution = world.submit(&flows::many(world, "secured", 4));
    assert_eq!(world.ended(&execution)["state"], "completed");
    Verdict::of(world).holds(4);
    for said in [engine.said(), agent.said()] {
        assert!(!said.contains(PASSWORD), "{said}");
    }
}

fn trust(certificate: &Path) -> String {
    format!("\"ssl.ca.location\" = \"{}\"\n", certificate.display())
}

/// Writes this world's settings: a user whose password stands in a file.
fn settle(world: &World, user: &str, protocol: &str, more: &str) {
    let password = world.path("password");
    fs::write(&password, format!("{PASSWORD}\n")).unwrap();
    let settings = format!(
        "partitions = 1\n{}[kafka]\n\"security.protocol\" = \"{protocol}\"\n\"sasl.mechanism\" = \"PLAIN\"\n\
         \"sasl.username\" = \"{user}\"\n\"sasl.password.file\" = \"{}\"\n{more}",
        e2e::world::TENTH,
        password.display()
    );
    fs::write(world.path("reprise.toml"), settings).unwrap();
}
