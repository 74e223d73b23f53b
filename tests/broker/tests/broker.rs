//! The broker is real: it keeps what it was given when it is killed, and refuses who has no right.

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

use broker::{Broker, Options, To};

const PRODUCER: &str = "org.apache.kafka.tools.ConsoleProducer";
const CONSUMER: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";

#[test]
fn a_killed_broker_comes_back_with_its_data_and_a_proxy_can_stand_before_it() {
    let mut broker = Broker::start(Options::plain().proxied());
    let topic = format!("{}reports", broker::prefix());
    broker.create_topic(&topic, 2, &[("retention.ms", "-1")]);
    assert!(broker.log_dir().join(format!("{topic}-1")).is_dir());
    succeeded(&broker.tool(PRODUCER, &["--topic", &topic, "--sync"], "one\n"));
    let pid = broker.pid();
    broker.kill();
    broker.restart();
    assert_ne!(broker.pid(), pid);

    let proxy = broker.proxy();
    proxy.delay(Duration::from_millis(100));
    let begun = Instant::now();
    let arguments = ["--topic", &topic, "--from-beginning", "--max-messages", "1", "--timeout-ms", "20000"];
    let read = broker.tool_at(&proxy.address(), CONSUMER, &arguments, "");
    assert_eq!(String::from_utf8_lossy(&read.stdout), "one\n", "{read:?}");
    assert!(begun.elapsed() > Duration::from_secs(1), "its many requests went past the proxy");
}

#[test]
fn a_secured_broker_refuses_who_has_no_right_and_who_has_no_password() {
    let broker = Broker::start(Options::secured(&[("alice", "a-secret"), ("bob", "b-secret")]));
    let topic = format!("{}reports", broker::prefix());
    broker.create_topic(&topic, 1, &[]);
    broker.allow("alice", &["Write", "Describe"], To::Topics(&topic[..3]));
    let clear = broker.secured_address();
    let tls = broker.tls_address();
    succeeded(&produce(&broker, &tls, ("alice", "a-secret"), &topic));
    refused(&produce(&broker, &clear, ("bob", "b-secret"), &topic), "TopicAuthorizationException");
    refused(&produce(&broker, &tls, ("alice", "b-secret"), &topic), "SaslAuthenticationException");
}

/// Produces a message as a user, over TLS if the address is that of TLS.
fn produce(broker: &Broker, address: &str, (user, password): (&str, &str), topic: &str) -> Output {
    let protocol = if address == broker.tls_address() { "SASL_SSL" } else { "SASL_PLAINTEXT" };
    let login = "org.apache.kafka.common.security.plain.PlainLoginModule required";
    let text = format!(
        "security.protocol={protocol}\nsasl.mechanism=PLAIN\nmax.block.ms=20000\n\
         sasl.jaas.config={login} username=\"{user}\" password=\"{password}\";\n\
         ssl.truststore.type=PEM\nssl.truststore.location={}\n",
        broker.certificate().display()
    );
    let file: PathBuf = broker.log_dir().with_file_name("client.properties");
    fs::write(&file, text).expect("a temporary folder can be written to");
    let file = file.display().to_string();
    broker.tool_at(address, PRODUCER, &["--topic", topic, "--sync", "--command-config", &file], "one\n")
}

fn succeeded(output: &Output) {
    assert!(output.status.success() && !said(output).contains("ERROR"), "{}", said(output));
}

fn refused(output: &Output, why: &str) {
    assert!(said(output).contains(why), "{}", said(output));
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
