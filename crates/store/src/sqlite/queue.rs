//! The trait, and the parts of it that are one statement.

use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Sqlite, claim, enqueue, listing, settle};
use crate::error::StoreError;
use crate::job::{Attempt, AttemptFilter, Claim, ClaimId, InstanceId, Job, JobFilter, JobId};
use crate::queue::{ClaimFilter, Enqueue, Enqueued, Queue, Settled, Settlement, SlotToken, Status};
use crate::repository::RepositoryId;

#[async_trait]
impl Queue for Sqlite {
    async fn enqueue(&self, repository: RepositoryId, how: Enqueue) -> Result<Enqueued, StoreError> {
        self.door(enqueue::enqueue(self, repository, how).await)
    }

    async fn register(&self, instance: InstanceId, capacity: u32, version: &str) -> Result<(), StoreError> {
        const REGISTER: &str = "INSERT INTO instance (id, started_at, seen_at, capacity, version)
             SELECT ?1, now, now, ?2, ?3 FROM clock WHERE true
             ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, capacity = excluded.capacity";
        let query = sqlx::query(REGISTER).bind(instance.0.as_bytes().as_slice()).bind(capacity).bind(version);
        self.execute(query).await.map(drop)
    }

    async fn heartbeat(&self, instance: InstanceId) -> Result<bool, StoreError> {
        const SEEN: &str = "UPDATE instance SET seen_at = (SELECT now FROM clock) WHERE id = ? AND state = 'alive'";
        self.execute(sqlx::query(SEEN).bind(instance.0.as_bytes().as_slice())).await.map(|rows| rows > 0)
    }

    async fn retire(&self, instance: InstanceId) -> Result<(), StoreError> {
        const RETIRE: &str = "UPDATE instance SET state = 'retired', seen_at = (SELECT now FROM clock) WHERE id = ?";
        self.execute(sqlx::query(RETIRE).bind(instance.0.as_bytes().as_slice())).await.map(drop)
    }

    async fn claim(&self, instance: InstanceId, filter: &ClaimFilter) -> Result<Option<Claim>, StoreError> {
        self.door(claim::claim(self, instance, filter).await)
    }

    async fn note_trace(&self, claim: ClaimId, traceparent: &str) -> Result<bool, StoreError> {
        const NOTE: &str = "UPDATE job SET attempt_traceparent = ?2 WHERE claim = ?1";
        let query = sqlx::query(NOTE).bind(claim.0.as_bytes().as_slice()).bind(traceparent);
        self.execute(query).await.map(|rows| rows > 0)
    }

    async fn next_due(&self, only: Option<&[JobId]>) -> Result<Option<Duration>, StoreError> {
        self.door(claim::next_due(self, only).await)
    }

    async fn settle(&self, claim: ClaimId, how: Settlement) -> Result<Settled, StoreError> {
        self.door(settle::settle(self, claim, how).await)
    }

    async fn running(&self, instance: InstanceId) -> Result<Vec<(JobId, ClaimId)>, StoreError> {
        self.door(listing::running(self, instance).await)
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<Job>, StoreError> {
        self.door(listing::jobs(self, filter).await)
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.door(listing::job(self, id).await)
    }

    async fn attempts(&self, of: AttemptFilter, limit: u32) -> Result<Vec<Attempt>, StoreError> {
        self.door(listing::attempts(self, of, limit).await)
    }

    async fn status(&self) -> Result<Status, StoreError> {
        self.door(listing::status(self).await)
    }

    async fn set_slots(&self, n: u32) -> Result<(), StoreError> {
        const SET: &str = "INSERT INTO setting (name, value) VALUES ('slots', ?1)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.execute(sqlx::query(SET).bind(n.to_string())).await.map(drop)
    }

    async fn take_slot(&self, _instance: InstanceId, n: u32) -> Result<Option<SlotToken>, StoreError> {
        let mut held = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if n > 0 && held.len() >= n as usize {
            return Ok(None);
        }
        let token = SlotToken(Uuid::new_v4());
        held.insert(token);
        Ok(Some(token))
    }

    async fn release_slot(&self, token: SlotToken) -> Result<(), StoreError> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(&token);
        Ok(())
    }
}
