//! Numbers and lists as people read them, and the nearest known word to one that is not known.

/// A number with commas: `1,000,000`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its word: `1 error`, `2 errors`.
pub(crate) fn counted(n: u64, word: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {word}{plural}", thousands(n))
}

/// Words as a choice: "`a`, `b` or `c`".
pub(crate) fn choice<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// A text cut for a message.
pub(crate) fn cut(text: &str) -> String {
    let mut out: String = text.chars().take(64).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

/// Finds the nearest known word to an unknown one. Distances cost time, so a file has a budget of them: a file full of
/// typos over 100,000 names gets fewer suggestions, not a slower answer.
pub(crate) struct Nearest {
    left: usize,
}

impl Default for Nearest {
    fn default() -> Self {
        Self { left: 5_000_000 }
    }
}

impl Nearest {
    /// The first of the nearest words, if one is near enough: a third of the letters may differ.
    pub fn find<'w>(&mut self, word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
        if word.len() > 100 {
            return None;
        }
        let mut limit = (word.len() / 3).max(1);
        let mut best = None;
        for candidate in known {
            if candidate.len().abs_diff(word.len()) > limit {
                continue;
            }
            self.left = self.left.checked_sub(1 + candidate.len() * word.len())?;
            let distance = strsim::osa_distance(&word.to_ascii_lowercase(), &candidate.to_ascii_lowercase());
            if distance <= limit {
                (best, limit) = (Some(candidate), distance.saturating_sub(1));
            }
            if distance == 0 {
                break;
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_choices_read_well() {
        for (n, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_000_000, "1,000,000"), (12_345, "12,345")] {
            assert_eq!(thousands(n), text);
        }
        assert_eq!((counted(1, "error"), counted(2_000, "error")), ("1 error".to_owned(), "2,000 errors".to_owned()));
        assert_eq!(choice([]), "");
        assert_eq!(choice(["a"]), "`a`");
        assert_eq!(choice(["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(cut(&"x".repeat(65)), format!("{}…", "x".repeat(64)));
    }

    #[test]
    fn a_typo_finds_its_word_and_another_word_does_not() {
        let known = ["run", "env", "stall", "timeout", "seed_db"];
        for (word, want) in [
            ("stal", Some("stall")),
            ("seed-db", Some("seed_db")),
            ("Timeout", Some("timeout")),
            ("timoeut", Some("timeout")),
            ("evn", Some("env")),
            ("matrix", None),
            ("", None),
        ] {
            assert_eq!(Nearest::default().find(word, known), want, "{word}");
        }
    }

    #[test]
    fn suggestions_end_when_their_budget_is_spent() {
        let mut nearest = Nearest { left: 60 };
        assert_eq!(nearest.find("stal", ["stall"]), Some("stall"));
        assert_eq!(nearest.find("stal", ["stall"]), Some("stall"));
        assert_eq!(nearest.find("stal", ["stall"]), None);
    }
}
