//! What went wrong, in one sentence that says what to do about it.

use std::io::{Error, ErrorKind};
use std::path::Path;

use anyhow::anyhow;

/// A file or directory of the set-up could not be written.
pub(crate) fn writing(path: &Path, error: Error) -> anyhow::Error {
    let path = path.display();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => anyhow!(
            "the disk is full while writing {path}: free 500 MB there, or set XDG_CACHE_HOME to a directory with room"
        ),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            anyhow!("cannot write {path} ({error}): make it writable, or set XDG_CACHE_HOME to a directory that is")
        }
        _ => anyhow!("cannot write {path}: {error}"),
    }
}

/// pip ended with an error; `output` is what it wrote to standard error.
pub(crate) fn pip(output: &str) -> anyhow::Error {
    let has = |needles: &[&str]| needles.iter().any(|needle| output.contains(needle));
    if has(&["DO NOT MATCH THE HASHES"]) {
        anyhow!(
            "a downloaded package does not have the pinned SHA-256 digest, so nothing of it was kept: \
             the registry or a mirror in between serves another file under this version"
        )
    } else if has(&["No space left on device", "Disk quota exceeded"]) {
        anyhow!("the disk is full while downloading: free 500 MB, or set XDG_CACHE_HOME to a directory with room")
    } else if has(&["No module named pip", "No module named 'pip'"]) {
        no_pip("python3")
    } else if has(&["externally-managed-environment"]) {
        anyhow!(
            "this Python is externally managed and its pip refuses to download: put another python3 (3.9 or newer, \
             such as one of `python3 -m venv DIR`) first in PATH"
        )
    } else if has(&UNREACHABLE) {
        anyhow!(
            "the Python package registry cannot be reached: check the network, \
             or point pip at a mirror with `pip config set global.index-url URL` (or PIP_INDEX_URL, PIP_FIND_LINKS)"
        )
    } else if has(&["No matching distribution found"]) {
        anyhow!(
            "the Python package registry that pip is configured for does not have this version ({}): \
             point pip at one that does with PIP_INDEX_URL or PIP_FIND_LINKS",
            last_error(output)
        )
    } else {
        anyhow!("pip could not download the packages: {}", last_error(output))
    }
}

/// Python could not unpack a wheel; `output` is what it wrote to standard error.
pub(crate) fn unpacking(wheel: &Path, output: &str) -> anyhow::Error {
    let wheel = wheel.display();
    if output.contains("No space left on device") || output.contains("Disk quota exceeded") {
        anyhow!("the disk is full while unpacking {wheel}: free 500 MB, or set XDG_CACHE_HOME to a directory with room")
    } else {
        anyhow!("{wheel} cannot be unpacked ({}): remove it, and it is fetched again", last_error(output))
    }
}

/// What pip says when a connection fails, from name resolution up to TLS and proxies.
const UNREACHABLE: [&str; 8] = [
    "Retrying (Retry(",
    "Max retries exceeded",
    "NewConnectionError",
    "ConnectTimeout",
    "ReadTimeoutError",
    "ProxyError",
    "SSLError",
    "name resolution",
];

/// pip is missing from a Python that is there.
pub(crate) fn no_pip(program: &str) -> anyhow::Error {
    anyhow!(
        "`{program}` has no pip: install it with the system's package manager \
         (Debian and Ubuntu: `apt install python3-pip`), or run `{program} -m ensurepip --user`"
    )
}

fn last_error(output: &str) -> &str {
    let lines = || output.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let error = lines().find_map(|line| line.strip_prefix("ERROR: "));
    error.or_else(|| lines().next()).unwrap_or("it said nothing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(output: &str, expected: &str) {
        let sentence = pip(output).to_string();
        assert!(sentence.contains(expected), "{sentence}");
        assert!(!sentence.contains('\n'), "{sentence}");
    }

    #[test]
    fn every_failure_of_pip_has_its_sentence() {
        says("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you", "pinned SHA-256");
        says("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full");
        says("/usr/bin/python3: No module named pip", "has no pip");
        says("error: externally-managed-environment\n\n× This environment", "externally managed");
        says(
            "WARNING: Retrying (Retry(total=4, connect=None)) after connection broken\n\
             ERROR: No matching distribution found for onnxruntime==1.31.1",
            "cannot be reached",
        );
        says("ERROR: No matching distribution found for onnxruntime==1.31.1", "does not have this version");
        says("WARNING: a\nERROR: something new\n\n", "something new");
        says("Traceback\nKeyError: 'x'\n", "KeyError: 'x'");
        says("", "it said nothing");
    }

    #[test]
    fn a_full_disk_and_a_closed_directory_have_their_sentences() {
        let path = Path::new("dir/file");
        assert!(
            writing(path, ErrorKind::StorageFull.into()).to_string().contains("disk is full while writing dir/file")
        );
        assert!(writing(path, ErrorKind::PermissionDenied.into()).to_string().contains("XDG_CACHE_HOME"));
    }
}
