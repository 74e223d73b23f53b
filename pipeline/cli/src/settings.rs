//! `reprise.toml`: what `up` and `agent` may be told in a file. A flag goes before the environment, the environment before the file.
//!
//! Unknown keys are refused with what was meant, since a setting that is silently ignored is found out at 3 a.m.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use flow::{Diagnostic, Severity};
use model::{Millis, PoolSettings};
use rows::Table;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::exit::Exit;
use crate::failure::Failure;

mod kafka;

pub use kafka::kafka;

/// What the file says; what it does not say is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// Where the gateway listens.
    pub listen: Option<SocketAddr>,
    /// The data folder.
    pub data: Option<PathBuf>,
    /// The file with the token for TCP.
    pub token_file: Option<PathBuf>,
    /// How the log of the program looks.
    pub log_format: Option<LogFormat>,
    /// From one beat to the next.
    pub beat: Option<Millis>,
    /// Silence after which a node is suspect.
    pub suspect: Option<Millis>,
    /// Silence after which a node is lost.
    pub lost: Option<Millis>,
    /// Which log the engine keeps.
    pub log: Option<LogKind>,
    /// How many partitions Kafka's topics are made with.
    pub partitions: Option<u32>,
    /// Stands before the names of Kafka's topics.
    pub topic_prefix: Option<String>,
    /// Where the journal's tables go.
    pub tables: Option<String>,
    /// How many days each table keeps.
    pub days: BTreeMap<Table, u64>,
    /// librdkafka's keys.
    pub kafka: BTreeMap<String, String>,
}

/// Which log the engine keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogKind {
    /// Its own, in the data folder.
    Embedded,
    /// Topics on a cluster.
    Kafka,
}

/// How the program's own log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// An object a line.
    Json,
}

/// The keys at the top of the file.
const TOP: [&str; 11] = [
    "listen",
    "data",
    "token_file",
    "log_format",
    "log",
    "partitions",
    "topic_prefix",
    "tables",
    "retention",
    "node",
    "kafka",
];
/// The keys under `[node]`.
const NODE: [&str; 3] = ["beat", "suspect", "lost"];

/// Reads a file.
pub fn read(path: &std::path::Path) -> Result<File, Failure> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Exit::Refused, format!("{name} cannot be read: {error}")))?;
    parse(&text).map_err(|mistakes| {
        let printed =
            flow::render(&mistakes, &name, &kafka::masked(&text)).replace(", nothing submitted", ", nothing started");
        Failure::new(Exit::Refused, format!("the settings are refused\n{}", printed.trim_end()))
    })
}

impl File {
    /// The settings of a pool, if the file says anything about them.
    pub fn pool(&self) -> Result<Option<PoolSettings>, Failure> {
        if self.beat.or(self.suspect).or(self.lost).is_none() {
            return Ok(None);
        }
        let mut settings = self.lost.map_or_else(PoolSettings::default, PoolSettings::for_lost);
        settings.beat_ms = self.beat.unwrap_or(settings.beat_ms);
        settings.suspect_ms = self.suspect.unwrap_or(settings.suspect_ms);
        let refused =
            |what: &str| Failure::new(Exit::Refused, format!("the settings under [node] are refused: {what}"));
        settings.check().map_err(refused)?;
        Ok(Some(settings))
    }
}

fn parse(text: &str) -> Result<File, Vec<Diagnostic>> {
    let (mut file, mut mistakes) = (File::default(), Mistakes { text, list: Vec::new() });
    let root = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        vec![diagnostic(text, span, error.message().to_owned(), "TOML looks like `listen = \"127.0.0.1:7717\"`")]
    })?;
    for (key, value) in root.get_ref() {
        match key.get_ref().as_ref() {
            "listen" => {
                file.listen = mistakes.read(value, "write it like \"127.0.0.1:7717\"", |text| text.parse().ok())
            }
            "data" => file.data = mistakes.read(value, "write it like \"./reprise-data\"", path),
            "token_file" => file.token_file = mistakes.read(value, "write it like \"/etc/reprise/token\"", path),
            "log_format" => {
                file.log_format =
                    mistakes.read(value, "write \"text\" or \"json\"", |text| LogFormat::from_str(text, false).ok());
            }
            "log" => {
                file.log =
                    mistakes.read(value, "write \"embedded\" or \"kafka\"", |text| LogKind::from_str(text, false).ok());
            }
            "partitions" => file.partitions = read_partitions(value, &mut mistakes),
            "topic_prefix" => {
                let hint = "write at most 200 of A-Z a-z 0-9 . _ -, as in \"ci-\"";
                file.topic_prefix = mistakes.read(value, hint, |text| kafka::is_prefix(text).then(|| text.to_owned()));
            }
            "tables" => {
                let hint = "write a folder or an address, as in \"s3://bucket/reprise\"";
                file.tables = mistakes.read(value, hint, |text| (!text.is_empty()).then(|| text.to_owned()));
            }
            "retention" => read_retention(value, &mut file, &mut mistakes),
            "node" => read_node(value, &mut file, &mut mistakes),
            "kafka" => kafka::read(value, &mut file, &mut mistakes),
            _ => mistakes.unknown(key, "", &TOP),
        }
    }
    if mistakes.list.is_empty() { Ok(file) } else { Err(mistakes.list) }
}

