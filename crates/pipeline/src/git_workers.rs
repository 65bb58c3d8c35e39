//! Who does git's work for the Fetcher: one process of the same binary for each of its workers, which can be killed.
//!
//! What a thread leaks, a process does not: a remote that never ends, a file system that hangs and a pattern that takes
//! for ever cost their attempt and nothing else. The parent keeps the mirror's lock, and reads blobs itself.

use std::sync::{Mutex, MutexGuard, PoisonError};

use warmer_git::{Options, Remote, Request};
use warmer_supervision::child::Program;
use warmer_supervision::inside;

use crate::git_worker::GitWorker;
use crate::prefetch::Prefetched;

/// How git's work is done, for all workers of the Fetcher.
#[derive(Debug)]
pub struct GitWorkers {
    program: Option<Program>,
    prefetched: Mutex<Vec<Prefetched>>,
}

impl GitWorkers {
    /// By processes of this program, which [`serve_git`] when they are started.
    #[must_use]
    pub fn processes(program: Program) -> Self {
        Self { program: Some(program), prefetched: Mutex::default() }
    }

    /// By threads of this process, which cannot be killed: for tests, whose program is another.
    #[must_use]
    pub fn threads() -> Self {
        Self { program: None, prefetched: Mutex::default() }
    }

    /// One more worker.
    pub(crate) fn worker(&self) -> GitWorker {
        GitWorker::new(self.program.clone())
    }

    /// Asks now what the check of a job will want to know within the next two seconds: the round trip then costs no
    /// time of its own. Who asks then gets the errors.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn prefetch(&self, remote: &Remote, reference: Option<&str>, options: Options) {
        let asked = Prefetched::ask(self.worker(), remote, reference, options);
        self.prefetched().push(asked);
    }

    /// What was asked ahead, if it was: once.
    pub(crate) fn take_prefetched(&self, remote: &Remote, reference: Option<&str>) -> Option<Prefetched> {
        let mut prefetched = self.prefetched();
        prefetched.retain(Prefetched::is_fresh);
        let at = prefetched.iter().position(|question| question.is_of(remote, reference))?;
        Some(prefetched.swap_remove(at))
    }

    fn prefetched(&self) -> MutexGuard<'_, Vec<Prefetched>> {
        self.prefetched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does git's requests in this process, which its parent talks to, until the parent is gone; then it ends, with all it
/// started. It may take so many bytes of memory.
///
/// # Errors
/// When the parent cannot be answered, or says what is no request.
pub fn serve_git(memory_bytes: u64) -> std::io::Result<()> {
    inside::limit_memory(memory_bytes)?;
    inside::die_first();
    inside::serve(|message, reply| {
        let request = Request::from_bytes(&message).map_err(std::io::Error::other)?;
        request.run_alone(&|answer| match answer.to_bytes().map(|answer| reply(&answer)) {
            Ok(Ok(())) => std::ops::ControlFlow::Continue(()),
            _ => std::ops::ControlFlow::Break(()),
        });
        Ok(())
    })
}
