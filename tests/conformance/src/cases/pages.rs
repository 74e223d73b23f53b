//! Reading: what comes back, in which portions, from where.

use protocol::log::{NewRecord, Topic};

use crate::drive::{Driven, record, stream, texts};
use crate::subject::Subject;

pub fn a_record_comes_back_as_it_was_appended(subject: &mut dyn Subject) {
    let bytes: Vec<u8> = (0..=255).collect();
    comes_back(subject, NewRecord { key: bytes.clone(), header: bytes.clone(), value: bytes });
}

pub fn empty_keys_headers_and_values_come_back(subject: &mut dyn Subject) {
    comes_back(subject, NewRecord::default());
    comes_back(subject, NewRecord { key: b"k".to_vec(), ..NewRecord::default() });
    comes_back(subject, NewRecord { header: b"h".to_vec(), ..NewRecord::default() });
    comes_back(subject, NewRecord { value: b"v".to_vec(), ..NewRecord::default() });
}

pub fn a_large_record_comes_back(subject: &mut dyn Subject) {
    let value = (0..300 * 1024).map(|n: u32| n.to_le_bytes()[n as usize % 3]).collect();
    comes_back(subject, NewRecord { value, ..record("") });
}

fn comes_back(subject: &mut dyn Subject, new: NewRecord) {
    let driven = Driven::fresh(subject);
    let journal = stream(Topic::Journal, 0);
    let check = |driven: &Driven, position: u64| {
        let read = driven.read(journal, position, 1, 1).remove(0);
        assert!(read.key == new.key && read.header == new.header && read.value == new.value, "it has changed");
    };
    let position = driven.append(journal, vec![new.clone()])[0];
    check(&driven, position);
    check(&driven.reopened(subject), position);
}

pub fn many_small_records_come_back_in_pages(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let reports = stream(Topic::Reports, 0);
    let want: Vec<String> = (0..5000).map(|n| n.to_string()).collect();
    let start = driven.end(reports);
    let sent: Vec<_> =
        want.chunks(10).map(|call| driven.send(reports, call.iter().map(|value| record(value)).collect())).collect();
    assert!(sent.iter().all(|told| driven.outcome(told).is_ok()));
    assert_eq!(texts(&driven.read(reports, start, want.len(), 4096)), want);
    let driven = driven.reopened(subject);
    assert_eq!(texts(&driven.read(reports, start, want.len(), 4096)), want);
}

pub fn a_page_holds_at_least_one_record_and_about_as_many_bytes_as_asked(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let reports = stream(Topic::Reports, 0);
    let value = "x".repeat(10_000);
    let first = driven.append(reports, vec![record(&value); 20])[0];
    for asked in [0, 1, 9_999, 50_000, 1 << 20] {
        let mut page = driven.log.read(reports, first, asked).expect("readable");
        driven.until("a page with records", || {
            page = driven.log.read(reports, first, asked).expect("readable");
            !page.records.is_empty()
        });
        let bytes: usize = page.records.iter().map(|r| r.value.len()).sum();
        assert!(bytes <= asked.max(10_000) + 10_000, "{bytes} bytes, asked for {asked}");
        let last = page.records.last().expect("one at least").position;
        assert!(last < page.next, "reading goes on after the page's last record");
    }
}

pub fn a_read_at_the_end_is_empty(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let journal = stream(Topic::Journal, 0);
    let end = driven.end(journal);
    let page = driven.log.read(journal, end, 100).expect("the end of an empty stream can be read");
    assert!(page.records.is_empty());
    let last = driven.append_each(journal, &["a", "b"])[1];
    driven.until("the end is beyond what was acknowledged", || last < driven.end(journal));
    let end = driven.end(journal);
    let page = driven.log.read(journal, end, 100).expect("the end can be read");
    assert_eq!((page.records.len(), page.next, page.end), (0, end, end));
}

pub fn a_read_from_any_position_returns_what_stands_there_and_after(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let requests = stream(Topic::Requests, 0);
    let want: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    let positions = driven.append(requests, want.iter().map(|value| record(value)).collect());
    for (n, position) in positions.iter().enumerate() {
        let read = driven.read(requests, *position, want.len() - n, 64);
        assert_eq!((texts(&read).as_slice(), read[0].position), (&want[n..], *position));
    }
}
