//! Order, wholeness of a call, and streams that do not know of each other.

use std::collections::BTreeMap;
use std::thread;

use protocol::log::{AppendError, NewRecord, Topic};

use crate::drive::{Driven, record, stream, texts};
use crate::subject::Subject;

pub fn records_of_one_thread_keep_the_order_of_its_calls(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let reports = stream(Topic::Reports, 0);
    let want: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    let sent: Vec<_> = want.iter().map(|value| driven.send(reports, vec![record(value)])).collect();
    let positions: Vec<u64> = sent.iter().flat_map(|told| driven.outcome(told).expect("acknowledged")).collect();
    assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
    let records = driven.read(reports, positions[0], want.len(), 1 << 20);
    assert_eq!(texts(&records), want);
    assert_eq!(records.iter().map(|r| r.position).collect::<Vec<_>>(), positions);
}

pub fn records_of_one_call_stand_together(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let requests = stream(Topic::Requests, 0);
    thread::scope(|scope| {
        for writer in 0..4 {
            let driven = driven.clone();
            scope.spawn(move || {
                for call in 0..20 {
                    let records = (0..5).map(|n| record(&format!("{writer}.{call}.{n}"))).collect();
                    assert_eq!(driven.append(requests, records).len(), 5);
                }
            });
        }
    });
    let all = texts(&driven.read_all(requests));
    assert_eq!(all.len(), 4 * 20 * 5);
    for call in all.chunks(5) {
        let (name, _) = call[0].rsplit_once('.').expect("values have three parts");
        let want: Vec<String> = (0..5).map(|n| format!("{name}.{n}")).collect();
        assert_eq!(call, want);
    }
}

pub fn threads_that_append_to_one_stream_lose_and_mix_nothing(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let reports = stream(Topic::Reports, 1);
    let acknowledged = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let driven = driven.clone();
                scope.spawn(move || {
                    let values: Vec<String> = (0..100).map(|n| format!("{writer} {n}")).collect();
                    let sent: Vec<_> = values.iter().map(|value| driven.send(reports, vec![record(value)])).collect();
                    let positions = sent.iter().flat_map(|told| driven.outcome(told).expect("acknowledged"));
                    positions.zip(values).collect::<Vec<_>>()
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().expect("a writer ends")).collect::<BTreeMap<_, _>>()
    });
    assert_eq!(acknowledged.len(), 400, "no position was given twice");
    let read: BTreeMap<u64, String> =
        driven.read_all(reports).iter().map(|r| (r.position, String::from_utf8_lossy(&r.value).into_owned())).collect();
    assert_eq!(read, acknowledged);
}

pub fn streams_are_independent(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let topics = [Topic::Requests, Topic::Reports, Topic::Journal, Topic::Rejects];
    let streams: Vec<_> = topics.iter().flat_map(|topic| [stream(*topic, 0), stream(*topic, 1)]).collect();
    for (n, to) in streams.iter().enumerate() {
        for value in 0..n {
            driven.append(*to, vec![record(&format!("{to} {value}"))]);
        }
    }
    for (n, from) in streams.iter().enumerate() {
        let want: Vec<String> = (0..n).map(|value| format!("{from} {value}")).collect();
        assert_eq!(texts(&driven.read_all(*from)), want);
    }
}

pub fn a_stream_that_does_not_exist_refuses(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let nowhere = stream(Topic::Journal, 1_000_000);
    let told = driven.send(nowhere, vec![record("lost")]);
    let outcome = driven.outcome(&told);
    assert!(matches!(outcome, Err(AppendError::Refused(_) | AppendError::Failed(_))), "{outcome:?}");
    assert!(driven.log.read(nowhere, 0, 100).is_err());
}

pub fn nothing_is_read_that_will_not_be_acknowledged(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let journal = stream(Topic::Journal, 0);
    let start = driven.end(journal);
    let sent: Vec<_> = (0..100)
        .map(|n| driven.send(journal, (0..3).map(|part| NewRecord { value: vec![n, part], ..record("") }).collect()))
        .collect();
    let read = driven.read(journal, start, 300, 400);
    let acknowledged: Vec<u64> = sent.iter().flat_map(|told| driven.outcome(told).expect("acknowledged")).collect();
    assert_eq!(read.iter().map(|r| r.position).collect::<Vec<_>>(), acknowledged);
}
