//! The pages at the root: they are there, the architecture stays short, and no link leads nowhere.

use std::path::Path;

use crate::tree::File;

/// Pages that a reader expects.
pub const PAGES: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE"];
/// Most lines of `ARCHITECTURE.md`: it says what code cannot say, and what is absent.
pub const MAX_ARCHITECTURE: usize = 300;

/// Pages that are missing or too long.
pub fn wrong_pages(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for page in PAGES {
        match files.iter().find(|file| file.path == page) {
            None => findings.push(format!("{page}:1: missing; write it")),
            Some(file) => {
                let lines = file.text.lines().count();
                if page == "ARCHITECTURE.md" && lines > MAX_ARCHITECTURE {
                    findings.push(format!("{page}:{MAX_ARCHITECTURE}: {lines} lines; shorten it"));
                }
            }
        }
    }
    findings
}

/// Links of Markdown files to files that do not exist.
pub fn dead_links(files: &[File], exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
        for (number, line) in file.text.lines().enumerate() {
            for link in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let target = link.split('#').next().unwrap_or(link);
                if !target.is_empty() && !target.contains(':') && !exists(&folder.join(target)) {
                    findings.push(format!("{}:{}: `{link}` leads nowhere; mend the link", file.path, number + 1));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::assert_tidy;
    use crate::tree::{files, root};

    #[test]
    fn the_pages_are_there_and_the_architecture_is_short() {
        assert_tidy(&wrong_pages(&files()));
    }

    #[test]
    fn every_link_between_pages_leads_somewhere() {
        assert_tidy(&dead_links(&files(), |path| root().join(path).exists()));
    }

    #[test]
    fn missing_and_long_pages_and_dead_links_are_found() {
        let long = "x\n".repeat(MAX_ARCHITECTURE + 1);
        let pages = [File::new("README.md", "[a](B.md#c) [d](https://e) [f](#g)"), File::new("ARCHITECTURE.md", &long)];
        assert_eq!(wrong_pages(&pages).len(), 3);
        assert_eq!(dead_links(&pages, |_| false).len(), 1);
    }
}
