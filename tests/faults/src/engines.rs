//! The engines: each with a folder, a port and a state folder of its own; killed, stopped and started again.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use e2e::http::{self, Reply};
use nix::sys::signal::Signal;

use crate::process::Process;
use crate::scene::{LOST, Scene};

/// How long an engine may take to answer what costs it nothing.
const QUICK: Duration = Duration::from_millis(1_500);
/// Entries between two snapshots: so few that many are written, and each life begins from one.
const SNAPSHOT: &str = "150";

/// An engine, up or down.
#[derive(Debug)]
pub struct Engine {
    /// Its number.
    pub index: usize,
    /// How it reaches Kafka.
    pub broker: String,
    /// Its process, while it is up.
    pub process: Option<Process>,
    port: u16,
    prefix: String,
    scene: Scene,
}

impl Engine {
    /// One that is not up yet.
    pub fn new(index: usize, broker: String, prefix: String, scene: Scene) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("there is a free port").port();
        Self { index, broker, process: None, port, prefix, scene }
    }

    /// Starts it, and does not wait for it.
    pub fn start(&mut self, reprise: &PathBuf) -> std::io::Result<()> {
        let folder = self.scene.engine(self.index);
        std::fs::create_dir_all(folder.join("state"))?;
        let config = folder.join("reprise.toml");
        std::fs::write(&config, format!("partitions = 4\n[node]\nlost = \"{}ms\"\n", LOST.0))?;
        let mut command = Command::new(reprise);
        command.current_dir(&folder).env_clear().env("NO_COLOR", "1").env("HOME", &folder);
        command.env("XDG_STATE_HOME", folder.join("state")).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.args(["up", "--data", "data", "--listen", &format!("127.0.0.1:{}", self.port)]);
        command.args(["--kafka", &self.broker, "--topic-prefix", &self.prefix, "--snapshot-entries", SNAPSHOT]);
        command.arg("--config").arg(&config);
        self.process = Some(Process::start(command, &self.scene.words(&format!("engine{}", self.index)))?);
        Ok(())
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.scene.engine(self.index).join("state/reprise").join(format!("{}.sock", self.port))
    }

    /// Partitions that it says it leads; none if it does not answer.
    pub fn leads(&self) -> Option<Vec<u32>> {
        let Reply { status: 200, body } = http::ask(&self.socket(), "GET /metrics", &[], &[], QUICK).ok()? else {
            return None;
        };
        Some(leads(&body))
    }

    /// Whether it takes requests of every pool.
    pub fn is_ready(&self) -> bool {
        http::ask(&self.socket(), "GET /readyz", &[], &[], QUICK).is_ok_and(|reply| reply.status == 200)
    }

    /// Asks it to end, and says how it did.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        let process = self.process.as_mut()?;
        process.signal(Signal::SIGTERM);
        let ended = process.end(Duration::from_secs(20));
        self.process = None;
        ended
    }
}

fn leads(metrics: &str) -> Vec<u32> {
    let lines =
        metrics.lines().filter_map(|line| line.strip_prefix("reprise_leading{partition=\"")?.split_once("\"} "));
    lines.filter(|(_, value)| *value == "1").filter_map(|(partition, _)| partition.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_leads_stands_in_its_numbers() {
        let text = "# TYPE reprise_leading gauge\nreprise_leading{partition=\"0\"} 1\nreprise_leading{partition=\"1\"} 0\n\
                    reprise_leader_epoch{partition=\"1\"} 1\nreprise_leading{partition=\"3\"} 1\n";
        assert_eq!(leads(text), [0, 3]);
    }
}
