//! The simulator's command line.

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let from: u64 = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(1);
    let count: u64 = std::env::args().nth(2).and_then(|s| s.parse().ok()).unwrap_or(1);
    let keep = std::env::args().nth(3).is_some();
    for seed in from..from + count {
        let begun = std::time::Instant::now();
        let outcome = sim::run::run(seed, sim::knobs::Bug::None, keep);
        if keep {
            println!("{}", outcome.trace.all().unwrap_or(""))
        };
        println!(
            "{seed}: {} inputs, {} faults, {} ms, {} lines in {:?}",
            outcome.inputs,
            outcome.faults,
            outcome.length,
            outcome.trace.sum().0,
            begun.elapsed()
        );
        for violation in &outcome.violations {
            println!("{violation}");
        }
    }
}
