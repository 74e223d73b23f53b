//! The one thread that writes the report store: whatever is queued goes to disk with one sync.
//!
//! It also changes journals: reports of leases that the present journal did not grant are kept aside, in a file for
//! each journal and without numbers, and come back, numbered, if that journal is met again. Numbers and leases of the
//! present journal therefore never depend on another's.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Weak};
use std::thread::sleep;
use std::time::Duration;

use model::report::Hello;
use model::{JournalId, Report, ReportKind};
use tokio::sync::{mpsc, oneshot};

use crate::home::Home;
use crate::ledger::{Ledger, NotStored};
use crate::rules::Closed;
use crate::store::Store;
use crate::{aside, machine};

/// Most entries taken at once.
const GROUP: usize = 1_024;
/// From one try to store what could not be stored to the next.
const RETRY: Duration = Duration::from_millis(500);

/// What the writer is asked for.
#[derive(Debug)]
pub enum Entry {
    /// Store these in this order.
    Reports {
        /// What they say.
        kinds: Vec<ReportKind>,
        /// Try until they are stored; else refuse when they cannot be.
        must: bool,
        /// Told what became of them.
        done: Option<oneshot::Sender<Result<(), NotStored>>>,
    },
    /// Store a hello, as things stand then.
    Hello,
    /// This journal has been met.
    Meet {
        /// The journal.
        journal: JournalId,
        /// Told when it is the present one.
        done: Option<oneshot::Sender<()>>,
    },
    /// The engine has all reports up to this one.
    Acked(u64),
}

struct Writer {
    home: Arc<Home>,
    store: Store,
}

/// Writes until the ledger is gone.
pub fn write_all(ledger: &Weak<Ledger>, home: &Arc<Home>, store: Store, mut entries: mpsc::Receiver<Entry>) {
    let mut writer = Writer { home: Arc::clone(home), store };
    let (mut queued, mut failing) = (VecDeque::new(), false);
    loop {
        if queued.is_empty() {
            match entries.blocking_recv() {
                Some(entry) => queued.push_back(entry),
                None => return,
            }
        }
        while queued.len() < GROUP
            && let Ok(entry) = entries.try_recv()
        {
            queued.push_back(entry);
        }
        let Some(ledger) = ledger.upgrade() else { return };
        let written = writer.write(&ledger, &mut queued);
        match (&written, failing) {
            (Err(error), false) => {
                tracing::error!("reports cannot be stored, no starts are taken until they can: {error}")
            }
            (Ok(()), true) => tracing::info!("reports can be stored again"),
            (Err(_), true) | (Ok(()), false) => {}
        }
        failing = written.is_err();
        if let Err(error) = written {
            let words = format!("reports cannot be stored: {error}");
            ledger.with_rules(|rules| rules.close(Closed::Disk, words));
            refuse_what_can_wait(&mut queued);
            drop(ledger);
            sleep(RETRY);
        }
    }
}

/// Tells those who can do without that their report was not stored.
fn refuse_what_can_wait(queued: &mut VecDeque<Entry>) {
    for entry in std::mem::take(queued) {
        match entry {
            Entry::Reports { must: false, done, kinds: _ } => {
                done.map(|done| done.send(Err(NotStored)));
            }
            Entry::Acked(_) => {}
            Entry::Reports { must: true, .. } | Entry::Hello | Entry::Meet { .. } => queued.push_back(entry),
        }
    }
}

