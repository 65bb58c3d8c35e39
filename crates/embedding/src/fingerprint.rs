//! The fingerprint of a model: what its vectors are a function of, besides the text.

use std::fs;
use std::path::{Path, PathBuf};

use warmer_content::{EmbeddingId, KeyBuilder};

use crate::error::ModelError;
use crate::files::ModelFiles;
use crate::lock::{ModelLock, hash_file};

/// Changes when this crate turns the same text and model into another vector than before: all vectors are then made
/// anew.
const VERSION: u64 = 2;

impl ModelFiles {
    /// The fingerprint, of which paths and times are no part: 0.1 ms where `model.lock` is trusted, else as long as it
    /// takes to hash the files.
    ///
    /// # Errors
    /// When a file cannot be read. A lock that cannot be read is only warned of: the files are hashed instead.
    pub fn fingerprint(&self) -> Result<EmbeddingId, ModelError> {
        let lock = ModelLock::read(&self.directory).unwrap_or_else(|why| {
            tracing::warn!(error = %why, "cannot use model.lock; hashing the model's files instead");
            None
        });
        let digest = |path: &Path| {
            let relative = path.strip_prefix(&self.directory).unwrap_or(path);
            let trusted = lock.as_ref().and_then(|lock| lock.trusted(&self.directory, relative));
            trusted.map_or_else(|| hash_file(path).map_err(ModelError::read(path)), Ok)
        };
        let weights = self.external_data()?;
        let key = KeyBuilder::new("warmer embedding v1").number(VERSION).field(digest(&self.graph)?.0);
        let mut key = key.number(weights.len() as u64);
        for path in &weights {
            key = key.field(digest(path)?.0);
        }
        let key = key.field(digest(&self.tokenizer)?.0).field(self.pooling.as_str()).field("l2").field("f32");
        Ok(EmbeddingId(key.number(self.length_max as u64).finish()))
    }

    /// Files beside the graph that hold its weights (`model.onnx_data`, `model.onnx.data`, numbered or not), by name.
    /// A graph above 2 GB must have them.
    fn external_data(&self) -> Result<Vec<PathBuf>, ModelError> {
        let name = self.graph.file_name().unwrap_or_default().to_string_lossy();
        let directory = self.graph.parent().unwrap_or(&self.directory);
        let entries = fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let paths = entries.map_err(ModelError::read(directory))?.into_iter().map(|entry| entry.path());
        let mut found: Vec<_> = paths
            .filter(|path| {
                let other = path.file_name().unwrap_or_default().to_string_lossy();
                other.strip_prefix(&*name).is_some_and(|rest| rest.starts_with("_data") || rest.starts_with(".data"))
            })
            .collect();
        found.sort_unstable();
        Ok(found)
    }
}
