//! The ledger of a node as a file: a line for each thing that happened to an attempt, written as it happens, so that
//! what really ran is known although the process was killed. Who killed it adds the last line.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use model::LeaseId;
use serde::{Deserialize, Serialize};
use sim::node::ledger::{Ledger, Ran};

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum Line {
    /// It was taken in.
    Accepted {
        /// When.
        at: u64,
        /// Its lease.
        lease: LeaseId,
        /// It holds locks.
        strict: bool,
        /// Its slots.
        slots: u32,
        /// Its execution, task and number.
        attempt: String,
    },
    /// Its process runs, or goes on.
    Ran {
        /// When.
        at: u64,
        /// Its lease.
        lease: LeaseId,
    },
    /// Its process ended, or stands still.
    Rested {
        /// When.
        at: u64,
        /// Its lease.
        lease: LeaseId,
    },
    /// The process of the node was found dead, and all that ran in it.
    Died {
        /// When.
        at: u64,
    },
}

/// What of a ledger was written already.
#[derive(Debug, Default)]
pub struct Written(BTreeMap<LeaseId, (usize, bool)>);

impl Written {
    /// What is new in a ledger.
    pub fn news(&mut self, ledger: &Ledger) -> Vec<Line> {
        let mut lines = Vec::new();
        for (lease, ran) in &ledger.ran {
            let lease = *lease;
            let (spans, open) = self.0.entry(lease).or_insert_with(|| {
                let Ran { accepted: at, strict, slots, ref attempt, .. } = *ran;
                lines.push(Line::Accepted { at, lease, strict, slots, attempt: attempt.clone() });
                (0, false)
            });
            if *open && let Some((_, Some(at))) = ran.spans.get(*spans - 1) {
                lines.push(Line::Rested { at: *at, lease });
                *open = false;
            }
            for (from, to) in &ran.spans[*spans..] {
                lines.push(Line::Ran { at: *from, lease });
                lines.extend(to.map(|at| Line::Rested { at, lease }));
                (*spans, *open) = (*spans + 1, to.is_none());
            }
        }
        lines
    }
}

/// Adds lines to a file, each whole.
pub fn append(file: &mut File, lines: &[Line]) -> io::Result<()> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&serde_json::to_string(line)?);
        text.push('\n');
    }
    file.write_all(text.as_bytes())
}

/// Reads a file; a last line that broke off counts for nothing.
pub fn read(path: &Path) -> io::Result<Vec<Line>> {
    let text = std::fs::read_to_string(path)?;
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// What the lines say together.
pub fn of(lines: &[Line]) -> Ledger {
    let mut ledger = Ledger::default();
    for line in lines {
        match line {
            Line::Accepted { at, lease, strict, slots, attempt } => {
                let ran =
                    Ran { accepted: *at, strict: *strict, slots: *slots, attempt: attempt.clone(), spans: Vec::new() };
                ledger.accept(*lease, ran);
            }
            Line::Ran { at, lease } => ledger.start(*lease, *at),
            Line::Rested { at, lease } => ledger.end(*lease, *at),
            Line::Died { at } => {
                let open: Vec<LeaseId> = ledger.ran.keys().copied().collect();
                open.into_iter().for_each(|lease| ledger.end(lease, *at));
            }
        }
    }
    ledger
}

#[cfg(test)]
mod tests {
    use model::JournalId;

    use super::*;

    fn lease(seq: u64) -> LeaseId {
        LeaseId { journal: JournalId(5), partition: 0, epoch: 1, seq, index: 0 }
    }

    fn ran() -> Ran {
        Ran { accepted: 1, strict: true, slots: 2, attempt: "f-1/t@1".to_owned(), spans: Vec::new() }
    }

    #[test]
    fn what_is_written_bit_by_bit_is_read_as_the_whole() {
        let (mut ledger, mut written, mut lines) = (Ledger::default(), Written::default(), Vec::new());
        ledger.accept(lease(1), ran());
        lines.extend(written.news(&ledger));
        ledger.start(lease(1), 2);
        lines.extend(written.news(&ledger));
        ledger.pause(lease(1), 3);
        ledger.resume(lease(1), 5);
        ledger.accept(lease(2), ran());
        ledger.start(lease(2), 6);
        lines.extend(written.news(&ledger));
        assert!(written.news(&ledger).is_empty());
        let read = of(&lines);
        assert_eq!(read.ran[&lease(1)].spans, [(2, Some(3)), (5, None)]);
        assert_eq!(read.ran[&lease(2)].spans, [(6, None)]);
        lines.push(Line::Died { at: 9 });
        assert_eq!(of(&lines).ran[&lease(1)].spans, [(2, Some(3)), (5, Some(9))]);
        lines.push(lines[0].clone());
        assert_eq!(of(&lines).twice, [lease(1)]);
    }
}
