//! Whether the promise held: what the journal says about each task, held against the ledger that tasks keep themselves.
//!
//! For each task and round one effective result; a passed task's lease is in the ledger, begun and ended; no lease was
//! given twice, no task had two at once; and no two holders of a lock were in there together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::World;
use crate::flows::LEDGER;
use crate::wait;

/// What a world's journal and ledger say.
#[derive(Debug)]
pub struct Verdict {
    /// Every event, oldest first.
    pub journal: Vec<Value>,
    /// `word task lease`, oldest first.
    pub ledger: Vec<[String; 3]>,
}

impl Verdict {
    /// Reads both, as a person would: who is told to try again does.
    pub fn of(world: &World) -> Self {
        let said = wait::until("the journal can be read", || {
            let said = world.run(&["journal", "--output", "json"]);
            (said.code != Some(6)).then_some(said)
        });
        let said = said.ended(0);
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"));
        let ledger = fs::read_to_string(world.path(LEDGER)).unwrap_or_default();
        let signed = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>().try_into().ok();
        Self { journal: said.out.lines().map(read).collect(), ledger: ledger.lines().filter_map(signed).collect() }
    }

    /// Every event of a kind.
    pub fn events(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.journal.iter().filter(move |line| line["kind"] == kind).map(|line| &line["event"])
    }

    /// How many events of a kind there are.
    pub fn count(&self, kind: &str) -> usize {
        self.events(kind).count()
    }

    /// Fails if the promise was broken for any task, or if not so many have passed in all.
    pub fn holds(&self, passed: usize) -> &Self {
        self.positions_go_on();
        self.leases_are_given_once();
        self.locks_are_held_alone();
        let results = self.results();
        for (task, results) in &results {
            assert!(results.len() == 1, "task {task:?} has {} results: {results:?}", results.len());
        }
        let is_passed = |results: &&Vec<Value>| results[0]["result"] == "passed";
        assert_eq!(results.values().filter(is_passed).count(), passed, "tasks that passed: {results:?}");
        self.passed_attempts_signed(passed);
        self
    }

    /// Effective results by execution, task and round.
    fn results(&self) -> BTreeMap<(u64, u64, u64), Vec<Value>> {
        let mut rounds: BTreeMap<u64, u64> = BTreeMap::new();
        let mut results: BTreeMap<_, Vec<Value>> = BTreeMap::new();
        for event in self.journal.iter().map(|line| &line["event"]) {
            if event["kind"] == "execution_reopened" {
                rounds.insert(number(&event["execution"]), number(&event["round"]));
            } else if event["kind"] == "task_ended" {
                let (execution, task) = place(event);
                let round = rounds.get(&execution).copied().unwrap_or(1);
                results.entry((execution, task, round)).or_default().push(event.clone());
            }
        }
        results
    }

    fn positions_go_on(&self) {
        let places: Vec<_> =
            self.journal.iter().map(|line| (number(&line["position"]), number(&line["index"]))).collect();
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "positions of the journal do not grow");
    }

    fn leases_are_given_once(&self) {
        let (mut given, mut open) = (BTreeSet::new(), BTreeMap::new());
        for event in self.journal.iter().map(|line| &line["event"]) {
            let lease = event["lease"].as_str().unwrap_or_default().to_owned();
            if event["kind"] == "attempt_dispatched" {
                assert!(given.insert(lease.clone()), "lease {lease} was given twice");
                let before = open.insert(place(event), lease.clone());
                assert_eq!(before, None, "a task got lease {lease} while it had another");
            } else if event["kind"] == "attempt_ended" || event["kind"] == "attempt_taken_back" {
                assert_eq!(open.remove(&place(event)), Some(lease), "an attempt ended that was not current");
            }
        }
    }

    /// A holder that signs its end was alone from its beginning on.
    fn locks_are_held_alone(&self) {
        let of_lock = self.ledger.iter().filter(|[_, task, _]| task.starts_with("locked"));
        let mut last = String::new();
        for [word, task, lease] in of_lock {
            match word.as_str() {
                "began" => last.clone_from(lease),
                _ => assert_eq!(&last, lease, "{task} was not alone: another holder began before it ended"),
            }
        }
    }

    fn passed_attempts_signed(&self, passed: usize) {
        let signed = |word: &str, lease: &str| self.ledger.iter().any(|[said, _, of]| said == word && of == lease);
        let ends = self.events("attempt_ended").filter(|event| event["outcome"] == "passed");
        let leases: Vec<&str> = ends.filter_map(|event| event["lease"].as_str()).collect();
        for lease in &leases {
            assert!(signed("began", lease) && signed("ended", lease), "lease {lease} passed, and never ran to its end");
        }
        assert_eq!(leases.len(), passed, "attempts that passed");
    }
}

fn place(event: &Value) -> (u64, u64) {
    (number(&event["at"]["x"]), number(&event["at"]["t"]))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}
