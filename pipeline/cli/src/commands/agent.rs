//! `agent`: an execution node on this machine.

use std::path::PathBuf;

use clap::Args;
use model::NodeId;
use model::report::MAX_SLOTS;

use super::alone;
use crate::api;
use crate::args::Globals;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::log;
use crate::screen;
use crate::settings::{self, LogFormat};

/// Takes work of a pool until SIGTERM or Ctrl-C; a second one ends running work at once.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise agent --slots 4 --label os=linux --zone a\n  \
                        reprise agent --kafka kafka:9092 --topic-prefix ci-")]
pub struct Agent {
    /// How much it takes at once; without, one per processor
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_SLOTS as i64))]
    slots: Option<u32>,
    /// What it is; tasks ask for it with `needs.labels`
    #[arg(long = "label", value_name = "K=V", value_parser = label)]
    labels: Vec<(String, String)>,
    /// What fails together with it: a rack, a room
    #[arg(long, value_name = "Z", default_value = "", hide_default_value = true)]
    zone: String,
    /// Its name; without, the host's
    #[arg(long, value_name = "N")]
    name: Option<NodeId>,
    /// Where tasks run that say nothing else
    #[arg(long, value_name = "D", default_value = ".")]
    dir: PathBuf,
    /// Speaks Kafka instead of HTTP, but for what tasks print
    #[arg(long, value_name = "HOST:PORT", env = "REPRISE_KAFKA")]
    kafka: Option<String>,
    /// Stands before the names of Kafka's topics
    #[arg(long, value_name = "P", env = "REPRISE_TOPIC_PREFIX")]
    topic_prefix: Option<String>,
    /// Settings of Kafka: reprise help environment
    #[arg(long, value_name = "FILE", env = "REPRISE_CONFIG")]
    config: Option<PathBuf>,
    /// How its log looks
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    log_format: LogFormat,
}

impl Agent {
    /// Runs until it is told to stop.
    pub fn run(self, globals: &Globals) -> Result<Exit, Failure> {
        log::begin(self.log_format);
        let options = self.options(globals)?;
        alone()?.block_on(async {
            let stop = agent::signals().map_err(|error| Failure::new(Exit::Machine, error.to_string()))?;
            let card = card(&options);
            let joined = |name: &NodeId| screen::line(&format!("node {name} joined {card}"));
            agent::run(options, stop, joined).await.map_err(failed)
        })?;
        Ok(Exit::Done)
    }

    fn options(self, globals: &Globals) -> Result<agent::Options, Failure> {
        let machine =
            |error: std::io::Error| Failure::new(Exit::Machine, format!("this machine cannot run an agent: {error}"));
        let file = self.config.as_deref().map(settings::read).transpose()?.unwrap_or_default();
        let kafka = settings::kafka(self.kafka.as_deref(), self.topic_prefix.as_deref(), &file)?;
        let state = api::state()?;
        let mut options = agent::Options::new(globals.pool.clone(), api::endpoint()?, state).map_err(machine)?;
        let dir = self.dir.display();
        let no_dir = |error| Failure::new(Exit::Usage, format!("--dir {dir}: {error}"));
        options.dir = self.dir.canonicalize().map_err(no_dir)?;
        options.slots = self.slots.unwrap_or(options.slots);
        options.kafka = kafka;
        options.name = self.name;
        options.labels = self.labels.into_iter().collect();
        options.zone = self.zone;
        Ok(options)
    }
}

fn failed(error: agent::Error) -> Failure {
    let exit = match &error {
        agent::Error::Machine(_) => Exit::Machine,
        agent::Error::Options(_) => Exit::Usage,
        agent::Error::NameTaken(_) => Exit::NotNow,
    };
    Failure::new(exit, error.to_string())
}

/// What it is, for people.
fn card(options: &agent::Options) -> String {
    let labels: String = options.labels.iter().map(|(key, value)| format!(", {key}={value}")).collect();
    let zone = if options.zone.is_empty() { String::new() } else { format!(", zone {}", options.zone) };
    format!("pool {}: {} slots{labels}{zone}", options.pool, options.slots)
}

fn label(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty());
    pair.map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(|| "write it as os=linux".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_a_key_and_a_value() {
        assert_eq!(label("os=linux"), Ok(("os".to_owned(), "linux".to_owned())));
        assert_eq!(label("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(label("linux").is_err() && label("=x").is_err() && label("os=").is_err());
    }
}
