//! The demo's topics on Kafka: it takes none that are in use, and those whose names it made up are gone at its end.

use std::ops::Range;
use std::thread::sleep;
use std::time::{Duration, Instant};

use kafka::{KafkaLog, Settings, topics};
use protocol::log::{Log, Stream, Topic};

use crate::api::fresh_key;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::{self, File};

/// How many digits tell one demo's topics from another's.
const DIGITS: usize = 8;
/// How long Kafka may take to say what fresh topics hold, and how often it is asked.
const SLOW: Duration = Duration::from_secs(15);
const AGAIN: Duration = Duration::from_millis(200);

/// Where the engines have their log.
#[derive(Debug, Clone)]
pub struct Topics {
    settings: Settings,
    ours: bool,
}

impl Topics {
    /// Makes what is missing, with names that begin as somebody said, or as nobody else's do.
    pub fn make(brokers: &str, prefix: Option<&str>) -> Result<Self, Failure> {
        let own = format!("reprise-demo-{}-", &fresh_key()?.as_str()[..DIGITS]);
        let settings = settings::kafka(Some(brokers), Some(prefix.unwrap_or(&own)), &File::default())?;
        let settings =
            settings.ok_or_else(|| Failure::new(Exit::Usage, "--kafka needs the address of a broker, HOST:PORT"))?;
        let partitions = topics::ensure(&settings, None).map_err(|wrong| machine(wrong.to_string()))?;
        let topics = Self { settings, ours: prefix.is_none() };
        match topics.check_unused(partitions) {
            Ok(()) => Ok(topics),
            Err(failure) => Err(topics.unused(failure)),
        }
    }

    /// An engine that is killed for show must not be one that others wait for.
    fn check_unused(&self, partitions: u32) -> Result<(), Failure> {
        let log = KafkaLog::open(&self.settings, partitions, kafka::Options::default()).map_err(machine)?;
        for partition in 0..partitions {
            let journal = Stream { topic: Topic::Journal, partition };
            let range = range(&log, journal)?;
            if 0 < range.end {
                let name = self.settings.topic(Topic::Journal);
                let why = format!(
                    "topic `{name}` holds a journal already, and the demo kills engines: give it a --topic-prefix of its \
                     own, or none"
                );
                return Err(Failure::new(Exit::NotNow, why));
            }
        }
        Ok(())
    }

    /// The arguments that lead engines and agents to them.
    pub fn arguments(&self) -> Vec<String> {
        ["--kafka", self.brokers(), "--topic-prefix", self.prefix()].map(str::to_owned).into()
    }

    /// Where Kafka is.
    pub fn brokers(&self) -> &str {
        &self.settings.brokers
    }

    /// How their names begin.
    pub fn prefix(&self) -> &str {
        &self.settings.prefix
    }

    /// Deletes them if their names are ours; says what is left, if anything is.
    pub fn end(self, kept: bool) -> Option<String> {
        let (brokers, prefix) = (self.brokers(), self.prefix());
        let left = format!("topics {prefix}* are left on Kafka at {brokers}");
        match kept || !self.ours {
            true => Some(left),
            false => topics::delete(&self.settings).err().map(|wrong| format!("{left}: {wrong}")),
        }
    }

    /// Deletes them if their names are ours, since the demo has failed before anything was put into them.
    pub fn unused(self, failure: Failure) -> Failure {
        match self.ours.then(|| self.end(false)).flatten() {
            Some(left) => Failure::new(failure.exit, format!("{failure}; {left}")),
            None => failure,
        }
    }
}

/// What a journal holds. A broker of fresh topics, or on a busy machine, may take its time to say.
fn range(log: &KafkaLog, journal: Stream) -> Result<Range<u64>, Failure> {
    let since = Instant::now();
    loop {
        match log.range(journal) {
            Ok(range) => return Ok(range),
            Err(_) if since.elapsed() < SLOW => sleep(AGAIN),
            Err(error) => return Err(machine(error.to_string())),
        }
    }
}

fn machine(why: String) -> Failure {
    Failure::new(Exit::Machine, why)
}
