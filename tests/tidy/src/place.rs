//! The repository works anywhere: it names neither a folder of one machine nor a registry other than the public one.

use crate::tree::File;

/// Folders of one machine. Cut in two, so that this file may say them.
const MACHINE: [(&str, &str); 4] = [("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/"), ("/Us", "ers/")];
/// What points cargo, or another package manager, at a registry.
const REGISTRY: [(&str, &str); 6] = [
    ("replace", "-with"),
    ("sparse", "+http"),
    ("registry-", "index"),
    ("index.", "crates.io"),
    ("static.", "crates.io"),
    ("GO", "PROXY"),
];
/// The only source of packages, as `Cargo.lock` names it.
const CRATES_IO: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

/// Lines that hold for one machine only.
pub fn bound_to_a_machine(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    // Files that were recorded elsewhere say where that was.
    for file in files.iter().filter(|file| !file.path.starts_with("tests/fixtures/junit/")) {
        for (number, line) in file.text.lines().enumerate() {
            let place = format!("{}:{}", file.path, number + 1);
            if let Some(word) = first(&MACHINE, line) {
                findings.push(format!("{place}: `{word}`; a path from the root of the repository, or a variable"));
            }
            if let Some(word) = first(&REGISTRY, line) {
                findings.push(format!("{place}: `{word}`; registries belong into the user's own configuration"));
            }
            if file.name() == "Cargo.lock" && line.starts_with("source = ") && line != CRATES_IO {
                findings.push(format!("{place}: {line}; take the package from crates.io"));
            }
        }
    }
    findings
}

/// The first of some words that a line holds at the beginning of a path: not behind a letter or a dot.
fn first(words: &[(&str, &str)], line: &str) -> Option<String> {
    let begins = |place: usize| !line[..place].ends_with(|c: char| c.is_ascii_lowercase() || c == '.');
    let holds =
        |word: &String| line.match_indices(word.as_str()).any(|(place, _)| !word.starts_with('/') || begins(place));
    words.iter().map(|(start, end)| format!("{start}{end}")).find(holds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::assert_tidy, tree::files};

    #[test]
    fn no_file_names_a_folder_of_one_machine_or_a_registry() {
        assert_tidy(&bound_to_a_machine(&files()));
    }

    #[test]
    fn each_such_line_is_found() {
        for (start, end) in MACHINE.iter().chain(&REGISTRY) {
            assert_eq!(bound_to_a_machine(&[File::new("a.md", &format!("see {start}{end}x"))]).len(), 1);
        }
        let lock = format!("{CRATES_IO}\nsource = \"git+https://example.com/a\"\n");
        assert_eq!(bound_to_a_machine(&[File::new("Cargo.lock", &lock)]).len(), 1);
    }
}
