//! `REPRISE_SOCKET`: where a command says how far it is and what its next attempt shall get.
//!
//! One connection, one line of JSON, one line back: `{"progress":{"fraction":0.4,"note":"118 of 240"}}` or
//! `{"checkpoint":{"text":"118/240"}}`, answered by `{"ok":true}` or `{"error":"..."}`. The other side is
//! [`super::client`]. Who connects and says nothing delays nobody, and is shown out after a while.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use model::report::{MAX_CHECKPOINT_BYTES, MAX_WORDS_BYTES};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::json;

/// Longest path that a socket may have everywhere, with room to spare: the system's bound is 108 bytes.
const MAX_PATH_BYTES: usize = 100;
/// Most connections at a time; others wait at the door.
const MAX_GUESTS: usize = 16;
/// Longest line: a checkpoint, however lavishly escaped.
const MAX_LINE_BYTES: usize = 6 * MAX_CHECKPOINT_BYTES;
/// How long a guest may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a command says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Said {
    /// How far it is.
    Progress {
        /// 0 to 1.
        fraction: f64,
        /// Words for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// What the next attempt gets.
    Checkpoint {
        /// An opaque text.
        text: String,
    },
}

/// What it hears.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Heard {
    /// It was taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ok: bool,
    /// Why it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Said {
    /// Says what is out of bounds, if anything is.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Progress { fraction, .. } if !(0.0..=1.0).contains(fraction) => {
                Err(format!("{fraction} is no progress: it goes from 0 to 1"))
            }
            Self::Progress { note: Some(note), .. } if note.len() > MAX_WORDS_BYTES => {
                Err(format!("the note has {} bytes, at most {MAX_WORDS_BYTES} fit", note.len()))
            }
            Self::Progress { .. } => Ok(()),
            Self::Checkpoint { text } => {
                let json = json::bytes(text);
                if json > MAX_CHECKPOINT_BYTES {
                    Err(format!(
                        "the checkpoint has {json} bytes as JSON text, at most {MAX_CHECKPOINT_BYTES} fit: \
                         keep the data elsewhere and its place here"
                    ))
                } else {
                    Ok(())
                }
            }
        }
    }
}

/// The socket and who is at it.
#[derive(Debug)]
pub struct Door {
    listener: UnixListener,
    path: PathBuf,
    _short: Option<TempDir>,
    guests: Vec<Guest>,
}

#[derive(Debug)]
struct Guest {
    stream: UnixStream,
    line: Vec<u8>,
    until: Instant,
}

impl Door {
    /// Opens it in the attempt's folder, or in a fresh one of its own where that has too long a path.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let beside = std::path::absolute(folder)?.join("socket");
        let (path, short) = if beside.as_os_str().len() <= MAX_PATH_BYTES {
            (beside, None)
        } else {
            let dir = tempfile::Builder::new().prefix("reprise-").tempdir_in("/tmp")?;
            (dir.path().join("socket"), Some(dir))
        };
        let listener = UnixListener::bind(&path)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, path, _short: short, guests: Vec::new() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What to poll for reading.
    pub fn sources(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let door = (self.guests.len() < MAX_GUESTS).then(|| self.listener.as_fd());
        door.into_iter().chain(self.guests.iter().map(|guest| guest.stream.as_fd()))
    }

    /// When the next guest is shown out.
    pub fn due(&self) -> Option<Instant> {
        self.guests.iter().map(|guest| guest.until).min()
    }

    /// Lets in who waits, hears who has said something, and returns what is within bounds.
    pub(super) fn serve(&mut self, now: Instant) -> Vec<Said> {
        while self.guests.len() < MAX_GUESTS
            && let Ok((stream, _)) = self.listener.accept()
        {
            if stream.set_nonblocking(true).is_ok() {
                self.guests.push(Guest { stream, line: Vec::new(), until: now + PATIENCE });
            }
        }
        let mut all = Vec::new();
        self.guests.retain_mut(|guest| match guest.listen() {
            Some(answer) => {
                // Who does not wait for the answer has said it all the same.
                let _ = guest.answer(&answer);
                all.extend(answer);
                false
            }
            None => now < guest.until,
        });
        all
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Guest {
    /// What it has said, once that is all there.
    fn listen(&mut self) -> Option<Result<Said, String>> {
        let mut bytes = [0; 16 * 1024];
        while self.line.len() <= MAX_LINE_BYTES && !self.line.ends_with(b"\n") {
            match self.stream.read(&mut bytes) {
                Ok(0) => break,
                Ok(n) => self.line.extend_from_slice(&bytes[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return None,
                Err(_) => break,
            }
        }
        if self.line.len() > MAX_LINE_BYTES {
            return Some(Err(format!("more than {MAX_LINE_BYTES} bytes; nothing of that size is taken")));
        }
        let said = serde_json::from_slice::<Said>(&self.line).map_err(|e| format!("not understood: {e}"));
        Some(said.and_then(|said| said.check().map(|()| said)))
    }

    fn answer(&mut self, answer: &Result<Said, String>) -> io::Result<()> {
        let heard = Heard { ok: answer.is_ok(), error: answer.as_ref().err().cloned() };
        let mut line = serde_json::to_vec(&heard)?;
        line.push(b'\n');
        self.stream.write_all(&line)
    }
}
