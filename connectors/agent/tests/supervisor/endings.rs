//! How attempts end, and what is said of it.

use agent::attempt::Notice;
use model::Millis;
use model::report::Cause;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::stage::{HOUR, Stage, part};

crate::tests![
    a_command_that_ends_by_itself_is_reported_with_its_exit_code,
    a_signal_that_is_not_ours_is_the_cause,
    what_cannot_be_started_says_why,
    a_cancel_lets_the_command_clean_up,
    a_shell_in_front_does_not_cost_the_tests_behind_it_their_grace,
    who_ignores_the_cancel_is_killed_after_the_grace,
    a_second_cancel_shortens_the_grace,
    without_its_agent_an_attempt_is_killed_at_once,
    a_supervisor_that_is_told_to_stop_ends_its_attempt,
    an_attempt_that_has_ended_is_not_started_again,
    an_outcome_that_cannot_be_written_is_tried_until_it_can,
];

fn a_command_that_ends_by_itself_is_reported_with_its_exit_code() {
    for code in [0, 3, 255] {
        let left = Stage::part(&["exit", &code.to_string()]).run();
        left.expect(Cause::Exit, Some(code), None);
        assert!(matches!(left.notices[..], [Notice::Started { pid: 1.. }, Notice::Ended]), "{:?}", left.notices);
        assert_eq!(left.end.note, "");
    }
}

fn a_signal_that_is_not_ours_is_the_cause() {
    Stage::part(&["killed-by", "SIGABRT"]).run().expect(Cause::Signal, None, Some(6));
    Stage::part(&["killed-by", "SIGKILL"]).run().expect(Cause::Signal, None, Some(9));
}

fn what_cannot_be_started_says_why() {
    let text = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    for (run, dir, want) in [
        (text(&["no-such-program-here", "x"]), None, "no such program: no-such-program-here"),
        (text(&["./script"]), None, "not executable: ./script (permission denied)"),
        (text(&["./orphaned"]), None, "the interpreter that its first line names is missing (#!/no/such/interpreter)"),
        (text(&[]), None, "`run` is empty"),
        (part(&["exit", "0"]), Some("no/such/folder"), "no such folder to run in: "),
    ] {
        let stage = Stage::new(run).with(|spec| spec.start.dir = dir.map(str::to_owned));
        std::fs::write(stage.work("script"), "exit 0").unwrap();
        std::fs::write(stage.work("orphaned"), "#!/no/such/interpreter\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(stage.work("orphaned"), mode).unwrap();
        let left = stage.run();
        left.expect(Cause::Start, None, None);
        assert!(left.end.note.contains(want), "{} instead of {want}", left.end.note);
        assert_eq!(left.notices, [Notice::Ended]);
    }
}

fn a_cancel_lets_the_command_clean_up() {
    let mut show = Stage::part(&["graceful"]).start();
    show.until_printed("ready");
    show.cancel(HOUR.0);
    let left = show.end();
    left.expect(Cause::Cancel, Some(7), None);
    assert_eq!(left.end.tail, "ready\ncleaned up\n");
}

fn a_shell_in_front_does_not_cost_the_tests_behind_it_their_grace() {
    let mut show = Stage::part(&["front"]).start();
    show.until_printed("ready");
    show.cancel(HOUR.0);
    let left = show.end();
    left.expect(Cause::Cancel, None, Some(15));
    assert_eq!(left.end.tail, "ready\ncleaned up\n");
}

fn who_ignores_the_cancel_is_killed_after_the_grace() {
    let mut show = Stage::part(&["deaf"]).start();
    show.until_printed("ready");
    show.cancel(200);
    show.end().expect(Cause::Cancel, None, Some(9));
}

fn a_second_cancel_shortens_the_grace() {
    let mut show = Stage::part(&["deaf"]).start();
    show.until_printed("ready");
    show.cancel(HOUR.0);
    show.cancel(100);
    show.end().expect(Cause::Cancel, None, Some(9));
}

fn without_its_agent_an_attempt_is_killed_at_once() {
    let mut show = Stage::part(&["deaf"]).with(|spec| spec.start.grace_ms = HOUR).start();
    show.until_printed("ready");
    show.leave();
    show.end().expect(Cause::Agent, None, Some(9));
}

fn a_supervisor_that_is_told_to_stop_ends_its_attempt() {
    let show = Stage::part(&["graceful"]).with(|spec| spec.start.grace_ms = Millis(60_000)).start();
    show.until_printed("ready");
    kill(Pid::from_raw(show.supervisor()), Signal::SIGTERM).unwrap();
    show.end().expect(Cause::Agent, Some(7), None);
}

fn an_attempt_that_has_ended_is_not_started_again() {
    let left = Stage::part(&["exit", "3"]).run();
    let attempt = left.folder.path().join("attempt");
    let again =
        std::process::Command::new(std::env::current_exe().unwrap()).arg("supervise").arg(&attempt).output().unwrap();
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("has ended already"), "{again:?}");
}

fn an_outcome_that_cannot_be_written_is_tried_until_it_can() {
    let stage = Stage::part(&["say", "done"]).unheard();
    let in_the_way = stage.beside("outcome.json.new");
    std::fs::create_dir(&in_the_way).unwrap();
    let show = stage.start();
    show.until(|show| show.output().contains("done") && show.alive() == 0);
    assert!(!show.has_outcome());
    std::fs::remove_dir(&in_the_way).unwrap();
    show.end().expect(Cause::Exit, Some(0), None);
}
