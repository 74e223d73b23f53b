//! The command's side of `REPRISE_SOCKET`: what `reprise progress` and `reprise checkpoint` call.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::door::{Heard, Said};

/// How long the supervisor may take to answer; it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer.
const MAX_ANSWER_BYTES: u64 = 4096;

/// Says how far the attempt is, from 0 to 1, with words for people.
pub fn progress(socket: &Path, fraction: f64, note: Option<&str>) -> Result<(), String> {
    say(socket, &Said::Progress { fraction, note: note.map(str::to_owned) })
}

/// Says what the next attempt of this task shall get.
pub fn checkpoint(socket: &Path, text: &str) -> Result<(), String> {
    say(socket, &Said::Checkpoint { text: text.to_owned() })
}

fn say(socket: &Path, said: &Said) -> Result<(), String> {
    said.check()?;
    let heard = ask(socket, said).map_err(|e| format!("the supervisor of this attempt does not answer: {e}"))?;
    match heard.error {
        None if heard.ok => Ok(()),
        None => Err("the supervisor of this attempt gave no answer".into()),
        Some(error) => Err(error),
    }
}

fn ask(socket: &Path, said: &Said) -> std::io::Result<Heard> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(stream.take(MAX_ANSWER_BYTES)).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}
