//! Registration: this process becomes known, and others see at once that it lives.
//!
//! A row without a session is a dead instance as soon as it is stale, so the session is opened right after it, and what
//! is still to be done before the pipeline starts is done beside its heartbeat.

use std::pin::pin;

use futures::future::{Either, select};
use tokio::time::{MissedTickBehavior, interval};
use warmer_store::{Session, StoreError, Takes};

use crate::session::HEARTBEAT;
use crate::tools::Tools;

/// This process is known, and lives: whoever drops this has left.
pub struct Registered(pub(crate) Box<dyn Session>);

impl Registered {
    /// Makes this process known, with so many jobs in flight, and opens its session.
    ///
    /// # Errors
    /// As the store says; its message names the way out.
    pub async fn new(tools: &Tools, capacity: u32, takes: Takes) -> Result<Self, StoreError> {
        let instance = tools.identity.get();
        tools.store.register(instance, capacity, env!("CARGO_PKG_VERSION"), takes).await?;
        tools.store.session(instance).await.map(Self)
    }

    /// Does something, however long that takes, with heartbeats meanwhile. One that fails is tried again with
    /// the next; who was declared dead hears of it when the pipeline runs.
    pub async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let (mut work, mut heartbeats) = (pin!(work), interval(HEARTBEAT));
        heartbeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = heartbeats.tick() => {}
            }
            // A heartbeat that is dropped half-way would end the session.
            let (done, answer) = match select(&mut work, self.0.heartbeat()).await {
                Either::Left((done, heartbeat)) => (Some(done), heartbeat.await),
                Either::Right((answer, _)) => (None, answer),
            };
            if let Err(error) = answer {
                tracing::debug!(%error, "heartbeat to the database failed");
            }
            if let Some(done) = done {
                return done;
            }
        }
    }
}
