//! Files that are read whole: only so much of them.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The most of a configuration file, in bytes. Its values take about 60 times as much memory while they are looked through, and
/// 1 MiB are 8,000 `[[repositories]]`; more than that belong in the database, by `warmer repos add`.
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

#[cfg(test)]
mod tests {
    use super::*;

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
