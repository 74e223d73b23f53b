//! What the benchmarks print: one row a figure, with the bound that holds for it, for people or as JSON.

use serde::Serialize;

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The benchmark.
    pub bench: &'static str,
    /// What was measured.
    pub what: String,
    /// How much it was.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The bound that holds for it, if one does.
    pub bound: Option<Bound>,
    /// The bound must be kept: beyond it the command fails.
    #[serde(skip)]
    pub strict: bool,
    /// Beside what it was measured, and further words.
    pub note: String,
}

/// A bound of a figure.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// It must not be more.
    AtMost(f64),
    /// It must not be less.
    AtLeast(f64),
}

impl Row {
    /// A figure without a bound.
    pub fn new(bench: &'static str, what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { bench, what: what.into(), value, unit, bound: None, strict: false, note: String::new() }
    }

    /// The same with a bound.
    pub fn bound(self, bound: Bound) -> Self {
        Self { bound: Some(bound), ..self }
    }

    /// The same with a bound that must be kept.
    pub fn must(self, bound: Bound) -> Self {
        Self { bound: Some(bound), strict: true, ..self }
    }

    /// The same with a note.
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// Whether a bound was missed that must be kept.
    pub fn fails(&self) -> bool {
        self.strict && !self.holds()
    }

    fn holds(&self) -> bool {
        match self.bound {
            None => true,
            Some(Bound::AtMost(bound)) => self.value <= bound,
            Some(Bound::AtLeast(bound)) => self.value >= bound,
        }
    }

    fn verdict(&self) -> String {
        let (word, bound) = match self.bound {
            None => return String::new(),
            Some(Bound::AtMost(bound)) => ("at most", bound),
            Some(Bound::AtLeast(bound)) => ("at least", bound),
        };
        format!("{word} {} {}", number(bound), if self.holds() { "ok" } else { "MISSED" })
    }
}

/// The rows as a table.
pub fn print(rows: &[Row]) {
    for row in rows {
        let value = format!("{} {}", number(row.value), row.unit);
        println!("{:<8} {:<62} {value:>18}  {:<26} {}", row.bench, row.what, row.verdict(), row.note);
    }
}

/// A number with as many digits as a reader wants.
fn number(value: f64) -> String {
    if value >= 1_000.0 {
        let digits = format!("{value:.0}");
        let groups: Vec<&str> =
            digits.as_bytes().rchunks(3).rev().filter_map(|g| std::str::from_utf8(g).ok()).collect();
        groups.join(",")
    } else if value >= 100.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_kept_or_missed() {
        let row = |value, bound| Row::new("x", "y", value, "ms").bound(bound).verdict();
        assert_eq!(row(9.0, Bound::AtMost(10.0)), "at most 10 ok");
        assert_eq!(row(11.0, Bound::AtMost(10.0)), "at most 10 MISSED");
        assert_eq!(row(199_999.0, Bound::AtLeast(200_000.0)), "at least 200,000 MISSED");
        assert_eq!(row(200_000.0, Bound::AtLeast(200_000.0)), "at least 200,000 ok");
    }

    #[test]
    fn only_a_bound_that_must_be_kept_fails_the_command() {
        let row = Row::new("x", "y", 11.0, "ms");
        assert!(!row.clone().bound(Bound::AtMost(10.0)).fails());
        assert!(row.clone().must(Bound::AtMost(10.0)).fails());
        assert!(!row.must(Bound::AtMost(11.0)).fails());
    }
}
