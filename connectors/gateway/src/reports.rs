//! What nodes send, checked line by line: readable, within its bounds. One bad line does not hold up the others.

use std::collections::BTreeMap;

use model::{Heartbeat, PoolId, Report};
use serde::{Deserialize, Serialize};

/// Most lines of one request.
pub const MAX_LINES: usize = 1_000;
/// Most bytes that are kept of a line that cannot be used, and of the reason: that may repeat the line.
const MAX_KEPT: usize = 1_024;

/// What one request holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Sent {
    /// A beat, alone.
    Beat(Box<Heartbeat>),
    /// A beat, alone, that cannot be used: why.
    BadBeat(String),
    /// Reports.
    Reports(Checked),
    /// More lines than one request may have.
    TooMany,
}

/// Reports, and what cannot be read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checked {
    /// Each as it came, in its order, by pool.
    pub good: BTreeMap<PoolId, Vec<Vec<u8>>>,
    /// The others.
    pub bad: Vec<Rejected>,
}

/// The answer to reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// How many are in the log.
    pub taken: usize,
    /// The others: sending them again changes nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<Rejected>,
}

/// A line that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// From 1.
    pub line: usize,
    /// Why.
    pub reason: String,
    /// The line, cut at 1 KiB: kept with the reason, not sent back.
    #[serde(skip)]
    pub text: String,
}

#[derive(Deserialize)]
struct Peek {
    kind: Option<String>,
}

/// Reads a request's body.
pub fn read(body: &[u8]) -> Sent {
    let lines = || body.split(|byte| *byte == b'\n').zip(1..).filter(|(line, _)| !line.trim_ascii().is_empty());
    if lines().nth(MAX_LINES).is_some() {
        return Sent::TooMany;
    }
    let alone = lines().nth(1).is_none();
    let mut checked = Checked::default();
    for (line, number) in lines() {
        let read = match is_beat(line) {
            true if alone => {
                return Heartbeat::read(line).map_or_else(Sent::BadBeat, |beat| Sent::Beat(Box::new(beat)));
            }
            true => Err("a heartbeat is sent alone: its answer is that of the request".to_owned()),
            false => Report::read(line),
        };
        match read {
            Ok(report) => checked.good.entry(report.pool).or_default().push(line.to_vec()),
            Err(mut reason) => {
                reason.truncate(reason.floor_char_boundary(MAX_KEPT));
                let text = String::from_utf8_lossy(&line[..line.len().min(MAX_KEPT)]).into_owned();
                checked.bad.push(Rejected { line: number, reason, text });
            }
        }
    }
    Sent::Reports(checked)
}

fn is_beat(line: &[u8]) -> bool {
    serde_json::from_slice::<Peek>(line).is_ok_and(|peek| peek.kind.as_deref() == Some("heartbeat"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHO: &str = r#""pool":"default","node":"n1","boot":"b1""#;

    #[test]
    fn each_line_is_taken_or_told_why_not() {
        let lines = [
            (format!(r#"{{"kind":"hello",{WHO},"seq":1,"slots":4}}"#), ""),
            (
                format!(
                    r#"{{"kind":"accepted",{WHO},"seq":2,"lease":"j5.0.4.8121.0","attempt":"new fields are ignored"}}"#
                ),
                "",
            ),
            (
                format!(r#"{{"kind":"progress",{WHO},"seq":3,"lease":"j5.0.4.8121.0","fraction":1.5}}"#),
                "`fraction` is 0 to 1",
            ),
            (format!(r#"{{"kind":"sang",{WHO},"seq":4}}"#), "unknown variant `sang`"),
            (format!(r#"{{"kind":"goodbye",{WHO},"seq":0}}"#), "`seq` counts from 1"),
            (format!(r#"{{"kind":"goodbye",{WHO}}}"#), "missing field `seq`"),
            ("{".to_owned(), "EOF while parsing"),
            (format!(r#"{{"kind":"goodbye",{WHO},"seq":6,"x":{}"#, "[".repeat(200)), "recursion limit exceeded"),
            (format!(r#"{{"kind":"{}",{WHO},"seq":4}}"#, "sang".repeat(5_000)), "unknown variant `sangsang"),
            (format!(r#"{{"kind":"heartbeat",{WHO},"beat":1,"up_ms":1,"stored":0}}"#), "a heartbeat is sent alone"),
        ];
        let body: String = lines.iter().map(|(line, _)| format!("{line}\n\n")).collect();
        let Sent::Reports(checked) = read(body.as_bytes()) else { panic!("reports") };
        let good: Vec<&[u8]> = checked.good.values().flatten().map(Vec::as_slice).collect();
        let taken = lines.iter().filter(|(_, why)| why.is_empty());
        assert_eq!(good, taken.map(|(line, _)| line.as_bytes()).collect::<Vec<_>>(), "as they came");
        let bad: Vec<_> = lines.iter().zip((1..).step_by(2)).filter(|((_, why), _)| !why.is_empty()).collect();
        assert_eq!(checked.bad.len(), bad.len());
        for (rejected, ((line, why), number)) in checked.bad.iter().zip(bad) {
            assert_eq!(rejected.line, number, "{line:.60}");
            assert!(rejected.reason.contains(why), "{line:.60}: {}", rejected.reason);
            assert!(rejected.reason.len() <= MAX_KEPT, "{line:.60}");
        }
    }

    #[test]
    fn a_beat_comes_alone_and_a_request_has_a_bound() {
        let beat =
            format!(r#"{{"kind":"heartbeat",{WHO},"beat":41,"up_ms":812000,"stored":92,"holds":["j5.0.4.8121.0"]}}"#);
        assert!(matches!(read(beat.as_bytes()), Sent::Beat(beat) if beat.beat == 41));
        for (broken, why) in [
            (beat.replace(":41", r#":"x""#), "invalid type"),
            (beat.replace(r#""j5.0.4.8121.0""#, &vec![r#""j5.0.4.8121.0""#; 1_001].join(",")), "at most 1000 leases"),
        ] {
            assert!(matches!(read(broken.as_bytes()), Sent::BadBeat(reason) if reason.contains(why)), "{why}");
        }
        let pool = "default".parse().unwrap();
        let line = format!("{{\"kind\":\"goodbye\",{WHO},\"seq\":1}}\n");
        assert!(
            matches!(read(line.repeat(MAX_LINES).as_bytes()), Sent::Reports(c) if c.good[&pool].len() == MAX_LINES)
        );
        assert_eq!(read(line.repeat(MAX_LINES + 1).as_bytes()), Sent::TooMany);
        assert_eq!(read(b"\n\n"), Sent::Reports(Checked::default()));
    }
}
