//! The journal of one execution as it grows, whatever becomes of the engine meanwhile.

use std::time::Duration;

use gateway::view::JournalLine;
use model::ExecutionId;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::api::Api;
use crate::exit::Exit;
use crate::failure::Failure;

/// How long after a failure the engine is asked again.
const AGAIN: Duration = Duration::from_millis(500);
/// What is said when it went away.
const AWAY: &str = "the engine went away";
/// Lines that may wait for the screen.
const QUEUE: usize = 1_024;

/// What the stream says.
#[derive(Debug)]
pub enum Heard {
    /// An event.
    Line(Box<JournalLine>),
    /// The engine went away.
    Gone(String),
    /// It is back; no event was missed.
    Back,
}

/// Opens the stream at a position. It ends when nobody listens any more.
pub fn open(api: Api, execution: ExecutionId, from: u64) -> mpsc::Receiver<Heard> {
    let (say, hear) = mpsc::channel(QUEUE);
    tokio::spawn(read_on(api, execution, Place { from, last: None }, say));
    hear
}

/// Where the stream stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    from: u64,
    last: Option<(u64, u32)>,
}

impl Place {
    /// Whether an event is new; entries are read again from their begin after a break.
    fn takes(&mut self, line: &JournalLine) -> bool {
        let at = (line.position, line.index);
        let new = self.last.is_none_or(|last| last < at);
        if new {
            (self.from, self.last) = (line.position, Some(at));
        }
        new
    }
}

async fn read_on(api: Api, execution: ExecutionId, mut place: Place, say: mpsc::Sender<Heard>) {
    let mut away = false;
    loop {
        let broke = read(&api, &execution, &mut place, &say, &mut away).await;
        if say.is_closed() {
            return;
        }
        let why = broke.map_or_else(|failure| why(&failure), |()| AWAY.to_owned());
        if !away && say.send(Heard::Gone(why)).await.is_err() {
            return;
        }
        away = true;
        sleep(AGAIN).await;
    }
}

/// Reads until the stream breaks.
async fn read(
    api: &Api,
    execution: &ExecutionId,
    place: &mut Place,
    say: &mpsc::Sender<Heard>,
    away: &mut bool,
) -> Result<(), Failure> {
    let (execution, from) = (execution.to_string(), place.from.to_string());
    let query = [("execution", execution.as_str()), ("from", from.as_str()), ("follow", "true")];
    let mut lines = api.lines("/v1/journal", &query).await?;
    if std::mem::take(away) && say.send(Heard::Back).await.is_err() {
        return Ok(());
    }
    loop {
        let next = tokio::select! {
            next = lines.next() => next?,
            () = say.closed() => return Ok(()),
        };
        let Some(bytes) = next else { return Ok(()) };
        if bytes.is_empty() {
            continue;
        }
        let line: JournalLine =
            serde_json::from_slice(&bytes).map_err(|error| Failure::unreadable("the journal", &error))?;
        if place.takes(&line) && say.send(Heard::Line(Box::new(line))).await.is_err() {
            return Ok(());
        }
    }
}

fn why(failure: &Failure) -> String {
    if failure.exit == Exit::NoEngine {
        return AWAY.to_owned();
    }
    failure.message.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn after_a_break_no_event_is_told_twice_and_none_is_missed() {
        let mut place = Place { from: 1, last: None };
        let journal = examples::journal();
        let told: Vec<bool> = journal.iter().chain(&journal[1..]).map(|line| place.takes(line)).collect();
        assert!(told[..journal.len()].iter().all(|new| *new));
        assert!(told[journal.len()..].iter().all(|new| !new));
        assert_eq!(place.from, journal.last().unwrap().position);
    }
}
