//! Remarks for people that end up in `note` of the end: few and short, whatever happens.

use model::report::MAX_WORDS_BYTES;

/// Most remarks; what comes after is counted.
const MAX_REMARKS: usize = 8;

/// Remarks as they come.
#[derive(Debug, Default)]
pub struct Notes {
    remarks: Vec<String>,
    more: usize,
}

impl Notes {
    /// Adds a remark, once.
    pub fn add(&mut self, remark: impl Into<String>) {
        let remark = remark.into();
        if self.remarks.contains(&remark) {
        } else if self.remarks.len() < MAX_REMARKS {
            self.remarks.push(remark);
        } else {
            self.more += 1;
        }
    }

    /// All of them in one line.
    pub fn text(&self) -> String {
        let mut text = self.remarks.join("; ");
        if self.more > 0 {
            text.push_str(&format!("; and {} more", self.more));
        }
        cut(&text)
    }
}

/// A text cut at the longest note, between characters, without control characters.
pub fn cut(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.len() <= MAX_WORDS_BYTES {
        return clean;
    }
    let end = clean.floor_char_boundary(MAX_WORDS_BYTES - '…'.len_utf8());
    format!("{}…", &clean[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_said_once_and_counted_beyond_a_bound() {
        let mut notes = Notes::default();
        for n in 0..12 {
            notes.add(format!("file {n}: not JUnit"));
            notes.add("file 0: not JUnit");
        }
        let text = notes.text();
        assert_eq!(text.matches("file 0").count(), 1, "{text}");
        assert!(text.ends_with("; and 4 more"), "{text}");
    }

    #[test]
    fn a_long_note_is_cut_between_characters() {
        let text = cut(&"ü\n".repeat(5_000));
        assert!(text.len() <= MAX_WORDS_BYTES && text.ends_with('…') && !text.contains('\n'));
    }
}