impl Writer {
    /// Writes what is queued and takes it off; what cannot be written stays.
    fn write(&mut self, ledger: &Ledger, queued: &mut VecDeque<Entry>) -> io::Result<()> {
        while let Some(first) = queued.front() {
            match first {
                Entry::Reports { .. } => self.write_group(ledger, queued)?,
                Entry::Hello => {
                    if !ledger.is_hello_stored() {
                        // Alone: it says what is held after all that stands before it.
                        let hello = ledger.with_rules(|rules| rules.hello());
                        self.store(ledger, vec![ReportKind::Hello(hello)])?;
                    }
                    queued.pop_front();
                }
                Entry::Meet { journal, .. } => {
                    self.meet(ledger, *journal)?;
                    if let Some(Entry::Meet { done: Some(done), .. }) = queued.pop_front() {
                        let _ = done.send(()); // who asked may be gone
                    }
                }
                Entry::Acked(seq) => {
                    let waiting = || ledger.waiting();
                    if let Err(error) = self.store.acked(*seq, &ledger.who.boot, waiting) {
                        tracing::debug!("an acknowledgement was not stored, some reports may be sent twice: {error}");
                    }
                    queued.pop_front();
                }
            }
        }
        Ok(())
    }

    /// Writes all reports that stand at the front together.
    fn write_group(&mut self, ledger: &Ledger, queued: &mut VecDeque<Entry>) -> io::Result<()> {
        let is_reports = |entry: &&Entry| matches!(entry, Entry::Reports { .. });
        let group = queued.iter().take_while(is_reports).count();
        let mut all = Vec::new();
        for entry in queued.iter().take(group) {
            if let Entry::Reports { kinds, .. } = entry {
                all.extend_from_slice(kinds);
            }
        }
        self.store(ledger, all)?;
        for entry in queued.drain(..group) {
            if let Entry::Reports { done: Some(done), .. } = entry {
                let _ = done.send(Ok(())); // who asked may be gone
            }
        }
        Ok(())
    }

    fn store(&mut self, ledger: &Ledger, kinds: Vec<ReportKind>) -> io::Result<()> {
        let journal = ledger.with_rules(|rules| rules.journal());
        let is_present = |lease: model::LeaseId| journal.is_none_or(|journal| lease.journal == journal);
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            kinds.into_iter().partition(|kind| kind.lease().is_none_or(is_present));
        for kind in &elsewhere {
            if let Some(lease) = kind.lease() {
                aside::keep(&self.home.aside(lease.journal), std::slice::from_ref(kind))?;
            }
        }
        let lines = if here.is_empty() {
            Vec::new()
        } else {
            self.store.append(here.iter().map(|kind| report(ledger, kind)).collect())?
        };
        ledger.stored(&here, lines, &elsewhere);
        Ok(())
    }

    fn meet(&mut self, ledger: &Ledger, journal: JournalId) -> io::Result<()> {
        let old = ledger.with_rules(|rules| rules.journal());
        if old == Some(journal) {
            return Ok(());
        }
        self.home.meet(journal)?;
        let Some(old) = old else {
            ledger.with_rules(|rules| rules.met(journal));
            return Ok(());
        };
        tracing::warn!("the engine's journal is {journal}, it was {old}: reports of {old} are kept aside");
        let waiting = ledger.waiting();
        let mut kept = Vec::new();
        for line in &waiting {
            let report: Report = serde_json::from_slice(&line.json)?;
            kept.extend(Some(report.kind).filter(|kind| kind.lease().is_some()));
        }
        aside::keep(&self.home.aside(old), &kept)?;
        let mut to_say = aside::read(&self.home.aside(journal))?;
        if !waiting.is_empty() || !to_say.is_empty() {
            // Numbers are missing from here on, as the new journal sees it: a hello begins anew.
            let hello = ledger.with_rules(|rules| Hello { journal: Some(journal), ..rules.hello() });
            to_say.push(ReportKind::Hello(hello));
        }
        self.store.acked(self.store.seq(), &ledger.who.boot, Vec::new)?; // what waited is aside
        let lines = self.store.append(to_say.iter().map(|kind| report(ledger, kind)).collect())?;
        ledger.met(journal, &to_say, lines);
        aside::forget(&self.home.aside(journal))
    }
}

fn report(ledger: &Ledger, kind: &ReportKind) -> Report {
    let who = &ledger.who;
    Report {
        pool: who.pool.clone(),
        node: who.node.clone(),
        boot: who.boot.clone(),
        seq: 0, // given by the store
        at: machine::wall_ms(),
        kind: kind.clone(),
    }
}
