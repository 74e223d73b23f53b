//! An outcome as reports: results in portions, then `finished`, each within the bounds of the wire.

use model::report::{Case, MAX_CASES, MAX_CHECKPOINT_BYTES, MAX_TAIL_BYTES};
use model::{LeaseId, ReportKind};

use crate::attempt::Outcome;

/// The longest name, note or message, in bytes.
pub const MAX_WORDS: usize = 1_024;
/// Most bytes of cases in one report, as JSON; the rest of the report has room above it.
const MAX_CASES_BYTES: usize = 80 * 1024;
/// Most cases of an attempt.
const MAX_ALL_CASES: usize = 10_000;

/// What is reported of an end: `results`, if there are any, a checkpoint that was not reported before, and `finished`
/// last.
pub fn reports(lease: LeaseId, outcome: Outcome) -> Vec<ReportKind> {
    let mut kinds = Vec::new();
    let (mut cases, mut bytes) = (Vec::new(), 0);
    for case in outcome.cases.into_iter().take(MAX_ALL_CASES).map(within_bounds) {
        let length = serde_json::to_vec(&case).map_or(0, |json| json.len() + 1);
        if cases.len() == MAX_CASES || MAX_CASES_BYTES < bytes + length {
            kinds.push(ReportKind::Results { lease, cases: std::mem::take(&mut cases) });
            bytes = 0;
        }
        bytes += length;
        cases.push(case);
    }
    if !cases.is_empty() {
        kinds.push(ReportKind::Results { lease, cases });
    }
    if let Some(text) = outcome.checkpoint.filter(|text| json_bytes(text) <= MAX_CHECKPOINT_BYTES) {
        kinds.push(ReportKind::Checkpoint { lease, text });
    }
    let mut end = outcome.end;
    end.tail = last(&end.tail, MAX_TAIL_BYTES).to_owned();
    end.note = cut(&end.note, MAX_WORDS).to_owned();
    kinds.push(ReportKind::Finished { lease, end });
    kinds
}

/// The beginning of a text, at most so many bytes.
pub fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// How long a text is as JSON, with its quotes.
pub fn json_bytes(text: &str) -> usize {
    2 + text.chars().map(json_length).sum::<usize>()
}

/// The end of a text, at most so many bytes of JSON.
fn last(text: &str, bytes: usize) -> &str {
    let mut room = bytes.saturating_sub(2);
    for (at, char) in text.char_indices().rev() {
        match room.checked_sub(json_length(char)) {
            Some(rest) => room = rest,
            None => return &text[at + char.len_utf8()..],
        }
    }
    text
}

fn json_length(char: char) -> usize {
    match char {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..'\u{20}' => 6,
        _ => char.len_utf8(),
    }
}

fn within_bounds(case: Case) -> Case {
    let short = |text: String| if text.len() <= MAX_WORDS { text } else { cut(&text, MAX_WORDS).to_owned() };
    Case { suite: short(case.suite), test: short(case.test), message: short(case.message), ..case }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charge::without_word;
    use model::report::{CaseResult, Cause, MAX_REPORT_BYTES};
    use model::{BootId, Millis, NodeId, PoolId, Report};

    #[test]
    fn the_worst_outcome_fits_the_wire() {
        let nasty = "\u{1}ü\"".repeat(40_000);
        let case = Case {
            suite: nasty.clone(),
            test: nasty.clone(),
            result: CaseResult::Failed,
            ms: Millis(u64::MAX),
            message: nasty.clone(),
        };
        let mut outcome = without_word(Cause::Exit, nasty.clone());
        outcome.end.tail = nasty;
        outcome.cases = vec![case; 250];
        let kinds = reports("jffffffffffffffff.0.1.1.0".parse().unwrap(), outcome);
        let mut cases = 0;
        for kind in &kinds {
            if let ReportKind::Results { cases: some, .. } = kind {
                assert!(some.len() <= MAX_CASES);
                cases += some.len();
            }
            let name = "x".repeat(100);
            let (pool, node) = (PoolId::new(&name).unwrap(), NodeId::new(&name).unwrap());
            let boot = BootId::new(&name[..64]).unwrap();
            let report = Report { pool, node, boot, seq: u64::MAX, at: u64::MAX, kind: kind.clone() };
            assert!(serde_json::to_vec(&report).unwrap().len() <= MAX_REPORT_BYTES);
        }
        assert_eq!(cases, 250);
        let Some(ReportKind::Finished { end, .. }) = kinds.last() else { panic!("`finished` comes last") };
        assert!((MAX_TAIL_BYTES - 8..=MAX_TAIL_BYTES).contains(&serde_json::to_string(&end.tail).unwrap().len()));
    }

    #[test]
    fn cases_travel_by_the_hundred() {
        let case = |n: u32| Case {
            suite: "Cart".into(),
            test: format!("t{n}"),
            result: CaseResult::Passed,
            ms: Millis(1),
            message: String::new(),
        };
        let mut outcome = without_word(Cause::Exit, String::new());
        outcome.cases = (0..201).map(case).collect();
        let counts: Vec<usize> = reports("j5.0.1.1.0".parse().unwrap(), outcome)
            .iter()
            .map(|kind| if let ReportKind::Results { cases, .. } = kind { cases.len() } else { 0 })
            .collect();
        assert_eq!(counts, [100, 100, 1, 0]);
    }

    #[test]
    fn lengths_are_those_of_the_json_that_is_written() {
        for text in ["", "plain", "\"\\\n\r\t\u{8}\u{c}", "\0\u{1f}\u{7f}", "üñ€😀"] {
            assert_eq!(json_bytes(text), serde_json::to_string(text).unwrap().len(), "{text:?}");
        }
    }
}
