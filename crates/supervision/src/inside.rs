//! The other side of [`child`](crate::child): what a child process does about itself.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd as _;
use std::process::exit;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use rustix::process::{
    Resource, Rlimit, Signal, getpgrp, getpid, getppid, getrlimit, kill_current_process_group, setrlimit,
};

use crate::frame;

/// Holds this process to a number of bytes of memory that it may write to (`RLIMIT_DATA`): a request beyond it is
/// refused, and a Rust program that is refused memory aborts. What it only maps, programs and libraries, does not
/// count. What it starts inherits the limit.
///
/// # Errors
/// When the system refuses.
pub fn limit_memory(bytes: u64) -> io::Result<()> {
    let limits = Rlimit { current: Some(bytes), ..getrlimit(Resource::Data) };
    Ok(setrlimit(Resource::Data, limits)?)
}

/// Makes this process, and what it starts, the first to go when the machine runs out of memory. Where the system has no
/// such thing, nothing is done.
pub fn die_first() {
    // It is a wish.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
}

/// Makes the system kill this process when the thread that started it ends, `parent` being the id of its process: the
/// end of stdin says the same, but only to who reads it. What this process started is not killed with it.
///
/// # Errors
/// When the parent is gone already, or the system refuses.
#[cfg(target_os = "linux")]
pub fn die_with_parent(parent: u32) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have died before that was asked.
    let now = getppid().map(|id| id.as_raw_nonzero().get().unsigned_abs());
    if now == Some(parent) { Ok(()) } else { Err(io::Error::other("the parent is gone")) }
}

/// Sends one answer to the parent, from any thread.
pub type Reply<'a> = &'a (dyn Fn(&[u8]) -> io::Result<()> + Sync);

/// Takes messages from stdin, one after the other, and has `work` answer each by any number of messages to stdout. Ends
/// this process, and whatever it started, when stdin ends, whatever `work` does then: the parent is gone or wants it.
///
/// # Errors
/// When stdout is closed or cannot be written to.
pub fn serve(mut work: impl FnMut(Vec<u8>, Reply<'_>) -> io::Result<()>) -> io::Result<()> {
    let out = Mutex::new(File::from(io::stdout().as_fd().try_clone_to_owned()?));
    let (give, take) = mpsc::sync_channel(1);
    thread::Builder::new().name("messages".to_owned()).spawn(move || {
        let mut from = io::stdin().lock();
        while let Ok(Some(message)) = frame::read(&mut from) {
            if give.send(message).is_err() {
                return;
            }
        }
        end_group();
    })?;
    for message in take {
        work(message, &|answer| frame::write(&mut *out.lock().unwrap_or_else(PoisonError::into_inner), answer))?;
    }
    Ok(())
}

/// Ends this process and, where it leads its group, all of that. Started by hand it may be in the group of a shell.
#[expect(clippy::disallowed_methods, reason = "the group is killed as a whole, and this is what is left of it")]
fn end_group() -> ! {
    if getpgrp() == getpid() {
        // If that fails, there is nothing else to end.
        let _ = kill_current_process_group(Signal::KILL);
    }
    exit(0)
}
