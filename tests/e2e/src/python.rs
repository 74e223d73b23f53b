//! A Python with Kafka's client, for nodes that others write: `$REPRISE_TEST_PYTHON`, or the one that `./dev test tools`
//! makes beside the binary.

use std::path::PathBuf;
use std::process::Command;

use crate::binary;

/// Where it is. Missing, it fails the test: a node of another make that nobody tried is none.
pub fn with_kafka() -> PathBuf {
    let beside = || {
        let target = binary::reprise().ancestors().nth(2).map(|target| target.join("python/bin/python"));
        target.filter(|python| python.is_file()).unwrap_or_else(|| "python3".into())
    };
    let python = std::env::var_os("REPRISE_TEST_PYTHON").map_or_else(beside, PathBuf::from);
    let asked = Command::new(&python).args(["-c", "import confluent_kafka"]).output();
    let has_client = asked.is_ok_and(|output| output.status.success());
    assert!(
        has_client,
        "{} has no `confluent_kafka`: `./dev test tools` makes a Python that has it, or name one by REPRISE_TEST_PYTHON",
        python.display()
    );
    python
}
