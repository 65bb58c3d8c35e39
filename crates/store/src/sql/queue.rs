//! The queue's trait, and the parts of it that are one statement.

use std::time::Duration;

use async_trait::async_trait;

use super::base::{again, ids, wait};
use super::{Base, Cells as _, Conn as _, Fault, Value, cancel, enqueue, listing, schedule, settle, values};
use crate::error::StoreError;
use crate::job::{Attempt, AttemptFilter, Claim, ClaimId, InstanceId, Job, JobFilter, JobId};
use crate::queue::{
    Cancel, ClaimFilter, Enqueue, Enqueued, Queue, Running, Scheduled, Settled, Settlement, SlotToken, Takes,
};
use crate::repository::RepositoryId;
use crate::status::Status;

const REGISTER: &str = "
    INSERT INTO instance (id, started_at, seen_at, capacity, version, takes_any)
    SELECT $1, now, now, $2, $3, $4 FROM clock WHERE true
    ON CONFLICT (id) DO UPDATE SET
        seen_at = excluded.seen_at, capacity = excluded.capacity, takes_any = excluded.takes_any";
const NOTE_TRACE: &str = "UPDATE job SET attempt_traceparent = $2 WHERE claim = $1";
const SET_SLOTS: &str = "
    INSERT INTO setting (name, value) VALUES ('slots', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

#[async_trait]
impl<B: Base> Queue for B {
    async fn enqueue(&self, repository: RepositoryId, how: Enqueue) -> Result<Enqueued, StoreError> {
        let enqueued = again!(self, enqueue::enqueue(self, repository, &how))?;
        self.tell().await;
        Ok(enqueued)
    }

    async fn enqueue_due(&self, after: Option<RepositoryId>, limit: u32) -> Result<Scheduled, StoreError> {
        let scheduled = again!(self, schedule::enqueue_due(self, after, limit))?;
        if scheduled.enqueued > 0 {
            self.tell().await;
        }
        Ok(scheduled)
    }

    async fn cancel(&self, job: JobId) -> Result<Cancel, StoreError> {
        again!(self, cancel::cancel(self, job))
    }

    async fn register_as(
        &self,
        instance: InstanceId,
        capacity: u32,
        version: &str,
        takes: Takes,
    ) -> Result<(), StoreError> {
        let values = values![instance.0, capacity, version, takes == Takes::Any];
        self.door(self.once(REGISTER, values).await).map(drop)
    }

    async fn heartbeat(&self, instance: InstanceId) -> Result<bool, StoreError> {
        self.door(Base::heartbeat(self, instance).await)
    }

    async fn retire(&self, instance: InstanceId) -> Result<(), StoreError> {
        again!(self, cancel::retire(self, instance))
    }

    async fn claim(&self, instance: InstanceId, filter: &ClaimFilter) -> Result<Option<Claim>, StoreError> {
        again!(self, Base::claim(self, instance, filter))
    }

    async fn note_trace(&self, claim: ClaimId, traceparent: &str) -> Result<bool, StoreError> {
        self.door(self.once(NOTE_TRACE, values![claim.0, traceparent]).await).map(|rows| rows > 0)
    }

    async fn next_due(&self, only: Option<&[JobId]>) -> Result<Option<Duration>, StoreError> {
        self.door(next_due(self, only).await)
    }

    async fn settle(&self, claim: ClaimId, how: Settlement) -> Result<Settled, StoreError> {
        let settled = again!(self, settle::settle(self, claim, &how))?;
        if settled == Settled::Done && settle::goes_back(&how) {
            self.tell().await;
        }
        Ok(settled)
    }

    async fn running(&self, instance: InstanceId) -> Result<Vec<Running>, StoreError> {
        self.door(listing::running(self, instance).await)
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<Job>, StoreError> {
        self.door(listing::jobs(self, None, filter).await)
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        let found = self.door(listing::jobs(self, Some(id), &JobFilter::default()).await)?;
        Ok(found.into_iter().next())
    }

    async fn attempts(&self, of: AttemptFilter, limit: u32) -> Result<Vec<Attempt>, StoreError> {
        self.door(listing::attempts(self, of, limit).await)
    }

    async fn status(&self) -> Result<Status, StoreError> {
        self.door(listing::status(self).await)
    }

    async fn set_slots(&self, n: u32) -> Result<(), StoreError> {
        self.door(self.once(SET_SLOTS, values![&n.to_string()]).await).map(drop)
    }

    async fn take_slot(&self, instance: InstanceId, n: u32) -> Result<Option<SlotToken>, StoreError> {
        self.door(Base::take_slot(self, instance, n).await)
    }

    async fn release_slot(&self, token: SlotToken) -> Result<(), StoreError> {
        self.door(Base::release_slot(self, token).await)
    }
}

async fn next_due<B: Base>(store: &B, only: Option<&[JobId]>) -> Result<Option<Duration>, Fault> {
    let only = only.map(ids);
    let mut conn = store.read().await?;
    let row = conn.one(<B::Conn as super::Statements>::NEXT_DUE, &[Value::Ints(only.as_deref())]).await?;
    Ok(wait(row.maybe_int("wait")?))
}
