//! Each big dependency of the outside has one door: one crate that takes it, so that it can be changed in one place.

use crate::graph::Graph;

/// What has a door, and the crate that is its door.
pub const DOORS: [(&str, &str); 9] = [
    ("rdkafka", "kafka"),
    ("redb", "embedded"),
    ("axum", "gateway"),
    ("clap", "reprise"),
    ("arrow", "journal"),
    ("parquet", "journal"),
    ("datafusion", "sql"),
    ("granit-parser", "flow"),
    ("serde-saphyr", "flow"),
];

/// Crates that go past a door.
pub fn past_the_door(graph: &Graph, doors: &[(&str, &str)]) -> Vec<String> {
    let mut findings = Vec::new();
    for package in graph.ours() {
        for (dependency, door) in doors {
            if package.uses().contains(dependency) && package.name != *door {
                let manifest = format!("{}/Cargo.toml:1", package.folder());
                findings.push(format!("{manifest}: takes {dependency}; only `{door}` may: use what that offers"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::assert_tidy, graph::GRAPH};

    #[test]
    fn each_big_dependency_of_the_outside_has_one_door() {
        assert_tidy(&past_the_door(&GRAPH, &DOORS));
    }

    #[test]
    fn a_crate_that_goes_past_a_door_is_found() {
        assert_eq!(past_the_door(&GRAPH, &[("syn", "model")]).len(), 1);
    }
}
