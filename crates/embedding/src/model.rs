//! A model of this machine, opened when the first text needs it: a check that finds nothing new loads neither the model
//! nor the runtime. This is the only place that opens one.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use warmer_content::EmbeddingId;

use crate::error::ModelError;
use crate::files::ModelFiles;
use crate::optimized::{Kept, Optimized};
use crate::runtime::Runtime;
use crate::session::Session;
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;

/// One model and the runtime that runs it.
pub struct Model {
    files: ModelFiles,
    id: EmbeddingId,
    library: PathBuf,
    threads: usize,
    tokenizer: Mutex<Option<Tokenizer>>,
    runtime_loaded: AtomicBool,
    /// Whether its sessions share their weights.
    shared: AtomicBool,
    weights: Mutex<Option<Weights>>,
    /// Where optimised graphs are kept.
    graphs: Option<PathBuf>,
}

impl Model {
    /// The model of these files, whose fingerprint is this. `library` is the ONNX Runtime shared library; each session
    /// runs on `threads` threads, and one thread for each of several sessions is the fastest. Loads nothing.
    #[must_use]
    pub fn new(files: ModelFiles, id: EmbeddingId, library: PathBuf, threads: usize) -> Self {
        let (tokenizer, runtime_loaded) = (Mutex::default(), AtomicBool::new(false));
        Self {
            files,
            id,
            library,
            threads,
            tokenizer,
            runtime_loaded,
            shared: AtomicBool::new(false),
            weights: Mutex::default(),
            graphs: None,
        }
    }

    /// The same model for so many sessions at once. Three or more share their weights: two take as much memory either
    /// way, for what is shared is kept beside what is packed of it.
    #[must_use]
    pub fn for_sessions(self, sessions: usize) -> Self {
        self.expect_sessions(sessions);
        self
    }

    /// From now on so many are open at once: those that are open already stay as they are.
    pub(crate) fn expect_sessions(&self, sessions: usize) {
        self.shared.store(sessions > 2, Ordering::Relaxed);
    }

    /// The same model for a process that asks seldom: its sessions are of the optimised graph that is kept in this
    /// directory, which the first of them makes.
    #[must_use]
    pub fn kept_in(self, graphs: Option<PathBuf>) -> Self {
        Self { graphs, ..self }
    }

    /// The name of its directory.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        self.files.directory.file_name().unwrap_or_default().to_string_lossy()
    }

    /// What its vectors are filed under.
    #[must_use]
    pub fn id(&self) -> EmbeddingId {
        self.id
    }

    /// The tokenizer, loaded once. Blocks.
    ///
    /// # Errors
    /// When the tokenizer's file is missing or damaged.
    pub fn tokenizer(&self) -> Result<Tokenizer, ModelError> {
        let mut loaded = self.tokenizer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tokenizer) = &*loaded {
            return Ok(tokenizer.clone());
        }
        let tokenizer = Tokenizer::load(&self.files)?;
        Ok(loaded.insert(tokenizer).clone())
    }

    /// A session, for one text at a time: about 100 ms and 110 MiB for the default model, 26 MiB for one more of many.
    /// Blocks.
    ///
    /// # Errors
    /// When the runtime or the model is missing, damaged, or the one is too old for the other.
    pub fn open(&self) -> Result<Session, ModelError> {
        let runtime = Runtime::load(&self.library)?;
        self.runtime_loaded.store(true, Ordering::Relaxed);
        match &self.graphs {
            Some(graphs) => self.open_kept(graphs, &runtime),
            None => self.open_original(&runtime),
        }
    }

    fn open_original(&self, runtime: &Runtime) -> Result<Session, ModelError> {
        let tokenizer = self.tokenizer()?;
        // One after the other: each reads the whole file first, and what the first packs the others need not.
        let mut weights = self.weights.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = self.shared.load(Ordering::Relaxed);
        if shared && weights.is_none() {
            match Weights::read(&self.files.graph) {
                Ok(read) => *weights = Some(read),
                Err(error) => tracing::warn!(error, "cannot share the model's weights; each session reads its own"),
            }
        }
        Session::open_with(weights.as_ref().filter(|_| shared), runtime, &self.files, &tokenizer, self.threads)
    }

    fn open_kept(&self, graphs: &Path, runtime: &Runtime) -> Result<Session, ModelError> {
        let optimized = Optimized::of(graphs, self.id(), runtime);
        match optimized.open(runtime, self.threads) {
            // Another thread may be loading the tokenizer meanwhile.
            Kept::Open(graph, dimensions) => Session::of(graph, dimensions, &self.files, &self.tokenizer()?),
            Kept::Differs => self.open_original(runtime),
            Kept::Missing => {
                let mut session = self.open_original(runtime)?;
                if let Err(error) = optimized.make(runtime, &self.files.graph, &mut session) {
                    tracing::debug!(error, "cannot keep the optimised graph; each process optimises it for itself");
                }
                Ok(session)
            }
        }
    }

    /// Whether anything was loaded so far.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        let tokenizer = self.tokenizer.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        tokenizer || self.runtime_loaded.load(Ordering::Relaxed)
    }
}
