//! Waiting: what ends it, and that nothing is slept through.

use std::thread;
use std::time::{Duration, Instant};

use protocol::log::Topic;

use crate::drive::{Driven, record, stream};
use crate::subject::Subject;

/// Longer than any patience: a wait that is ended by nothing else fails its case.
const FOREVER: Duration = Duration::from_secs(3600);

pub fn a_wait_ends_when_a_record_comes(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let requests = stream(Topic::Requests, 0);
    let mut next = driven.end(requests);
    for n in 0..50 {
        let waiting = driven.clone();
        let waiter = thread::spawn(move || sleep_until_end(&waiting, &[(requests, next)]));
        next = driven.append(requests, vec![record(&n.to_string())])[0] + 1;
        ends(&driven, waiter);
    }
}

pub fn a_wait_for_what_is_there_ends_at_once(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let requests = stream(Topic::Requests, 0);
    let first = driven.append_each(requests, &["a"])[0];
    driven.until("the end is beyond what was acknowledged", || first < driven.end(requests));
    let waiting = driven.clone();
    ends(&driven, thread::spawn(move || waiting.log.wait(&[(requests, first)], FOREVER)));
}

pub fn a_wait_ends_when_it_is_woken(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let journal = stream(Topic::Journal, 0);
    let end = driven.end(journal);
    let waiting = driven.clone();
    let waiter = thread::spawn(move || waiting.log.wait(&[(journal, end)], FOREVER));
    // A wake ends waits under way; who is about to wait may miss it, so it is repeated.
    driven.until("the wait has ended", || {
        driven.log.wake();
        waiter.is_finished()
    });
}

pub fn a_wait_ends_when_its_time_has_passed(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let journal = stream(Topic::Journal, 0);
    let end = driven.end(journal);
    let begun = Instant::now();
    for _ in 0..3 {
        driven.log.wait(&[(journal, end)], Duration::from_millis(20));
    }
    assert!(begun.elapsed() < driven.patience());
    driven.log.wait(&[], Duration::ZERO);
}

pub fn a_wait_sees_any_of_its_streams(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let streams = [
        stream(Topic::Requests, 0),
        stream(Topic::Reports, 0),
        stream(Topic::Heartbeats, 0),
        stream(Topic::Journal, 1),
    ];
    for to in streams {
        let ends_at = streams.map(|stream| (stream, driven.end(stream)));
        let waiting = driven.clone();
        let waiter = thread::spawn(move || sleep_until_end(&waiting, &ends_at));
        driven.append(to, vec![record("x")]);
        ends(&driven, waiter);
    }
}

/// Waits, again after each spurious return, until one of the streams has more.
fn sleep_until_end(driven: &Driven, streams: &[(protocol::log::Stream, u64)]) {
    while streams.iter().all(|(stream, position)| driven.end(*stream) <= *position) {
        driven.log.wait(streams, FOREVER);
    }
}

fn ends(driven: &Driven, waiter: thread::JoinHandle<()>) {
    driven.until("the wait has ended", || waiter.is_finished());
    waiter.join().expect("a wait does not panic");
}
