//! The broker: its folder and ports, which stay, and its process, which comes and goes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::certificate::Certificate;
use crate::java;
use crate::options::Options;
use crate::port::Ports;
use crate::properties;
use crate::proxy::Proxy;
use crate::run::Run;

/// How often other ports are chosen, since somebody took one.
const CHOICES: usize = 5;
/// The cluster's id; any 16 bytes do.
const CLUSTER: &str = "UmVwcmlzZS1icm9rZXItMQ";

/// A broker of one node. Dropped, it is killed, and its folder is gone; so it is when the process of the test ends.
#[derive(Debug)]
pub struct Broker {
    // Before the folder, which is removed when nobody writes to it any more.
    run: Option<Run>,
    ports: Ports,
    options: Options,
    certificate: Option<Certificate>,
    folder: TempDir,
}

impl Broker {
    /// Starts a broker in a fresh folder, on free ports of 127.0.0.1, and waits until it takes requests.
    pub fn start(options: Options) -> Self {
        let mut why = String::new();
        for _ in 0..CHOICES {
            let mut broker = Self::prepare(options.clone());
            match broker.begin() {
                Ok(()) => return broker,
                Err(said) if said.contains("Address already in use") => why = said,
                Err(said) => panic!("{said}"),
            }
        }
        panic!("no port stays free: {why}");
    }

    /// One plain broker for the whole process, which ends with it. For tests that do it no harm, each with topics of
    /// its own [prefix](crate::prefix).
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Options::plain()))
    }

    /// The broker that somebody brought (`REPRISE_TEST_KAFKA`, a host and port), for tests that can do with any plain
    /// one. Tests that kill, freeze or secure a broker start their own regardless.
    pub fn given() -> Option<String> {
        std::env::var("REPRISE_TEST_KAFKA").ok().filter(|address| !address.is_empty())
    }

    /// Where it listens for anybody.
    pub fn address(&self) -> String {
        at(self.ports.plain)
    }

    /// Where it listens for users with passwords in the clear (`SASL_PLAINTEXT`, mechanism `PLAIN`).
    pub fn secured_address(&self) -> String {
        assert!(self.options.secured, "this broker is not secured");
        at(self.ports.secured)
    }

    /// Where it listens for users with passwords over TLS (`SASL_SSL`, mechanism `PLAIN`).
    pub fn tls_address(&self) -> String {
        assert!(self.options.secured, "this broker is not secured");
        at(self.ports.tls)
    }

    /// The certificate that it shows there, as PEM, for clients to trust.
    pub fn certificate(&self) -> &Path {
        &self.certificate.as_ref().expect("this broker is not secured").pem
    }

    /// Opens the proxy that it advertises. One at a time: it has one port.
    pub fn proxy(&self) -> Proxy {
        assert!(self.options.proxied, "this broker is not proxied");
        Proxy::at(self.ports.proxy, &at(self.ports.behind_proxy))
    }

    /// Kills it, as a power cut would, but for what the kernel holds for the disk.
    pub fn kill(&mut self) {
        self.run = None;
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(&mut self) {
        if let Some(run) = self.run.take() {
            run.stop();
        }
    }

    /// Starts it again, with the same folder and ports, and waits until it takes requests. Killed before, if it runs.
    pub fn restart(&mut self) {
        self.kill();
        self.begin().unwrap_or_else(|said| panic!("{said}"));
    }

    /// Stops it in its tracks: connections stay, and nothing comes back.
    pub fn freeze(&self) {
        self.running().signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.running().signal(Signal::SIGCONT);
    }

    /// The number of its process.
    pub fn pid(&self) -> Pid {
        self.running().pid()
    }

    /// Where its data are: a folder for each partition, such as `reports-0`.
    pub fn log_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// All that it said, over all its runs.
    pub fn said(&self) -> String {
        fs::read_to_string(self.words()).unwrap_or_default()
    }

    /// A folder with settings and an empty log in it, and nobody at work there.
    fn prepare(options: Options) -> Self {
        let folder = tempfile::Builder::new().prefix("broker").tempdir().expect("a temporary folder can be made");
        let certificate = options.secured.then(|| Certificate::make(folder.path()));
        let broker = Self { run: None, ports: Ports::choose(), options, certificate, folder };
        let text = properties::of(&broker.options, broker.ports, &broker.log_dir(), broker.certificate.as_ref());
        fs::write(broker.properties(), text).expect("a temporary folder can be written to");
        let mut format = java::command("kafka.tools.StorageTool", "warn");
        format.args(["format", "--standalone", "-t", CLUSTER, "-c"]).arg(broker.properties());
        java::finish(&mut format, "");
        broker
    }

    fn begin(&mut self) -> Result<(), String> {
        let mut command = java::command("kafka.Kafka", "info");
        command.arg(self.properties());
        self.run = Some(Run::start(command, self.folder.path(), &self.words())?);
        Ok(())
    }

    fn running(&self) -> &Run {
        self.run.as_ref().expect("the broker runs")
    }

    fn properties(&self) -> PathBuf {
        self.folder.path().join("server.properties")
    }

    fn words(&self) -> PathBuf {
        self.folder.path().join("broker.log")
    }
}

fn at(port: u16) -> String {
    format!("127.0.0.1:{port}")
}
