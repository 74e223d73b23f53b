//! What a command says through `REPRISE_SOCKET`.

use agent::attempt::Notice;
use model::report::Cause;

use crate::stage::Stage;

crate::tests![
    a_checkpoint_reaches_the_agent_and_stays_in_the_outcome,
    a_folder_with_a_long_name_has_its_socket_elsewhere,
    guests_that_say_nothing_delay_nobody,
    what_is_out_of_bounds_is_refused_with_the_reason,
    an_agent_that_reads_nothing_holds_nothing_up,
];

fn a_checkpoint_reaches_the_agent_and_stays_in_the_outcome() {
    let left = Stage::part(&["checkpoint", "118/240"]).run();
    left.expect(Cause::Exit, Some(0), None);
    assert!(left.notices.contains(&Notice::Checkpoint { text: "118/240".into() }), "{:?}", left.notices);
    assert_eq!(left.outcome.checkpoint.as_deref(), Some("118/240"));
}

fn a_folder_with_a_long_name_has_its_socket_elsewhere() {
    let left = Stage::part(&["checkpoint", "from afar"]).in_folder(&"long/".repeat(40)).run();
    left.expect(Cause::Exit, Some(0), None);
    assert_eq!(left.outcome.checkpoint.as_deref(), Some("from afar"));
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
    let show = Stage::part(&["chatter", "60"]).start_unread();
    show.until(|show| show.has_outcome());
    let left = show.end();
    left.expect(Cause::Exit, Some(0), None);
    let checkpoints: Vec<_> = left.notices.iter().filter(|n| matches!(n, Notice::Checkpoint { .. })).collect();
    assert!(checkpoints.len() < 60, "the oldest go");
    assert!(
        matches!(checkpoints.last(), Some(Notice::Checkpoint { text }) if text.starts_with("59 ")),
        "the last stays"
    );
}
