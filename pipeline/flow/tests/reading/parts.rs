//! Large flows in parts, each small enough for one record of the log.

use flow::{Checked, Format, parse, render};
use model::task::{FlowPart, MAX_PART_BYTES};

use crate::flows::read;

/// Checks that parts are small, come in order and are the whole flow.
fn check(checked: &Checked) -> Vec<FlowPart> {
    let parts = checked.parts();
    for part in &parts {
        let bytes = serde_json::to_vec(part).expect("a part is JSON").len();
        assert!(bytes <= MAX_PART_BYTES, "{bytes} bytes");
    }
    assert_eq!(parts[0].head.as_ref(), Some(&checked.head));
    assert!(parts[1..].iter().all(|part| part.head.is_none()));
    let tasks: Vec<_> = parts.iter().flat_map(|part| part.tasks.clone()).collect();
    let edges: Vec<_> = parts.iter().flat_map(|part| part.edges.clone()).collect();
    assert_eq!((&tasks, &edges), (&checked.tasks, &checked.edges));
    let first_edge = parts.iter().position(|part| !part.edges.is_empty()).unwrap_or(parts.len());
    assert!(parts.iter().skip(first_edge + 1).all(|part| part.tasks.is_empty()), "all tasks before the first edge");
    parts
}

#[test]
fn a_small_flow_is_one_part() {
    assert_eq!(check(&read("tasks: { a: { run: x }, b: { run: x, after: a } }")).len(), 1);
}

#[test]
fn large_tasks_have_parts_of_their_own() {
    let run = "x".repeat(60 * 1024);
    let text = format!("tasks: {{ a: {{ run: {run} }}, b: {{ run: {run} }}, c: {{ run: x, after: [a, b] }} }}");
    assert_eq!(check(&read(&text)).len(), 2);
}

#[test]
fn parts_are_filled_and_hold_tasks_and_edges_in_order() {
    let after = |i: u32| (i.saturating_sub(40)..i).map(|on| format!("t{on}")).collect::<Vec<_>>().join(", ");
    let task = |i: u32| format!("  t{i}: {{ run: echo {i}, after: [{}] }}\n", after(i));
    let checked = read(&format!("tasks:\n{}", (0..1000).map(task).collect::<String>()));
    let parts = check(&checked);
    let whole = serde_json::to_vec(&(&checked.head, &checked.tasks, &checked.edges)).unwrap().len();
    assert!(parts.len() > 5 && parts.len() <= whole.div_ceil(MAX_PART_BYTES) + 1, "{} parts", parts.len());
}

#[test]
fn a_head_full_of_locks_fits() {
    let name = |i: u32| format!("{}{i:04}", "x".repeat(96));
    let locks: Vec<_> = (0..1000).map(|i| format!("{}: 10000", name(i))).collect();
    let run = "x".repeat(60 * 1024);
    let checked = read(&format!("locks: {{ {} }}\ntasks: {{ a: {{ run: {run} }} }}", locks.join(", ")));
    assert_eq!(check(&checked).len(), 2);
    assert_eq!(checked.warnings.len(), 1000, "nobody takes them");
}

#[test]
fn a_task_too_large_for_the_log_is_refused() {
    // Each byte of the command takes two in JSON.
    let text = format!("tasks:\n  a:\n    run: '{}'\n", "\"".repeat(60 * 1024));
    let mistakes = parse("f.yaml", text.as_bytes(), Format::Yaml).unwrap_err();
    let printed = render(&mistakes, "f.yaml", &text);
    let want = "f.yaml:2:3: error: task `a` is 123,048 bytes of JSON\n    2 |   a:\n      |   ^ it may be 98,304 bytes; \
                put long texts into files of their own\n1 error in f.yaml, nothing submitted\n";
    assert_eq!(printed, want);
}
