//! The files of the repository: all that stand in its folder and that `.gitignore` does not name, tracked or not, so
//! that a fault is found before it is committed, and in a copy without `.git` too.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

/// One text file of the repository.
#[derive(Debug, Clone)]
pub struct File {
    /// From the root of the repository, with `/` between the parts.
    pub path: String,
    /// Its content.
    pub text: String,
}

impl File {
    /// A planted file, for tests of the checks.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// It is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Its name without folders.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The folder of its crate, such as `pipeline/model`.
    pub fn crate_folder(&self) -> Option<&str> {
        let end = self.path.match_indices('/').nth(1)?.0;
        Some(&self.path[..end])
    }

    /// Its lines that are not tests: those above the first `#[cfg(test)]`, none of a file under `tests/` of a crate.
    pub fn prod_lines(&self) -> usize {
        if self.path.split('/').skip(2).any(|part| part == "tests" || part == "tests.rs") {
            return 0;
        }
        self.text.lines().take_while(|line| *line != "#[cfg(test)]").count()
    }
}

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("this crate stands two folders below the root").to_path_buf()
}

/// All text files, in order of their paths.
pub fn files() -> Vec<File> {
    let root = root();
    let mut files: Vec<File> = WalkBuilder::new(&root)
        .hidden(false)
        .parents(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build()
        .map(|entry| entry.expect("the repository can be read"))
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter_map(|entry| read(&root, entry.path()))
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// All Rust files, in order of their paths.
pub fn rust_files() -> Vec<File> {
    files().into_iter().filter(File::is_rust).collect()
}

/// The file, unless it is not text or has gone since the walk met it.
fn read(root: &Path, path: &Path) -> Option<File> {
    let text = std::fs::read_to_string(path).ok()?;
    let path = path.strip_prefix(root).expect("the walk stays below its root");
    Some(File { path: path.to_string_lossy().replace('\\', "/"), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_meets_this_file_and_nothing_that_is_ignored() {
        let paths: Vec<_> = files().into_iter().map(|file| file.path).collect();
        assert!(paths.iter().any(|path| path == "tests/tidy/src/tree.rs"), "{paths:?}");
        assert!(paths.iter().any(|path| path == ".ci/run"), "{paths:?}");
        assert!(!paths.iter().any(|path| path.starts_with("target/") || path.starts_with(".git/")), "{paths:?}");
    }

    #[test]
    fn lines_of_tests_are_not_prod_lines() {
        assert_eq!(File::new("pipeline/a/src/b.rs", "//! B.\nfn b() {}\n#[cfg(test)]\nmod tests {}\n").prod_lines(), 2);
        assert_eq!(File::new("pipeline/a/tests/b.rs", "//! B.\n").prod_lines(), 0);
        assert_eq!(File::new("tests/a/src/b.rs", "//! B.\n").prod_lines(), 1);
    }
}
