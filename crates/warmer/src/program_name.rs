//! The names that this program is started under: who comes from another cache warmer keeps the name that is known.

use std::ffi::OsString;
use std::path::Path;

/// Started under this name the program is `warmer run`, and its arguments are those of `run`.
const DAEMON: &str = "worker_cache_warmer";

/// The arguments as the command line is read.
pub(crate) fn arguments(given: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<_> = given.into_iter().collect();
    if arguments.first().is_some_and(|program| Path::new(program).file_name().is_some_and(|name| name == DAEMON)) {
        arguments.insert(1, "run".into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_the_name_of_the_daemon_every_argument_is_one_of_run() {
        for (given, expected) in [
            (&["/app/worker_cache_warmer"][..], &["/app/worker_cache_warmer", "run"][..]),
            (&["worker_cache_warmer", "--set", "a.b=1"], &["worker_cache_warmer", "run", "--set", "a.b=1"]),
            (&["/usr/bin/warmer", "doctor"], &["/usr/bin/warmer", "doctor"]),
            (&["worker_cache_warmer.old", "doctor"], &["worker_cache_warmer.old", "doctor"]),
            (&[], &[]),
        ] {
            let given: Vec<OsString> = given.iter().map(OsString::from).collect();
            assert_eq!(arguments(given), expected);
        }
    }
}
