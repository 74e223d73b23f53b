//! The ledger with its writer and a real folder, without a network.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use model::report::Refusal;
use model::{LeaseId, Millis};

use super::*;
use crate::notices::Notices;

#[tokio::test]
async fn a_full_disk_closes_the_node_and_loses_nothing_that_must_be_said() {
    let world = World::new(Some(JournalId(5)));
    let ledger = &world.ledger;
    ledger.try_store(accepted(1)).await.unwrap();
    world.full.store(true, Ordering::Relaxed);
    assert_eq!(ledger.try_store(accepted(2)).await, Err(NotStored));
    let beat = ledger.beat();
    assert_eq!(beat.stored, 1);
    assert!(beat.closed.is_some_and(|why| why.contains("reports cannot be stored")));

    ledger.post(started(1)).await;
    assert_eq!(ledger.try_store_minor(accepted(3)).await, Err(NotStored), "the queue goes on while others wait");
    world.full.store(false, Ordering::Relaxed);
    ledger.store(vec![ReportKind::Refused { lease: lease(2), why: Refusal::Closed }]).await;
    assert_eq!(world.words(), ["accepted", "started", "refused"]);
    assert_eq!(ledger.beat().closed, None);
}

#[tokio::test]
async fn reports_of_another_journals_leases_take_no_numbers_and_come_back_with_it() {
    let world = World::new(Some(JournalId(5)));
    let ledger = &world.ledger;
    ledger.store(vec![accepted(1), accepted(2)]).await;
    ledger.acked(1);
    ledger.meet(JournalId(9)).await;
    assert_eq!(world.words(), ["hello"], "what waited is aside, and a hello tells that numbers are missing");
    ledger.store(vec![started(1), started(2)]).await;
    assert_eq!(world.words(), ["hello"]);
    let before = ledger.beat().stored;
    assert_eq!(before, 3);
    ledger.acked(before);

    ledger.meet(JournalId(5)).await;
    assert_eq!(world.words(), ["accepted", "started", "started", "hello"]);
    assert_eq!(ledger.next(10, usize::MAX).iter().map(|line| line.seq).collect::<Vec<_>>(), [4, 5, 6, 7]);
    ledger.say_hello();
    ledger.store(vec![started(1)]).await;
    assert_eq!(world.words().iter().filter(|word| **word == "hello").count(), 1, "one hello at a time");
}

#[tokio::test]
async fn the_first_journal_is_met_without_a_word() {
    let world = World::new(None);
    world.ledger.say_hello();
    world.ledger.meet(JournalId(5)).await;
    assert_eq!(world.words(), ["hello"]);
    assert_eq!(world.ledger.with_rules(|rules| rules.journal()), Some(JournalId(5)));
    assert_eq!(world.home.journal().unwrap(), Some(JournalId(5)));
}

#[tokio::test]
async fn a_sender_that_asks_for_a_beat_hears_of_it_however_soon_it_comes() {
    let world = World::new(Some(JournalId(5)));
    let ledger = &world.ledger;
    ledger.set_beating(true);
    for _ in 0..100 {
        let heard = ledger.heard_anew();
        let beats = async {
            ledger.nudge.notified().await;
            ledger.heard(&answer(ledger.beat().number)); // the one beat that was asked for
        };
        let both = async { tokio::join!(heard, beats) };
        tokio::time::timeout(Duration::from_secs(20), both).await.expect("the beat that was asked for counts");
    }
}

#[tokio::test]
async fn progress_is_reported_at_most_once_a_second_and_the_newest_counts() {
    let world = World::new(Some(JournalId(5)));
    let mut notices = Notices::new(lease(1));
    notices.progress(0.1, None);
    notices.due().await;
    let begun = Instant::now();
    notices.flush(&world.ledger).await;
    (2..9).for_each(|tenth| notices.progress(f64::from(tenth) / 10.0, None));
    notices.due().await;
    assert!(begun.elapsed() >= Duration::from_secs(1));
    notices.flush(&world.ledger).await;
    assert_eq!(world.words(), ["progress", "progress"]);
    assert!(String::from_utf8_lossy(&world.ledger.next(2, usize::MAX)[1].json).contains("0.8"));
}

struct World {
    _state: tempfile::TempDir,
    home: Arc<Home>,
    full: Arc<AtomicBool>,
    ledger: Arc<Ledger>,
}

impl World {
    fn new(journal: Option<JournalId>) -> Self {
        let state = tempfile::tempdir().unwrap();
        let node = NodeId::new("n1").unwrap();
        let home = Arc::new(Home::take(state.path(), Some(&node)).unwrap());
        if let Some(journal) = journal {
            home.meet(journal).unwrap();
        }
        let boot = BootId::new("b1").unwrap();
        let (store, _) = Store::open(&home.store(&boot), &boot).unwrap();
        let full = Arc::clone(&store.full);
        let card = Hello {
            slots: 2,
            memory_mb: 0,
            zone: String::new(),
            labels: BTreeMap::new(),
            was: None,
            journal: None,
            holds: Vec::new(),
        };
        let who = Who { pool: PoolId::new("p").unwrap(), node, boot };
        let ledger = Ledger::begin(who, card, Arc::clone(&home), store).unwrap();
        Self { _state: state, home, full, ledger }
    }

    /// What waits to be sent.
    fn words(&self) -> Vec<&'static str> {
        let read = |line: &Line| serde_json::from_slice::<model::Report>(&line.json).unwrap().kind.word();
        self.ledger.next(100, usize::MAX).iter().map(read).collect()
    }
}

fn answer(beat: u64) -> Renew {
    Renew {
        boot: BootId::new("b1").unwrap(),
        beat,
        journal: JournalId(5),
        for_ms: Millis(25_000),
        orphan_ms: Millis(600_000),
        beat_ms: Millis(5_000),
        stop: Vec::new(),
        hello: false,
        taken: None,
    }
}

fn lease(seq: u64) -> LeaseId {
    LeaseId { journal: JournalId(5), partition: 0, epoch: 1, seq, index: 0 }
}

fn accepted(seq: u64) -> ReportKind {
    ReportKind::Accepted { lease: lease(seq) }
}

fn started(seq: u64) -> ReportKind {
    ReportKind::Started { lease: lease(seq), pid: 7 }
}
