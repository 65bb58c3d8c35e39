//! A table: a header, aligned columns, and below a row what needs more room than a column has.

use super::style::{Colour, Style};

/// Between two columns.
const GAP: usize = 2;

/// Of a column that is cut at least so much is left.
const FLEXIBLE_LEAST: usize = 16;

/// How a column is laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    name: &'static str,
    right: bool,
    /// It is cut where the table does not fit.
    flexible: bool,
}

impl Column {
    /// Words, aligned to the left.
    pub(crate) const fn left(name: &'static str) -> Self {
        Self { name, right: false, flexible: false }
    }

    /// Numbers, aligned to the right.
    pub(crate) const fn right(name: &'static str) -> Self {
        Self { name, right: true, flexible: false }
    }

    /// Names that may be long. Where the table does not fit their beginning is cut off: URLs and paths differ at the
    /// end.
    pub(crate) const fn name(name: &'static str) -> Self {
        Self { name, right: false, flexible: true }
    }
}

/// What stands in a column.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    colour: Colour,
}

impl Cell {
    /// Coloured text.
    pub(crate) fn new(text: impl Into<String>, colour: Colour) -> Self {
        Self { text: text.into(), colour }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Colour::Plain)
    }
}

/// A table; of its columns one at most is flexible.
pub(crate) struct Table {
    style: Style,
    columns: Vec<Column>,
    /// Each with the sentences below it.
    rows: Vec<(Vec<Cell>, Vec<String>)>,
}

impl Table {
    /// Without rows.
    pub(crate) fn new(style: Style, columns: impl IntoIterator<Item = Column>) -> Self {
        Self { style, columns: columns.into_iter().collect(), rows: vec![] }
    }

    /// A further row: a cell for each column, and sentences that stand below it.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N], below: impl IntoIterator<Item = String>) {
        self.rows.push((cells.into(), below.into_iter().collect()));
    }

    /// The lines, the header first. Empty without rows.
    pub(crate) fn text(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let widths = self.widths();
        let header: Vec<_> = self.columns.iter().map(|column| Cell::new(column.name, Colour::Bold)).collect();
        let mut text = self.line(&header, &widths);
        for (cells, below) in &self.rows {
            text.push_str(&self.line(cells, &widths));
            below.iter().for_each(|sentence| text.push_str(&self.style.wrapped(sentence, "    ")));
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let width = |(index, column): (usize, &Column)| {
            let cells = self.rows.iter().map(|(cells, _)| length(&cells[index].text));
            cells.max().unwrap_or(0).max(length(column.name))
        };
        let mut widths: Vec<_> = self.columns.iter().enumerate().map(width).collect();
        let all = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let over = self.style.width.map_or(0, |width| all.saturating_sub(width));
        if let Some(index) = self.columns.iter().position(|column| column.flexible) {
            widths[index] = widths[index].saturating_sub(over).max(FLEXIBLE_LEAST.min(widths[index]));
        }
        widths
    }

    fn line(&self, cells: &[Cell], widths: &[usize]) -> String {
        let mut line = String::new();
        for (index, (cell, column)) in cells.iter().zip(&self.columns).enumerate() {
            let (text, last) = (end(&cell.text, widths[index]), index + 1 == cells.len());
            let space = " ".repeat(widths[index] - length(&text));
            let painted = self.style.paint(&text, cell.colour);
            match (column.right, last) {
                (true, _) => line.push_str(&(space + &painted)),
                (false, true) => line.push_str(&painted),
                (false, false) => line.push_str(&(painted + &space)),
            }
            if !last {
                line.push_str(&" ".repeat(GAP));
            }
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// The end of a text that is too long.
fn end(text: &str, most: usize) -> String {
    match length(text).checked_sub(most) {
        None | Some(0) => text.to_owned(),
        Some(over) => format!("…{}", text.chars().skip(over + 1).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(style: Style) -> Table {
        let mut table = Table::new(style, [Column::right("JOB"), Column::left("STATE"), Column::name("REPOSITORY")]);
        table.row(["7".into(), "running".into(), "https://git.example.com/app".into()], []);
        let below = ["the attempt before: no route to the host".to_owned()];
        table.row(["1234".into(), Cell::new("queued", Colour::Yellow), "https://git.example.com/team/b".into()], below);
        table
    }

    #[test]
    fn columns_are_aligned_below_their_header() {
        let expected = " JOB  STATE    REPOSITORY\n   7  running  https://git.example.com/app\n\
                        1234  queued   https://git.example.com/team/b\n    the attempt before: no route to the host\n";
        assert_eq!(table(Style::PLAIN).text(), expected);
        assert_eq!(Table::new(Style::PLAIN, [Column::left("A")]).text(), "", "no rows, no header");
    }

    #[test]
    fn on_a_terminal_no_line_is_wider_than_it_and_names_keep_their_end() {
        let text = table(Style { width: Some(36), coloured: false }).text();
        assert!(text.lines().all(|line| line.chars().count() <= 36), "{text}");
        assert!(text.contains("…example.com/app\n") || text.contains(".com/app\n"), "{text}");
        assert!(text.contains("team/b\n") && text.contains("    the attempt before: no route to\n"), "{text}");
    }

    #[test]
    fn colours_do_not_count_as_width() {
        let coloured = table(Style { width: Some(36), coloured: true }).text();
        let plain = table(Style { width: Some(36), coloured: false }).text();
        let stripped =
            ["\u{1b}[1m", "\u{1b}[33m", "\u{1b}[0m"].iter().fold(coloured, |text, code| text.replace(code, ""));
        let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        assert_eq!(trimmed(&stripped), trimmed(&plain));
    }
}
