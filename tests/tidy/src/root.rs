//! The top of the repository: six folders, and at the root only what tools expect there.

use crate::tree::File;

/// The folders.
pub const FOLDERS: [&str; 7] = ["pipeline", "analytics", "connectors", "dashboards", "tests", "deploy", ".ci"];
/// The files of the root.
pub const FILES: [&str; 11] = [
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "clippy.toml",
    "dev",
    "rust-toolchain.toml",
    "rustfmt.toml",
];

/// Files that have no place.
pub fn misplaced(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        let known = match file.path.split_once('/') {
            Some((folder, _)) => FOLDERS.contains(&folder),
            None => FILES.contains(&file.path.as_str()),
        };
        if !known {
            findings.push(format!(
                "{}:1: not one of {FOLDERS:?} and {FILES:?}; move it into one of the folders",
                file.path
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::assert_tidy, tree::files};

    #[test]
    fn the_root_holds_the_six_folders_and_what_tools_expect() {
        assert_tidy(&misplaced(&files()));
    }

    #[test]
    fn a_seventh_folder_and_a_stray_file_are_found() {
        let files = [File::new("scripts/a", ""), File::new("notes.txt", ""), File::new("tests/a", "")];
        assert_eq!(misplaced(&files).len(), 2);
    }
}
