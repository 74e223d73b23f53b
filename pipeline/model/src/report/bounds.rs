//! The bounds of reports and heartbeats, checked wherever one comes in, with words for who sent it.

use serde::Deserialize;

use super::{
    Case, Cause, End, Heartbeat, Hello, MAX_CASES, MAX_CHECKPOINT_BYTES, MAX_LABELS, MAX_REPORT_BYTES, MAX_SEQ,
    MAX_SLOTS, MAX_TAIL_BYTES, MAX_WORDS_BYTES, Report, ReportKind,
};
use crate::json;

impl Report {
    /// Reads a report of a stranger: JSON, within its bounds.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let report: Self = json::read("report", MAX_REPORT_BYTES, bytes)?;
        report.check().map(|()| report)
    }

    /// Says which bound it breaks, if it breaks one.
    pub fn check(&self) -> Result<(), String> {
        if self.seq == 0 || self.seq > MAX_SEQ {
            return Err("`seq` counts from 1, up to 2^53".to_owned());
        }
        match &self.kind {
            ReportKind::Hello(hello) => check_hello(hello),
            ReportKind::Progress { fraction, note, .. } => match note {
                _ if !(0.0..=1.0).contains(fraction) => Err("`fraction` is 0 to 1".to_owned()),
                Some(note) => at_most(MAX_WORDS_BYTES, note.len(), "bytes of `note`"),
                None => Ok(()),
            },
            ReportKind::Checkpoint { text, .. } => {
                at_most(MAX_CHECKPOINT_BYTES, json::bytes(text), "bytes of checkpoint as JSON text")
            }
            ReportKind::Results { cases, .. } => check_cases(cases),
            ReportKind::Finished { end, .. } => check_end(end),
            ReportKind::Goodbye { why } => at_most(MAX_WORDS_BYTES, why.len(), "bytes of `why`"),
            ReportKind::Accepted { .. } | ReportKind::Refused { .. } | ReportKind::Started { .. } => Ok(()),
        }
    }
}

/// What may stand where beats do.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Said {
    Heartbeat(Heartbeat),
}

impl Heartbeat {
    /// Reads a beat of a stranger: JSON, within its bounds.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let Said::Heartbeat(beat) = json::read("heartbeat", MAX_REPORT_BYTES, bytes)?;
        beat.check().map(|()| beat)
    }

    /// Says which bound it breaks, if it breaks one.
    pub fn check(&self) -> Result<(), String> {
        if self.holds.len() > MAX_SLOTS {
            Err(format!("a node holds at most {MAX_SLOTS} leases"))
        } else if self.closed.as_ref().is_some_and(|why| why.len() > MAX_WORDS_BYTES) {
            Err(format!("`closed` has at most {MAX_WORDS_BYTES} bytes"))
        } else {
            Ok(())
        }
    }
}

fn at_most(most: usize, is: usize, what: &str) -> Result<(), String> {
    if is > most { Err(format!("at most {most} {what}, not {is}")) } else { Ok(()) }
}

fn check_hello(hello: &Hello) -> Result<(), String> {
    let long = |text: &String| text.len() > MAX_WORDS_BYTES;
    if hello.slots == 0 || hello.slots as usize > MAX_SLOTS || hello.holds.len() > MAX_SLOTS {
        Err(format!("a node has 1 to {MAX_SLOTS} slots, and holds no more leases"))
    } else if hello.labels.len() > MAX_LABELS || hello.labels.iter().any(|(key, value)| long(key) || long(value)) {
        Err(format!("a node has at most {MAX_LABELS} labels of at most {MAX_WORDS_BYTES} bytes"))
    } else if long(&hello.zone) {
        Err(format!("`zone` has at most {MAX_WORDS_BYTES} bytes"))
    } else {
        Ok(())
    }
}

fn check_cases(cases: &[Case]) -> Result<(), String> {
    let words = |Case { suite, test, message, .. }: &Case| suite.len().max(test.len()).max(message.len());
    let longest = cases.iter().map(words).max().unwrap_or(0);
    at_most(MAX_CASES, cases.len(), "cases in a report")?;
    at_most(MAX_WORDS_BYTES, longest, "bytes of a case's name or message")
}

