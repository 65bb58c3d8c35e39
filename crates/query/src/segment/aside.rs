//! Work that takes longer than other tasks of this thread should wait.

use tokio::task::spawn_blocking;

use crate::error::QueryError;

/// Does it on a thread of its own.
#[expect(clippy::disallowed_methods, reason = "it works on memory and files of this machine, and ends by itself")]
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, QueryError> {
    spawn_blocking(work).await.map_err(|error| QueryError::Panicked(error.to_string()))
}
