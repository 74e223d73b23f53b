//! The last of an attempt's output, in memory: what people read first when it failed.
//!
//! Output is bytes of any kind; the report is JSON of a bounded size. So the tail is decoded with losses, and cut by its
//! length as JSON, where a control character takes six bytes.

use model::report::MAX_TAIL_BYTES;

use crate::json;

/// The last bytes that came.
#[derive(Debug, Default)]
pub struct Tail {
    bytes: Vec<u8>,
    cut: bool,
}

impl Tail {
    /// Takes what came.
    pub fn take(&mut self, chunk: &[u8]) {
        let chunk = if chunk.len() > MAX_TAIL_BYTES {
            self.bytes.clear();
            self.cut = true;
            &chunk[chunk.len() - MAX_TAIL_BYTES..]
        } else {
            chunk
        };
        self.bytes.extend_from_slice(chunk);
        if self.bytes.len() > 2 * MAX_TAIL_BYTES {
            self.bytes.drain(..self.bytes.len() - MAX_TAIL_BYTES);
            self.cut = true;
        }
    }

    /// The tail as text that fits into a report.
    pub fn text(&self) -> String {
        let start = self.bytes.len().saturating_sub(MAX_TAIL_BYTES);
        let cut = self.cut || start > 0;
        // A cut may have split a character: its continuation bytes at the start are nothing.
        let bytes = &self.bytes[start..];
        let split = if cut { bytes.iter().take(3).take_while(|b| **b & 0xC0 == 0x80).count() } else { 0 };
        let text = String::from_utf8_lossy(&bytes[split..]);
        let kept = json::end(&text, MAX_TAIL_BYTES);
        let cut = cut || kept.len() < text.len();
        // From a whole line on, unless that would cost more than half of what is there.
        match kept.find('\n') {
            Some(end) if cut && end < kept.len() / 2 => kept[end + 1..].to_owned(),
            Some(_) | None => kept.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail_of(output: &[u8], chunk: usize) -> String {
        let mut tail = Tail::default();
        output.chunks(chunk).for_each(|c| tail.take(c));
        tail.text()
    }

    #[test]
    fn a_short_output_is_its_own_tail() {
        assert_eq!(tail_of(b"one\ntwo", 3), "one\ntwo");
        assert_eq!(tail_of(b"", 1), "");
    }

    #[test]
    fn a_long_output_keeps_its_last_whole_lines_however_it_came() {
        let output: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
        let want = tail_of(output.as_bytes(), 7);
        assert!((MAX_TAIL_BYTES - 20..=MAX_TAIL_BYTES).contains(&json::bytes(&want)), "{} bytes", json::bytes(&want));
        assert!(want.starts_with("line ") && want.ends_with("line 19999\n"), "{}", &want[..20]);
        for chunk in [1_000, 65_536, output.len()] {
            assert_eq!(tail_of(output.as_bytes(), chunk), want, "chunks of {chunk}");
        }
    }

    #[test]
    fn one_endless_line_is_cut_between_characters() {
        let text = tail_of("é".repeat(100_000).as_bytes(), 4_096);
        assert!(text.chars().all(|c| c == 'é') && text.len() <= MAX_TAIL_BYTES && !text.is_empty());
    }

    #[test]
    fn no_output_makes_a_report_too_large() {
        for output in [vec![0_u8; 100_000], vec![0xFF; 100_000], vec![b'"'; 100_000], vec![0x1B; 100_000]] {
            let text = tail_of(&output, 8_192);
            assert!(!text.is_empty() && json::bytes(&text) <= MAX_TAIL_BYTES);
        }
    }
}