fn check_end(end: &End) -> Result<(), String> {
    at_most(MAX_TAIL_BYTES, json::bytes(&end.tail), "bytes of `tail` as JSON text")?;
    at_most(MAX_WORDS_BYTES, end.note.len(), "bytes of `note`")?;
    if end.cause == Cause::Exit && end.exit.is_none() {
        return Err("`exit` is missing: with cause `exit` it is the command's exit code".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHO: &str = r#""pool":"default","node":"n1","boot":"b1""#;
    const OF: &str = r#""seq":5,"lease":"j5.0.4.8121.0""#;

    #[test]
    fn each_bound_of_a_report_is_told() {
        let (long, labels) =
            ("x".repeat(1_025), (0..65).map(|n| format!(r#""l{n}":"""#)).collect::<Vec<_>>().join(","));
        let (tail, escapes) = ("x".repeat(MAX_TAIL_BYTES), r"\u0001".repeat(MAX_TAIL_BYTES / 6 + 1));
        let cases = vec![r#"{"test":"t","result":"passed"}"#; MAX_CASES + 1].join(",");
        let leases = vec![r#""j5.0.4.8121.0""#; MAX_SLOTS + 1].join(",");
        let labels_why = "a node has at most 64 labels of at most 1024 bytes";
        let slots_why = "a node has 1 to 1000 slots, and holds no more leases";
        let table: &[(&str, String, &str)] = &[
            ("accepted", format!(r#"{OF},"attempt":"new fields are ignored""#), ""),
            ("hello", r#""seq":1,"slots":1000,"zone":"a","labels":{"os":"linux"}"#.into(), ""),
            ("finished", format!(r#"{OF},"cause":"timeout""#), ""),
            ("goodbye", format!(r#""seq":{MAX_SEQ}"#), ""),
            ("goodbye", r#""seq":0"#.into(), "`seq` counts from 1, up to 2^53"),
            ("goodbye", format!(r#""seq":{}"#, MAX_SEQ + 1), "`seq` counts from 1, up to 2^53"),
            ("goodbye", format!(r#""seq":1,"why":"{long}""#), "at most 1024 bytes of `why`, not 1025"),
            ("hello", r#""seq":1,"slots":0"#.into(), slots_why),
            ("hello", r#""seq":1,"slots":1001"#.into(), slots_why),
            ("hello", format!(r#""seq":1,"slots":1,"holds":[{leases}]"#), slots_why),
            ("hello", format!(r#""seq":1,"slots":1,"labels":{{{labels}}}"#), labels_why),
            ("hello", format!(r#""seq":1,"slots":1,"labels":{{"{long}":"x"}}"#), labels_why),
            ("hello", format!(r#""seq":1,"slots":1,"labels":{{"x":"{long}"}}"#), labels_why),
            ("hello", format!(r#""seq":1,"slots":1,"zone":"{long}""#), "`zone` has at most 1024 bytes"),
            ("progress", format!(r#"{OF},"fraction":1.5"#), "`fraction` is 0 to 1"),
            ("progress", format!(r#"{OF},"fraction":-0.1"#), "`fraction` is 0 to 1"),
            ("progress", format!(r#"{OF},"fraction":1,"note":"{long}""#), "at most 1024 bytes of `note`, not 1025"),
            (
                "checkpoint",
                format!(r#"{OF},"text":"{}""#, "x".repeat(MAX_CHECKPOINT_BYTES)),
                "at most 65536 bytes of checkpoint as JSON text, not 65538",
            ),
            ("results", format!(r#"{OF},"cases":[{cases}]"#), "at most 100 cases in a report, not 101"),
            (
                "results",
                format!(r#"{OF},"cases":[{{"test":"{long}","result":"failed"}}]"#),
                "at most 1024 bytes of a case's name or message, not 1025",
            ),
            (
                "finished",
                format!(r#"{OF},"cause":"stall","tail":"{tail}""#),
                "at most 32768 bytes of `tail` as JSON text, not 32770",
            ),
            (
                "finished",
                format!(r#"{OF},"cause":"stall","tail":"{escapes}""#),
                "at most 32768 bytes of `tail` as JSON text, not 32774",
            ),
            ("finished", format!(r#"{OF},"cause":"stall","note":"{long}""#), "at most 1024 bytes of `note`, not 1025"),
            (
                "finished",
                format!(r#"{OF},"cause":"exit""#),
                "`exit` is missing: with cause `exit` it is the command's exit code",
            ),
            ("goodbye", format!(r#""seq":1,"x":"{}""#, "x".repeat(MAX_REPORT_BYTES)), "a report has at most 96 KiB"),
        ];
        for (kind, rest, why) in table {
            let line = format!(r#"{{"kind":"{kind}",{WHO},{rest}}}"#);
            let said = Report::read(line.as_bytes()).map_or_else(|why| why, |_| String::new());
            assert_eq!(said, *why, "{line:.80}");
        }
    }

    #[test]
    fn each_bound_of_a_beat_is_told() {
        let leases = vec![r#""j5.0.4.8121.0""#; MAX_SLOTS + 1].join(",");
        let table = [
            (String::new(), ""),
            (format!(r#","holds":[{leases}]"#), "a node holds at most 1000 leases"),
            (format!(r#","closed":"{}""#, "x".repeat(1_025)), "`closed` has at most 1024 bytes"),
            (format!(r#","x":"{}""#, "x".repeat(MAX_REPORT_BYTES)), "a heartbeat has at most 96 KiB"),
        ];
        for (rest, why) in table {
            let line = format!(r#"{{"kind":"heartbeat",{WHO},"beat":1,"up_ms":1,"stored":0{rest}}}"#);
            let said = Heartbeat::read(line.as_bytes()).map_or_else(|why| why, |_| String::new());
            assert_eq!(said, why, "{line:.80}");
        }
    }
}
