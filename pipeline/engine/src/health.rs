//! How an engine is: whether it leads, how far it is behind, and what troubles it; of one partition, or of all.

use serde::Serialize;

/// How an engine is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// This instance leads.
    pub leading: bool,
    /// Somebody leads, this instance or another, and this one has read what was decided: requests are taken.
    pub led: bool,
    /// It has read its journal to the end since it began: what it knows is the present, not the past.
    pub journal_read: bool,
    /// It leads, and has read all that the log held when it last looked.
    pub caught_up: bool,
    /// The epoch that counts.
    pub epoch: u64,
    /// The number of the last admitted entry.
    pub seq: u64,
    /// Inputs that wait to be decided about.
    pub lag_records: u64,
    /// How long ago the oldest of them was read, in milliseconds.
    pub lag_ms: u64,
    /// What troubles it, if anything does.
    pub trouble: Option<Trouble>,
}

/// What troubles an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "trouble", content = "detail", rename_all = "snake_case")]
pub enum Trouble {
    /// The disk is full; the text says what to do.
    Disk(String),
    /// It follows again, and will announce itself soon.
    Doubt(String),
    /// A stream cannot be read just now, or commands cannot be written.
    Unread(String),
    /// Some of several partitions have stopped for good, the others go on; the text names one, and says what to do.
    Partial(String),
    /// It has stopped for good; the text says why and what to do.
    Stopped(String),
}

impl Trouble {
    /// In words.
    pub fn why(&self) -> &str {
        match self {
            Self::Disk(why) | Self::Doubt(why) | Self::Unread(why) | Self::Partial(why) | Self::Stopped(why) => why,
        }
    }
}

impl Health {
    /// Whether it has stopped for good.
    pub fn has_stopped(&self) -> bool {
        matches!(self.trouble, Some(Trouble::Stopped(_)))
    }

    /// An instance by its partitions: what all those are that have not stopped, and the first thing that troubles one.
    pub(crate) fn of_all(partitions: &[Health]) -> Health {
        if let [only] = partitions {
            return only.clone();
        }
        let on: Vec<&Health> = partitions.iter().filter(|health| !health.has_stopped()).collect();
        let all = |is: fn(&Health) -> bool| !on.is_empty() && on.iter().all(|health| is(health));
        Health {
            leading: all(|health| health.leading),
            led: all(|health| health.led),
            journal_read: all(|health| health.journal_read),
            caught_up: all(|health| health.caught_up),
            epoch: partitions.iter().map(|health| health.epoch).max().unwrap_or(0),
            seq: partitions.iter().map(|health| health.seq).sum(),
            lag_records: on.iter().map(|health| health.lag_records).sum(),
            lag_ms: on.iter().map(|health| health.lag_ms).max().unwrap_or(0),
            trouble: trouble(partitions, on.is_empty()),
        }
    }
}

/// The first trouble that passes by, else the first that does not.
fn trouble(partitions: &[Health], stopped: bool) -> Option<Trouble> {
    let troubles = || (0..).zip(partitions).filter_map(|(n, health): (u32, _)| Some((n, health.trouble.as_ref()?)));
    let passing = troubles().find(|(_, trouble)| !matches!(trouble, Trouble::Stopped(_)));
    let (partition, trouble) = passing.or_else(|| troubles().next())?;
    let words = format!("partition {partition}: {}", trouble.why());
    Some(match trouble {
        Trouble::Disk(_) => Trouble::Disk(words),
        Trouble::Doubt(_) => Trouble::Doubt(words),
        Trouble::Unread(_) => Trouble::Unread(words),
        Trouble::Stopped(_) if stopped => Trouble::Stopped(words),
        Trouble::Partial(why) | Trouble::Stopped(why) => {
            Trouble::Partial(format!("partition {partition} has stopped, the others go on: {why}"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_goes_on_with_the_partitions_that_have_not_stopped() {
        let led = || Health { leading: true, led: true, seq: 3, ..Health::default() };
        let stopped = || Health { trouble: Some(Trouble::Stopped("a record is damaged".into())), ..Health::default() };
        assert_eq!(Health::of_all(&[stopped()]), stopped(), "one is all");
        let some = Health::of_all(&[led(), stopped(), led()]);
        assert!(some.led && some.leading && !some.has_stopped() && some.seq == 6);
        let words = "partition 1 has stopped, the others go on: a record is damaged";
        assert_eq!(some.trouble, Some(Trouble::Partial(words.into())));
        let all = Health::of_all(&[stopped(), stopped()]);
        assert_eq!(all.trouble, Some(Trouble::Stopped("partition 0: a record is damaged".into())));
        assert!(!all.led);
        let doubt = Health { trouble: Some(Trouble::Doubt("an append failed".into())), ..Health::default() };
        let both = Health::of_all(&[stopped(), doubt]);
        assert_eq!(both.trouble, Some(Trouble::Doubt("partition 1: an append failed".into())));
    }
}
