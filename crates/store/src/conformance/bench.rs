//! What the sentences speak about: a store, and what happens to it from outside.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::inside::Inside;
use crate::{InstanceId, Store};

/// An empty store, opened as the pipeline, and the means to let time pass in it.
pub(crate) struct Bench {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) death: Box<dyn Death>,
    pub(crate) rows: Box<dyn Rows>,
    pub(crate) inside: Box<dyn Inside>,
    /// What must live as long as the store: its directory, its server.
    pub(crate) _directory: Box<dyn Any + Send + Sync>,
}

/// The database's clock, set by hand: no test waits.
#[async_trait]
pub(crate) trait Clock: Send + Sync {
    async fn forward(&self, by: Duration);

    async fn back(&self, by: Duration);
}

/// The rows behind the store's back.
#[async_trait]
pub(crate) trait Rows: Send + Sync {
    /// The number that a statement gives.
    async fn count(&self, sql: &'static str) -> i64;

    async fn change(&self, sql: &'static str);
}

/// Death of an instance, which somebody noticed.
#[async_trait]
pub(crate) trait Death: Send + Sync {
    /// It is dead, and the jobs it ran go back to the queue. In SQLite, which has one instance, so do all that run.
    async fn of(&self, instance: InstanceId);
}
