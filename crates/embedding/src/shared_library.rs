//! What a file is before it is given to the dynamic loader: a truncated library ends the process there with a signal,
//! and one of another machine is called "no such file".

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes of the header of a 64-bit ELF file. <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>
const HEADER_BYTES: u64 = 64;

/// Why the file cannot be a shared library of this machine; `None` when it looks like one, or is of a kind (Windows,
/// macOS) whose loader says so itself.
pub(crate) fn unfit(path: &Path) -> io::Result<Option<String>> {
    let found = path.metadata()?;
    if !found.is_file() {
        return Ok(Some("it is not a file".to_owned()));
    }
    if !cfg!(all(target_os = "linux", target_pointer_width = "64", target_endian = "little")) {
        return Ok(None);
    }
    let mut header = Vec::new();
    File::open(path)?.take(HEADER_BYTES).read_to_end(&mut header)?;
    Ok(judge(&header, found.len()))
}

fn judge(header: &[u8], bytes: u64) -> Option<String> {
    const DYNAMIC: u16 = 3;
    if !header.starts_with(b"\x7fELF") {
        return Some("it is not a shared library".to_owned());
    }
    if header.get(4) == Some(&1) {
        return Some("it is made for a 32-bit machine".to_owned());
    }
    let Ok(header) = <&[u8; HEADER_BYTES as usize]>::try_from(header) else {
        return Some("it is truncated".to_owned());
    };
    let half = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    if half(16) != DYNAMIC {
        return Some("it is not a shared library".to_owned());
    }
    if machine(half(18)).is_some_and(|name| name != std::env::consts::ARCH) {
        return machine(half(18)).map(|name| format!("it is made for {name} machines"));
    }
    // The table of sections is the last thing in the file: when it is there, so is the rest.
    let sections = header[40..48].iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let end = sections.saturating_add(u64::from(half(58)) * u64::from(half(60)));
    (end > bytes).then(|| format!("it is truncated ({bytes} bytes of {end})"))
}

/// The name by which Rust knows a machine, for those ONNX Runtime is published for.
fn machine(number: u16) -> Option<&'static str> {
    match number {
        3 => Some("x86"),
        40 => Some("arm"),
        62 => Some("x86_64"),
        183 => Some("aarch64"),
        243 => Some("riscv64"),
        _ => None,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// This test program is position-independent, and so of the same kind as a library.
    fn own_header() -> (Vec<u8>, u64) {
        let path = std::env::current_exe().unwrap();
        let bytes = path.metadata().unwrap().len();
        let mut header = Vec::new();
        File::open(path).unwrap().take(HEADER_BYTES).read_to_end(&mut header).unwrap();
        (header, bytes)
    }

    #[test]
    fn a_whole_library_of_this_machine_is_fit() {
        let (header, bytes) = own_header();
        assert_eq!(judge(&header, bytes), None);
    }

    #[test]
    fn a_truncated_library_is_known_by_its_last_byte() {
        let (header, bytes) = own_header();
        assert!(judge(&header, bytes / 2).unwrap().contains("truncated"));
        assert_eq!(judge(&header[..30], 30), Some("it is truncated".to_owned()));
    }

    #[test]
    fn another_machine_is_named() {
        let (mut header, bytes) = own_header();
        header[18] = if cfg!(target_arch = "aarch64") { 62 } else { 183 };
        let said = judge(&header, bytes).unwrap();
        assert!(said.contains("x86_64") || said.contains("aarch64"), "{said}");
        header[4] = 1;
        assert_eq!(judge(&header, bytes), Some("it is made for a 32-bit machine".to_owned()));
    }

    #[test]
    fn what_is_no_library_is_said_to_be_none() {
        assert_eq!(judge(b"#!/bin/sh\n", 10), Some("it is not a shared library".to_owned()));
        assert_eq!(judge(b"", 0), Some("it is not a shared library".to_owned()));
    }
}
