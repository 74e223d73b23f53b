//! Bounds: the largest that is taken, and one more.

use flow::{Format, parse, render};

/// The first line of what is printed; "fine" without mistakes.
fn first(text: &str) -> String {
    match parse("f", text.as_bytes(), Format::Yaml) {
        Ok(_) => "fine".to_owned(),
        Err(mistakes) => {
            let printed = render(&mistakes, "f", text);
            let line = printed.lines().next().expect("a mistake is printed");
            line.split_once(" error: ").expect("each mistake begins so").1.to_owned()
        }
    }
}

fn many(n: usize, one: impl Fn(usize) -> String) -> String {
    (0..n).map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn each_bound_is_taken_and_one_more_is_refused() {
    let task = |fields: &str| first(&format!("tasks: {{ t: {{ run: x, {fields} }} }}"));
    let run = |run: &str| first(&format!("tasks: {{ t: {{ run: {run} }} }}"));
    let x = |n: usize| "x".repeat(n);
    let env = |n: usize| task(&format!("env: {{ {} }}", many(n, |i| format!("E{i}: 1"))));
    let labels = |n: usize| task(&format!("needs: {{ labels: {{ {} }} }}", many(n, |i| format!("l{i}: 1"))));
    let results = |n: usize| task(&format!("results: [{}]", many(n, |i| format!("r{i}"))));
    let tasks = |n: usize| first(&format!("tasks: {{ {} }}", many(n, |i| format!("t{i}: {{ run: x }}"))));
    let lock = |n: usize| many(n, |i| format!("l{i}: 1"));
    let locks = |n: usize| first(&format!("locks: {{ {} }}\ntasks: {{ t: {{ run: x }} }}", lock(n)));
    let take = |n: usize| {
        let taken = many(n, |i| format!("l{i}"));
        first(&format!("locks: {{ {} }}\ntasks: {{ t: {{ run: x, needs: {{ locks: [{taken}] }} }} }}", lock(20)))
    };
    let after = |n: usize| task(&format!("after: [{}]", many(n, |_| "t.finished".to_owned())));
    let waits_for_itself = "`t` waits for itself";
    for (got, want) in [
        (run(&x(65_536)), "fine"),
        (run(&x(65_537)), "`run` is 65,537 bytes long"),
        (run(&format!("[{}, {}]", x(32_767), x(32_767))), "fine"),
        (run(&format!("[{}, {}]", x(32_767), x(32_768))), "`run` is 65,537 bytes long"),
        (env(256), "fine"),
        (env(257), "`env` has 257 entries"),
        (task(&format!("env: {{ A: {} }}", x(32_765))), "fine"),
        (task(&format!("env: {{ A: {} }}", x(32_766))), "`env` is 32,769 bytes long"),
        (task(&format!("dir: {}", x(4_096))), "fine"),
        (task(&format!("dir: {}", x(4_097))), "`dir` is 4,097 bytes long"),
        (labels(32), "fine"),
        (labels(33), "`labels` has 33 entries"),
        (results(32), "fine"),
        (results(33), "`results` has 33 entries"),
        (locks(1_000), "fine"),
        (locks(1_001), "`locks` has 1,001 entries"),
        (take(16), "fine"),
        (take(17), "`locks` has 17 entries"),
        (after(10_000), waits_for_itself),
        (after(10_001), "`after` has 10,001 entries"),
        (tasks(100_000), "fine"),
        (tasks(100_001), "more than 100,000 entries in one map"),
        (task("timeout: 7d, stall: 1s, grace: 10m, estimate: 7d, needs: { slots: 1000, memory: 16TiB }"), "fine"),
    ] {
        assert_eq!(got, want);
    }
}

#[test]
fn a_million_dependencies_are_taken_and_one_more_is_refused() {
    // 1,000 tasks that each wait for the same 1,000.
    let names = (0..1_000).map(|i| format!("a{i}")).collect::<Vec<_>>().join(", ");
    let sources: String = (0..1_000).map(|i| format!("  a{i}: {{ run: x }}\n")).collect();
    let sinks: String = (1..1_000).map(|i| format!("  b{i}: {{ run: x, after: *all }}\n")).collect();
    let flow = format!("tasks:\n{sources}  b0: {{ run: x, after: &all [{names}] }}\n{sinks}");
    let checked = parse("f", flow.as_bytes(), Format::Yaml).unwrap();
    assert_eq!(checked.edges.len(), 1_000_000);
    assert_eq!(
        first(&format!("{flow}  c: {{ run: x, after: a0 }}\n")),
        "the flow has more than 1,000,000 dependencies"
    );
}
