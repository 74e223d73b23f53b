//! A machine whose clock is far off does not lead unless it is told to.

use protocol::partition::Config;

use super::instance::{Instance, Log};

#[test]
fn a_clock_that_is_years_off_stops_with_what_to_do_or_moves_every_deadline() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    one.settle(&mut log);
    log.ask_anything("k1");
    one.settle(&mut log);
    let begun = |instance: &Instance| instance.replica().first_announced;

    let year = 365 * 86_400_000;
    let mut two = Instance::fresh(Config::default(), 2);
    two.at.wall_ms += year;
    two.settle(&mut log);
    assert!(!two.leads() && two.said("start with --accept-clock"));

    let mut three = Instance::fresh(Config { accept_clock: true, ..Config::default() }, 3);
    three.at.wall_ms += year;
    three.settle(&mut log);
    assert!(three.leads());
    let moved = begun(&three) - begun(&one);
    assert!(moved.0 >= year - 60_000, "moved by {moved}");
    assert_eq!(keys(&three), 0, "a copy of that request is a year old, and refused for that");
    // whoever reads the journal later moves them too
    let mut four = Instance::new(Default::default(), Config::default(), 4);
    four.read(&log);
    assert_eq!(begun(&four), begun(&three));
}

#[test]
fn a_shift_is_not_forgotten_with_an_announcement_that_was_lost() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    one.settle(&mut log);
    log.ask_anything("k1");
    one.settle(&mut log);

    let mut two = Instance::fresh(Config { accept_clock: true, ..Config::default() }, 2);
    two.at.wall_ms += 365 * 86_400_000;
    two.read(&log);
    two.unwritten.clear();
    two.tell(protocol::In::AppendFailed { why: "lost".into(), header: Vec::new() });
    two.pass(1_200);
    two.settle(&mut log);
    assert!(two.leads());
    two.pass(1_000);
    let moved = two.replica().first_announced - one.replica().first_announced;
    assert!(moved.0 >= 364 * 86_400_000, "moved by {moved}");
}

fn keys(instance: &Instance) -> usize {
    instance.replica().state.pools.values().map(|pool| pool.keys.len()).sum()
}
