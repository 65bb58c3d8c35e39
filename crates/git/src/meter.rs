//! Counts what a fetch takes, and ends it when that is too much or the caller says stop: bytes and objects of the pack
//! as they come, and the memory of a process that does nothing else. Each object has a bound in gix; their sum has one
//! here.
//!
//! gix has no limit of its own on the whole: it offers a progress that is called for every piece, and one flag that it
//! obeys. The progress must be `'static`, so it cannot hold the caller's flag; a thread carries that over, every 20 ms.
//! gix looks at its flag between two reads only: the same thread ends a program that is silent, so that no read waits
//! for ever. By http a read has a time limit.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use gix::progress::{Id, MessageLevel, StepShared, UNKNOWN, Unit};

use crate::Options;
use crate::program::Program;

/// How late a stop flag is noticed, and how often progress is reported.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// gix's name for the child progress that counts the bytes of the pack (`gix_pack::bundle::write::ProgressId`).
const PACK_BYTES: Id = *b"BWRB";

/// gix's name for the child progress that is given the number of objects (`gix_pack::index::write::ProgressId`).
const PACK_OBJECTS: Id = *b"IWIO";

/// What one fetch, question or listing may take.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// Bytes of the pack.
    bytes: u64,
    /// Objects in the pack.
    objects: u64,
    /// Anonymous memory of this process, where that is all its own.
    memory: Option<u64>,
}

impl Bounds {
    pub(crate) fn of(options: &Options) -> Self {
        // As many directories as files, one commit, one tag.
        let objects = options.settings.files_max.saturating_mul(2).saturating_add(2);
        let memory = options.alone.then_some(options.settings.memory_max);
        Self { bytes: options.settings.fetch_size_max, objects, memory }
    }
}

/// Of what there was too much.
#[derive(Clone, Copy)]
pub(crate) enum Excess {
    Bytes,
    Objects,
    Memory,
}

/// What one fetch is allowed and has used.
pub(crate) struct Gauge {
    bytes: AtomicU64,
    bounds: Bounds,
    excess: OnceLock<Excess>,
    /// Whether the number of objects was announced.
    counted: AtomicBool,
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

    /// What the fetch was ended for, if it had too much of something.
    pub(crate) fn excess(&self) -> Option<Excess> {
        self.excess.get().copied()
    }

    /// Whether the number of objects in the pack was announced and is small enough.
    pub(crate) fn is_counted(&self) -> bool {
        self.counted.load(Ordering::Relaxed)
    }

    /// From now on the caller's flag ends this program.
    pub(crate) fn watch(&self, program: Option<Program>) {
        if let Some(program) = program {
            self.program.get_or_init(|| program);
        }
    }

    fn stop(&self) {
        self.halt.store(true, Ordering::Relaxed);
        self.hang_up();
    }

    fn end_for(&self, excess: Excess) {
        self.excess.get_or_init(|| excess);
        self.halt.store(true, Ordering::Relaxed);
    }

    fn hang_up(&self) {
        if let Some(program) = self.program.get() {
            program.kill();
        }
    }

    fn add(&self, bytes: u64) {
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > self.bounds.bytes {
            self.end_for(Excess::Bytes);
        }
    }

    fn announce(&self, objects: u64) {
        match objects > self.bounds.objects {
            true => self.end_for(Excess::Objects),
            false => self.counted.store(true, Ordering::Relaxed),
        }
    }

    fn look_at_memory(&self) {
        if self.bounds.memory.is_some_and(|most| anonymous_memory() > most) {
            self.end_for(Excess::Memory);
            self.hang_up();
        }
    }
}

/// Runs `work` under a gauge, while a thread of its own passes the caller's stop flag in and the bytes so far out.
///
/// `work` sees before its first byte if the flag is up already.
pub(crate) fn gauged<T>(
    bounds: Bounds,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
    work: impl FnOnce(&Arc<Gauge>) -> T,
) -> T {
    let halt = AtomicBool::new(stop.load(Ordering::Relaxed));
    let gauge = Arc::new(Gauge {
        bytes: AtomicU64::new(0),
        bounds,
        excess: OnceLock::new(),
        counted: AtomicBool::new(false),
        halt,
        program: OnceLock::new(),
    });
    let (ended, end) = mpsc::sync_channel::<()>(0);
    let watched = Arc::clone(&gauge);
    thread::scope(|scope| {
        scope.spawn(move || {
            while end.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                if stop.load(Ordering::Relaxed) {
                    watched.stop();
                }
                watched.look_at_memory();
                progress(watched.bytes());
            }
        });
        let result = work(&gauge);
        drop(ended);
        result
    })
}

/// The anonymous memory of this process in bytes (`RssAnon`); 0 where the system does not say.
fn anonymous_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

/// The progress that gix is given: deaf to everything but the bytes of the pack and the number of its objects.
pub(crate) struct Meter {
    gauge: Arc<Gauge>,
    id: Id,
    step: StepShared,
}

impl Meter {
    /// A meter that feeds `gauge`.
    pub(crate) fn new(gauge: &Arc<Gauge>) -> Self {
        Self { gauge: Arc::clone(gauge), id: UNKNOWN, step: StepShared::default() }
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
        if self.id == PACK_BYTES {
            self.gauge.add(step as u64);
        }
    }

    fn counter(&self) -> StepShared {
        Arc::clone(&self.step)
    }
}

impl gix::Progress for Meter {
    fn init(&mut self, max: Option<usize>, _: Option<Unit>) {
        if let Some(objects) = max.filter(|_| self.id == PACK_OBJECTS) {
            self.gauge.announce(objects as u64);
        }
    }

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
        Self { id, ..Self::new(&self.gauge) }
    }
}
