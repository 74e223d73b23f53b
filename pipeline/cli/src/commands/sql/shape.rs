//! The shape of what is typed: whether it is whole, and what is a word to the prompt itself.

use ::sql::split::split;

/// Whether a text is whole: a prompt need not ask for more of it.
pub fn is_whole(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text.starts_with('\\') || is_word(text) || split(text).is_whole
}

/// Words that end a prompt without a semicolon.
pub fn is_word(text: &str) -> bool {
    ["quit", "exit", "help"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// For `\d` and `\d NAME`: which name, if any.
pub fn about(text: &str) -> Option<Option<String>> {
    let text = text.trim().trim_end_matches(';').trim();
    let rest = text.strip_prefix("\\d")?;
    let rest = rest.trim_start_matches(['t', 'v', '+']);
    if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
        return None;
    }
    let name = rest.trim();
    Some((!name.is_empty()).then(|| name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_asks_for_more_until_a_statement_is_whole() {
        for (text, whole) in [
            ("", true),
            ("SELECT 1", false),
            ("SELECT 1;", true),
            ("SELECT 1; -- so", true),
            ("SELECT ';", false),
            ("SELECT 1 /* ; */", false),
            ("\\d events", true),
            ("quit", true),
        ] {
            assert_eq!(is_whole(text), whole, "{text}");
        }
    }

    #[test]
    fn backslash_d_names_a_table_or_none() {
        let table = [
            ("\\d", Some(None)),
            ("\\dt", Some(None)),
            ("\\d events", Some(Some("events"))),
            ("\\d+ events;", Some(Some("events"))),
            ("\\dx", None),
            ("SELECT 1", None),
        ];
        for (text, want) in table {
            assert_eq!(about(text), want.map(|name| name.map(str::to_owned)), "{text}");
        }
    }
}
