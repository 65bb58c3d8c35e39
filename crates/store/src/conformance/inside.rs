//! What only the store itself does, done by a test.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::sql::{Base, Connection as _, Row as _, Writing as _, fill_jobs, tally};
use crate::{Lane, RepositoryId, Shard, Status};

/// The way past what a store shows.
#[async_trait]
pub(crate) trait Inside: Send + Sync {
    /// Puts a fill for the active generation in the queue, as a publication does; false: it is there.
    async fn fill(&self, repository: RepositoryId, lane: Lane, shard: Shard) -> bool;

    /// Takes the turn to count the queue; `None`: it is not due.
    async fn begin_count(&self, every: Duration) -> Option<Uuid>;

    /// Writes what was counted; false: the turn is another's.
    async fn end_count(&self, turn: Uuid, figures: &Status) -> bool;
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

    async fn begin_count(&self, every: Duration) -> Option<Uuid> {
        tally::take(&*self.0, every).await.unwrap()
    }

    async fn end_count(&self, turn: Uuid, figures: &Status) -> bool {
        tally::write(&*self.0, turn, figures).await.unwrap()
    }
}
