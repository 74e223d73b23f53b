//! The report store: one file that holds each report of a boot until the engine has acknowledged it.
//!
//! A file of lines: a [`Head`] first, then reports exactly as they are sent, and [`Acked`] marks. A report counts as
//! stored once it is synced. What a power loss tears off was never synced, so nobody has acted on it: reading stops
//! at the first line that is not whole, and the next write goes there. Once much of the file is acknowledged, it is
//! written anew without that part.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use model::{BootId, LeaseId, Report, ReportKind};
use serde::{Deserialize, Serialize};

use crate::home::{replace, sync_folder_of, unreadable, unwritable, write};

/// By how much the file may grow before it is looked at again.
const COMPACT_BYTES: u64 = 1024 * 1024;

/// A report as it is sent, and its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in its boot.
    pub seq: u64,
    /// JSON and the end of the line.
    pub json: Bytes,
}

/// The file of one boot.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    file: File,
    /// Where the next line goes: all before it is whole.
    end: u64,
    /// Something may stand beyond `end`.
    torn: bool,
    /// The file was written anew, and after a power loss the old one may still stand in its place.
    renamed: bool,
    /// At this length it may be worth to write the file anew.
    look_at: u64,
    seq: u64,
    acked: u64,
    open: BTreeSet<LeaseId>,
    /// A disk that is full for as long as a test wants.
    #[cfg(test)]
    pub full: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

/// The first line: what the lines before it, which are gone, said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    boot: Option<BootId>,
    stored: u64,
    open: BTreeSet<LeaseId>,
}

/// The engine has all reports up to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Acked {
    acked: u64,
}

