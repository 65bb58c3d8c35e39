//! The queue's trait, and the parts of it that are one statement.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use uuid::Uuid;
use warmer_content::{ChunkingId, EmbeddingId};

use super::base::{ids, wait};
use super::spans::Sent;
use super::transient::retrying;
use super::{
    Base, Connection as _, Fault, Row as _, Value, Writing as _, anew, cancel, claimed, clock_skew, enqueue, fill_jobs,
    listing, refusal, repository, repository_columns, schedule, served, settle, tally, values,
};
use crate::error::StoreError;
use crate::job::{
    Attempt, AttemptFilter, AttemptOutcome, Claim, ClaimId, HistoryFilter, InstanceId, Job, JobFilter, JobId, JobKind,
};
use crate::queue::{
    Cancel, ClaimFilter, Enqueue, Enqueued, Queue, Refusal, Running, Scheduled, Settled, Settlement, Takes,
};
use crate::repository::RepositoryId;
use crate::status::{Schedule, Status};

const REGISTER: &str = "
    INSERT INTO instance (id, started_at, seen_at, capacity, version, takes_any, host, pid)
    SELECT $1, now, now, $2, $3, $4, $5, $6 FROM clock WHERE true
    ON CONFLICT (id) DO UPDATE SET
        seen_at = excluded.seen_at, capacity = excluded.capacity, takes_any = excluded.takes_any";
const NOTE_TRACE: &str = "UPDATE job SET attempt_traceparent = $2 WHERE claim = $1";
const TAKEN: &str = concat!(
    r#"SELECT job.id AS job, job.attempt, job.heavy, job."full", job.crashes, job.traces,
              job.claimed_at - coalesce(job.first_run_at, job.run_at) AS waited,
              job.claimed_at - job.slot_since AS slot_wait,
              (SELECT count(*) FROM served WHERE served.repository = job.repository) AS states, "#,
    fill_jobs::fill_columns!(),
    ", ",
    repository_columns!(),
    " FROM job JOIN repository_served AS repository ON repository.id = job.repository
      WHERE job.claim = $1 AND job.state = 'running'
          AND (job.kind = 0 OR EXISTS (SELECT 1 FROM generation WHERE generation.id = job.generation))"
);

#[async_trait]
impl<B: Base> Queue for B {
    async fn enqueue(&self, repository: RepositoryId, how: Enqueue) -> Result<Enqueued, StoreError> {
        let sent = Sent::by(self.system(), how.trace.as_ref());
        let enqueued = async { retrying!(self, enqueue::enqueue(self, repository, &how, sent.trace())) };
        let enqueued = sent.doing(enqueued).await?;
        sent.job(enqueued.job.0);
        self.notify().await;
        Ok(enqueued)
    }

    async fn enqueue_due(
        &self,
        after: Option<RepositoryId>,
        limit: u32,
        spread: Duration,
    ) -> Result<Scheduled, StoreError> {
        let scheduled = retrying!(self, schedule::enqueue_due(self, after, limit, spread))?;
        if scheduled.enqueued > 0 {
            self.notify().await;
        }
        Ok(scheduled)
    }

    async fn enqueue_left(&self, chunking: ChunkingId, limit: u32) -> Result<u64, StoreError> {
        let enqueued = retrying!(self, anew::enqueue_left(self, chunking, limit))?;
        if enqueued > 0 {
            self.notify().await;
        }
        Ok(enqueued)
    }

    async fn end_future(&self, put_off_max: Duration) -> Result<u64, StoreError> {
        retrying!(self, clock_skew::end(self, put_off_max))
    }

    async fn cancel(&self, job: JobId) -> Result<Cancel, StoreError> {
        let fence = ClaimId(Uuid::new_v4());
        retrying!(self, cancel::cancel(self, job, fence))
    }

    async fn register(
        &self,
        instance: InstanceId,
        capacity: u32,
        version: &str,
        takes: Takes,
    ) -> Result<(), StoreError> {
        retrying!(self, register(self, instance, capacity, version, takes))
    }

    async fn retire(&self, instance: InstanceId) -> Result<(), StoreError> {
        retrying!(self, cancel::retire(self, instance))
    }

    async fn claim(&self, instance: InstanceId, filter: &ClaimFilter) -> Result<Option<Claim>, StoreError> {
        // One fence for all tries: what one of them took, although its connection was ended, the next one finds.
        let (id, mut first) = (ClaimId(Uuid::new_v4()), true);
        let began = Instant::now();
        let claim = retrying!(self, async {
            if !std::mem::take(&mut first)
                && let Some(claim) = taken(self, id).await?
            {
                return Ok(Some(claim));
            }
            Base::claim(self, id, instance, filter).await
        })?;
        Ok(claim.map(|claim| Claim { claimed_in: began.elapsed(), ..claim }))
    }

    async fn claimed(&self, claim: ClaimId) -> Result<Option<Claim>, StoreError> {
        retrying!(self, taken(self, claim))
    }

    async fn note_trace(&self, claim: ClaimId, traceparent: &str) -> Result<bool, StoreError> {
        retrying!(self, self.once(NOTE_TRACE, values![claim.0, traceparent])).map(|rows| rows > 0)
    }

