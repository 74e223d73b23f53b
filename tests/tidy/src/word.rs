//! Words that stand for work not done, or that silence what others check.

use crate::tree::File;

/// What may not stand in a Rust file, and what to do instead. Cut in two, so that this file may say them.
const BANNED: [(&str, &str, &str); 9] = [
    ("#[", "allow", "`#[expect(…, reason = …)]` goes away with its cause"),
    ("#![", "allow", "`#![expect(…, reason = …)]` goes away with its cause"),
    ("todo", "!(", "finish it, or leave the feature out"),
    ("unimplemented", "!(", "finish it, or leave the feature out"),
    ("TO", "DO", "finish it, or leave it out"),
    ("FIX", "ME", "mend it"),
    ("XX", "X", "say what is meant"),
    ("#[", "ignore", "a test that does not run is no test: mend it or delete it"),
    ("Placeholder of the", " first commit", "write the file or remove it"),
];

/// Lines with such a word.
pub fn unfinished(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            for (start, end, instead) in BANNED {
                let word = format!("{start}{end}");
                if line.contains(&word) {
                    findings.push(format!("{}:{}: `{word}`; {instead}", file.path, number + 1));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::assert_tidy, tree::rust_files};

    #[test]
    fn nothing_is_left_unfinished_or_silenced() {
        assert_tidy(&unfinished(&rust_files()));
    }

    #[test]
    fn each_banned_word_is_found() {
        for (start, end, _) in BANNED {
            let text = format!("//! A.\nfn a() {{ {start}{end} }}\n");
            let found = unfinished(&[File::new("a.rs", &text)]);
            assert!(found.iter().any(|finding| finding.starts_with("a.rs:2: ")), "{text}: {found:?}");
        }
        assert!(unfinished(&[File::new("a.rs", "#[expect(dead_code, reason = \"a\")]")]).is_empty());
    }
}