impl Store {
    /// Opens the store of a boot, or begins it; with it come the reports that are not acknowledged.
    pub fn open(path: &Path, boot: &BootId) -> io::Result<(Self, Vec<Line>)> {
        if !fs::exists(path).map_err(unreadable(path))? {
            write(path, &head_line(boot, 0, &BTreeSet::new())?)?;
        }
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(unwritable(path))?;
        let text = Bytes::from(fs::read(path).map_err(unreadable(path))?);
        let (path, open) = (path.to_owned(), BTreeSet::new());
        let mut store = Self {
            path,
            file,
            end: 0,
            torn: false,
            renamed: false,
            look_at: COMPACT_BYTES,
            seq: 0,
            acked: 0,
            open,
            #[cfg(test)]
            full: Default::default(),
        };
        let mut lines = store.read(&text);
        if store.end == 0 {
            let what = format!("{} has no readable first line; remove it to start afresh", store.path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        lines.retain(|line| store.acked < line.seq);
        store.torn = store.end < text.len() as u64;
        if store.torn {
            let (torn, path) = (text.len() as u64 - store.end, store.path.display());
            tracing::warn!("{path}: dropped the last {torn} bytes, which were never written wholly");
        }
        Ok((store, lines))
    }

    /// Stores reports together: all or none. Numbers them from the next on.
    pub fn append(&mut self, mut reports: Vec<Report>) -> io::Result<Vec<Line>> {
        let mut lines = Vec::with_capacity(reports.len());
        let mut bytes = Vec::new();
        for (seq, report) in (self.seq + 1..).zip(&mut reports) {
            report.seq = seq;
            let mut json = serde_json::to_vec(report)?;
            json.push(b'\n');
            bytes.extend_from_slice(&json);
            lines.push(Line { seq, json: json.into() });
        }
        self.write(&bytes, true)?;
        for report in &reports {
            self.note(&report.kind);
        }
        self.seq += reports.len() as u64;
        Ok(lines)
    }

    /// The engine has all reports up to this one. `waiting` are the ones after it. Not synced: to lose it costs no
    /// more than sending again.
    pub fn acked(&mut self, seq: u64, boot: &BootId, waiting: impl Fn() -> Vec<Line>) -> io::Result<()> {
        self.acked = self.acked.max(seq);
        let mut mark = serde_json::to_vec(&Acked { acked: self.acked })?;
        mark.push(b'\n');
        self.write(&mark, false)?;
        if self.end < self.look_at {
            return Ok(());
        }
        let waiting = waiting();
        let live: u64 = waiting.iter().map(|line| line.json.len() as u64).sum();
        if live < self.end / 2 {
            self.compact(boot, &waiting)?;
        }
        self.look_at = self.end + COMPACT_BYTES;
        Ok(())
    }

    /// The number of the last stored report.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The leases that were accepted and have not finished.
    pub fn open_leases(&self) -> &BTreeSet<LeaseId> {
        &self.open
    }

    fn read(&mut self, text: &Bytes) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut from = 0;
        while let Some(length) = text[from..].iter().position(|byte| *byte == b'\n') {
            let line = text.slice(from..from + length + 1);
            if from == 0 {
                let Ok(head) = serde_json::from_slice::<Head>(&line) else { break };
                (self.seq, self.acked, self.open) = (head.stored, head.stored, head.open);
            } else if let Ok(report) = serde_json::from_slice::<Report>(&line) {
                self.note(&report.kind);
                self.seq = report.seq;
                lines.push(Line { seq: report.seq, json: line });
            } else if let Ok(mark) = serde_json::from_slice::<Acked>(&line) {
                self.acked = mark.acked;
            } else {
                break;
            }
            from += length + 1;
            self.end = from as u64;
        }
        lines
    }

    fn note(&mut self, kind: &ReportKind) {
        match kind {
            ReportKind::Accepted { lease } => {
                self.open.insert(*lease);
            }
            ReportKind::Finished { lease, .. } => {
                self.open.remove(lease);
            }
            ReportKind::Hello(_)
            | ReportKind::Refused { .. }
            | ReportKind::Started { .. }
            | ReportKind::Progress { .. }
            | ReportKind::Checkpoint { .. }
            | ReportKind::Results { .. }
            | ReportKind::Goodbye { .. } => {}
        }
    }

    fn write(&mut self, bytes: &[u8], sync: bool) -> io::Result<()> {
        self.try_write(bytes, sync).map_err(unwritable(&self.path))
    }

    fn try_write(&mut self, bytes: &[u8], sync: bool) -> io::Result<()> {
        #[cfg(test)]
        if self.full.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.settle()?;
        if self.torn {
            self.file.set_len(self.end)?;
        }
        self.torn = true;
        failpoint::hit("agent.store.before");
        self.file.write_all_at(bytes, self.end)?;
        failpoint::hit("agent.store.written");
        if sync {
            self.file.sync_data()?;
            failpoint::hit("agent.store.synced");
        }
        self.torn = false;
        self.end += bytes.len() as u64;
        Ok(())
    }

    fn compact(&mut self, boot: &BootId, waiting: &[Line]) -> io::Result<()> {
        let stored = waiting.first().map_or(self.seq, |line| line.seq - 1);
        // Leases are noted again from the lines that stay, so the head has those as of the lines that go.
        let mut open = self.open.clone();
        for line in waiting.iter().rev() {
            match serde_json::from_slice::<Report>(&line.json)?.kind {
                ReportKind::Accepted { lease } => open.remove(&lease),
                ReportKind::Finished { lease, .. } => open.insert(lease),
                ReportKind::Hello(_)
                | ReportKind::Refused { .. }
                | ReportKind::Started { .. }
                | ReportKind::Progress { .. }
                | ReportKind::Checkpoint { .. }
                | ReportKind::Results { .. }
                | ReportKind::Goodbye { .. } => false,
            };
        }
        let mut bytes = head_line(boot, stored, &open)?;
        for line in waiting {
            bytes.extend_from_slice(&line.json);
        }
        // From here on the old file is nobody's: whatever fails next, what is appended goes to the new one.
        self.file = replace(&self.path, &bytes)?;
        (self.end, self.torn, self.renamed) = (bytes.len() as u64, false, true);
        self.settle()
    }

    /// Makes the new file's place durable; before that nothing in it counts as stored.
    fn settle(&mut self) -> io::Result<()> {
        if self.renamed {
            sync_folder_of(&self.path)?;
            self.renamed = false;
        }
        Ok(())
    }
}

fn head_line(boot: &BootId, stored: u64, open: &BTreeSet<LeaseId>) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&Head { boot: Some(boot.clone()), stored, open: open.clone() })?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests;
