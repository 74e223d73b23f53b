//! Small words that several commands say alike: counts, times of day, lists.

use gateway::Moment;
use model::{Millis, Timestamp};

/// `1 task`, `2 tasks`, `12,345 tasks`.
pub fn counted(n: u64, what: &str) -> String {
    format!("{} {what}{}", thousands(n), if n == 1 { "" } else { "s" })
}

/// `8,412`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The time of day in UTC, as in JSON and SQL: `02:15:38`.
pub fn time_of_day(at: Timestamp) -> String {
    Moment(at).time_of_day()
}

/// Why no lock is granted yet, and until when.
pub fn locks_granted_from(from: Moment) -> String {
    format!("locks are granted from {} on: this journal is new", from.time_of_day())
}

/// A length of time without a fraction, for progress: `31s`, `3m 10s`.
pub fn whole(time: Millis) -> String {
    if time < Millis(60_000) { format!("{}s", time.0.div_ceil(1000)) } else { time.to_string() }
}

/// `a, b and 12 more`.
pub fn some_of(names: &[String], most: usize) -> String {
    let shown = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {} more", thousands(more as u64)),
    }
}

/// `zone a`; nodes without a zone make up one without a name.
pub fn zone_named(zone: &str) -> String {
    if zone.is_empty() { "the nodes without a zone".to_owned() } else { format!("zone {zone}") }
}

/// The text in one line: somebody's words cannot make lines of their own in what we say.
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_times_and_lists_read_as_people_write_them() {
        assert_eq!((counted(1, "task").as_str(), counted(12_345, "task").as_str()), ("1 task", "12,345 tasks"));
        assert_eq!((thousands(0).as_str(), thousands(999).as_str(), thousands(1_000).as_str()), ("0", "999", "1,000"));
        assert_eq!(time_of_day(Timestamp(1_773_454_538_000)), "02:15:38");
        assert_eq!((whole(Millis(30_100)).as_str(), whole(Millis(190_000)).as_str()), ("31s", "3m 10s"));
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        assert_eq!((some_of(&names, 2).as_str(), some_of(&names, 3).as_str()), ("a, b and 1 more", "a, b, c"));
        assert_eq!(one_line("a\nb\u{1b}c"), "a b c");
    }
}
