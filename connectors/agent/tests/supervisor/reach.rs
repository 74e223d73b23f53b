//! Nothing gets away: neither what left its group and session, nor what forks faster than one can look.

use agent::supervisor::end_leftovers;
use model::report::Cause;

use crate::stage::{Stage, alive};

crate::tests![
    a_daemon_that_ignores_sigterm_and_holds_the_output_open_neither_survives_nor_delays_the_end,
    a_storm_of_processes_that_restart_each_other_is_ended,
    what_a_dead_supervisor_left_behind_is_found_by_its_lease,
];

fn a_daemon_that_ignores_sigterm_and_holds_the_output_open_neither_survives_nor_delays_the_end() {
    let left = Stage::part(&["leaves-a-daemon"]).run();
    left.expect(Cause::Exit, Some(0), None);
    assert_eq!(left.text(), "the main process ends\n");
}

fn a_storm_of_processes_that_restart_each_other_is_ended() {
    let mut show = Stage::part(&["storm", "7"]).start();
    show.until(|show| show.alive() >= 200);
    show.cancel(0);
    show.end().expect(Cause::Cancel, None, Some(9));
}

fn what_a_dead_supervisor_left_behind_is_found_by_its_lease() {
    let show = Stage::part(&["storm", "3"]).start();
    show.until(|show| show.alive() == 15);
    let lease = show.lose_supervisor();
    assert_eq!(alive(lease), 15, "nobody ends them by itself");
    assert!(end_leftovers(lease) >= 15);
    assert_eq!(alive(lease), 0);
}
