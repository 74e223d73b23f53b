//! Limits that end an attempt without anybody's word.

use agent::attempt::{Instruction, Notice};
use model::Millis;
use model::report::Cause;

use crate::stage::{HOUR, Stage, boot_ms};

crate::tests![
    a_command_may_open_as_many_files_as_it_is_told_and_no_more,
    the_time_out_ends_an_attempt_with_grace,
    silence_ends_an_attempt_that_may_not_be_silent,
    progress_is_a_sign_of_life,
    strict_work_that_is_not_renewed_is_killed_without_grace,
    other_work_that_is_not_renewed_is_an_orphan_and_has_its_grace,
    renewed_work_lives_on,
    a_life_that_is_over_before_the_start_starts_nothing,
    memory_is_counted_over_all_processes_and_bounded,
    what_was_used_is_reported,
];

fn the_time_out_ends_an_attempt_with_grace() {
    let left = Stage::part(&["graceful"]).with(|spec| spec.start.timeout_ms = Millis(1_500)).run();
    left.expect(Cause::Timeout, Some(7), None);
    assert!(left.took.as_millis() >= 1_500);
}

fn a_command_may_open_as_many_files_as_it_is_told_and_no_more() {
    let run = ["sh", "-c", "ulimit -Sn; ulimit -Hn"].map(str::to_owned).to_vec();
    let left = Stage::new(run).with(|spec| spec.open_files = Some(123)).run();
    let text = left.text();
    let limits: Vec<&str> = text.lines().collect();
    assert!(limits.len() == 2 && limits[0] == "123" && limits[1] != "123", "{text}");
}

fn silence_ends_an_attempt_that_may_not_be_silent() {
    let left = Stage::part(&["graceful"]).with(|spec| spec.start.stall_ms = Some(Millis(1_000))).run();
    left.expect(Cause::Stall, Some(7), None);
}

fn progress_is_a_sign_of_life() {
    let left = Stage::part(&["progress-for", "4000"]).with(|spec| spec.start.stall_ms = Some(Millis(2_000))).run();
    left.expect(Cause::Exit, Some(0), None);
    let progress: Vec<_> = left.notices.iter().filter(|n| matches!(n, Notice::Progress { .. })).collect();
    let last = Notice::Progress { fraction: 1.0, note: Some("there".into()) };
    assert_eq!(progress.last(), Some(&&last), "the last word goes out");
}

fn strict_work_that_is_not_renewed_is_killed_without_grace() {
    let lives_until = Millis(boot_ms() + 2_000);
    let left = Stage::part(&["graceful"])
        .with(|spec| {
            spec.start.strict = true;
            spec.start.grace_ms = HOUR;
            spec.lives_until_ms = lives_until;
        })
        .run();
    left.expect(Cause::Strict, None, Some(9));
}

fn other_work_that_is_not_renewed_is_an_orphan_and_has_its_grace() {
    let lives_until = Millis(boot_ms() + 2_000);
    let left = Stage::part(&["graceful"]).with(|spec| spec.lives_until_ms = lives_until).run();
    left.expect(Cause::Orphan, Some(7), None);
}

fn renewed_work_lives_on() {
    let lives_until = Millis(boot_ms() + 3_000);
    let mut show = Stage::part(&["graceful"])
        .with(|spec| {
            spec.start.strict = true;
            spec.lives_until_ms = lives_until;
        })
        .start();
    show.say(&Instruction::Renew { lives_until_ms: Millis(boot_ms() + HOUR.0) });
    show.until_printed("ready");
    show.until(|_| boot_ms() > lives_until.0 + 300);
    show.cancel(HOUR.0);
    show.end().expect(Cause::Cancel, Some(7), None);
}

fn a_life_that_is_over_before_the_start_starts_nothing() {
    for (strict, cause) in [(true, Cause::Strict), (false, Cause::Orphan)] {
        let left = Stage::part(&["write", "ran", ""])
            .with(|spec| {
                spec.start.strict = strict;
                spec.lives_until_ms = Millis(1);
            })
            .run();
        left.expect(cause, None, None);
        assert_eq!(left.notices, [Notice::Ended]);
        assert!(!left.folder.path().join("work/ran").exists());
    }
}

fn memory_is_counted_over_all_processes_and_bounded() {
    let left = Stage::part(&["hog", "60", "3"]).with(|spec| spec.start.memory_mb = 150).run();
    left.expect(Cause::Memory, None, Some(9));
    assert!(left.end.max_rss_mb > 150, "{:?}", left.end);
    assert!(left.end.note.contains("MiB together"), "{}", left.end.note);

    let mut show = Stage::part(&["hog", "60", "1"]).with(|spec| spec.start.memory_mb = 1_000).start();
    show.until(|show| show.output().matches("ready").count() == 2);
    show.cancel(0);
    let left = show.end();
    left.expect(Cause::Cancel, None, Some(9));
    assert!((120..400).contains(&left.end.max_rss_mb), "{:?}", left.end);
}

fn what_was_used_is_reported() {
    let left =
        Stage::new(["sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"].map(String::from).into()).run();
    left.expect(Cause::Exit, Some(0), None);
    assert!(left.end.cpu_ms > Millis(20) && left.end.max_rss_mb >= 1, "{:?}", left.end);
}
