//! Lengths of time as people type them: `90s`, `20m`, `1h30m`.

use std::fmt;

use model::Millis;

/// The units, longest first, as they may follow each other.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Why a text is no length of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotATime {
    /// A bare number: it needs a unit.
    NoUnit,
    /// Anything else.
    Unreadable,
}

impl fmt::Display for NotATime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUnit => f.write_str("a time needs a unit: `20s`, `20m` or `20h`"),
            Self::Unreadable => f.write_str("no time; write it like `90s`, `20m` or `1h30m`"),
        }
    }
}

impl std::error::Error for NotATime {}

/// Reads whole numbers with their units (d, h, m, s, ms), longest first, each at most once.
pub fn parse_duration(text: &str) -> Result<Millis, NotATime> {
    if text.is_empty() {
        return Err(NotATime::Unreadable);
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NotATime::NoUnit);
    }
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().map_err(|_| NotATime::Unreadable)?;
        rest = &rest[digits..];
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let unit = units.find(|(word, _)| *word == &rest[..letters]).ok_or(NotATime::Unreadable)?;
        rest = &rest[letters..];
        let part = number.checked_mul(unit.1).ok_or(NotATime::Unreadable)?;
        total = total.checked_add(part).ok_or(NotATime::Unreadable)?;
    }
    Ok(Millis(total))
}

/// A length of time as it would be typed: `1h30m`.
pub fn words(time: Millis) -> String {
    let mut out = String::new();
    let mut left = time.0;
    for (word, size) in UNITS {
        if left >= size {
            out.push_str(&format!("{}{word}", left / size));
            left %= size;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_alike() {
        for (text, ms) in [
            ("0s", 0),
            ("250ms", 250),
            ("1s", 1_000),
            ("1m30s", 90_000),
            ("20m", 1_200_000),
            ("1h30m", 5_400_000),
            ("7d", 604_800_000),
            ("1d2h3m4s5ms", 93_784_005),
        ] {
            assert_eq!(parse_duration(text), Ok(Millis(ms)), "{text}");
            assert_eq!(words(Millis(ms)), text);
        }
        assert_eq!(parse_duration("90s"), Ok(Millis(90_000)));
        assert_eq!(parse_duration("36h"), Ok(Millis(129_600_000)));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        use NotATime::{NoUnit, Unreadable};
        for (text, why) in [
            ("20", NoUnit),
            ("", Unreadable),
            ("s", Unreadable),
            ("1", NoUnit),
            ("1.5h", Unreadable),
            ("1 h", Unreadable),
            ("-1s", Unreadable),
            ("1h 30m", Unreadable),
            ("30m1h", Unreadable),
            ("1h2h", Unreadable),
            ("1h30", Unreadable),
            ("5minutes", Unreadable),
            ("99999999999999999999s", Unreadable),
            ("9999999999999999d", Unreadable),
            ("1ü", Unreadable),
        ] {
            assert_eq!(parse_duration(text), Err(why), "{text}");
        }
        assert_eq!(NoUnit.to_string(), "a time needs a unit: `20s`, `20m` or `20h`");
        assert_eq!(Unreadable.to_string(), "no time; write it like `90s`, `20m` or `1h30m`");
    }
}
