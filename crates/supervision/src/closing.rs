//! A signal that is given once and stays given: what it belongs to is to end, and is not to be started again.

use std::sync::Arc;

use tokio::sync::watch;

/// Shared by whoever ends something and whoever would otherwise restart it or wait for it.
#[derive(Clone, Debug)]
pub struct Closing(Arc<watch::Sender<bool>>);

impl Closing {
    /// A signal that has not been given.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Gives the signal. Doing it twice is doing it once.
    pub fn give(&self) {
        self.0.send_replace(true);
    }

    /// Whether the signal has been given.
    #[must_use]
    pub fn is_given(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns as soon as the signal is given; at once when it was given before.
    pub async fn given(&self) {
        self.0.subscribe().wait_for(|given| *given).await.expect("the sender is held by self");
    }
}

impl Default for Closing {
    fn default() -> Self {
        Self::new()
    }
}
