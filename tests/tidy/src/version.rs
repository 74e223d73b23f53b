//! One copy of what crosses crates: two versions of one of these would make two types of the same name.

use crate::graph::Graph;

/// What must be there once, or not at all.
pub const ONCE: [&str; 11] = [
    "tokio",
    "serde",
    "serde_json",
    "hyper",
    "axum",
    "tracing",
    "prometheus",
    "rdkafka",
    "arrow",
    "parquet",
    "datafusion",
];

/// Packages that are there in more than one version.
pub fn doubled(graph: &Graph, once: &[&str]) -> Vec<String> {
    let mut findings = Vec::new();
    for name in once {
        let versions: Vec<_> =
            graph.others().filter(|package| package.name == *name).map(|package| package.version.as_str()).collect();
        if versions.len() > 1 {
            findings.push(format!("Cargo.lock:1: {name} in versions {}; settle on one", versions.join(" and ")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::assert_tidy, graph::GRAPH};

    #[test]
    fn what_crosses_crates_is_there_in_one_version() {
        assert_tidy(&doubled(&GRAPH, &ONCE));
    }

    #[test]
    fn a_second_version_is_found() {
        let mut graph = GRAPH.clone();
        let mut second = graph.others().find(|package| package.name == "serde").expect("serde is taken").clone();
        second.version = "0.9.0".into();
        graph.packages.push(second);
        assert_eq!(doubled(&graph, &ONCE).len(), 1);
    }
}
