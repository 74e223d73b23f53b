//! A writer that is killed at random moments, fifty times, and at each named one: every row is there once afterwards.

use std::env;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use journal::Store;
use tempfile::TempDir;

use super::stage::{Writer, held, records, wanted};

const FOLDER: &str = "LANDING_KILL_FOLDER";
/// Records between two flushes: of the writer that is killed, and of the one that finishes what it left.
const STEPS: [usize; 2] = [12, 600];

#[test]
fn a_writer_that_is_killed_at_fifty_random_moments_writes_each_row_once() {
    let mut folder = TempDir::new().unwrap();
    let (mut kills, mut random) = (0, 0x9e37_79b9_7f4a_7c15_u64);
    while kills < 50 {
        let mut child = writer(folder.path(), None);
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Chance, not patience: whatever the moment is, what is checked holds.
        std::thread::sleep(Duration::from_millis(40 + (random >> 33) % 400));
        let ended = child.try_wait().unwrap().is_some();
        kills += u32::from(!ended);
        child.kill().unwrap();
        child.wait().unwrap();
        if ended {
            // On a quick machine fewer kills are enough for one journal.
            finish_and_compare(folder.path());
            folder = TempDir::new().unwrap();
        }
    }
    finish_and_compare(folder.path());
}

#[test]
fn a_writer_that_dies_at_each_named_moment_writes_each_row_once() {
    for moment in ["tables.commit.before", "tables.commit.after", "tables.compact.before", "tables.compact.after"] {
        for time in [1, 3] {
            let folder = TempDir::new().unwrap();
            let status = writer(folder.path(), Some(&format!("{moment}:{time}"))).wait().unwrap();
            assert!(!status.success(), "{moment} was reached a {time}. time");
            finish_and_compare(folder.path());
        }
    }
}

#[test]
fn the_other_process() {
    // Started with the folder in its environment, this test is the writer that is killed.
    if let Some(folder) = env::var_os(FOLDER) {
        write(Path::new(&folder), STEPS[0]);
    }
}

/// Writes from wherever the store is, and compacts now and then.
fn write(folder: &Path, step: usize) {
    runtime().block_on(async {
        let store = Store::of_folder(folder).unwrap();
        let mut writer = Writer::open(&store).await.unwrap();
        for (number, records) in records().chunks(step).enumerate() {
            writer.read(records);
            writer.flush().await.unwrap();
            // Often enough that a kill meets it.
            if number % 20 == 19 {
                writer.compact().await.unwrap();
            }
        }
    });
}

fn finish_and_compare(folder: &Path) {
    write(folder, STEPS[1]);
    let store = Store::of_folder(folder).unwrap();
    let held = runtime().block_on(held(&store));
    for (table, rows) in wanted(&records()) {
        assert_eq!(held[&table].len(), rows.len(), "{}", table.name());
        assert!(held[&table] == rows, "{} has other rows", table.name());
    }
}

fn writer(folder: &Path, fail_at: Option<&str>) -> Child {
    let mut command = Command::new(env::current_exe().expect("a test has a binary"));
    command.args(["--exact", "kill::the_other_process", "--nocapture"]).env(FOLDER, folder);
    command.envs(fail_at.map(|moment| ("REPRISE_FAIL_AT", moment)));
    command.stdout(Stdio::null()).spawn().expect("the test binary can be started")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop")
}
