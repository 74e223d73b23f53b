//! The broker's settings: one node that is its own controller, quick to start, to delete and to end.

use std::fmt::Write;
use std::path::Path;

use crate::certificate::{Certificate, PASSWORD};
use crate::options::Options;
use crate::port::Ports;

/// What does not depend on anything.
const FIXED: &str = "\
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,SECURED:SASL_PLAINTEXT,TLS:SASL_SSL
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
log.initial.task.delay.ms=500
log.retention.check.interval.ms=1000
log.segment.delete.delay.ms=1000
log.cleaner.backoff.ms=1000
log.cleaner.dedupe.buffer.size=8388608
num.network.threads=2
num.io.threads=4
background.threads=2
";

/// The text of `server.properties`.
pub fn of(options: &Options, ports: Ports, log_dir: &Path, certificate: Option<&Certificate>) -> String {
    let Ports { plain, controller, secured, tls, behind_proxy, proxy } = ports;
    let mut listen = format!("PLAINTEXT://127.0.0.1:{plain}");
    let mut advertise = listen.clone();
    if options.proxied {
        listen += &format!(",PROXIED://127.0.0.1:{behind_proxy}");
        advertise += &format!(",PROXIED://127.0.0.1:{proxy}");
    }
    if options.secured {
        let both = format!(",SECURED://127.0.0.1:{secured},TLS://127.0.0.1:{tls}");
        listen += &both;
        advertise += &both;
    }
    let mut text = FIXED.to_owned();
    text += &format!("controller.quorum.bootstrap.servers=127.0.0.1:{controller}\n");
    text += &format!("listeners={listen},CONTROLLER://127.0.0.1:{controller}\n");
    text += &format!("advertised.listeners={advertise}\n");
    text += &format!("log.dirs={}\n", log_dir.display());
    if let Some(certificate) = certificate {
        text += &security(&options.users, certificate);
    }
    for (key, value) in &options.settings {
        text += &format!("{key}={value}\n");
    }
    text
}

/// Who the users are, how they show it, and that they may do nothing unless a rule says so.
fn security(users: &[(String, String)], certificate: &Certificate) -> String {
    let mut login = "org.apache.kafka.common.security.plain.PlainLoginModule required".to_owned();
    for (name, password) in users {
        write!(login, " user_{name}=\"{password}\"").expect("a string takes any text");
    }
    format!(
        "\
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
allow.everyone.if.no.acl.found=false
sasl.enabled.mechanisms=PLAIN
listener.name.secured.plain.sasl.jaas.config={login};
listener.name.tls.plain.sasl.jaas.config={login};
ssl.keystore.type=PKCS12
ssl.keystore.location={}
ssl.keystore.password={PASSWORD}
",
        certificate.store.display()
    )
}
