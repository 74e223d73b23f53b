//! The cases that a task's result files hold: stable names, and what is in the nature of each.
//!
//! Some tests are flaky by nature: they fail now and then in a first attempt, hardly ever in a second. Some are broken
//! for a few nights, until somebody mends them. Both follow from the test's name and the night alone, so the same tests
//! are to blame in every history.

use model::Millis;
use model::report::{Case, CaseResult, Tests};

use crate::random::{Random, of_nature};

const SUITES: [&str; 12] = [
    "Cart", "Checkout", "Login", "Search", "Catalog", "Orders", "Profile", "Payments", "Returns", "Vouchers",
    "Wishlist", "Stock",
];
const DOES: [&str; 9] = ["keeps", "shows", "rejects", "restores", "counts", "sorts", "sends", "refreshes", "hides"];
const WHAT: [&str; 8] = ["items", "totals", "prices", "errors", "messages", "drafts", "addresses", "filters"];
const WHEN: [&str; 5] = ["after_login", "on_reload", "when_offline", "for_guests", "in_order"];

/// Nights for which a broken test stays broken.
const BROKEN_NIGHTS: u64 = 5;

/// What one attempt's result files hold.
#[derive(Debug, Default)]
pub struct Results {
    /// The cases.
    pub cases: Vec<Case>,
    /// Their counts.
    pub tests: Tests,
}

/// Runs the tests of a task once.
pub fn run(task: &str, attempt: u32, night: u32, random: &mut Random) -> Results {
    let mut results = Results { cases: Vec::new(), tests: Tests { files: 1, ..Tests::default() } };
    let (family, cell) = (task.split(':').next().unwrap_or(task), task.rsplit(':').next().unwrap_or(task));
    let many = if family == "browser" { 8 } else { 3 };
    for index in 0..many + of_nature(task, 0) % 3 {
        // The same shard of each browser has the same tests; elsewhere each cell has its own.
        let home = if family == "browser" { format!("browser:{cell}") } else { task.to_owned() };
        let result = result(task, index, attempt, night, random);
        let tests = &mut results.tests;
        tests.total += 1;
        tests.failed += u32::from(result == CaseResult::Failed);
        tests.skipped += u32::from(result == CaseResult::Skipped);
        tests.flaky += u32::from(result == CaseResult::Flaky);
        results.cases.push(case(&home, index, result, random));
    }
    results
}

fn result(task: &str, index: u64, attempt: u32, night: u32, random: &mut Random) -> CaseResult {
    let broken = of_nature(task, 1_000 + index + 100 * (u64::from(night) / BROKEN_NIGHTS)).is_multiple_of(600);
    let nature = of_nature(task, 1 + index);
    let flaky = nature.is_multiple_of(70);
    let chance = if attempt == 1 { 250 } else { 20 };
    if broken || flaky && random.chance(chance) {
        CaseResult::Failed
    } else if nature % 70 == 1 && random.chance(300) {
        CaseResult::Flaky
    } else if nature % 70 == 2 {
        CaseResult::Skipped
    } else {
        CaseResult::Passed
    }
}

fn case(home: &str, index: u64, result: CaseResult, random: &mut Random) -> Case {
    let nature = of_nature(home, 50 + index);
    let word = |words: &[&'static str], at: u64| words[usize::try_from(at % words.len() as u64).unwrap_or(0)];
    let suite = word(&SUITES, nature);
    let (does, what, when) = (word(&DOES, nature >> 8), word(&WHAT, nature >> 16), word(&WHEN, nature >> 24));
    let usual = 40 + nature % 4_000;
    let ms = if result == CaseResult::Skipped { 0 } else { random.between(usual * 4 / 5, usual * 6 / 5) };
    let message = match result {
        CaseResult::Failed => format!("expected {}, got {}", 200 + nature % 3, 500 + nature % 4),
        CaseResult::Flaky => "locator timed out, passed when run again".to_owned(),
        CaseResult::Passed | CaseResult::Skipped => String::new(),
    };
    Case { suite: suite.to_owned(), test: format!("{does}_{what}_{when}"), result, ms: Millis(ms), message }
}
