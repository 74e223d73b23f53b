//! Kafka's topics as anybody sees them who has no more than `kcat`.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Ends a record that is written: no value has it.
const END: &str = "\u{1}\u{2}\u{3}";
/// Ends its key. kcat sends an empty value only behind one.
const KEY_END: &str = "\u{4}\u{5}\u{6}";

/// A reader and writer of an installation's topics that knows nothing of Reprise.
#[derive(Debug, Clone)]
pub struct Kcat {
    brokers: String,
    prefix: String,
}

/// A record.
#[derive(Debug, Clone)]
pub struct Record {
    /// In which partition it stands.
    pub partition: u64,
    /// Where in it.
    pub offset: u64,
    /// The wall clock, in milliseconds: the broker's, where that is what the topic keeps.
    pub at_ms: u64,
    /// What the header `reprise` says, if it has one.
    pub header: Value,
    /// What it says.
    pub value: Value,
}

impl Kcat {
    /// One for the topics with this prefix.
    pub fn new(brokers: &str, prefix: &str) -> Self {
        Self { brokers: brokers.to_owned(), prefix: prefix.to_owned() }
    }

    /// All records of a topic, as JSON lines: what a person gets who types this.
    pub fn lines(&self, topic: &str) -> Vec<String> {
        let said = text(&self.run(&["-C", "-e"], topic, b""));
        said.lines().map(str::to_owned).collect()
    }

    /// All records of a topic whose values are JSON, with what is known about each.
    pub fn records(&self, topic: &str) -> Vec<Record> {
        text(&self.run(&["-C", "-e", "-J"], topic, b"")).lines().map(record).collect()
    }

    /// The values of all records of a topic as they are, by partition and offset; one that is null is empty here.
    pub fn values(&self, topic: &str) -> BTreeMap<(u64, u64), Vec<u8>> {
        let said = self.run(&["-C", "-e", "-f", "%p %o %S\\n%s"], topic, b"");
        let (mut values, mut rest) = (BTreeMap::new(), said.as_slice());
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let head = String::from_utf8_lossy(&rest[..end]);
            let numbers: Vec<i64> = head.split(' ').map(|word| word.parse().expect("a number")).collect();
            let [partition, offset, size] = numbers[..] else { panic!("not three numbers: {head}") };
            let at = |number: i64| u64::try_from(number).expect("a place");
            let (value, others) = rest[end + 1..].split_at(usize::try_from(size).unwrap_or(0));
            values.insert((at(partition), at(offset)), value.to_vec());
            rest = others;
        }
        values
    }

    /// Appends a record to a partition of a topic, with or without a key; no value is a null one.
    pub fn append(&self, topic: &str, partition: u32, key: Option<&str>, value: Option<&[u8]>) {
        let partition = partition.to_string();
        let mut arguments = vec!["-P", "-D", END, "-p", &partition];
        arguments.extend(key.map_or(&[][..], |_| &["-K", KEY_END][..]));
        arguments.extend(value.map_or(&["-Z"][..], |_| &[]));
        let key = key.map(|key| format!("{key}{KEY_END}")).unwrap_or_default();
        self.run(&arguments, topic, &[key.as_bytes(), value.unwrap_or_default(), END.as_bytes()].concat());
    }

    fn run(&self, arguments: &[&str], topic: &str, input: &[u8]) -> Vec<u8> {
        let topic = format!("{}{topic}", self.prefix);
        let mut command = Command::new("kcat");
        command.args(["-q", "-b", &self.brokers, "-t", &topic]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("kcat: {error}; `./dev test tools` brings it"));
        let mut stdin = child.stdin.take().expect("its input is a pipe");
        let _ = stdin.write_all(input); // who does not read it says why
        drop(stdin);
        let output = child.wait_with_output().expect("a child can be waited for");
        assert!(output.status.success(), "{command:?}: {output:?}");
        output.stdout
    }
}

fn text(said: &[u8]) -> String {
    String::from_utf8_lossy(said).into_owned()
}

/// Reads kcat's envelope of a record.
fn record(line: &str) -> Record {
    let read = |text: &str| serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON ({error}): {text}"));
    let envelope: Value = read(line);
    let number = |name: &str| envelope[name].as_u64().unwrap_or_else(|| panic!("no {name} in {line}"));
    let headers = envelope["headers"].as_array().cloned().unwrap_or_default();
    let ours = headers.windows(2).find(|pair| pair[0] == "reprise").and_then(|pair| pair[1].as_str());
    Record {
        partition: number("partition"),
        offset: number("offset"),
        at_ms: number("ts"),
        header: ours.map_or(Value::Null, read),
        value: envelope["payload"].as_str().map_or(Value::Null, read),
    }
}
