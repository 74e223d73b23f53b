//! The demo, as a program runs it: with a result taken away behind its back, which it must see.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use e2e::{World, wait};
use serde_json::{Value, json};

crate::trials![a_result_that_gets_lost_is_exit_20];

/// Much more than its minute, for a machine that has much else to do.
const LIMIT: Duration = Duration::from_secs(330);

fn a_result_that_gets_lost_is_exit_20() {
    let world = World::new();
    let mut demo = world.begin("demo", world.command(&["demo", "--output", "json"]).env("TMPDIR", world.folder.path()));
    let signed =
        |name: &str| ledger(&world, name).filter(|path| fs::read(path).is_ok_and(|text| text.ends_with(b"\n")));
    let first = wait::within(LIMIT, "the first task has signed", || {
        assert!(demo.ended().is_none(), "{}", demo.said());
        signed("prepare")
    });
    fs::remove_file(first).unwrap();
    let status = wait::within(LIMIT, "the demo ends", || demo.ended());
    assert_eq!(status.code(), Some(20), "{}", demo.said());
    let verdict = demo.said().lines().find_map(|line| serde_json::from_str::<Value>(line).ok()).unwrap();
    assert_eq!((&verdict["total"], &verdict["effective"]), (&json!(240), &json!(239)), "{verdict:#}");
    assert!(verdict["lost"][0].as_str().unwrap().starts_with("prepare passed under"), "{verdict:#}");
    assert_eq!(verdict["doubled"], json!([]));
}

/// A task's ledger in the folder that the demo has made for itself.
fn ledger(world: &World, task: &str) -> Option<PathBuf> {
    let folders = fs::read_dir(world.folder.path()).ok()?.flatten();
    let mut demos = folders.filter(|entry| entry.file_name().to_string_lossy().starts_with("reprise-demo-"));
    Some(demos.next()?.path().join("ledger").join(task))
}
