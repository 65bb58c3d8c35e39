//! Work in the background that no supervisor knows: at least its end is known.

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt;
use tokio::task::JoinHandle;

use crate::panic::panic_text;

/// Spawns a task. A panic in it is logged under its name; `tokio::spawn` alone drops it with the handle.
///
/// What must not end belongs into a [`Tree`](crate::Tree) instead.
#[expect(clippy::disallowed_methods, reason = "this is what the others are to use")]
pub fn spawn<F>(name: &'static str, task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(async move {
        match AssertUnwindSafe(task).catch_unwind().await {
            Ok(output) => output,
            Err(panic) => {
                let text = panic_text(&*panic);
                tracing::error!(task = name, error = text, "a background task panicked");
                resume_unwind(panic)
            }
        }
    })
}
