//! The broker is real: it keeps what it was given when it is killed, and refuses who has no right.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use broker::{Broker, Options, To};

/// Set for the process that is to start a broker and be killed.
const CHILD: &str = "BROKER_CHILD";
const PRODUCER: &str = "org.apache.kafka.tools.ConsoleProducer";
const CONSUMER: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";

#[test]
fn a_killed_broker_comes_back_with_its_data_and_a_proxy_can_stand_before_it() {
    let mut broker = Broker::start(Options::plain().proxied());
    let topic = format!("{}reports", broker::prefix());
    broker.create_topic(&topic, 2, &[("retention.ms", "-1")]);
    succeeded(&broker.tool(PRODUCER, &["--topic", &topic, "--sync"], "one\n"));
    let pid = broker.pid();
    broker.kill();
    broker.restart();
    assert_ne!(broker.pid(), pid);
    assert!(broker.log_dir().join(format!("{topic}-1")).is_dir());

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

#[test]
fn a_shared_broker_and_its_folder_end_with_the_process_that_started_it() {
    const NAME: &str = "a_shared_broker_and_its_folder_end_with_the_process_that_started_it";
    if std::env::var_os(CHILD).is_some() {
        let broker = Broker::shared();
        println!("\nbroker {} {}", broker.pid(), broker.log_dir().display());
        loop {
            sleep(Duration::from_secs(60));
        }
    }
    let mut command = Command::new(std::env::current_exe().expect("a test is a program"));
    command.args(["--exact", NAME, "--nocapture"]).env(CHILD, "1").stdout(Stdio::piped());
    let mut child = command.spawn().expect("a test can be started");
    let lines = BufReader::new(child.stdout.take().expect("its output is a pipe")).lines();
    let line = lines.map_while(Result::ok).find(|line| line.starts_with("broker ")).expect("the broker starts");
    child.kill().expect("it runs");
    child.wait().expect("a child can be waited for");

    let [_, pid, folder] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
    let begun = Instant::now();
    while alive(pid) || PathBuf::from(folder).parent().is_some_and(Path::exists) {
        assert!(begun.elapsed() < Duration::from_secs(20), "left behind: {line}");
        sleep(Duration::from_millis(20));
    }
}

/// Whether a process runs; one that nobody waited for yet does not.
fn alive(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
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
