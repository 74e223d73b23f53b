//! A Python with what tests need beside the binary, Kafka's client for nodes that others write and an S3:
//! `$REPRISE_TEST_PYTHON`, or the one that `./dev test tools` makes.

use std::path::PathBuf;
use std::process::Command;

use crate::binary;

/// Where one is that has a module. Missing, it fails the test: a node of another make that nobody tried is none.
pub fn with(module: &str) -> PathBuf {
    let beside = || {
        let target = binary::reprise().ancestors().nth(2).map(|target| target.join("python/bin/python"));
        target.filter(|python| python.is_file()).unwrap_or_else(|| "python3".into())
    };
    let python = std::env::var_os("REPRISE_TEST_PYTHON").map_or_else(beside, PathBuf::from);
    let asked = Command::new(&python).args(["-c", &format!("import {module}")]).output();
    let has_module = asked.is_ok_and(|output| output.status.success());
    assert!(
        has_module,
        "{} has no `{module}`: `./dev test tools` makes a Python that has it, or name one by REPRISE_TEST_PYTHON",
        python.display()
    );
    python
}
