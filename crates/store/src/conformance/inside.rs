//! What only the store itself does, done by a test.

use std::sync::Arc;

use async_trait::async_trait;

use crate::sql::{Base, Connection as _, Row as _, Writing as _, fill_jobs};
use crate::{Lane, RepositoryId, Shard};

/// The way past what a store shows.
#[async_trait]
pub(crate) trait Inside: Send + Sync {
    /// Puts a fill for the active generation in the queue, as a publication does; false: it is there.
    async fn fill(&self, repository: RepositoryId, lane: Lane, shard: Shard) -> bool;
}

/// Within a store.
pub(crate) struct Within<B>(pub(crate) Arc<B>);

#[async_trait]
impl<B: Base + 'static> Inside for Within<B> {
    async fn fill(&self, repository: RepositoryId, lane: Lane, shard: Shard) -> bool {
        let mut tx = self.0.write().await.unwrap();
        let active = tx.one("SELECT id FROM generation WHERE state = 'active'", &[]).await.unwrap().int("id").unwrap();
        let new = fill_jobs::enqueue(&mut *tx, (repository.0, active), (lane, shard), None).await.unwrap();
        tx.commit().await.unwrap();
        new
    }
}
