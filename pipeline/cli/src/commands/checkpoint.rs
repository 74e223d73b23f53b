//! `checkpoint`: a task says what its next attempt shall get, if this one is lost.

use std::io::Read;

use clap::Args;
use model::report::MAX_CHECKPOINT_BYTES;

use super::progress::{not_taken, socket};
use crate::exit::Exit;
use crate::failure::Failure;

/// Says what the next attempt of this task gets in the file $REPRISE_CHECKPOINT.
#[derive(Debug, Args)]
#[command(after_help = "Example, inside a task:\n  reprise checkpoint 118/240\n  \
                        tar c done | base64 | reprise checkpoint")]
pub struct Checkpoint {
    /// The text, at most 64 KiB as JSON; without, it is read from standard input
    text: Option<String>,
}

impl Checkpoint {
    /// Tells the supervisor of this attempt.
    pub fn run(self) -> Result<Exit, Failure> {
        let socket = socket()?;
        let text = match self.text {
            Some(text) => text,
            None => read(std::io::stdin().lock())?,
        };
        agent::supervisor::client::checkpoint(&socket, &text).map_err(not_taken)?;
        Ok(Exit::Done)
    }
}

fn read(from: impl Read) -> Result<String, Failure> {
    let mut text = String::new();
    let most = MAX_CHECKPOINT_BYTES as u64 + 1;
    from.take(most)
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(Exit::Usage, format!("standard input is no text: {error}")))?;
    if text.len() > MAX_CHECKPOINT_BYTES {
        let message =
            format!("a checkpoint has at most {MAX_CHECKPOINT_BYTES} bytes: keep large state in a file and name it");
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_text_with_a_bound() {
        assert_eq!(read(&b"118/240\n"[..]).unwrap(), "118/240\n");
        assert_eq!(read(&[b'x'; MAX_CHECKPOINT_BYTES + 1][..]).unwrap_err().exit, Exit::Usage);
        assert_eq!(read(&[0xff, 0xfe][..]).unwrap_err().exit, Exit::Usage);
    }
}
