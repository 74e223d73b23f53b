//! Output as it is printed: its bytes as they are for people, objects with text for programs.

use serde_json::{Value, json};

use crate::args::Output;
use crate::screen;

/// What was printed of one attempt's output.
#[derive(Debug)]
pub struct Printed {
    attempt: String,
    output: Output,
    /// How many bytes have come.
    pub offset: u64,
    /// The last of them, which are no whole character yet: three at most.
    rest: Vec<u8>,
}

impl Printed {
    /// Nothing yet.
    pub fn new(attempt: String, output: Output) -> Self {
        Self { attempt, output, offset: 0, rest: Vec::new() }
    }

    /// Prints what has come.
    pub fn take(&mut self, piece: &[u8]) {
        match self.output {
            Output::Text => screen::bytes(piece),
            Output::Json => {
                if let Some(object) = self.object(piece) {
                    screen::json(&object);
                }
            }
        }
        self.offset += piece.len() as u64;
    }

    /// No more comes.
    pub fn end(&mut self) {
        if !self.rest.is_empty() {
            let at = self.offset - self.rest.len() as u64;
            screen::json(&self.said(at, &String::from_utf8_lossy(&self.rest)));
        }
    }

    /// `{"attempt":"web-1/t@1","offset":0,"text":"..."}`; none while there is no whole character.
    fn object(&mut self, piece: &[u8]) -> Option<Value> {
        let at = self.offset - self.rest.len() as u64;
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.extend_from_slice(piece);
        self.rest = bytes.split_off(bytes.len() - unfinished(&bytes));
        (!bytes.is_empty()).then(|| self.said(at, &String::from_utf8_lossy(&bytes)))
    }

    fn said(&self, offset: u64, text: &str) -> Value {
        json!({ "attempt": self.attempt, "offset": offset, "text": text })
    }
}

/// How many bytes at the end are the beginning of a character that goes on.
fn unfinished(bytes: &[u8]) -> usize {
    let last = bytes.utf8_chunks().last().map(|chunk| chunk.invalid()).unwrap_or_default();
    match std::str::from_utf8(last) {
        Err(error) if error.error_len().is_none() => last.len(),
        Ok(_) | Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_comes_in_two_pieces_is_told_whole() {
        let mut printed = Printed::new("web-1/t@1".to_owned(), Output::Json);
        let mut told = Vec::new();
        for piece in [&b"a\xc3"[..], b"\xa9", b"\xff\xe2\x82", b"\xac\n", b"\xe2"] {
            told.extend(printed.object(piece).map(|object| (object["offset"].as_u64(), object["text"].clone())));
            printed.offset += piece.len() as u64;
        }
        let want = [(0, "a"), (1, "é"), (3, "\u{fffd}"), (4, "€\n")];
        assert_eq!(told, want.map(|(offset, text)| (Some(offset), Value::from(text))));
        assert_eq!(printed.rest, b"\xe2");
    }
}
