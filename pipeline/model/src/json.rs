//! What strangers send, read as JSON, or why it cannot be, in words for who sent it; and how long a value is as JSON.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a value of at most so many bytes; `what` it is, for people ("report").
pub fn read<T: DeserializeOwned>(what: &str, most: usize, bytes: &[u8]) -> Result<T, String> {
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    if bytes.len() > most {
        return Err(format!("a {what} has at most {} KiB", most / 1024));
    }
    let text =
        std::str::from_utf8(bytes).map_err(|error| format!("it is not UTF-8 (byte {})", error.valid_up_to() + 1));
    serde_json::from_str(text?).map_err(|error| error.to_string())
}

/// How many bytes a value is as JSON: what escapes and names of fields add counts too.
pub fn bytes<T: Serialize + ?Sized>(value: &T) -> usize {
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).map_or(usize::MAX, |()| count.0)
}

/// Counts what is written.
struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_in_words() {
        let cases: [(&[u8], &str); 7] = [
            (b"7", ""),
            (b"", "it is empty"),
            (b"  ", "EOF while parsing a value at line 1 column 2"),
            (b"[1,\xff]", "it is not UTF-8 (byte 4)"),
            (b"{\n\"a\"", "invalid type: map, expected u8 at line 1 column 0"),
            (b"7 8", "trailing characters at line 1 column 3"),
            (&[b' '; 1025], "a number has at most 1 KiB"),
        ];
        for (bytes, why) in cases {
            let said = read::<u8>("number", 1024, bytes).map_or_else(|why| why, |_| String::new());
            assert_eq!(said, why);
        }
    }

    #[test]
    fn a_text_is_as_long_as_it_is_written() {
        assert_eq!((bytes("ab"), bytes("a\n\u{1}"), bytes(&[1, 10])), (4, 11, 6));
    }
}
