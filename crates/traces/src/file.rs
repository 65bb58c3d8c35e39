//! A file of finished spans, of bounded size: OTLP in JSON, a line for each export. Any number of processes write it.
//!
//! It is two files: what is full is put aside as `NAME.1`, in place of what was put aside before. So the latest half of
//! what it may have is always there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::otlp::Exported;

/// The least that a file may have: some of the largest lines.
pub const TRACE_FILE_MIN: u64 = 1 << 20;

/// Where finished spans are written.
#[derive(Clone, Debug)]
pub struct TraceFile {
    path: PathBuf,
    max: u64,
}

/// What was read.
#[derive(Debug, Default)]
pub struct ReadTraces {
    /// The oldest first.
    pub exported: Vec<Exported>,
    /// Lines that are none of OTLP: a process was killed in the midst of one, say.
    pub unread: u64,
}

impl TraceFile {
    /// At most `max` bytes, both files together.
    #[must_use]
    pub fn new(path: PathBuf, max: u64) -> Self {
        Self { path, max: max.max(TRACE_FILE_MIN) }
    }

    /// Writes one line.
    ///
    /// # Errors
    /// When the file cannot be written, or the line alone is too long for it.
    pub fn append(&self, exported: &Exported) -> io::Result<()> {
        let mut line = serde_json::to_vec(exported)?;
        line.push(b'\n');
        let (half, size) = (self.max / 2, line.len() as u64);
        if size > half {
            return Err(io::Error::other(format!("{size} bytes of spans at once do not go into a file of {half}")));
        }
        let mut file = self.opened()?;
        if file.metadata()?.len() + size > half {
            fs::rename(&self.path, aside(&self.path))?;
            file = self.opened()?;
        }
        file.write_all(&line)
    }

    /// The file, which no other process writes or puts aside until it is closed.
    fn opened(&self) -> io::Result<File> {
        loop {
            let file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            file.lock()?;
            // Another process may have put it aside meanwhile.
            if fs::metadata(&self.path).is_ok_and(|there| file.metadata().is_ok_and(|ours| ours.ino() == there.ino())) {
                return Ok(file);
            }
        }
    }

    /// Reads the file at `path`, and what was put aside before it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(path: &Path) -> io::Result<ReadTraces> {
        let mut read = ReadTraces::default();
        if let Ok(file) = File::open(aside(path)) {
            read.take(file)?;
        }
        read.take(File::open(path)?)?;
        Ok(read)
    }
}

impl ReadTraces {
    fn take(&mut self, file: File) -> io::Result<()> {
        for line in BufReader::new(file).split(b'\n') {
            match serde_json::from_slice(&line?) {
                Ok(exported) => self.exported.push(exported),
                Err(_) => self.unread += 1,
            }
        }
        Ok(())
    }
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::{ResourceSpans, ScopeSpans, Span};

    fn exported(name: &str) -> Exported {
        let spans = vec![Span { name: name.to_owned(), ..Span::default() }];
        let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
        Exported { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] }
    }

    #[test]
    fn what_is_written_is_read_by_the_order_of_its_end_and_a_torn_line_is_passed_over() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("traces.jsonl");
        let file = TraceFile::new(path.clone(), TRACE_FILE_MIN);
        file.append(&exported("one")).expect("it is written");
        OpenOptions::new().append(true).open(&path).and_then(|mut file| file.write_all(b"{\"torn\n")).expect("room");
        file.append(&exported("two")).expect("it is written");
        let read = TraceFile::read(&path).expect("it is there");
        assert_eq!((read.exported, read.unread), (vec![exported("one"), exported("two")], 1));
    }

    #[test]
    fn the_two_files_never_have_more_than_they_may_and_the_latest_is_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("traces.jsonl");
        let file = TraceFile::new(path.clone(), TRACE_FILE_MIN);
        let long = "x".repeat(100_000);
        for number in 0..40 {
            file.append(&exported(&format!("{number} {long}"))).expect("it is written");
            let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
            assert!(size(&path) + size(&aside(&path)) <= TRACE_FILE_MIN, "after {number}");
        }
        let read = TraceFile::read(&path).expect("it is there").exported;
        let names: Vec<_> = read.iter().flat_map(Exported::spans).map(|(_, span)| &span.name[..2]).collect();
        assert_eq!(names.last(), Some(&"39"));
        assert!(names.len() >= 5 && names.is_sorted(), "{names:?}");
    }

    #[test]
    fn a_line_that_is_longer_than_half_the_file_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = TraceFile::new(directory.path().join("traces.jsonl"), TRACE_FILE_MIN);
        assert!(file.append(&exported(&"x".repeat(600_000))).is_err());
    }
}
