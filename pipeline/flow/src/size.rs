//! Sizes as people type them: `512MiB`, `2GiB`. What is counted is whole MiB, rounded up.

use std::fmt;

/// The units, with their number of KiB.
const UNITS: [(&str, u64); 4] = [("KiB", 1), ("MiB", 1 << 10), ("GiB", 1 << 20), ("TiB", 1 << 30)];

/// Why a text is no size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotASize;

impl fmt::Display for NotASize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no size; write it like `512MiB` or `2GiB`")
    }
}

impl std::error::Error for NotASize {}

/// Reads a whole number and its unit (KiB, MiB, GiB, TiB) as MiB, rounded up.
pub fn parse_size(text: &str) -> Result<u64, NotASize> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| NotASize)?;
    let (_, kib) = UNITS.iter().find(|(word, _)| *word == unit).ok_or(NotASize)?;
    number.checked_mul(*kib).map(|kib| kib.div_ceil(1024)).ok_or(NotASize)
}

/// A size as it would be typed.
pub fn words(mib: u64) -> String {
    match mib {
        0 => "0MiB".to_owned(),
        _ if mib.is_multiple_of(1 << 20) => format!("{}TiB", mib >> 20),
        _ if mib.is_multiple_of(1 << 10) => format!("{}GiB", mib >> 10),
        _ => format!("{mib}MiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_mib_rounded_up() {
        let sizes = [("512MiB", 512), ("2GiB", 2048), ("16TiB", 16 << 20), ("1KiB", 1), ("1025KiB", 2), ("0MiB", 0)];
        for (text, mib) in sizes {
            assert_eq!(parse_size(text), Ok(mib), "{text}");
        }
        for text in ["", "512", "MiB", "2GB", "2 GiB", "1.5GiB", "-1GiB", "2gib", "99999999999999999TiB"] {
            assert_eq!(parse_size(text), Err(NotASize), "{text}");
        }
        assert_eq!(NotASize.to_string(), "no size; write it like `512MiB` or `2GiB`");
    }

    #[test]
    fn sizes_are_written_as_they_would_be_typed() {
        for (mib, text) in [(0, "0MiB"), (512, "512MiB"), (2048, "2GiB"), (16 << 20, "16TiB"), (1025, "1025MiB")] {
            assert_eq!(words(mib), text);
        }
    }
}
