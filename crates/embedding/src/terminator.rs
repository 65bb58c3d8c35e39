//! A terminator ends embeddings from another thread, between two nodes of the graph.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ort::session::RunOptions;

use crate::error::one_line;
use crate::provider::EmbedError;

/// Ends the runs that were started with it, and refuses later ones. Clones share one state; it cannot be lowered again.
#[derive(Clone, Default)]
pub struct Terminator(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    raised: bool,
    running: Vec<Arc<RunOptions>>,
}

impl Terminator {
    /// Ends the runs in progress and refuses later ones.
    pub fn raise(&self) {
        let mut state = self.state();
        state.raised = true;
        for run in &state.running {
            if let Err(why) = run.terminate() {
                tracing::warn!(error = %why, "cannot stop an inference");
            }
        }
    }

    /// Whether [`Terminator::raise`] was called.
    #[must_use]
    pub fn raised(&self) -> bool {
        self.state().raised
    }

    /// How many runs are in progress.
    #[must_use]
    pub fn running(&self) -> usize {
        self.state().running.len()
    }

    /// A run that [`Terminator::raise`] reaches for as long as the guard lives.
    pub(crate) fn start(&self) -> Result<Run<'_>, EmbedError> {
        let options = Arc::new(RunOptions::new().map_err(|why| EmbedError::Text(one_line(&why)))?);
        // Looked at and registered under one lock, so that no raise can fall in between.
        let mut state = self.state();
        if state.raised {
            return Err(EmbedError::Stopped);
        }
        state.running.push(Arc::clone(&options));
        Ok(Run { terminator: self, options })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One run under a terminator.
pub(crate) struct Run<'t> {
    terminator: &'t Terminator,
    pub(crate) options: Arc<RunOptions>,
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.terminator.state().running.retain(|run| !Arc::ptr_eq(run, &self.options));
    }
}
