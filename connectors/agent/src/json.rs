//! How long a text is as JSON, quotes and escapes included: what the wire bounds.

/// The length of a text as JSON, in bytes.
pub fn bytes(text: &str) -> usize {
    2 + text.chars().map(of_char).sum::<usize>()
}

/// The end of a text: as much as at most so many bytes of JSON hold.
pub fn end(text: &str, bytes: usize) -> &str {
    let mut room = bytes.saturating_sub(2);
    for (at, char) in text.char_indices().rev() {
        match room.checked_sub(of_char(char)) {
            Some(rest) => room = rest,
            None => return &text[at + char.len_utf8()..],
        }
    }
    text
}

fn of_char(char: char) -> usize {
    match char {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..'\u{20}' => 6,
        _ => char.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_json_that_is_written() {
        for text in ["", "plain", "\"\\\n\r\t\u{8}\u{c}", "\0\u{1f}\u{7f}", "üñ€😀"] {
            let json = serde_json::to_string(text).unwrap();
            assert_eq!(bytes(text), json.len(), "{text:?}");
            assert_eq!(end(text, json.len()), text);
            for room in 0..json.len() {
                let end = end(text, room);
                assert!(text.ends_with(end) && (end.is_empty() || bytes(end) <= room), "{text:?} in {room}");
            }
        }
    }
}
