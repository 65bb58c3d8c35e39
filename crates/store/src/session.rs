//! The session: an instance's heartbeat and its slots. Whoever loses it stops working.
//!
//! A session is one dedicated connection in PostgreSQL, where the server lets the locks go when it ends, and nothing
//! but this process' own memory in SQLite, where the pipeline's file lock is all there is to hold.

use std::time::{Instant, SystemTime};

use async_trait::async_trait;

use crate::error::StoreError;
use crate::job::InstanceId;
use crate::queue::SlotToken;

/// What a heartbeat brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// False: this instance was declared dead, or never registered. It stops all work; a new one registers.
    pub alive: bool,
    /// Until then nobody else can hold what this session holds. Past it: no new claims, running work is parked.
    pub lease_until: Instant,
    /// Instances that may have died; see [`crate::Store::rescue`].
    pub suspects: Vec<InstanceId>,
    /// Slots that others took while this session was away: work that needs them is cancelled. Told once.
    pub lost: Vec<SlotToken>,
}

/// An instance's sign of life and its slots, in one hand: one call at a time.
#[async_trait]
pub trait Session: Send {
    /// Says that this instance lives, and looks for others that may have died: one statement, once per second. A
    /// session whose connection broke connects anew and takes its locks again first; what is unchanged then was in
    /// nobody else's hands in between.
    ///
    /// # Errors
    /// Nothing is known: work goes on until [`Session::lease_until`], and the next heartbeat tries again.
    async fn heartbeat(&mut self) -> Result<Heartbeat, StoreError>;

    /// As the last good heartbeat told.
    fn lease_until(&self) -> Instant;

    /// What the database's clock says.
    async fn now(&mut self) -> Result<SystemTime, StoreError>;

    /// Takes one of `n` slots; `None` if all are held. With `n` = 0 there is no limit.
    async fn take_slot(&mut self, n: u32) -> Result<Option<SlotToken>, StoreError>;

    /// Gives it back; a token that is not held is no harm.
    async fn release_slot(&mut self, token: SlotToken) -> Result<(), StoreError>;

    /// Gives back all there is, and ends.
    async fn close(&mut self);
}
