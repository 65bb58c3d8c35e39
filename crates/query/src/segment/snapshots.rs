//! The snapshots of all repositories: opened once, brought up to date when a publication moved on.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use warmer_content::EmbeddingId;
use warmer_store::{Repository, RepositoryId, Store};

use super::shelf::{SegmentFiles, Shelf};
use super::snapshot::Snapshot;
use super::state::State;
use super::update::{Held, Update};
use crate::error::QueryError;

/// One repository's snapshot; whoever brings it up to date holds it, and the others wait for that.
type Place = Arc<tokio::sync::Mutex<Option<Held>>>;

/// What searches look in: an index of each repository, kept open, and on disk for the next process.
#[derive(Default)]
pub struct Snapshots {
    files: Option<SegmentFiles>,
    held: Mutex<HashMap<RepositoryId, Place>>,
}

impl Snapshots {
    /// In these files; without them, or where they cannot be written, in memory alone.
    #[must_use]
    pub fn new(files: Option<SegmentFiles>) -> Self {
        Self { files, held: Mutex::default() }
    }

    /// Brings the index of a repository on disk up to date with what is served of it, for searches to come. Does
    /// nothing where none is kept, or nothing is served that searches find.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn refresh(&self, store: &dyn Store, repository: RepositoryId) -> Result<(), QueryError> {
        if self.files.is_none() {
            return Ok(());
        }
        let Some(recipe) = store.active_recipe().await? else { return Ok(()) };
        let Some(row) = store.repository(repository).await? else { return Ok(()) };
        self.one(store, &row, recipe.embedding).await?;
        // Whoever publishes does not search as a rule, and what is on disk is opened again in milliseconds.
        self.places().remove(&repository);
        Ok(())
    }

    /// The snapshots of those of these repositories that serve vectors of `embedding`, in their order.
    pub(crate) async fn of(
        &self,
        store: &dyn Store,
        repositories: &[Repository],
        embedding: EmbeddingId,
    ) -> Result<Vec<Arc<Snapshot>>, QueryError> {
        let mut all = vec![];
        for repository in repositories {
            all.extend(self.one(store, repository, embedding).await?);
        }
        Ok(all)
    }

    async fn one(
        &self,
        store: &dyn Store,
        repository: &Repository,
        embedding: EmbeddingId,
    ) -> Result<Option<Arc<Snapshot>>, QueryError> {
        let recipe = repository.served.as_ref().map(|served| served.recipe);
        let Some(recipe) = recipe.filter(|recipe| recipe.embedding == embedding) else { return Ok(None) };
        let Some(state) = State::of(repository, recipe) else { return Ok(None) };
        let place = Arc::clone(self.places().entry(repository.id).or_default());
        let mut held = place.lock().await;
        // What lacks vectors may have got them since, without a publication.
        let is_current = |held: &Held| held.state == state && held.snapshot.absent_count() == 0;
        if let Some(held) = held.as_ref().filter(|held| is_current(held)) {
            return Ok(Some(Arc::clone(&held.snapshot)));
        }
        let shelf = self.files.as_ref().map(|files| Shelf::of(files, repository, recipe));
        // Of the same number the one on disk, which need not be made again by the next process.
        let or_on_disk = |known: Option<Held>| {
            let on_disk = shelf.as_ref().and_then(|shelf| Held::open(shelf, repository));
            let all = [known, on_disk].into_iter().flatten().filter(|held| held.state.recipe == recipe);
            all.max_by_key(|held| held.state.publication)
        };
        let mut newest = or_on_disk(held.take());
        if let Some(newest) = newest.clone().filter(is_current) {
            return Ok(Some(Arc::clone(&held.insert(newest).snapshot)));
        }
        let lock = shelf.as_ref().and_then(locked);
        if lock.is_some() {
            // Who had it until now may have made just this.
            newest = or_on_disk(newest);
        }
        let shelf = shelf.as_ref().filter(|_| lock.is_some());
        let now = Update::to(state, store, repository, shelf).run(newest).await?;
        Ok(Some(Arc::clone(&held.insert(now).snapshot)))
    }

    fn places(&self) -> MutexGuard<'_, HashMap<RepositoryId, Place>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to write on a shelf; without it segments are made in memory.
fn locked(shelf: &Shelf) -> Option<File> {
    match shelf.lock() {
        Ok(Some(lock)) => Some(lock),
        Ok(None) => {
            tracing::debug!("another process makes these segments: they are made in memory here");
            None
        }
        Err(error) => {
            tracing::debug!(%error, "segments cannot be kept: they are made in memory");
            None
        }
    }
}
