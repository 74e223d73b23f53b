//! The binary from outside, each test in a world of its own. Most of them wait most of the time, so more run at once
//! than there are processors.

#![expect(clippy::unwrap_used, reason = "all of this is tests: what fails to unwrap fails the test")]

mod absence;
mod command_line;
mod damage;
mod demo;
mod demo_kafka;
mod descendants;
mod fail_points;
mod first_steps;
mod full_disk;
mod kafka;
mod names;
mod nodes;
mod patience;
mod printing;
mod restarts;
mod sql;
mod verbs;
mod whim;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial, run};

/// How many run at once where nothing else is asked for.
const AT_ONCE: usize = 6;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    // The longest one first.
    let parts = [
        absence::trials(),
        kafka::trials(),
        demo_kafka::trials(),
        demo::trials(),
        whim::trials(),
        full_disk::trials(),
        descendants::trials(),
        nodes::trials(),
        verbs::trials(),
        names::trials(),
        sql::trials(),
        restarts::trials(),
        patience::trials(),
        printing::trials(),
        first_steps::trials(),
        damage::trials(),
        command_line::trials(),
        fail_points::trials(),
    ];
    run(&arguments, parts.into_iter().flatten().collect()).exit_code()
}

/// A list of trials, named as their functions are.
macro_rules! trials {
    ($($name:ident),* $(,)?) => {
        /// The tests of this file.
        pub fn trials() -> Vec<libtest_mimic::Trial> {
            vec![$($crate::trial(concat!(module_path!(), "::", stringify!($name)), $name)),*]
        }
    };
}
pub(crate) use trials;

/// A test that fails by a panic.
fn trial(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name.trim_start_matches("e2e::"), move || {
        test();
        Ok(())
    })
}
