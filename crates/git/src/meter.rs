//! Counts the bytes of a pack as they come, and ends the fetch when there are too many or the caller says stop.
//!
//! gix has no limit of its own: it offers a progress that hears of every piece, and one flag that it obeys. The
//! progress must be `'static`, so it cannot hold the caller's flag; a thread carries that over, every 20 ms. gix looks at
//! its flag between two reads only: the same thread ends a program that is silent, so that no read waits for ever. By http
//! a read has a time limit.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use gix::progress::{Id, MessageLevel, StepShared, UNKNOWN, Unit};

use crate::program::Program;

/// How late a stop flag is noticed, and how often progress is told.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// gix's name for the child progress that counts the bytes of the pack (`gix_pack::bundle::write::ProgressId`).
const PACK_BYTES: Id = *b"BWRB";

/// What one fetch is allowed and has used.
pub(crate) struct Gauge {
    bytes: AtomicU64,
    bytes_max: u64,
    /// The flag that gix obeys.
    pub(crate) halt: AtomicBool,
    /// What the caller's flag ends.
    program: OnceLock<Program>,
}

impl Gauge {
    /// Bytes of the pack that arrived so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether the fetch was ended for its size.
    pub(crate) fn is_over(&self) -> bool {
        self.bytes() > self.bytes_max
    }

    /// From now on the caller's flag ends this program.
    pub(crate) fn watch(&self, program: Option<Program>) {
        if let Some(program) = program {
            self.program.get_or_init(|| program);
        }
    }

    fn stop(&self) {
        self.halt.store(true, Ordering::Relaxed);
        if let Some(program) = self.program.get() {
            program.kill();
        }
    }

    fn add(&self, bytes: u64) {
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > self.bytes_max {
            self.halt.store(true, Ordering::Relaxed);
        }
    }
}

/// Runs `work` under a gauge, while a thread of its own passes the caller's stop flag in and the bytes so far out.
///
/// `work` is told before its first byte if the flag is up already.
pub(crate) fn gauged<T>(
    bytes_max: u64,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
    work: impl FnOnce(&Arc<Gauge>) -> T,
) -> T {
    let halt = AtomicBool::new(stop.load(Ordering::Relaxed));
    let gauge = Arc::new(Gauge { bytes: AtomicU64::new(0), bytes_max, halt, program: OnceLock::new() });
    let (ended, end) = mpsc::channel::<()>();
    let watched = Arc::clone(&gauge);
    thread::scope(|scope| {
        scope.spawn(move || {
            while end.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                if stop.load(Ordering::Relaxed) {
                    watched.stop();
                }
                progress(watched.bytes());
            }
        });
        let result = work(&gauge);
        drop(ended);
        result
    })
}

/// The progress that gix is given: deaf to everything but the bytes of the pack.
pub(crate) struct Meter {
    gauge: Arc<Gauge>,
    counts: bool,
    step: StepShared,
}

impl Meter {
    /// A meter that feeds `gauge`.
    pub(crate) fn new(gauge: &Arc<Gauge>) -> Self {
        Self { gauge: Arc::clone(gauge), counts: false, step: StepShared::default() }
    }
}

impl gix::Count for Meter {
    fn set(&self, step: usize) {
        self.step.store(step, Ordering::Relaxed);
    }

    fn step(&self) -> usize {
        self.step.load(Ordering::Relaxed)
    }

    fn inc_by(&self, step: usize) {
        self.step.fetch_add(step, Ordering::Relaxed);
        if self.counts {
            self.gauge.add(step as u64);
        }
    }

    fn counter(&self) -> StepShared {
        Arc::clone(&self.step)
    }
}

impl gix::Progress for Meter {
    fn init(&mut self, _: Option<usize>, _: Option<Unit>) {}

    fn set_name(&mut self, _: String) {}

    fn name(&self) -> Option<String> {
        None
    }

    fn id(&self) -> Id {
        UNKNOWN
    }

    fn message(&self, _: MessageLevel, _: String) {}
}

impl gix::NestedProgress for Meter {
    type SubProgress = Self;

    fn add_child(&mut self, _: impl Into<String>) -> Self {
        Self::new(&self.gauge)
    }

    fn add_child_with_id(&mut self, _: impl Into<String>, id: Id) -> Self {
        Self { counts: id == PACK_BYTES, ..Self::new(&self.gauge) }
    }
}
