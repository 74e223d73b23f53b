//! Nothing gets away: neither what left its group and session, nor what forks faster than one can look.

use model::report::Cause;

use crate::stage::Stage;

crate::tests![
    a_daemon_that_ignores_sigterm_and_holds_the_output_open_neither_survives_nor_delays_the_end,
    a_storm_of_processes_that_restart_each_other_is_ended,
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
