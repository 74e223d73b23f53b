//! The map of the crates in `ARCHITECTURE.md` is the one that cargo sees: a crate, or an edge between two, that the
//! page does not give a reason for does not pass.

use crate::graph::{Graph, Package};
use crate::tree::File;

/// Dependencies that shape a crate; the map names who takes them. All others are small.
pub const BIG: [&str; 17] = [
    "arrow",
    "axum",
    "cel",
    "clap",
    "datafusion",
    "deltalake",
    "granit-parser",
    "hyper",
    "parquet",
    "petgraph",
    "prometheus",
    "rdkafka",
    "redb",
    "serde-saphyr",
    "statrs",
    "tokio",
    "tracing",
];

/// Rows of the map that differ from what cargo sees.
pub fn differences(graph: &Graph, architecture: &File) -> Vec<String> {
    let written = rows(architecture);
    let ours = graph.ours();
    let names: Vec<_> = ours.iter().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in &ours {
        let want = row(package, &names);
        match written.iter().find(|(_, cells)| cells[0] == want[0]) {
            None => findings.push(format!("{}:1: no row for {}; add one: {}", architecture.path, want[0], line(&want))),
            Some((number, cells)) if cells[2..] != want[2..] => {
                let place = format!("{}:{number}", architecture.path);
                findings.push(format!("{place}: cargo sees {}; mend the row or the Cargo.toml", line(&want)));
            }
            Some((number, cells)) if cells[1].is_empty() => {
                findings.push(format!("{}:{number}: say what {} is for", architecture.path, want[0]));
            }
            Some(_) => {}
        }
    }
    let stale = written.iter().filter(|(_, cells)| !ours.iter().any(|package| cells[0] == title(package)));
    findings.extend(
        stale.map(|(number, cells)| format!("{}:{number}: no crate {}; remove the row", architecture.path, cells[0])),
    );
    findings
}

/// The rows of the table under `## Map`, each with its line: crate, what it is, uses, in tests too, big dependencies.
fn rows(architecture: &File) -> Vec<(usize, Vec<String>)> {
    let lines = architecture.text.lines().enumerate();
    let section =
        lines.skip_while(|(_, line)| *line != "## Map").skip(1).take_while(|(_, line)| !line.starts_with("## "));
    let table = section.filter(|(_, line)| line.starts_with("| `"));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    table.map(|(number, line)| (number + 1, cells(line))).filter(|(_, cells)| cells.len() == 5).collect()
}

/// The row as cargo sees it, its second cell empty.
fn row(package: &Package, ours: &[&str]) -> Vec<String> {
    let (uses, tests) = (package.uses(), package.test_uses());
    let list = |names: Vec<&str>| names.join(", ");
    let of_ours = |names: &[&str]| list(names.iter().copied().filter(|name| ours.contains(name)).collect());
    let big = list(uses.iter().copied().filter(|name| BIG.contains(name)).collect());
    vec![title(package), String::new(), of_ours(&uses), of_ours(&tests), big]
}

/// The folder, and the crate's name where it is another one.
fn title(package: &Package) -> String {
    let folder = package.folder();
    if folder.ends_with(&format!("/{}", package.name)) {
        format!("`{folder}`")
    } else {
        format!("`{folder}` ({})", package.name)
    }
}

fn line(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::assert_tidy, graph::GRAPH, tree::files};

    #[test]
    fn the_map_of_the_architecture_is_what_cargo_sees() {
        let files = files();
        let page =
            files.iter().find(|file| file.path == "ARCHITECTURE.md").expect("ARCHITECTURE.md stands at the root");
        assert_tidy(&differences(&GRAPH, page));
    }

    #[test]
    fn a_missing_row_a_wrong_edge_and_a_stale_row_are_found() {
        let page =
            File::new("A.md", "## Map\n| `tests/tidy` | us | model |  |  |\n| `pipeline/gone` | it |  |  |  |\n## B\n");
        let found = differences(&GRAPH, &page);
        assert_eq!(found.len(), GRAPH.ours().len() + 1, "{found:?}");
        assert!(
            found.iter().any(|finding| finding.starts_with("A.md:2: cargo sees | `tests/tidy` |  |  |")),
            "{found:?}"
        );
        assert!(found.iter().any(|finding| finding.starts_with("A.md:3: no crate `pipeline/gone`")), "{found:?}");
    }
}
