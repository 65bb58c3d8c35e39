//! What no attempt can mend: the pipeline ends with it instead of trying for ever.

use std::sync::Arc;

use tokio::sync::watch;
use warmer_store::{StoreError, StoreErrorKind};

/// The first error of the queue that no attempt can mend. A clone is the same.
#[derive(Clone)]
pub(crate) struct Fatal(Arc<watch::Sender<Option<String>>>);

impl Default for Fatal {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Fatal {
    /// Takes in how the queue failed. All that is tried again may pass, but for damage.
    pub(crate) fn judge(&self, error: &StoreError) {
        if error.kind() == StoreErrorKind::Damaged {
            self.0.send_if_modified(|first| {
                let is_first = first.is_none();
                first.get_or_insert_with(|| error.to_string());
                is_first
            });
        }
    }

    /// Returns when there is one, with its message.
    pub(crate) async fn raised(&self) -> String {
        let mut first = self.0.subscribe();
        let message = first.wait_for(Option::is_some).await.ok().and_then(|first| first.clone());
        match message {
            Some(message) => message,
            None => std::future::pending().await,
        }
    }
}
