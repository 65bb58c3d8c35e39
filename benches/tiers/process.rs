//! Programs that run for longer than the harness of the tests waits.

use std::fs::File;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use warmer_benches::cpu_seconds_of;
use warmer_tests::Warmer;

/// Until a daemon claims jobs.
const START: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// A `warmer run`. Killed when dropped, and its home with it.
pub(crate) struct Process {
    child: Child,
    pub(crate) warmer: Warmer,
}

impl Process {
    /// Returns once it claims jobs.
    pub(crate) fn start(warmer: Warmer) -> Self {
        let path = warmer.home().join("log");
        let log = File::create(&path).expect("the home directory can be written to");
        let mut command = warmer.command();
        command.arg("run").stdout(Stdio::null()).stderr(log);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let process = Self { child, warmer };
        let log = || std::fs::read_to_string(&path).unwrap_or_default();
        let started = until(START, || log().contains("started instance=").then_some(()));
        started.unwrap_or_else(|| panic!("it does not start:\n{}", log()));
        process
    }

    /// CPU seconds that it and the processes that it started have used so far.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        cpu_seconds_of(self.child.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Looks until there is an answer, at most for so long.
pub(crate) fn until<T>(most: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + most;
    loop {
        let found = look();
        if found.is_some() || Instant::now() >= end {
            return found;
        }
        std::thread::sleep(LOOK);
    }
}
