//! Programs that are scripts.

use std::path::Path;
use std::process::Command;

/// Writes a shell script that can be started. Another process writes it: were it open for writing in this one, a test
/// beside that forks just then would hold it open, and starting it would fail with "text file busy".
pub(crate) fn script(file: &Path, body: &str) {
    let mut writer = Command::new("/bin/sh");
    writer.args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod 755 \"$2\"", "sh", body]).arg(file);
    assert!(writer.status().unwrap().success());
}
