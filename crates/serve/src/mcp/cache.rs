//! What is asked: a cache that is opened at the first call, by whoever knows where it is.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;
use warmer_content::EmbeddingId;
use warmer_query::{Embed, QueryError, QueryVector, Scope, Snapshots};
use warmer_store::Store;

use super::refused::Refused;

/// Opens the cache: at the first call, and again where it could not be opened or is no longer what was opened.
#[async_trait]
pub trait Door: Send + Sync {
    /// The store, for reading; or the sentence that says why there is none, and what to do.
    ///
    /// # Errors
    /// When there is nothing to read yet, or the database does not answer.
    async fn open(&self) -> Result<Arc<dyn Store>, String>;
}

/// What the tools answer from.
pub struct Cache {
    /// How the store is opened.
    pub door: Box<dyn Door>,
    /// Turns queries into vectors; it opens nothing before the first.
    pub session: Box<dyn Embed>,
    /// The indexes that are looked in.
    pub snapshots: Snapshots,
    /// What may be answered about.
    pub scope: Scope,
    /// The directory that whoever asks works in.
    pub directory: PathBuf,
    /// Whether the database is one that others share.
    pub is_shared: bool,
}

/// The same with its store, once that is open.
pub(super) struct Opened {
    pub(super) cache: Cache,
    store: Mutex<Option<Arc<dyn Store>>>,
}

impl Opened {
    pub(super) fn new(mut cache: Cache) -> Self {
        cache.session = Box::new(OneByOne(Mutex::new(cache.session)));
        Self { cache, store: Mutex::new(None) }
    }

    /// The store, for one call. A client may talk for days, in which its database is replaced, comes back, or is
    /// brought to another version: what no longer is what was opened is opened again.
    pub(super) async fn store(&self) -> Result<Arc<dyn Store>, Refused> {
        let mut opened = self.store.lock().await;
        if let Some(store) = &*opened {
            match store.still_fits().await {
                Ok(()) => return Ok(store.clone()),
                Err(error) => tracing::debug!(%error, "the store is opened again"),
            }
        }
        *opened = None;
        let store = self.cache.door.open().await.map_err(Refused::new)?;
        *opened = Some(store.clone());
        Ok(store)
    }
}

/// Queries become vectors one after the other: beside another each would open a session of its own, 90 MB and a tenth
/// of a second for 10 ms of work.
struct OneByOne(Mutex<Box<dyn Embed>>);

#[async_trait]
impl Embed for OneByOne {
    async fn embed(&self, query: &str, embedding: EmbeddingId) -> Result<QueryVector, QueryError> {
        self.0.lock().await.embed(query, embedding).await
    }
}
