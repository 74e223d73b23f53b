//! The binary under test: the one that stands beside the tests in the target folder.

use std::path::PathBuf;

/// Where `reprise` is.
pub fn reprise() -> PathBuf {
    let test = std::env::current_exe().expect("a process knows its own file");
    let beside = test.ancestors().skip(1).take(2).map(|folder| folder.join("reprise")).find(|path| path.is_file());
    beside.unwrap_or_else(|| {
        panic!("no binary `reprise` beside {}: build it first, `cargo build -p reprise`", test.display())
    })
}
