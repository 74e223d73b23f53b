//! What a command says through `REPRISE_SOCKET`.

use std::io::Read;
use std::process::{Command, Stdio};

use agent::attempt::{Notice, Outcome};
use model::report::Cause;

use crate::stage::{PATIENCE, Stage};

crate::tests![
    a_checkpoint_reaches_the_agent_and_stays_in_the_outcome,
    guests_that_say_nothing_delay_nobody,
    what_is_out_of_bounds_is_refused_with_the_reason,
    an_agent_that_reads_nothing_holds_nothing_up,
];

fn a_checkpoint_reaches_the_agent_and_stays_in_the_outcome() {
    // A folder with a long name: its socket lies elsewhere.
    let left = Stage::part(&["checkpoint", "118/240"]).run();
    left.expect(Cause::Exit, Some(0), None);
    assert!(left.notices.contains(&Notice::Checkpoint { text: "118/240".into() }), "{:?}", left.notices);
    assert_eq!(left.outcome.checkpoint.as_deref(), Some("118/240"));
}

fn guests_that_say_nothing_delay_nobody() {
    let left = Stage::part(&["guests", "12"]).run();
    left.expect(Cause::Exit, Some(0), None);
    assert_eq!(left.outcome.checkpoint.as_deref(), Some("past the guests"));
}

fn what_is_out_of_bounds_is_refused_with_the_reason() {
    let long = "x".repeat(70_000);
    let left = Stage::part(&["checkpoint", &long]).run();
    assert_eq!(left.end.cause, Cause::Exit);
    assert_ne!(left.end.exit, Some(0));
    assert!(left.text().contains("at most 65536 fit"), "{}", left.text());
    assert_eq!(left.outcome.checkpoint, None);
}

fn an_agent_that_reads_nothing_holds_nothing_up() {
    // Built as the others, but started by hand with a pipe that nobody reads.
    let done = Stage::part(&["exit", "0"]).run();
    let attempt = done.folder.path().join("attempt");
    std::fs::remove_file(attempt.join("outcome.json")).unwrap();
    let spec = std::fs::read_to_string(attempt.join("spec.json")).unwrap();
    let chatter = spec.replace(r#""exit","0""#, r#""chatter","60""#);
    assert_ne!(spec, chatter);
    std::fs::write(attempt.join("spec.json"), chatter).unwrap();
    let mut supervisor = Command::new(std::env::current_exe().unwrap())
        .arg("supervise")
        .arg(&attempt)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let until = std::time::Instant::now() + PATIENCE;
    while !attempt.join("outcome.json").exists() {
        assert!(std::time::Instant::now() < until, "held up");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let outcome: Outcome = serde_json::from_slice(&std::fs::read(attempt.join("outcome.json")).unwrap()).unwrap();
    assert_eq!((outcome.end.cause, outcome.end.exit), (Cause::Exit, Some(0)));
    let mut said = String::new();
    supervisor.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    let notices: Vec<Notice> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let checkpoints: Vec<_> = notices.iter().filter(|n| matches!(n, Notice::Checkpoint { .. })).collect();
    assert!(checkpoints.len() < 60, "the oldest go");
    assert!(
        matches!(checkpoints.last(), Some(Notice::Checkpoint { text }) if text.starts_with("59 ")),
        "the last stays"
    );
    assert_eq!(notices.last(), Some(&Notice::Ended));
    assert!(supervisor.wait().unwrap().success());
}
