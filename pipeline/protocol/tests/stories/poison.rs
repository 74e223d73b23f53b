//! A bug of ours in one input stops neither the pool nor the partition.

use model::request::Ask;
use protocol::partition::Config;

use super::instance::{Instance, Log};

#[test]
fn an_input_that_breaks_us_goes_to_rejects_and_the_rest_goes_on() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut log = Log::default();
    let mut one = Instance::fresh(Config { trip_on: Some("mallory".into()), ..Config::default() }, 1);
    one.settle(&mut log);
    log.ask_anything("k1");
    log.ask("mallory", "k2", Ask::Pause { execution: "f-1".parse().unwrap() });
    log.ask_anything("k3");
    one.settle(&mut log);
    assert!(one.leads());
    assert!(
        one.said("Reject {") && one.said("our own bug: deciding about it failed") && one.said("Alarm(\"requests/1")
    );
    assert!(one.said("our own bug: deciding about it failed; please report it"));
    assert_eq!(one.answered(), "k1 k2 k3", "who asked is told");
    assert_eq!(one.replica().consumed.requests, 3);
}

#[test]
fn bytes_that_are_no_request_are_rejected_with_their_place() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    one.settle(&mut log);
    log.ask_anything("k1");
    log.requests[0].value = b"\xff\xfe{".to_vec();
    one.settle(&mut log);
    let text = |out: &protocol::Out| {
        let protocol::Out::Reject { records, .. } = out else { return None };
        String::from_utf8(records[0].value.clone()).ok()
    };
    let reject = one.out.iter().find_map(text);
    let reject = reject.unwrap();
    assert!(reject.contains(r#""topic":"requests""#) && reject.contains(r#""position":0"#), "{reject}");
}

fn rejects(one: &mut Instance) -> Vec<(u64, usize)> {
    let offered = |out: protocol::Out| {
        let protocol::Out::Reject { records, seq } = out else { return None };
        Some((seq, records.len()))
    };
    one.out.drain(..).filter_map(offered).collect()
}

#[test]
fn rejects_that_did_not_reach_the_log_are_offered_again_whatever_came_after_them() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    one.settle(&mut log);
    for key in ["k1", "k2"] {
        log.ask_anything(key);
        log.requests.last_mut().unwrap().value = b"{".to_vec();
    }
    one.settle(&mut log);
    let first = rejects(&mut one);
    assert_eq!((first.len(), first[0].1), (1, 2), "those of one entry go together");
    log.ask_anything("k3");
    log.requests.last_mut().unwrap().value = b"{".to_vec();
    one.settle(&mut log);
    let second = rejects(&mut one);
    one.tell(protocol::In::RejectsOut { seq: second[0].0 });
    one.settle(&mut log);
    assert_eq!(one.replica().state.unsent.len(), 3, "the first are not out: nothing is forgotten");
    one.pass(10_200);
    let again = rejects(&mut one);
    assert_eq!(again[0], first[0]);
    one.tell(protocol::In::RejectsOut { seq: first[0].0 });
    one.settle(&mut log);
    assert!(one.replica().state.unsent.is_empty());
}
