//! How much memory the process has needed, with those that work for it: as the kernel counted it, so that nobody has to
//! look from time to time.

use warmer_supervision::child;

/// Bytes; zero where the system does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peak {
    /// The most resident memory of every kind (`VmHWM`), of this process alone.
    pub(crate) resident: u64,
    /// The same less what of it is file-backed or shared now (`RssFile`, `RssShmem`), for the kernel keeps no peak of
    /// anonymous memory; that of the processes that work for this one now is added.
    pub(crate) anonymous: u64,
}

/// The most so far.
pub(crate) fn peak() -> Peak {
    let own = Status::of("self");
    let children = child::running().into_iter().map(|id| Status::of(&id.to_string()).anonymous());
    Peak { resident: own.field("VmHWM:"), anonymous: own.anonymous() + children.sum::<u64>() }
}

/// Resident memory now, in bytes: of this process, and of those that work for it.
pub(crate) fn now() -> u64 {
    let children = child::running().into_iter().map(|id| Status::of(&id.to_string()).field("VmRSS:"));
    own() + children.sum::<u64>()
}

/// Resident memory now, in bytes: of this process alone.
pub(crate) fn own() -> u64 {
    Status::of("self").field("VmRSS:")
}

/// A process' `status`. <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>
struct Status(String);

impl Status {
    fn of(process: &str) -> Self {
        // One that has ended needs nothing.
        Self(std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default())
    }

    /// A field in bytes.
    fn field(&self, name: &str) -> u64 {
        let line = self.0.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.unwrap_or(0) * 1024
    }

    fn anonymous(&self) -> u64 {
        self.field("VmHWM:").saturating_sub(self.field("RssFile:") + self.field("RssShmem:"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_knows_what_was_allocated_and_is_gone() {
        let before = peak();
        let block = vec![1_u8; 64 << 20];
        assert!(block.iter().step_by(4096).all(|byte| *byte == 1));
        drop(block);
        let after = peak();
        assert!(after.anonymous >= before.anonymous + (50 << 20), "{before:?} {after:?}");
        assert!(after.resident >= after.anonymous);
    }
}
