//! The threads of this process: those that answer, and those that give way to them.
//!
//! A model takes every core that it is given, for hours. A push that comes meanwhile would have half of the processor,
//! and be served after twice the time. So the model runs at a lower priority of the system: it has all that is left,
//! which is everything as long as nobody else has something to do.

use std::io;
use std::panic::catch_unwind;

use anyhow::Context as _;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::limits::THREADS_GRACE;

/// Three quarters of a core are for whoever else wants it: Linux gives each step of niceness a factor of 1.25. With 10
/// it would be nine tenths, and beside a compiler on all cores hardly a text would be done before its deadline.
const GIVES_WAY: i32 = 5;

/// All of them. Whoever starts them ends them.
pub(crate) struct Threads {
    foreground: Runtime,
    background: Runtime,
}

impl Threads {
    /// Starts those that are needed from the start.
    ///
    /// # Errors
    /// When the system has no threads left.
    pub(crate) fn start() -> anyhow::Result<Self> {
        // tokio panics about some of them.
        let started = catch_unwind(|| -> io::Result<_> {
            let foreground = Builder::new_multi_thread().enable_all().build()?;
            // It is never driven: it is there for its blocking threads.
            let background =
                Builder::new_current_thread().thread_name("background").on_thread_start(give_way).build()?;
            Ok(Self { foreground, background })
        });
        started.map_err(|_| anyhow::anyhow!("the system has no threads left"))?.context("cannot start threads")
    }

    /// Runs what the process is there for.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.foreground.block_on(work)
    }

    /// Where blocking work goes that gives way to all other.
    pub(crate) fn background(&self) -> Handle {
        self.background.handle().clone()
    }

    /// Waits for those that run, but not for one that is stuck.
    pub(crate) fn end(self) {
        self.foreground.shutdown_timeout(THREADS_GRACE);
        self.background.shutdown_timeout(THREADS_GRACE);
    }
}

/// Lowers the priority of this thread. Elsewhere than on Linux it would be that of the process.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(GIVES_WAY) {
        tracing::debug!(%error, "the model runs at the priority of everything else");
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::getpriority_process;

    use super::*;

    fn niceness() -> i32 {
        getpriority_process(None).expect("of this thread")
    }

    #[test]
    fn threads_of_the_background_give_way_and_no_others() {
        let threads = Threads::start().expect("threads");
        let before = niceness();
        let (ours, theirs) = threads.run(async {
            let ours = threads.foreground.spawn(async { niceness() });
            let theirs = threads.background().spawn_blocking(niceness);
            (ours.await.expect("it ends"), theirs.await.expect("it ends"))
        });
        assert_eq!((ours, theirs), (before, (before + GIVES_WAY).min(19)));
        threads.end();
    }
}
