//! The anonymous memory of a process and of those that it starts, looked at from outside: the kernel keeps a peak of
//! all resident memory only, and that counts mapped packs and libraries too.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Between two looks; a warm's memory moves in steps of a batch, which takes longer.
const LOOK: Duration = Duration::from_millis(25);

/// Looks at a process until it is told to end.
#[derive(Debug)]
pub struct Watch {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Watch {
    /// Looks at this one.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "it looks while the program works")]
    pub fn of(process: u32) -> Self {
        let ended = Arc::<AtomicBool>::default();
        let thread = thread::spawn({
            let ended = ended.clone();
            move || {
                let mut peak = 0;
                while !ended.load(Relaxed) {
                    peak = peak.max(anonymous(process));
                    thread::park_timeout(LOOK);
                }
                peak
            }
        });
        Self { ended, thread }
    }

    /// The most that was seen, in bytes.
    ///
    /// # Panics
    /// When looking did.
    #[must_use]
    pub fn end(self) -> u64 {
        self.ended.store(true, Relaxed);
        self.thread.thread().unpark();
        self.thread.join().expect("it only reads files")
    }
}

/// `RssAnon` of the process and of all below it, in bytes.
#[must_use]
pub fn anonymous(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024 + children(process).into_iter().map(anonymous).sum::<u64>()
}

/// Each thread has children of its own.
pub(crate) fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = threads.map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}
