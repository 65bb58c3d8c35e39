//! What the system allows this process: files and threads. Too little is told as that, and not as what fails for want
//! of it.

use std::io;
use std::num::NonZeroUsize;
use std::thread::{self, available_parallelism};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::exit::Unavailable;

/// With fewer files even a search of a small cache does not get far: the runtime has 9 of its own, SQLite 4 a
/// connection.
const FILES_LEAST: u64 = 64;
/// More than any configuration needs; programs that we start may try to close all they could have.
const FILES_MOST: u64 = 65_536;
/// Beside one for each core, the threads that a command has at once: of the database, and for blocking work.
const THREADS_BESIDE: usize = 8;
/// How long the end of the process waits for threads of the runtime that do not stop by themselves.
pub(crate) const THREADS_GRACE: Duration = Duration::from_millis(500);

/// Takes as many files as the system allows, and makes sure that these, and threads, are enough to begin with.
///
/// # Errors
/// What there is too little of, and how to raise it.
pub(crate) fn check() -> Result<(), Unavailable> {
    files(raised())?;
    threads(available_parallelism().map_or(1, NonZeroUsize::get) + THREADS_BESIDE)
}

/// The most files, once the soft limit is as high as it may be: shells set it low for programs that cannot do with
/// more.
fn raised() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let (now, most) = (current.unwrap_or(u64::MAX), maximum.unwrap_or(u64::MAX).min(FILES_MOST));
    if now < most && setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum }).is_ok() { most } else { now }
}

fn files(most: u64) -> Result<(), Unavailable> {
    if most >= FILES_LEAST {
        return Ok(());
    }
    Err(Unavailable(format!(
        "this process may have {most} files open, and needs {FILES_LEAST}: raise the limit (`ulimit -n`, LimitNOFILE= \
        of systemd)"
    )))
}

/// Starts so many threads, which end at once: the runtime does not tell why it cannot start its own.
fn threads(count: usize) -> Result<(), Unavailable> {
    let (go, wait) = std::sync::mpsc::sync_channel::<()>(0);
    let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
    let start = |_| {
        let wait = wait.clone();
        // All are there at the same time, until the sender is dropped.
        thread::Builder::new().stack_size(64 << 10).spawn(move || drop(wait.lock().map(|wait| wait.recv())))
    };
    let started: Vec<io::Result<_>> = (0..count).map(start).collect();
    drop(go);
    let mut failed = None;
    for thread in started {
        match thread {
            // It does nothing that could panic.
            Ok(thread) => drop(thread.join()),
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(()), |error| {
        Err(Unavailable(format!(
            "no more threads can be started ({error}): raise the limit of this user or container (`ulimit -u`, \
             TasksMax= of systemd, the pids of a container)"
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_files_are_told_with_the_way_out() {
        assert!(files(64).is_ok());
        let sentence = files(63).unwrap_err().to_string();
        assert!(sentence.contains("may have 63 files open") && sentence.contains("ulimit -n"), "{sentence}");
    }

    #[test]
    fn threads_that_can_be_started_are_enough() {
        assert!(threads(4).is_ok());
    }
}
