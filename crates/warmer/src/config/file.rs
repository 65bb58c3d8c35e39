//! Files that are read whole: only so much of them.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The most of a configuration file, in bytes. Its values take about 60 times as much memory while they are looked
/// through, and 1 MiB are 8,000 `[[repositories]]`; more than that belong in the database, by `warmer repos add`.
pub(super) const CONFIGURATION_BYTES_MAX: u64 = 1 << 20;

/// The text of a file, a pipe or a device.
///
/// # Errors
/// Why it cannot be read, as the end of a sentence; one that is larger is not read to its end.
pub(super) fn read(path: &Path, bytes_max: u64) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes));
    read.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("it is larger than {} KiB", bytes_max >> 10));
    }
    String::from_utf8(bytes).map_err(|error| format!("it is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
}

/// A file's text, with where its lines begin: of many mistakes each position is found without counting from the start.
#[derive(Debug)]
pub(crate) struct Text {
    text: String,
    /// The first byte of each line but the first.
    lines: Vec<usize>,
}

/// Columns further behind are told in bytes: nobody counts so far.
const COLUMNS_MOST: usize = 4096;

impl Text {
    /// Looks through a text.
    pub(crate) fn new(text: String) -> Self {
        let lines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1).collect();
        Self { text, lines }
    }

    /// All of it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Line and column at `offset` bytes; both count from 1, the column in characters.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|before| self.lines.get(before)).copied().unwrap_or(0);
        let before = self.text.get(start..offset.min(self.text.len())).unwrap_or_default();
        let column = if before.len() > COLUMNS_MOST { before.len() } else { before.chars().count() };
        (line + 1, column + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_a_line_and_a_column_of_characters() {
        let text = Text::new("a\n\u{e9}\u{e9}b\n\nc".to_owned());
        let positions = [0, 1, 2, 6, 7, 8, 9, 10, 99].map(|offset| text.position(offset));
        assert_eq!(positions, [(1, 1), (1, 2), (2, 1), (2, 3), (2, 4), (3, 1), (4, 1), (4, 2), (4, 2)]);
    }

    #[test]
    fn what_has_no_end_or_is_too_large_is_refused_and_not_read() {
        assert_eq!(read(Path::new("/dev/zero"), 1024).unwrap_err(), "it is larger than 1 KiB");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "x".repeat(1024)).unwrap();
        assert_eq!(read(file.path(), 1024).unwrap().len(), 1024);
        std::fs::write(file.path(), "x".repeat(1025)).unwrap();
        assert_eq!(read(file.path(), 1024).unwrap_err(), "it is larger than 1 KiB");
        std::fs::write(file.path(), b"ab\xff").unwrap();
        assert_eq!(read(file.path(), 1024).unwrap_err(), "it is not UTF-8 at byte 2");
    }
}
