//! The model, loaded when the first text needs it: a check that finds nothing new loads neither model nor runtime.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use warmer_content::EmbeddingId;
use warmer_embedding::{Embedder, ModelError, ModelFiles, Runtime, Tokenizer};

/// One model and the runtime that runs it.
pub struct Model {
    files: ModelFiles,
    library: PathBuf,
    threads: usize,
    id: EmbeddingId,
    tokenizer: Mutex<Option<Tokenizer>>,
    runtime_loaded: AtomicBool,
}

impl Model {
    /// `library` is the ONNX Runtime shared library; each session runs on `threads` threads. Loads nothing.
    pub fn new(files: ModelFiles, library: PathBuf, threads: usize, id: EmbeddingId) -> Self {
        Self { files, library, threads, id, tokenizer: Mutex::default(), runtime_loaded: AtomicBool::new(false) }
    }

    /// What its vectors are filed under.
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

    /// A session of its own for one worker: about 100 ms and 90 MB for the default model. Blocks.
    ///
    /// # Errors
    /// When the runtime or the model is missing, damaged, or the one is too old for the other.
    pub fn open(&self) -> Result<Embedder, ModelError> {
        let runtime = Runtime::load(&self.library)?;
        self.runtime_loaded.store(true, Ordering::Relaxed);
        Embedder::open(&runtime, &self.files, &self.tokenizer()?, self.threads)
    }

    /// Whether anything was loaded so far.
    pub fn is_loaded(&self) -> bool {
        let tokenizer = self.tokenizer.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        tokenizer || self.runtime_loaded.load(Ordering::Relaxed)
    }
}
