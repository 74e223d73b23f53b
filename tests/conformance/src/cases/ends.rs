//! Start and end of a stream: what a restart keeps, what a trim drops, how a reader is told.

use protocol::log::{ReadError, Topic};

use crate::drive::{Driven, record, stream, texts};
use crate::subject::Subject;

pub fn the_range_spans_what_can_be_read(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let journal = stream(Topic::Journal, 0);
    let empty = driven.log.range(journal).expect("an empty stream has a range");
    assert!(empty.is_empty(), "{empty:?}");
    let positions = driven.append_each(journal, &["a", "b", "c"]);
    driven.until("the end is beyond what was acknowledged", || positions[2] < driven.end(journal));
    assert!(empty.start <= positions[0] && driven.start(journal) <= positions[0]);
    assert_eq!(driven.end(stream(Topic::Journal, 1)), driven.start(stream(Topic::Journal, 1)));
}

pub fn the_first_record_is_the_oldest_that_is_held(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let reports = stream(Topic::Reports, 0);
    let first = |of| driven.log.first(of).expect("it can be read").map(|record| record.value);
    assert_eq!(first(reports), None);
    let positions = driven.append(reports, (0..20).map(|n| record(&n.to_string())).collect());
    driven.until("the first one is there", || first(reports).as_deref() == Some(b"0"));
    driven.log.trim(reports, positions[10]).expect("a trim is taken");
    driven.until("the first ones are gone", || first(reports).as_deref() == Some(b"10"));
    assert_eq!(first(stream(Topic::Reports, 1)), None);
}

pub fn who_reads_the_past_takes_nothing_from_who_follows_the_end(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let journal = stream(Topic::Journal, 0);
    let mut next = driven.append(journal, vec![record("begin")])[0];
    for round in 0..5 {
        let values = [0, 1, 2].map(|n| format!("{round} {n}"));
        driven.append(journal, values.iter().map(|value| record(value)).collect());
        // From the beginning, and from where the follower stands, to the end: its records are still its own.
        let start = driven.start(journal);
        for from in [start, next] {
            let mut at = from;
            driven.until("the past is read to the end", || {
                at = driven.log.past(journal, at, 1 << 20).expect("it can be read").next;
                driven.end(journal) <= at
            });
        }
        let count = if round == 0 { 4 } else { 3 };
        let followed = driven.read(journal, next, count, 1 << 20);
        assert_eq!(texts(&followed)[count - 3..], values);
        next = followed[count - 1].position + 1;
    }
}

pub fn a_restart_keeps_what_was_acknowledged_and_positions_go_on(subject: &mut dyn Subject) {
    let mut driven = Driven::fresh(subject);
    let journal = stream(Topic::Journal, 0);
    let (mut want, mut positions) = (Vec::new(), Vec::new());
    for life in 0..4 {
        for n in 0..20 {
            let value = format!("{life} {n}");
            positions.extend(driven.append(journal, vec![record(&value)]));
            want.push(value);
        }
        driven = driven.reopened(subject);
        let records = driven.read(journal, positions[0], want.len(), 1 << 20);
        assert_eq!(texts(&records), want);
        assert_eq!(records.iter().map(|r| r.position).collect::<Vec<_>>(), positions);
    }
    assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
}

pub fn a_trim_moves_the_start_and_never_the_end(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let reports = stream(Topic::Reports, 0);
    let positions = driven.append(reports, (0..100).map(|n| record(&n.to_string())).collect());
    driven.until("the end is beyond what was acknowledged", || positions[99] < driven.end(reports));
    let end = driven.end(reports);
    for upto in [10, 60, 30] {
        driven.log.trim(reports, positions[upto]).expect("a trim is taken");
        driven.until("the start has moved", || positions[upto] <= driven.start(reports));
        assert_eq!(driven.end(reports), end);
    }
    assert_eq!(driven.start(reports), positions[60], "no more than asked for, and never back");
    let read = driven.read(reports, positions[60], 40, 1 << 20);
    assert_eq!(texts(&read), (60..100).map(|n| n.to_string()).collect::<Vec<_>>());
    let next = driven.append(reports, vec![record("100")])[0];
    assert!(end <= next);
}

pub fn a_cut_below_the_start_is_reported_before_any_record(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let reports = stream(Topic::Reports, 0);
    let positions = driven.append(reports, (0..20).map(|n| record(&n.to_string())).collect());
    driven.log.trim(reports, positions[10]).expect("a trim is taken");
    let cut = driven.cut(reports, positions[9]);
    let ReadError::Cut { position, start, end } = cut else { panic!("a cut, not {cut:?}") };
    assert_eq!((position, start), (positions[9], positions[10]));
    assert!(positions[19] < end);
    let driven = driven.reopened(subject);
    assert!(matches!(driven.cut(reports, positions[0]), ReadError::Cut { .. }));
    assert_eq!(texts(&driven.read(reports, positions[10], 1, 1)), ["10"]);
}

pub fn a_position_beyond_the_end_is_reported_as_a_cut(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let journal = stream(Topic::Journal, 0);
    let last = driven.append_each(journal, &["a", "b"])[1];
    let beyond = last + 1000;
    let cut = driven.cut(journal, beyond);
    assert!(matches!(cut, ReadError::Cut { position, end, .. } if position == beyond && end < beyond), "{cut:?}");
}

pub fn a_trim_of_everything_keeps_positions_going_on_over_a_restart(subject: &mut dyn Subject) {
    let mut driven = Driven::fresh(subject);
    let rejects = stream(Topic::Rejects, 0);
    let last = driven.append_each(rejects, &["a", "b", "c"])[2];
    driven.until("the end is beyond what was acknowledged", || last < driven.end(rejects));
    let end = driven.end(rejects);
    driven.log.trim(rejects, end + 5).or_else(|_| driven.log.trim(rejects, end)).expect("a trim is taken");
    driven.until("all is gone", || driven.start(rejects) == end);
    assert_eq!(driven.end(rejects), end);
    driven = driven.reopened(subject);
    assert_eq!(driven.log.range(rejects).expect("a range can be asked"), end..end);
    let next = driven.append(rejects, vec![record("d"), record("e")]);
    assert!(end <= next[0], "{next:?} after {end}");
    assert_eq!(texts(&driven.read(rejects, next[0], 2, 1 << 20)), ["d", "e"]);
    driven = driven.reopened(subject);
    assert_eq!(texts(&driven.read(rejects, next[0], 2, 1 << 20)), ["d", "e"], "an old trim takes nothing new");
}

pub fn a_soft_stream_brings_what_comes_after_its_end(subject: &mut dyn Subject) {
    let mut driven = Driven::fresh(subject);
    for topic in [Topic::Heartbeats, Topic::Commands] {
        let soft = stream(topic, 0);
        for life in ["first", "second"] {
            let from = driven.end(soft);
            let positions = driven.append_each(soft, &[life, "a", "b"]);
            assert!(from <= positions[0] && positions.is_sorted_by(|a, b| a < b), "{positions:?} from {from}");
            assert_eq!(texts(&driven.read(soft, from, 3, 64)), [life, "a", "b"]);
            driven = driven.reopened(subject);
        }
    }
}
