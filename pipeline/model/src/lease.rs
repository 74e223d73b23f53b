//! The lease of an attempt: its fencing token. Unique for ever, growing within a journal, no secret.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A journal, drawn at its first announcement; written `j` and hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JournalId(pub u64);

/// The place of the event that granted it: journal, partition, epoch, entry and index in the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LeaseId {
    /// The journal that granted it.
    pub journal: JournalId,
    /// Its partition.
    pub partition: u32,
    /// The leader's epoch.
    pub epoch: u64,
    /// The entry's sequence number.
    pub seq: u64,
    /// The event's index in the entry.
    pub index: u32,
}

/// A text that is no lease or journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotALease(String);

impl fmt::Display for NotALease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no lease: it looks like j5.0.4.8121.0", self.0)
    }
}

impl std::error::Error for NotALease {}

fn not_a_lease(text: &str) -> NotALease {
    NotALease(text.chars().take(64).collect())
}

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "j{:x}", self.0)
    }
}

impl std::str::FromStr for JournalId {
    type Err = NotALease;
    fn from_str(text: &str) -> Result<Self, NotALease> {
        let digits = text.strip_prefix('j').filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        digits.and_then(|d| u64::from_str_radix(d, 16).ok()).map(Self).ok_or_else(|| not_a_lease(text))
    }
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}.{}", self.journal, self.partition, self.epoch, self.seq, self.index)
    }
}

impl std::str::FromStr for LeaseId {
    type Err = NotALease;
    fn from_str(text: &str) -> Result<Self, NotALease> {
        let bad = || not_a_lease(text);
        let mut parts = text.split('.');
        let journal = parts.next().ok_or_else(bad)?.parse()?;
        let mut number = || parts.next().and_then(|p| p.parse::<u64>().ok());
        let (partition, epoch) = (number().ok_or_else(bad)?, number().ok_or_else(bad)?);
        let (seq, index) = (number().ok_or_else(bad)?, number().ok_or_else(bad)?);
        let small = |n: u64| u32::try_from(n).map_err(|_| not_a_lease(text));
        match parts.next() {
            None => Ok(Self { journal, partition: small(partition)?, epoch, seq, index: small(index)? }),
            Some(_) => Err(bad()),
        }
    }
}

impl TryFrom<String> for JournalId {
    type Error = NotALease;
    fn try_from(text: String) -> Result<Self, NotALease> {
        text.parse()
    }
}

impl From<JournalId> for String {
    fn from(id: JournalId) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for LeaseId {
    type Error = NotALease;
    fn try_from(text: String) -> Result<Self, NotALease> {
        text.parse()
    }
}

impl From<LeaseId> for String {
    fn from(id: LeaseId) -> String {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_reads_as_it_is_written_and_grows() {
        let lease: LeaseId = "j5.0.4.8121.0".parse().unwrap();
        assert_eq!(lease.to_string(), "j5.0.4.8121.0");
        assert!(lease < "j5.0.5.7.0".parse().unwrap());
        for bad in
            ["", "j", "5.0.4.8121.0", "j5.0.4.8121", "j5.0.4.8121.0.1", "j5.0.4.8121.x", "j5.0.4.8121.99999999999"]
        {
            assert!(bad.parse::<LeaseId>().is_err(), "{bad}");
        }
    }
}
