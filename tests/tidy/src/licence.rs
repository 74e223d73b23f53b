//! Every package that is built in may be handed on under our own licence (Apache-2.0).

use spdx::{Expression, ParseMode};

use crate::graph::Graph;

/// Licences that may be handed on so. An expression passes if these are enough for it.
pub const FREE: [&str; 11] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    // Its own files stay under it, which asks nothing more of who hands them on unchanged.
    "MPL-2.0",
    "Unicode-3.0",
    "Zlib",
];

/// Packages whose licence is missing, not readable or not free enough.
pub fn unfree(graph: &Graph, free: &[&str]) -> Vec<String> {
    let mut findings = Vec::new();
    for package in &graph.packages {
        let licence = package.license.as_deref().unwrap_or("none");
        let passes = Expression::parse_mode(licence, ParseMode::LAX)
            .is_ok_and(|expression| expression.evaluate(|licence| free.contains(&licence.to_string().as_str())));
        if !passes {
            findings.push(format!("Cargo.lock:1: {} has licence {licence}; take another package", package.name));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::assert_tidy, graph::GRAPH};

    #[test]
    fn every_package_may_be_handed_on() {
        assert_tidy(&unfree(&GRAPH, &FREE));
    }

    #[test]
    fn licences_that_bind_or_are_missing_are_found() {
        let mut graph = GRAPH.clone();
        graph.packages.truncate(4);
        let licences = [Some("GPL-3.0-only"), None, Some("MIT AND GPL-2.0-only"), Some("MIT/GPL-2.0")];
        for (package, licence) in graph.packages.iter_mut().zip(licences) {
            package.license = licence.map(Into::into);
        }
        assert_eq!(unfree(&graph, &FREE).len(), 3);
    }
}
