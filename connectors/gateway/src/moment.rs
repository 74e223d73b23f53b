//! A point in time as people and scripts read it: RFC 3339, UTC, with milliseconds.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::Timestamp;
use serde::{Deserialize, Serialize};

/// The last instant that RFC 3339 can write, in milliseconds: the end of the year 9999.
const LAST_MS: u64 = 253_402_300_799_999;

/// A point in time in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(pub Timestamp);

impl Moment {
    /// The time of day in UTC, as people read it: `02:15:38`.
    pub fn time_of_day(self) -> String {
        let seconds = self.0.0 / 1000 % 86_400;
        format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = UNIX_EPOCH + Duration::from_millis(self.0.0.min(LAST_MS));
        write!(f, "{}", humantime::format_rfc3339_millis(at))
    }
}

impl std::str::FromStr for Moment {
    type Err = humantime::TimestampError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        humantime::parse_rfc3339(text).map(Self::from)
    }
}

impl From<SystemTime> for Moment {
    fn from(at: SystemTime) -> Self {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(Timestamp(u64::try_from(since.as_millis()).unwrap_or(LAST_MS)))
    }
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl TryFrom<String> for Moment {
    type Error = humantime::TimestampError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(at: Moment) -> String {
        at.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_as_it_is_written() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_773_454_881_250, "2026-03-14T02:21:21.250Z"),
            (LAST_MS, "9999-12-31T23:59:59.999Z"),
        ] {
            let moment = Moment(Timestamp(ms));
            assert_eq!(moment.to_string(), text);
            assert_eq!(text.parse::<Moment>().unwrap(), moment);
        }
        assert_eq!(Moment(Timestamp(u64::MAX)).to_string(), "9999-12-31T23:59:59.999Z", "a wild clock is no crash");
        assert!("yesterday".parse::<Moment>().is_err());
    }
}
