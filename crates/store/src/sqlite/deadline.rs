//! A deadline for what a connection is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use sqlx::SqliteConnection;

/// Steps of SQLite's machine between two looks at the clock: some tenths of a millisecond.
const STEPS: i32 = 10_000;

/// While it lives, statements of its connection are interrupted from a moment on.
#[derive(Debug)]
pub(super) struct Deadline(Arc<AtomicBool>);

impl Deadline {
    pub(super) async fn set(connection: &mut SqliteConnection, end: Instant) -> sqlx::Result<Self> {
        let lifted = Arc::new(AtomicBool::new(false));
        let is_lifted = lifted.clone();
        let goes_on = move || is_lifted.load(Ordering::Relaxed) || Instant::now() < end;
        connection.lock_handle().await?.set_progress_handler(STEPS, goes_on);
        Ok(Self(lifted))
    }
}

/// The connection goes back to its pool, and the look at the clock stays with it.
impl Drop for Deadline {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
