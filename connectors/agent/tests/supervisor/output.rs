//! What an attempt prints, and what of it is kept.

use std::collections::BTreeMap;

use model::report::{Cause, MAX_TAIL_BYTES};

use crate::stage::{HOUR, Stage};

crate::tests![
    both_streams_are_kept_as_bytes_in_their_order,
    a_hundred_megabytes_on_one_line_are_kept_at_both_ends_in_little_memory,
    a_command_finds_what_it_was_promised_in_its_environment_and_no_more,
    a_command_finds_the_checkpoint_of_the_attempt_before,
];

fn both_streams_are_kept_as_bytes_in_their_order() {
    let script = r"printf 'one\n'; printf 'two \377\n' >&2; printf three";
    let left = Stage::new(["sh", "-c", script].map(String::from).into()).run();
    left.expect(Cause::Exit, Some(0), None);
    assert_eq!(left.output, b"one\ntwo \xFF\nthree");
    assert_eq!(left.end.tail, "one\ntwo \u{FFFD}\nthree");
}

fn a_hundred_megabytes_on_one_line_are_kept_at_both_ends_in_little_memory() {
    let bytes = 100_000_000;
    let show = Stage::part(&["flood", &bytes.to_string()]).start();
    let status = format!("/proc/{}/status", show.supervisor());
    let peak = std::cell::Cell::new(0);
    show.until(|_| {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        peak.set(peak.get().max(kib.unwrap_or(0)));
        kib.is_none() // it is gone
    });
    let left = show.end();
    left.expect(Cause::Exit, Some(0), None);
    assert!(left.output.len() <= 1 << 20, "{} bytes under a bound of 1 MiB", left.output.len());
    let text = left.text();
    let start = text.find('\n').unwrap();
    let end = text[start + 1..].find('\n').unwrap() + start + 2;
    let left_out = bytes + "the end".len() - start - (text.len() - end);
    assert_eq!(&text[start..end], format!("\n[... {left_out} bytes left out ...]\n"));
    assert!(text.ends_with("xxxthe end"));
    assert!(left.end.tail.ends_with("xxxthe end") && left.end.tail.len() <= MAX_TAIL_BYTES);
    assert!((1..64 * 1024).contains(&peak.get()), "the supervisor held {} KiB", peak.get());
}

fn a_command_finds_what_it_was_promised_in_its_environment_and_no_more() {
    let left = Stage::part(&["env"]).run();
    let text = left.text();
    let mut found: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    for (name, want) in [
        ("CI", "true"),
        ("REPRISE_EXECUTION", "nightly-web-118"),
        ("REPRISE_TASK", "shard@2:a"),
        ("REPRISE_ATTEMPT", "3"),
        ("EXTRA", "yes"),
    ] {
        assert_eq!(found.remove(name), Some(want), "{name}");
    }
    for name in ["REPRISE_LEASE", "REPRISE_CHECKPOINT", "REPRISE_SOCKET", "PATH"] {
        assert!(found.remove(name).is_some(), "{name} is missing");
    }
    // An instrumented binary marks its own environment.
    found.retain(|name, _| !["HOME", "LANG"].contains(name) && !name.starts_with("__LLVM_"));
    assert!(found.is_empty(), "not promised: {found:?}");
}

fn a_command_finds_the_checkpoint_of_the_attempt_before() {
    for (checkpoint, want) in [(Some("118/240"), "118/240\n"), (None, "\n")] {
        let left = Stage::part(&["read", "REPRISE_CHECKPOINT"])
            .with(|spec| {
                spec.start.checkpoint = checkpoint.map(str::to_owned);
                spec.start.stall_ms = Some(HOUR);
            })
            .run();
        assert_eq!(left.text(), want);
    }
}
