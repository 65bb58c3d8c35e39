//! Jobs that are taken out before they ended: by a person, or because the only instance that may run them is gone.

use uuid::Uuid;

use super::{Base, Connection, Fault, Row as _, Writing as _, attempt, calendar, refusal, values};
use crate::job::{ClaimId, InstanceId, JobId, JobState};
use crate::queue::Cancel;

/// `fence` is of this call: what it took out before, it took out.
pub(super) async fn cancel<B: Base>(store: &B, job: JobId, fence: ClaimId) -> Result<Cancel, Fault> {
    let mut tx = store.write().await?;
    let Some(row) = tx.maybe(<B::Connection as super::Statements>::JOB_STATE, values![job.0]).await? else {
        let removed = attempt::outcome(&mut *tx, fence).await?.is_some();
        return Ok(if removed { Cancel::Removed } else { Cancel::Unknown });
    };
    let cancel = if row.text("state")? == JobState::Queued.as_str() {
        take_out(&mut *tx, job.0, fence).await?;
        Cancel::Removed
    } else {
        tx.run("UPDATE job SET cancel = true WHERE id = $1", values![job.0]).await?;
        Cancel::Asked
    };
    tx.commit().await?;
    Ok(cancel)
}

/// The process ends in order: no other may take the jobs that are pinned to it.
pub(super) async fn retire<B: Base>(store: &B, instance: InstanceId) -> Result<(), Fault> {
    const RETIRE: &str = "UPDATE instance SET state = 'retired', seen_at = (SELECT now FROM clock) WHERE id = $1";
    let mut tx = store.write().await?;
    tx.run(RETIRE, values![instance.0]).await?;
    unpin(&mut *tx, instance).await?;
    refusal::left(&mut *tx, instance).await?;
    Ok(tx.commit().await?)
}

/// Takes out the queued jobs that only this instance, which is gone, could have taken.
pub(crate) async fn unpin<C: Connection>(tx: &mut C, instance: InstanceId) -> sqlx::Result<()> {
    for row in tx.all(C::PINNED, values![instance.0]).await? {
        take_out(tx, row.int("id")?, ClaimId(Uuid::new_v4())).await?;
    }
    Ok(())
}

/// A queued job goes, and the history says so. There was no claim: the attempt gets a fence that nobody works under.
async fn take_out<C: Connection>(tx: &mut C, job: i64, fence: ClaimId) -> sqlx::Result<()> {
    const RECORD: &str = "
        INSERT INTO attempt (job, repository, kind, number, claim, outcome, queued_at, started_at, ended_at)
        SELECT id, repository, kind, attempt, $2, 'cancelled', coalesce(first_run_at, run_at), now, now
        FROM job, clock WHERE id = $1";
    const TRIED: &str = "
        UPDATE repository SET tried_at = (SELECT now FROM clock)
        WHERE id = (SELECT repository FROM job WHERE id = $1 AND kind = 0) RETURNING id, calendar, tried_at AS since";
    tx.run(RECORD, values![job, fence.0]).await?;
    calendar::tried(tx, TRIED, values![job]).await?;
    tx.run("DELETE FROM job WHERE id = $1", values![job]).await.map(drop)
}