fn read_node(value: &Spanned<DeValue<'_>>, file: &mut File, mistakes: &mut Mistakes<'_>) {
    let Some(table) = value.get_ref().as_table() else {
        mistakes.add(value.span(), "`node` must be a table".into(), "write `[node]` and below it `lost = \"30s\"`");
        return;
    };
    for (key, value) in table {
        let mut time = || mistakes.read(value, "write it like \"30s\"", |text| flow::time::parse_duration(text).ok());
        match key.get_ref().as_ref() {
            "beat" => file.beat = time(),
            "suspect" => file.suspect = time(),
            "lost" => file.lost = time(),
            _ => mistakes.unknown(key, " under [node]", &NODE),
        }
    }
}

/// How long each table is kept, by its name.
fn read_retention(value: &Spanned<DeValue<'_>>, file: &mut File, mistakes: &mut Mistakes<'_>) {
    let known = Table::ALL.map(Table::name);
    let Some(table) = value.get_ref().as_table() else {
        let hint = "write `[retention]` and below it `events = \"90d\"`";
        mistakes.add(value.span(), "`retention` must be a table".into(), hint);
        return;
    };
    for (key, value) in table {
        let Some(named) = Table::named(key.get_ref()) else {
            mistakes.unknown(key, " under [retention]", &known);
            continue;
        };
        let days = mistakes.read(value, "write whole days, at least one, as in \"90d\"", |text| {
            let days: u64 = text.strip_suffix('d')?.parse().ok()?;
            (1..=36_500).contains(&days).then_some(days)
        });
        file.days.extend(days.map(|days| (named, days)));
    }
}

fn read_partitions(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes<'_>) -> Option<u32> {
    let most = ::kafka::topics::MAX_PARTITIONS;
    let number = value.get_ref().as_integer().filter(|number| number.radix() == 10);
    let count = number.and_then(|number| number.as_str().parse().ok()).filter(|count| (1..=most).contains(count));
    if count.is_none() {
        mistakes.add(value.span(), "this value cannot be".into(), &format!("write a number from 1 to {most}"));
    }
    count
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from_str(text).expect("any text is a path"))
}

struct Mistakes<'a> {
    text: &'a str,
    list: Vec<Diagnostic>,
}

impl Mistakes<'_> {
    fn add(&mut self, span: std::ops::Range<usize>, message: String, hint: &str) {
        self.list.push(diagnostic(self.text, span, message, hint));
    }

    fn read<T>(&mut self, value: &Spanned<DeValue<'_>>, hint: &str, as_value: impl Fn(&str) -> Option<T>) -> Option<T> {
        let read = value.get_ref().as_str().and_then(as_value);
        if read.is_none() {
            self.add(value.span(), "this value cannot be".into(), hint);
        }
        read
    }

    fn unknown(&mut self, key: &Spanned<std::borrow::Cow<'_, str>>, place: &str, known: &[&str]) {
        let word: &str = key.get_ref();
        let near = known.iter().map(|known| (strsim::osa_distance(word, known), known)).min();
        let hint = match near {
            Some((distance, near)) if distance <= 2 => format!("did you mean `{near}`?"),
            Some(_) | None => format!("there are {}", known.join(", ")),
        };
        self.add(key.span(), format!("unknown key `{word}`{place}"), &hint);
    }
}

fn diagnostic(text: &str, span: std::ops::Range<usize>, message: String, hint: &str) -> Diagnostic {
    let before = &text[..span.start.min(text.len())];
    let line = before.matches('\n').count() as u32 + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
    let about = text.get(span).unwrap_or_default().lines().next().unwrap_or_default();
    let width = (about.chars().count() as u32).max(1);
    Diagnostic { severity: Severity::Error, line, column, width, message, hint: hint.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_it_says_and_no_more() {
        let file = parse("listen = \"127.0.0.1:8000\"\nlog_format = \"json\"\n[node]\nlost = \"3s\"\n").unwrap();
        let want = File {
            listen: Some("127.0.0.1:8000".parse().unwrap()),
            log_format: Some(LogFormat::Json),
            lost: Some(Millis(3_000)),
            ..File::default()
        };
        assert_eq!(file, want);
        assert_eq!(file.pool().unwrap(), Some(PoolSettings::for_lost(Millis(3_000))));
        assert_eq!(File::default().pool().unwrap(), None);
    }

    #[test]
    fn settings_that_cannot_be_are_refused() {
        let file = File { beat: Some(Millis(9_000)), ..File::default() };
        assert_eq!(file.pool().unwrap_err().exit, Exit::Refused);
    }

    #[test]
    fn mistakes_are_shown_where_they_stand() {
        let text = "lisen = \"127.0.0.1:8000\"\ndata = 7\n[node]\nlost = \"30\"\nquiet = \"1s\"\n";
        let printed = flow::render(&parse(text).unwrap_err(), "reprise.toml", text);
        insta::assert_snapshot!(printed, @r#"
        reprise.toml:2:8: error: this value cannot be
            2 | data = 7
              |        ^ write it like "./reprise-data"
        reprise.toml:1:1: error: unknown key `lisen`
            1 | lisen = "127.0.0.1:8000"
              | ^^^^^ did you mean `listen`?
        reprise.toml:4:8: error: this value cannot be
            4 | lost = "30"
              |        ^^^^ write it like "30s"
        reprise.toml:5:1: error: unknown key `quiet` under [node]
            5 | quiet = "1s"
              | ^^^^^ there are beat, suspect, lost
        4 errors in reprise.toml, nothing submitted
        "#);
    }

    #[test]
    fn what_is_no_toml_is_said_at_its_line() {
        let mistakes = parse("listen = \n").unwrap_err();
        assert_eq!((mistakes.len(), mistakes[0].line), (1, 1));
    }
}
