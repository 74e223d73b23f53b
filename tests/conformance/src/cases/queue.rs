//! What waits to be written: bounded, and who is beyond the bound is told at once.

use std::sync::mpsc::TryRecvError;

use protocol::log::{AppendError, Topic};

use crate::drive::{Driven, record, stream, texts};
use crate::subject::Subject;

/// Calls after which a log that refused none has no bound: so many times more than may wait.
const TIMES: usize = 100;

pub fn an_append_beyond_what_may_wait_is_refused_at_once_and_the_others_are_written(subject: &mut dyn Subject) {
    let driven = Driven::fresh(subject);
    let Some(bound) = subject.may_wait() else { return };
    let reports = stream(Topic::Reports, 0);
    let (mut waiting, mut refused) = (Vec::new(), None);
    for n in 0..bound * TIMES {
        let told = driven.send(reports, vec![record(&n.to_string())]);
        match told.try_recv() {
            Ok(Err(error)) => refused = Some(error),
            Ok(Ok(_)) | Err(TryRecvError::Empty) => waiting.push((n, told)),
            Err(TryRecvError::Disconnected) => panic!("every append is answered"),
        }
        if refused.is_some() {
            break;
        }
    }
    assert!(matches!(refused, Some(AppendError::Failed(_))), "{refused:?}");
    let (mut want, mut first) = (Vec::new(), None);
    for (n, told) in waiting {
        let positions = driven.outcome(&told).expect("what was taken is written");
        first.get_or_insert(positions[0]);
        want.push(n.to_string());
    }
    let again = driven.append_each(reports, &["again"]);
    want.push("again".to_owned());
    let from = first.unwrap_or(again[0]);
    assert_eq!(texts(&driven.read(reports, from, want.len(), 1 << 20)), want, "and what was refused is not");
}
