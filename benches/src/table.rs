//! Tables: aligned for a terminal, or as Markdown for a page.

use std::fmt::Write as _;

/// Rows of text under a head. Words stand left, the numbers behind them right.
#[derive(Clone, Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
    /// Columns of words.
    words: usize,
}

// === impl Table ===

impl Table {
    /// A table whose columns have these names: first words, then numbers.
    #[must_use]
    pub fn new(words: &[&str], numbers: &[&str]) -> Self {
        let head = words.iter().chain(numbers);
        Self {
            rows: vec![head.map(|&cell| cell.to_owned()).collect()],
            words: words.len(),
        }
    }

    /// One row more.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Columns parted by two spaces, a line below the head.
    #[must_use]
    pub fn aligned(&self) -> String {
        let mut out = String::new();
        let widths = self.widths();
        for (at, row) in self.rows.iter().enumerate() {
            self.line(&mut out, &widths, row, ["", "  ", ""]);
            if at == 0 {
                let across = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
                let _ = writeln!(out, "{}", "-".repeat(across));
            }
        }
        out
    }

    /// A table of Markdown that can be read as it stands.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        let widths = self.widths();
        for (at, row) in self.rows.iter().enumerate() {
            self.line(&mut out, &widths, row, ["| ", " | ", " |"]);
            if at == 0 {
                for (column, width) in widths.iter().enumerate() {
                    let end = if column < self.words { "-" } else { ":" };
                    let _ = write!(out, "|{}{end}", "-".repeat(width + 1));
                }
                out.push_str("|\n");
            }
        }
        out
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        (0..columns).map(width).collect()
    }

    fn line(&self, out: &mut String, widths: &[usize], row: &[String], marks: [&str; 3]) {
        let [start, between, end] = marks;
        let mut line = start.to_owned();
        for (column, &width) in widths.iter().enumerate() {
            let cell = row.get(column).map_or("", String::as_str);
            if column > 0 {
                line.push_str(between);
            }
            let _ = if column < self.words {
                write!(line, "{cell:width$}")
            } else {
                write!(line, "{cell:>width$}")
            };
        }
        line.push_str(end);
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Table::new(&["part"], &["ns"]);
        table.row(["µ".to_owned(), "1200".to_owned()]);
        table.row(["longest".to_owned()]);
        let aligned = "part       ns\n-------------\nµ        1200\nlongest\n";
        assert_eq!(table.aligned(), aligned);
        let markdown =
            "| part    |   ns |\n|---------|-----:|\n| µ       | 1200 |\n| longest |      |\n";
        assert_eq!(table.markdown(), markdown);
    }
}
