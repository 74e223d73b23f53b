//! What a check found, and how a test says so: all of it at once, a line each, so that one run is enough to mend all.

/// Fails the test that calls it with every finding, a line each.
///
/// # Panics
/// If there is a finding.
pub fn assert_tidy(findings: &[String]) {
    assert!(findings.is_empty(), "\n\n{}\n", findings.join("\n"));
}
