//! Each file tells its story first: what it is for, before how it does it.

use crate::tree::File;

/// Files that begin with something else.
pub fn untold(files: &[File]) -> Vec<String> {
    let untold = files.iter().filter(|file| !file.text.starts_with("//! "));
    untold.map(|file| format!("{}:1: no story; begin with `//! ` and what the file is for", file.path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::assert_tidy, tree::rust_files};

    #[test]
    fn every_rust_file_begins_with_its_story() {
        assert_tidy(&untold(&rust_files()));
    }

    #[test]
    fn a_file_without_a_story_is_found() {
        assert_eq!(untold(&[File::new("a.rs", "//! A.\n"), File::new("b.rs", "// B.\n")]).len(), 1);
    }
}
