//! A file is named after its topic. A name that fits anything is a file that never loses anything.

use crate::tree::File;

/// Names without a topic, and the one that hides which module a file is.
pub const BANNED: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "manager", "imp", "handler"];

/// Files with a name that says nothing.
pub fn nameless(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        let stem = file.name().trim_end_matches(".rs");
        if stem == "mod" {
            findings.push(format!("{}:1: `mod.rs`; name it after its folder, one level up", file.path));
        } else if stem.split('_').any(|word| BANNED.contains(&word)) {
            findings.push(format!("{}:1: a name without a topic; name it after what it holds", file.path));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::assert_tidy, tree::rust_files};

    #[test]
    fn every_rust_file_is_named_after_its_topic() {
        assert_tidy(&nameless(&rust_files()));
    }

    #[test]
    fn names_without_a_topic_are_found() {
        let file = |path: &str| File::new(path, "");
        assert_eq!(nameless(&[file("a/mod.rs"), file("a/util.rs"), file("a/node_manager.rs")]).len(), 3);
        assert_eq!(nameless(&[file("a/model.rs"), file("a/commonality.rs")]).len(), 0);
    }
}
