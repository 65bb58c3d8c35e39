//! How much memory the process has needed, with those that work for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use warmer_supervision::child;

/// Between two looks; a warm's memory moves in steps of a batch, which takes longer.
const LOOK: Duration = Duration::from_millis(25);

/// Looks at the process' anonymous memory from time to time: the kernel keeps a peak of all resident memory only, and
/// that counts mapped packs and libraries too.
pub(crate) struct Memory {
    peak: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The most that was seen, in bytes; zero where the system does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peak {
    /// Resident memory of every kind (`VmHWM`).
    pub(crate) resident: u64,
    /// Anonymous memory alone (`RssAnon`), sampled; that of the processes that do git's work is added.
    pub(crate) anonymous: u64,
}

impl Memory {
    /// Starts to look.
    pub(crate) fn watch() -> Self {
        let (peak, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let thread = std::thread::Builder::new().name("memory".to_owned()).spawn({
            let (peak, stop) = (peak.clone(), stop.clone());
            move || {
                while !stop.load(Relaxed) {
                    peak.fetch_max(anonymous(), Relaxed);
                    std::thread::park_timeout(LOOK);
                }
            }
        });
        Self { peak, stop, thread: thread.ok() }
    }

    /// The most so far.
    pub(crate) fn peak(&self) -> Peak {
        let anonymous = self.peak.fetch_max(anonymous(), Relaxed).max(self.peak.load(Relaxed));
        Peak { resident: field("self", "VmHWM:"), anonymous }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            thread.join().ok();
        }
    }
}

/// The anonymous memory of this process and of its children, in bytes.
fn anonymous() -> u64 {
    let children = child::running().into_iter().map(|id| field(&id.to_string(), "RssAnon:"));
    field("self", "RssAnon:") + children.sum::<u64>()
}

/// A field of a process' status, in bytes.
fn field(process: &str, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_sees_what_was_allocated() {
        let memory = Memory::watch();
        let before = memory.peak();
        let block = vec![1_u8; 64 << 20];
        let after = memory.peak();
        assert!(block.iter().step_by(4096).all(|byte| *byte == 1));
        assert!(after.anonymous >= before.anonymous + (60 << 20), "{before:?} {after:?}");
        assert!(after.resident >= after.anonymous);
    }
}
