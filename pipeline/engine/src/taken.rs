//! When inputs were taken out of the log: how long the oldest waits to be decided about, and when that came which a
//! batch consumed.

use std::collections::VecDeque;
use std::time::Instant;

use model::record::Consumed;

/// Requests and reports that were taken and are not decided about. Beats have no place in an entry, and are not here.
#[derive(Debug, Default)]
pub struct Taken {
    requests: VecDeque<Span>,
    reports: VecDeque<Span>,
}

/// What one read took: positions `from..next`.
#[derive(Debug)]
struct Span {
    from: u64,
    next: u64,
    at: Instant,
}

impl Taken {
    /// Requests were read.
    pub fn requests(&mut self, from: u64, next: u64, at: Instant) {
        self.requests.push_back(Span { from, next, at });
    }

    /// Reports were read.
    pub fn reports(&mut self, from: u64, next: u64, at: Instant) {
        self.reports.push_back(Span { from, next, at });
    }

    /// All before these positions is decided about: when the oldest came of what was not before; none if nothing is new.
    pub fn decided(&mut self, upto: Consumed) -> Option<Instant> {
        let requests = decided(&mut self.requests, upto.requests);
        let reports = decided(&mut self.reports, upto.reports);
        requests.into_iter().chain(reports).min()
    }

    /// When the oldest came that waits still.
    pub fn oldest(&self) -> Option<Instant> {
        self.requests.front().into_iter().chain(self.reports.front()).map(|span| span.at).min()
    }

    /// Nothing waits: the inputs will be read anew.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

fn decided(spans: &mut VecDeque<Span>, upto: u64) -> Option<Instant> {
    let first = spans.front().filter(|span| span.from < upto).map(|span| span.at);
    while spans.front().is_some_and(|span| span.next <= upto) {
        spans.pop_front();
    }
    if let Some(span) = spans.front_mut() {
        span.from = span.from.max(upto);
    }
    first
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_oldest_waits_until_it_is_decided_about_and_what_is_decided_says_since_when() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let upto = |requests, reports| Consumed { requests, reports };
        let mut taken = Taken::default();
        assert_eq!((taken.oldest(), taken.decided(upto(9, 9))), (None, None));
        taken.requests(10, 20, at(1));
        taken.reports(100, 105, at(2));
        taken.requests(20, 21, at(3));
        assert_eq!(taken.decided(upto(10, 100)), None, "nothing new");
        assert_eq!((taken.decided(upto(10, 105)), taken.oldest()), (Some(at(2)), Some(at(1))));
        assert_eq!((taken.decided(upto(15, 105)), taken.oldest()), (Some(at(1)), Some(at(1))), "half of a read");
        assert_eq!(taken.decided(upto(15, 105)), None, "that half is known");
        assert_eq!((taken.decided(upto(20, 105)), taken.oldest()), (Some(at(1)), Some(at(3))));
        assert_eq!((taken.decided(upto(21, 105)), taken.oldest()), (Some(at(3)), None));
    }
}
