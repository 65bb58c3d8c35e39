//! The current directory, which may have been deleted.

use std::io;
use std::path::Path;

/// Leaves the current directory for `/` if it is gone, as that of a daemon may be whose release was replaced. gix and
/// git ask for it whatever path they are given, and would fail until the process is started again. Not for a relative
/// `path`, which would mean another one then.
pub(crate) fn leave_if_gone(path: &Path) {
    let gone = || std::env::current_dir().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    if path.is_absolute() && gone() && std::env::set_current_dir("/").is_ok() {
        tracing::warn!("the directory that this process was started in is gone: it goes on in /");
    }
}