    async fn next_due(
        &self,
        instance: Option<InstanceId>,
        filter: &ClaimFilter,
    ) -> Result<Option<Duration>, StoreError> {
        retrying!(self, next_due(self, instance, filter))
    }

    async fn next_due_of_all(
        &self,
        instance: InstanceId,
        only: Option<&[JobId]>,
        embedding: Option<EmbeddingId>,
    ) -> Result<Option<Duration>, StoreError> {
        retrying!(self, next_due_of_all(self, instance, only, embedding))
    }

    async fn settle(
        &self,
        claim: ClaimId,
        how: Settlement,
        summary: Option<&serde_json::Value>,
    ) -> Result<Option<Settled>, StoreError> {
        let settled = retrying!(self, settle::settle(self, claim, &how, summary))?;
        // What ended well may have gone back, too: where a fill left something.
        if settled.as_ref().is_some_and(|settled| !settled.given_up && settled.outcome != AttemptOutcome::Fresh) {
            self.notify().await;
        }
        Ok(settled)
    }

    async fn refusals(&self, repository: Option<RepositoryId>) -> Result<Vec<Refusal>, StoreError> {
        retrying!(self, refusal::list(self, repository))
    }

    async fn withdraw_refusals(&self, instance: InstanceId) -> Result<u64, StoreError> {
        let withdrawn = retrying!(self, refusal::withdraw(self, instance))?;
        self.notify().await;
        Ok(withdrawn)
    }

    async fn running(&self, instance: InstanceId) -> Result<Vec<Running>, StoreError> {
        retrying!(self, listing::running(self, instance))
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<Job>, StoreError> {
        retrying!(self, listing::jobs(self, None, filter))
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        let found = retrying!(self, listing::jobs(self, Some(id), &JobFilter::default()))?;
        Ok(found.into_iter().next())
    }

    async fn attempts(&self, of: AttemptFilter, limit: u32) -> Result<Vec<Attempt>, StoreError> {
        retrying!(self, listing::attempts(self, of, limit))
    }

    async fn history(&self, filter: &HistoryFilter, limit: u32) -> Result<Vec<Attempt>, StoreError> {
        retrying!(self, listing::history(self, filter, limit))
    }

    async fn status_of(&self, repositories: Option<&[RepositoryId]>) -> Result<Status, StoreError> {
        retrying!(self, tally::look(self, repositories))
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        retrying!(self, schedule::list(self))
    }
}

/// The job that runs under this claim. What its attempt before was traced as is lost.
async fn taken<B: Base>(store: &B, id: ClaimId) -> Result<Option<Claim>, Fault> {
    let mut conn = store.read().await?;
    let Some(row) = conn.maybe(TAKEN, values![id.0]).await? else { return Ok(None) };
    let states = served::states(&mut *conn, &row).await?;
    Ok(Some(claimed(&row, row.int("job")?, id, repository(&row)?, states, fill_jobs::fill(&row)?, None)?))
}

/// Only one that was not known before joins: a session that comes back registers again.
async fn register<B: Base>(
    store: &B,
    instance: InstanceId,
    capacity: u32,
    version: &str,
    takes: Takes,
) -> Result<(), Fault> {
    const KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM instance WHERE id = $1) AS known";
    let mut tx = store.write().await?;
    let joins = takes == Takes::Any && !tx.one(KNOWN, values![instance.0]).await?.flag("known")?;
    let (host, pid) = (store.host(), std::process::id());
    tx.run(REGISTER, values![instance.0, capacity, version, takes == Takes::Any, host, pid]).await?;
    if joins {
        refusal::joined(&mut *tx).await?;
    }
    Ok(tx.commit().await?)
}

async fn next_due<B: Base>(
    store: &B,
    instance: Option<InstanceId>,
    filter: &ClaimFilter,
) -> Result<Option<Duration>, Fault> {
    let only = filter.only.as_deref().map(ids);
    let only = Value::Ints(only.as_deref());
    let mut conn = store.read().await?;
    let row = match filter.kind {
        JobKind::Refresh => {
            let instance = instance.map(|instance| instance.0);
            conn.one(<B::Connection as super::Statements>::NEXT_DUE, &[only, instance.into()]).await?
        }
        JobKind::Fill => {
            let embedding = filter.embedding.as_ref().map(|embedding| &embedding.0);
            conn.one(<B::Connection as super::Statements>::NEXT_FILL_DUE, &[only, embedding.into()]).await?
        }
    };
    Ok(wait(row.maybe_int("wait")?))
}

async fn next_due_of_all<B: Base>(
    store: &B,
    instance: InstanceId,
    only: Option<&[JobId]>,
    embedding: Option<EmbeddingId>,
) -> Result<Option<Duration>, Fault> {
    let Some(embedding) = embedding else {
        let filter = ClaimFilter { only: only.map(<[JobId]>::to_vec), ..ClaimFilter::default() };
        return next_due(store, Some(instance), &filter).await;
    };
    let only = only.map(ids);
    let values = [Value::Ints(only.as_deref()), instance.0.into(), Some(&embedding.0).into()];
    let row = store.read().await?.one(<B::Connection as super::Statements>::NEXT_DUE_OF_ALL, &values).await?;
    Ok(wait(row.maybe_int("refresh")?).into_iter().chain(wait(row.maybe_int("fill")?)).min())
}
