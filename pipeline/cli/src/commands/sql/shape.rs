//! The shape of what is typed: where one statement ends, and what is a word to the prompt itself.

/// The statements of a text, each without its semicolon. What stands in quotes or comments ends none.
pub fn statements(text: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let (mut from, mut quote, mut comment) = (0, None, false);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if comment {
            comment = byte != b'\n';
        } else if let Some(open) = quote {
            if byte == open {
                quote = None;
            }
        } else if byte == b'\'' || byte == b'"' {
            quote = Some(byte);
        } else if bytes[at..].starts_with(b"--") {
            comment = true;
        } else if byte == b';' {
            statements.push(text[from..at].trim().to_owned());
            from = at + 1;
        }
        at += 1;
    }
    statements.push(text[from..].trim().to_owned());
    statements.retain(|statement| !is_empty(statement));
    statements
}

/// Whether a text holds nothing but space and comments.
pub fn is_empty(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim().starts_with("--"))
}

/// Whether a text is whole: a prompt need not ask for more of it.
pub fn is_whole(text: &str) -> bool {
    let text = text.trim();
    text.is_empty()
        || text.starts_with('\\')
        || is_word(text)
        || statements(&format!("{text}\n'")).len() > statements(text).len()
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
    fn semicolons_end_statements_but_not_in_quotes_or_comments() {
        let table = [
            ("SELECT 1", vec!["SELECT 1"]),
            ("SELECT 1;", vec!["SELECT 1"]),
            ("SELECT ';'; SELECT \"a;b\"", vec!["SELECT ';'", "SELECT \"a;b\""]),
            ("SELECT 1 -- a; b\n; SELECT 2", vec!["SELECT 1 -- a; b", "SELECT 2"]),
            ("SELECT 'it''s; so'", vec!["SELECT 'it''s; so'"]),
            (" ; -- nothing\n;", vec![]),
        ];
        for (text, want) in table {
            assert_eq!(statements(text), want, "{text}");
        }
    }

    #[test]
    fn a_prompt_asks_for_more_until_a_statement_is_whole() {
        for (text, whole) in [
            ("", true),
            ("SELECT 1", false),
            ("SELECT 1;", true),
            ("SELECT 1; -- so", true),
            ("SELECT ';", false),
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
