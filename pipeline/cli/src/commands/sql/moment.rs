//! A moment as people type it: RFC 3339, or a date with or without a time, which is UTC then.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use model::Timestamp;

/// Reads a moment that has been.
pub fn earlier(text: &str) -> Result<Timestamp, String> {
    let at = moment(text)?;
    let now = u64::try_from(Utc::now().timestamp_millis()).unwrap_or_default();
    if at > Timestamp(now) {
        return Err(format!("{text} is yet to come by this machine's clock: what is known now is asked without it"));
    }
    Ok(at)
}

/// Reads a moment.
fn moment(text: &str) -> Result<Timestamp, String> {
    let no = || "a time is written like 2026-03-14T02:20:00Z, or 2026-03-14 02:20, which is UTC".to_owned();
    let text = text.trim();
    let naive = || {
        let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
        let time = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
        time.or_else(|| Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN)))
    };
    let ms = match DateTime::parse_from_rfc3339(text) {
        Ok(at) => at.timestamp_millis(),
        Err(_) => naive().ok_or_else(no)?.and_utc().timestamp_millis(),
    };
    u64::try_from(ms).map(Timestamp).map_err(|_| no())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_a_zone_is_utc() {
        let at = Timestamp(1_773_454_800_000);
        for text in ["2026-03-14T02:20:00Z", "2026-03-14T03:20:00+01:00", "2026-03-14 02:20", "2026-03-14T02:20:00.000"]
        {
            assert_eq!(moment(text), Ok(at), "{text}");
        }
        assert_eq!(moment("2026-03-14"), Ok(Timestamp(1_773_446_400_000)));
        for text in ["", "yesterday", "14.3.2026", "2026-13-01", "1969-01-01"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_yet_to_come_is_no_earlier_moment() {
        assert_eq!(earlier("2026-03-14 02:20"), moment("2026-03-14 02:20"));
        assert!(earlier("9999-01-01").unwrap_err().contains("is yet to come"));
    }
}
