//! Locks: all or none, by the order of priority, and no permit idle while somebody could run with it.

use super::play::{Play, pool};

const TWO: &str = "locks: {db: 1, net: 2}; tasks: {a: {run: x, needs: {locks: [db]}}, b: {run: x, needs: {locks: [db, net]}}, \
                   c: {run: x, needs: {locks: {net: 2}}}, d: {run: x, priority: high, needs: {locks: {net: 2}}}}";

#[test]
fn permits_go_to_whoever_can_run_with_them_and_leave_with_the_lease() {
    let mut play = Play::new();
    play.tell("n1 joins 9");
    // d is above all and takes net; a takes db; b and c wait
    assert_eq!(play.tell(&format!("submit {TWO}")), "d@1 to n1, a@1 to n1");
    play.table(
        "n1 takes d            =>
         n1 takes a            =>
         n1 passes a           => a passed
         n1 passes d           => d passed, b@1 to n1
         n1 takes b            =>
         n1 fails b            => b test_failure, flaky, b@2 to n1
         n1 takes b            =>
         n1 passes b           => b passed, c@1 to n1",
    );
    let locks = &play.state.pools[&pool()].locks;
    let free: Vec<u32> = locks.values().map(|l| l.free()).collect();
    assert_eq!(free, [1, 0]);
}

#[test]
fn the_lock_of_a_lost_node_is_free_at_once() {
    Play::new().table(
        "n1 joins 1            => n1 joined
         n2 joins 1            => n2 joined
         submit locks: {db: 1}; tasks: {a: {run: x, needs: {locks: [db]}}, b: {run: x, needs: {locks: [db]}}} => a@1 to n1
         n1 takes a            =>
         n1 leaves             => n1 left, a lost, a node_lost, lost_node, a@2 to n2",
    );
}

#[test]
fn a_new_journal_grants_no_lock_within_one_lost() {
    let mut play = Play::new();
    play.now = model::Timestamp(0);
    play.soft.reset(&play.state, play.now);
    play.table(
        "n1 joins 2            => n1 joined
         submit locks: {db: 1}; tasks: {a: {run: x, needs: {locks: [db]}}, b: {run: x}} => b@1 to n1
         wait 1000             => b unseen, b@1 to n1
         wait 200              => a@1 to n1",
    );
}
