//! One concept, one file: no file of more than 500 lines, and half of a crate's files of at most 150 that are not tests.

use std::collections::BTreeMap;

use crate::tree::File;

/// Most lines of a file, its tests too.
pub const MAX_LINES: usize = 500;
/// Most lines of the median file of a crate, without tests.
pub const MAX_MEDIAN: usize = 150;

/// Files that are too long.
pub fn too_long(files: &[File]) -> Vec<String> {
    let lines = |file: &File| file.text.lines().count();
    let long = files.iter().filter(|file| lines(file) > MAX_LINES);
    long.map(|file| format!("{}:{MAX_LINES}: {} lines; split it by concept", file.path, lines(file))).collect()
}

/// Crates whose files are too long as a rule.
pub fn heavy_crates(files: &[File]) -> Vec<String> {
    let mut crates: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for file in files {
        if let (Some(folder), lines @ 1..) = (file.crate_folder(), file.prod_lines()) {
            crates.entry(folder).or_default().push(lines);
        }
    }
    let medians = crates.into_iter().map(|(folder, lines)| (folder, median(lines)));
    let heavy = medians.filter(|(_, median)| *median > MAX_MEDIAN);
    heavy
        .map(|(folder, median)| {
            format!("{folder}:1: its median file has {median} prod lines, {MAX_MEDIAN} may be; split")
        })
        .collect()
}

fn median(mut lines: Vec<usize>) -> usize {
    lines.sort_unstable();
    lines[(lines.len() - 1) / 2]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::assert_tidy, tree::rust_files};

    #[test]
    fn no_rust_file_is_longer_than_500_lines() {
        assert_tidy(&too_long(&rust_files()));
    }

    #[test]
    fn the_median_file_of_each_crate_has_at_most_150_prod_lines() {
        assert_tidy(&heavy_crates(&rust_files()));
    }

    #[test]
    fn a_long_file_and_a_heavy_crate_are_found() {
        let file = |name: &str, lines: usize| File::new(&format!("pipeline/a/src/{name}.rs"), &"x\n".repeat(lines));
        assert_eq!(too_long(&[file("a", 500), file("b", 501)]).len(), 1);
        assert_eq!(heavy_crates(&[file("a", 150), file("b", 500)]).len(), 0);
        assert_eq!(heavy_crates(&[file("a", 150), file("b", 151), file("c", 500)]).len(), 1);
    }
}
