//! Priority, turns, fan-out and fan-in.

use super::play::Play;

#[test]
fn executions_of_one_level_take_turns_and_a_higher_level_goes_first() {
    Play::new().table(
        "submit tasks: {a: {run: x}, b: {run: x}, c: {run: x}}   =>
         submit tasks: {d: {run: x}, e: {run: x, priority: high}}   =>
         n1 joins 1            => n1 joined, e@1 to n1
         n1 takes e            =>
         n1 passes e           => e passed, a@1 to n1
         n1 takes a            =>
         n1 passes a           => a passed, d@1 to n1
         n1 takes d            =>
         n1 passes d           => d passed, completed, b@1 to n1",
    );
}

#[test]
fn the_longest_remaining_path_goes_first() {
    Play::new().table(
        "submit tasks: {short: {run: x}, long: {run: x}, after_long: {run: x, after: long}, slow: {run: x, estimate: 5m}}   =>
         n1 joins 2            => n1 joined, slow@1 to n1, long@1 to n1",
    );
}

#[test]
fn a_task_that_no_node_can_run_hides_nobody() {
    Play::new().table(
        "submit tasks: {big: {run: x, priority: highest, needs: {memory: 9GiB}}, mac: {run: x, priority: highest, needs: {labels: {os: mac}}}, small: {run: x}}   =>
         n1 joins 1            => n1 joined, small@1 to n1",
    );
}

#[test]
fn a_wide_fan_out_is_told_in_bounded_steps() {
    let mut play = Play::new();
    let many: String = (0..1_000).map(|i| format!(", t{i}: {{run: x, after: a}}")).collect();
    let late: Vec<String> = (0..1_000).map(|i| format!("t{i}.finished")).collect();
    play.tell(&format!("submit tasks: {{a: {{run: x}}{many}, z: {{run: x, after: [{}]}}}}", late.join(", ")));
    play.table(
        "n1 joins 1            => n1 joined, a@1 to n1
         n1 takes a            =>",
    );
    assert_eq!(play.tell("n1 passes a"), "a passed, t0@1 to n1");
    assert_eq!(play.execution(1).counts.ready, 999);
    // and so is a failure that skips them all: `z` runs whatever came of them
    let mut play = Play::new();
    play.tell(&format!(
        "submit tasks: {{a: {{run: x, retry: none}}{many}, z: {{run: x, after: [{}]}}}}",
        late.join(", ")
    ));
    play.table(
        "n1 joins 1            => n1 joined, a@1 to n1
         n1 takes a            =>",
    );
    let caused = play.tell("n1 fails a");
    assert!(caused.ends_with("t999 skipped for a, z@1 to n1"), "{caused}");
}

#[test]
fn attempts_spread_over_zones() {
    Play::new().table(
        "n1 joins 4 a          => n1 joined
         n2 joins 4 b          => n2 joined
         submit tasks: {a: {run: x}, b: {run: x}, c: {run: x}, d: {run: x}}   => a@1 to n1, b@1 to n2, c@1 to n1, d@1 to n2",
    );
}
