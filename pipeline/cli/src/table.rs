//! Tables as people and `awk` read them: aligned columns, two spaces between, no lines drawn.

use crate::words::one_line;

/// To which side a column leans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lean {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table: its head, and rows of as many cells.
#[derive(Debug, Clone)]
pub struct Table<const N: usize> {
    head: [(&'static str, Lean); N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// An empty table.
    pub fn new(head: [(&'static str, Lean); N]) -> Self {
        Self { head, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| one_line(&cell)));
    }

    /// The text, a line each.
    pub fn text(&self) -> String {
        let mut width = self.head.map(|(title, _)| title.chars().count());
        for row in &self.rows {
            for (width, cell) in width.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let titles = self.head.map(|(title, _)| title.to_owned());
        let mut out = String::new();
        for row in std::iter::once(&titles).chain(&self.rows) {
            let cells = row.iter().zip(width).zip(self.head);
            let cells = cells.map(|((cell, width), (_, lean))| match lean {
                Lean::Left => format!("{cell:<width$}"),
                Lean::Right => format!("{cell:>width$}"),
            });
            out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lean_left_and_numbers_right() {
        let mut table = Table::new([("NODE", Lean::Left), ("SLOTS", Lean::Right), ("ZONE", Lean::Left)]);
        table.row(["n1".into(), "12/20".into(), "a".into()]);
        table.row(["longer-name".into(), "1/4".into(), String::new()]);
        insta::assert_snapshot!(table.text(), @r"
        NODE         SLOTS  ZONE
        n1           12/20  a
        longer-name    1/4
        ");
    }
}
