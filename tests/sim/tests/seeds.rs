//! A seed is a world: the same seed twice is the same run, byte for byte. Without that no failing seed is a report.

use sim::knobs::Bug;
use sim::run::{Outcome, quietly, run};

#[test]
fn the_same_seed_twice_leaves_the_same_trace() {
    quietly();
    let of = |seed: u64| {
        let Outcome { trace, inputs, faults, length, counters, .. } = run(seed, Bug::None, true);
        (trace.all().map(str::to_owned), inputs, faults, length, counters)
    };
    let (first, second) = (of(7), of(7));
    assert!(first.0.as_ref().is_some_and(|trace| trace.lines().count() > 5_000), "a trace of a whole run");
    assert!(first == second, "seed 7 went another way the second time");
    assert!(first.0 != of(8).0, "another seed is another world");
}

#[test]
fn each_run_has_thousands_of_inputs_and_several_faults() {
    quietly();
    for seed in 3..6 {
        let outcome = run(seed, Bug::None, false);
        assert!(outcome.inputs >= 5_000 && outcome.faults >= 5, "{} {}", outcome.inputs, outcome.faults);
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
    }
}
