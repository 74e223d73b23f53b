//! An outcome as reports: results in portions, then `finished`, each within the bounds of the wire. How many cases, how
//! long a tail and a checkpoint an outcome has, its supervisor has seen to.

use model::report::{Case, MAX_CASES, MAX_WORDS_BYTES};
use model::{LeaseId, ReportKind};

use crate::attempt::Outcome;

/// Most bytes of cases in one report, as JSON; the rest of the report has room above it.
const MAX_CASES_BYTES: usize = 80 * 1024;

/// What is reported of an end: `results`, if there are any, a checkpoint that was not reported before, and `finished`
/// last.
pub fn reports(lease: LeaseId, outcome: Outcome) -> Vec<ReportKind> {
    let mut kinds = Vec::new();
    let (mut cases, mut bytes) = (Vec::new(), 0);
    for case in outcome.cases.into_iter().map(within_bounds) {
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
    if let Some(text) = outcome.checkpoint {
        kinds.push(ReportKind::Checkpoint { lease, text });
    }
    let mut end = outcome.end;
    end.note = short(end.note);
    kinds.push(ReportKind::Finished { lease, end });
    kinds
}

/// The beginning of a text, at most so many bytes.
pub fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

fn within_bounds(case: Case) -> Case {
    Case { suite: short(case.suite), test: short(case.test), message: short(case.message), ..case }
}

fn short(text: String) -> String {
    if text.len() <= MAX_WORDS_BYTES { text } else { cut(&text, MAX_WORDS_BYTES).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charge::without_word;
    use crate::json;
    use model::report::{CaseResult, Cause, MAX_CHECKPOINT_BYTES, MAX_REPORT_BYTES, MAX_TAIL_BYTES};
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
        outcome.end.tail = json::end(&nasty, MAX_TAIL_BYTES).to_owned();
        outcome.checkpoint = Some(json::end(&nasty, MAX_CHECKPOINT_BYTES).to_owned());
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
        assert!(matches!(kinds.last(), Some(ReportKind::Finished { .. })), "`finished` comes last");
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
}
