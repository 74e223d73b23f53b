//! The number of partitions is chosen once: an engine that is set to another one stops, with what to do.

use protocol::Out;
use protocol::partition::Config;

use super::instance::{Instance, Log};

const WHY: &str = "the journal was begun with 4 partitions, this engine is set to 8: start it with `partitions = 4`; \
                   the number is chosen once, since pools are hashed to partitions";

fn set_to(partitions: u32, random: u64) -> Instance {
    Instance::fresh(Config { partition: (2, partitions), ..Config::default() }, random)
}

fn stops(instance: &Instance) -> Vec<&str> {
    let why = |out| if let &Out::Stop(ref why) = out { Some(why.as_str()) } else { None };
    instance.out.iter().filter_map(why).collect()
}

#[test]
fn an_engine_that_is_set_to_another_number_stops_with_what_to_do() {
    let mut log = Log::default();
    let mut one = set_to(4, 1);
    one.settle(&mut log);
    log.ask_anything("k1");
    one.settle(&mut log);
    assert_eq!(one.answered(), "k1");

    let mut two = set_to(8, 2);
    two.settle(&mut log);
    two.tell(protocol::In::Lead);
    two.pass(5_000);
    assert_eq!(
        (stops(&two), two.leads(), two.unwritten.len()),
        (vec![WHY], false, 0),
        "once, and it announces nothing"
    );
    // So does one that knows the number from a snapshot, before it has read anything.
    let config = Config { partition: (2, 8), standby: true, ..Config::default() };
    let mut three = Instance::new(one.replica(), config, 3);
    three.pass(100);
    assert_eq!(stops(&three), [WHY]);

    let mut four = set_to(4, 4);
    four.settle(&mut log);
    assert!(four.leads() && stops(&four).is_empty());
}

#[test]
fn of_two_that_begin_a_journal_with_different_numbers_the_first_in_the_log_decides() {
    let mut log = Log::default();
    let (mut one, mut two) = (set_to(4, 1), set_to(8, 2));
    one.read(&log);
    two.read(&log);
    log.write(&mut one);
    log.write(&mut two);
    two.settle(&mut log);
    one.settle(&mut log);
    assert!(one.leads() && !two.leads());
    assert_eq!(stops(&two), [WHY]);
}

#[test]
fn an_announcement_with_another_number_counts_for_nobody() {
    let mut log = Log::default();
    let mut one = set_to(4, 1);
    one.settle(&mut log);
    // A leader of another journal, of epoch 2 and of 8 partitions: it says so in our journal.
    let mut other = Log::default();
    for random in [2, 3] {
        set_to(8, random).settle(&mut other);
    }
    let foreign = other.journal.remove(1);
    let protocol::log::Record { key, header, value, .. } = foreign;
    log.append(protocol::log::NewRecord { key, header, value });
    log.ask_anything("k1");
    one.settle(&mut log);
    assert!(one.leads());
    assert_eq!(one.answered(), "k1", "the leader goes on");
    let mut eight = set_to(8, 4);
    eight.settle(&mut log);
    assert_eq!(stops(&eight), [WHY], "and it makes nobody go on who is set to it");
}
