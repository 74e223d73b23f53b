//! What the agent says on our standard input: a line of JSON is an instruction, the end is the agent's own.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::unistd::read;

use crate::attempt::Instruction;

/// Longest line; real ones have less than a hundred bytes.
const MAX_LINE_BYTES: usize = 16 * 1024;

/// What was heard.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// An instruction.
    Instruction(Instruction),
    /// A line that is none: a newer agent's, or damaged.
    Unknown,
    /// The agent is gone.
    Gone,
}

/// Reads instructions.
#[derive(Debug)]
pub struct Orders {
    input: io::Stdin,
    line: Vec<u8>,
    gone: bool,
}

impl Orders {
    /// Reads from our standard input.
    pub fn new() -> Self {
        Self { input: io::stdin(), line: Vec::new(), gone: false }
    }

    /// What to poll for reading, until the agent is gone.
    pub fn source(&self) -> Option<BorrowedFd<'_>> {
        (!self.gone).then(|| self.input.as_fd())
    }

    /// Reads what is there. To be called when there is something, for otherwise it waits.
    pub fn read(&mut self) -> Vec<Heard> {
        let mut bytes = [0; 4096];
        match read(&self.input, &mut bytes) {
            Ok(0) => {
                self.gone = true;
                vec![Heard::Gone]
            }
            Ok(n) => self.take(&bytes[..n]),
            Err(Errno::EINTR | Errno::EAGAIN) => Vec::new(),
            Err(_) => {
                self.gone = true;
                vec![Heard::Gone]
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Vec<Heard> {
        let mut heard = Vec::new();
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            // Of a line beyond the bound the rest is dropped; what is left of it is no instruction.
            let room = MAX_LINE_BYTES - self.line.len().min(MAX_LINE_BYTES);
            self.line.extend_from_slice(&part[..room.min(part.len())]);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                heard.push(serde_json::from_slice(&line).map_or(Heard::Unknown, Heard::Instruction));
            }
        }
        heard
    }
}

#[cfg(test)]
mod tests {
    use model::Millis;

    use super::*;

    #[test]
    fn lines_are_instructions_however_they_are_cut_and_what_is_none_is_told_apart() {
        let renew = Instruction::Renew { lives_until_ms: Millis(5) };
        let cancel = Instruction::Cancel { grace_ms: Millis(7) };
        let [first, second] = [&renew, &cancel].map(|i| serde_json::to_string(i).unwrap());
        let text = format!("{first}\nnonsense\n{}\n{second}\n", "x".repeat(100_000));
        for piece in [1, 10, 4096] {
            let mut orders = Orders::new();
            let heard: Vec<_> = text.as_bytes().chunks(piece).flat_map(|bytes| orders.take(bytes)).collect();
            let said = |i: &Instruction| Heard::Instruction(i.clone());
            assert_eq!(heard, [said(&renew), Heard::Unknown, Heard::Unknown, said(&cancel)]);
        }
    }
}
