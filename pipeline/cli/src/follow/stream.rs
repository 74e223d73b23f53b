//! The journal as it grows, or what is wanted of it, whatever becomes of the engine meanwhile.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::api::{Api, next_line};
use crate::exit::Exit;
use crate::failure::Failure;

/// How long after a failure the engine is asked again.
const AGAIN: Duration = Duration::from_millis(500);
/// What is said when it went away.
const AWAY: &str = "the engine went away";
/// Lines that may wait for the screen.
const QUEUE: usize = 1_024;

/// What is wanted of the journal: names and values of a query.
pub type Filter = Vec<(&'static str, String)>;

/// What the stream says.
#[derive(Debug)]
pub enum Heard {
    /// The journal is read: from its beginning, or again, and no event was missed.
    Open,
    /// An event, as it came.
    Line(Value),
    /// It cannot be read. Said once; it is tried again until it is open.
    Gone(Failure),
}

/// Opens the stream at a position. It ends when nobody listens any more.
pub fn open(api: Api, filter: Filter, from: u64) -> mpsc::Receiver<Heard> {
    let (say, hear) = mpsc::channel(QUEUE);
    tokio::spawn(read_on(api, filter, Place { from, last: None }, say));
    hear
}

/// What a break of the stream is, in a few words.
pub fn why(failure: &Failure) -> &str {
    if failure.exit == Exit::NoEngine {
        return AWAY;
    }
    failure.message.lines().next().unwrap_or_default()
}

/// Where the stream stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    from: u64,
    last: Option<(u64, u32)>,
}

impl Place {
    /// Whether an event is new; entries are read again from their begin after a break.
    fn takes(&mut self, position: u64, index: u32) -> bool {
        let at = (position, index);
        let new = self.last.is_none_or(|last| last < at);
        if new {
            (self.from, self.last) = (position, Some(at));
        }
        new
    }
}

async fn read_on(api: Api, filter: Filter, mut place: Place, say: mpsc::Sender<Heard>) {
    let mut away = false;
    while !say.is_closed() {
        let mut opened = false;
        let broke = read(&api, &filter, &mut place, &say, &mut opened).await;
        away &= !opened;
        let failure = broke.err().unwrap_or_else(|| Failure::new(Exit::NoEngine, AWAY));
        if !away && say.send(Heard::Gone(failure)).await.is_err() {
            return;
        }
        away = true;
        sleep(AGAIN).await;
    }
}

/// Reads until the stream breaks.
async fn read(
    api: &Api,
    filter: &Filter,
    place: &mut Place,
    say: &mpsc::Sender<Heard>,
    opened: &mut bool,
) -> Result<(), Failure> {
    let from = place.from.to_string();
    let mut query = vec![("from", from.as_str()), ("follow", "true")];
    query.extend(filter.iter().map(|(name, value)| (*name, value.as_str())));
    let mut lines = api.lines("/v1/journal", &query).await?;
    *opened = true;
    if say.send(Heard::Open).await.is_err() {
        return Ok(());
    }
    loop {
        let next = tokio::select! {
            next = next_line(&mut lines) => next?,
            () = say.closed() => return Ok(()),
        };
        let Some(bytes) = next else { return Ok(()) };
        if bytes.is_empty() {
            continue;
        }
        let line: Value = serde_json::from_slice(&bytes).map_err(|error| Failure::unreadable("the journal", &error))?;
        let number = |name: &str| line[name].as_u64().ok_or_else(|| Failure::unreadable("the journal", &name));
        let (position, index) = (number("position")?, number("index")?);
        let new = place.takes(position, u32::try_from(index).unwrap_or(u32::MAX));
        if new && say.send(Heard::Line(line)).await.is_err() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn after_a_break_no_event_is_told_twice_and_none_is_missed() {
        let mut place = Place { from: 1, last: None };
        let journal = examples::journal();
        let told: Vec<bool> =
            journal.iter().chain(&journal[1..]).map(|line| place.takes(line.position, line.index)).collect();
        assert!(told[..journal.len()].iter().all(|new| *new));
        assert!(told[journal.len()..].iter().all(|new| !new));
        assert_eq!(place.from, journal.last().unwrap().position);
    }
}
