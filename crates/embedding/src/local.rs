//! The provider that runs a model of this machine, on blocking threads.
//!
//! One text after the other, each alone in its run: companions would make a vector another (W-13), and on a CPU a group
//! is no faster. So several calls at once, each with a session of its own, are what uses several cores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::task::{JoinError, spawn_blocking};
use tokio_util::sync::CancellationToken;
use tracing::Span;
use warmer_content::EmbeddingId;
use warmer_traces::names;

use crate::error::ModelError;
use crate::loads::loaded;
use crate::model::Model;
use crate::provider::{CallLimits, EmbedError, Embedding, Provider};
use crate::session::Session;
use crate::terminator::Terminator;

/// Runs one model. Sessions are opened when calls need them, as many as there are calls at once, and kept.
pub struct Local {
    model: Arc<Model>,
    idle: Mutex<Vec<Session>>,
    /// How many of those are kept.
    idle_max: AtomicUsize,
    /// 0 as long as no session was opened.
    dimensions: AtomicUsize,
    /// Whose blocking threads it runs on, if not the caller's.
    threads: Option<Handle>,
}

impl Local {
    /// Loads nothing yet.
    #[must_use]
    pub fn new(model: Arc<Model>) -> Self {
        let idle_max = AtomicUsize::new(usize::MAX);
        Self { model, idle: Mutex::default(), idle_max, dimensions: AtomicUsize::new(0), threads: None }
    }

    /// The same on the blocking threads of this runtime, which may have another priority than the caller's.
    #[must_use]
    pub fn on(self, threads: Handle) -> Self {
        Self { threads: Some(threads), ..self }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this crate stands beside supervision; the caller has the deadline, and stops it"
    )]
    async fn embed_one(&self, text: String, stop: &CancellationToken) -> Result<Embedding, EmbedError> {
        if stop.is_cancelled() {
            return Err(EmbedError::Stopped);
        }
        let (model, open) = (self.model.clone(), self.idle().pop());
        // Only what is loaded is told.
        let loads = open.is_none().then(Span::current);
        // Also when this future is dropped.
        let terminator = RaiseOnDrop(Terminator::default());
        let theirs = terminator.0.clone();
        let work = move || -> Result<_, ModelError> {
            let load = || loads.unwrap_or_else(Span::none).in_scope(|| load(&model));
            let mut session = open.map_or_else(load, Ok)?;
            let made = session.embed(&text, &theirs);
            Ok((session, made))
        };
        let mut thread = match &self.threads {
            Some(threads) => threads.spawn_blocking(work),
            None => spawn_blocking(work),
        };
        let ended = tokio::select! {
            ended = &mut thread => ended,
            () = stop.cancelled() => {
                terminator.0.raise();
                // Of use only where no thread was free to begin it.
                thread.abort();
                thread.await
            }
        };
        let (session, made) = ended.map_err(lost)?.map_err(|why| EmbedError::Unfit(why.to_string()))?;
        self.dimensions.store(session.dimensions(), Ordering::Relaxed);
        let mut idle = self.idle();
        // One too many is dropped outside of the lock.
        let superfluous = if idle.len() < self.idle_max.load(Ordering::Relaxed) {
            idle.push(session);
            None
        } else {
            Some(session)
        };
        drop(idle);
        drop(superfluous);
        made
    }

    /// Sessions that are kept open and that no call uses now.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.idle().len()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Provider for Local {
    fn embedding_id(&self) -> EmbeddingId {
        self.model.id()
    }

    fn dimensions(&self) -> Option<usize> {
        Some(self.dimensions.load(Ordering::Relaxed)).filter(|dimensions| *dimensions > 0)
    }

    /// A worker that took more would keep the others from them, and gain nothing.
    fn limits(&self) -> CallLimits {
        CallLimits { texts: 1, size: u64::MAX }
    }

    fn uploads(&self) -> bool {
        false
    }

    fn is_open(&self) -> bool {
        !self.idle().is_empty()
    }

    fn keep_for(&self, calls: usize) {
        self.idle_max.store(calls, Ordering::Relaxed);
        self.model.expect_sessions(calls);
        let mut idle = self.idle();
        let kept = calls.min(idle.len());
        let superfluous = idle.split_off(kept);
        drop(idle);
        drop(superfluous);
    }

    async fn embed(&self, texts: Vec<String>, stop: CancellationToken) -> Vec<Result<Embedding, EmbedError>> {
        let mut made = Vec::with_capacity(texts.len());
        for text in texts {
            made.push(self.embed_one(text, &stop).await);
        }
        made
    }
}

/// Opens a session, which the first text of each worker waits for.
fn load(model: &Model) -> Result<Session, ModelError> {
    let span = tracing::info_span!(
        names::LOAD_MODEL,
        { names::GEN_AI_PROVIDER } = "onnxruntime",
        { names::GEN_AI_MODEL } = &*model.name(),
        { names::MODEL_FINGERPRINT } = model.id().0.short(),
    );
    let session = span.in_scope(|| model.open())?;
    loaded();
    Ok(session)
}

/// What it means that a thread gave no result. Its session is gone with it.
fn lost(why: JoinError) -> EmbedError {
    if why.is_panic() { EmbedError::Text("the model panicked".to_owned()) } else { EmbedError::Stopped }
}

/// Ends the run in progress when nobody waits for it any more.
struct RaiseOnDrop(Terminator);

impl Drop for RaiseOnDrop {
    fn drop(&mut self) {
        self.0.raise();
    }
}
