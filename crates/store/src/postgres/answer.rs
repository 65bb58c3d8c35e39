//! For how long an answer of the server is waited for.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

/// The answer, if it comes in time.
pub(super) async fn answered<T>(
    within: Option<Duration>,
    answer: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    match within {
        Some(within) => timeout(within, answer).await.unwrap_or_else(|_| Err(silent())),
        None => answer.await,
    }
}

/// What stands for an answer that did not come.
pub(super) fn silent() -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "it was silent for too long"))
}
