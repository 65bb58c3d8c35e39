//! Refusals: what an instance lacks is its own matter, until no live instance is left that has it.
//!
//! A refusal stands beside the repository. While it does, its instance claims no job of that repository; it goes after
//! ten minutes, when the repository is given up, and when an instance leaves, because then the others may be the last.

use super::attempt::{self, Running};
use super::enqueue::queued_key;
use super::rows::moment;
use super::{Base, Connection, Fault, Row, Writing as _, values};
use crate::job::{AttemptOutcome, InstanceId};
use crate::queue::Refusal;
use crate::repository::RepositoryId;

/// For how long a refusal stands, in microseconds: ten minutes.
macro_rules! term {
    () => {
        "600000000"
    };
}

/// Whether the instance `$instance` has not refused what `job` is for; with no instance, nobody has.
macro_rules! unrefused {
    ($instance:literal) => {
        concat!(
            "(SELECT refusal.repository FROM refusal
              WHERE refusal.repository = job.repository AND refusal.instance = ",
            $instance,
            " AND refusal.at > (SELECT now FROM clock) - ",
            $crate::sql::refusal::term!(),
            ") IS NULL"
        )
    };
}
pub(crate) use {term, unrefused};

/// $1: the job, which runs; $2: why.
const NOTE: &str = "
    INSERT INTO refusal (repository, instance, reason, at)
    SELECT job.repository, job.instance, $2, now FROM job, clock WHERE job.id = $1
    ON CONFLICT (repository, instance) DO UPDATE SET reason = excluded.reason, at = excluded.at";

/// Whether a live instance may still take the job $1. A pinned one had only the one that just refused it.
const OTHERS: &str = concat!(
    "SELECT EXISTS (
         SELECT 1 FROM job, instance, clock
         WHERE job.id = $1 AND job.pinned IS NULL AND instance.id <> job.instance AND instance.takes_any
             AND instance.state = 'alive' AND instance.seen_at > now - 30000000 AND ",
    unrefused!("instance.id"),
    ") AS others"
);

/// Why those that live, and the one that runs the job $1, refused it: the first first.
const REASONS: &str = concat!(
    "SELECT refusal.reason, min(refusal.at) AS at
     FROM refusal JOIN job ON job.repository = refusal.repository, clock
     WHERE job.id = $1 AND refusal.at > now - ",
    term!(),
    "    AND (refusal.instance = job.instance
              OR (job.pinned IS NULL AND EXISTS (SELECT 1 FROM instance WHERE instance.id = refusal.instance
                                                 AND instance.takes_any AND instance.state = 'alive')))
     GROUP BY refusal.reason ORDER BY 2, 1 LIMIT 5"
);

const FORGET: &str = "DELETE FROM refusal WHERE repository = $1";

/// Characters of each reason that are kept where several are put together.
const REASON_MAX: usize = 500;

/// Notes that the instance of a running job refuses it. `None`: another may take it. Else the reasons of all that did.
pub(super) async fn note<C: Connection>(tx: &mut C, run: &Running, why: &str) -> sqlx::Result<Option<String>> {
    tx.run(NOTE, values![run.job, why]).await?;
    if tx.one(OTHERS, values![run.job]).await?.flag("others")? {
        return Ok(None);
    }
    let rows = tx.all(REASONS, values![run.job]).await?;
    let mut reasons: Vec<String> = rows.iter().map(|row| row.text("reason").map(short)).collect::<sqlx::Result<_>>()?;
    if reasons.len() < 2 {
        reasons = vec![why.to_owned()];
    }
    tx.run(FORGET, values![run.repository]).await?;
    Ok(Some(reasons.join("; ")))
}

fn short(reason: &str) -> String {
    reason.chars().take(REASON_MAX).collect()
}

/// The job goes back, for others and at once.
pub(super) async fn leave_to_others<C: Connection>(tx: &mut C, run: &Running, why: &str) -> sqlx::Result<()> {
    let ending = attempt::Ending { error: Some(why), ..attempt::Ending::default() };
    run.record(tx, AttemptOutcome::Refused, ending).await?;
    run.put_back(tx, attempt::Back::of(run)).await
}

/// The repository is dead because no instance could: one that joins may be able to.
pub(super) async fn mark<C: Connection>(tx: &mut C, run: &Running) -> sqlx::Result<()> {
    tx.run("UPDATE repository SET refused = true WHERE id = $1", values![run.repository]).await.map(drop)
}

/// An instance that takes any job joined: what is dead for want of one that could is due, once.
pub(super) async fn joined<C: Connection>(tx: &mut C) -> sqlx::Result<()> {
    const DUE: &str = concat!(
        "INSERT INTO job (repository, rank, run_at, enqueued_at)
        SELECT repository.id, repository.rank, now, now FROM repository, clock
        WHERE repository.refused AND repository.state = 'dead' ORDER BY repository.id
        ON CONFLICT ",
        queued_key!(),
        " DO NOTHING"
    );
    tx.run(DUE, &[]).await?;
    tx.run("UPDATE repository SET refused = false WHERE refused", &[]).await.map(drop)
}

/// An instance is gone: where it took any job, the others may be all that is left, and are asked anew.
pub(crate) async fn left<C: Connection>(tx: &mut C, instance: InstanceId) -> sqlx::Result<()> {
    const LEFT: &str = "
        DELETE FROM refusal WHERE instance = $1 OR EXISTS (SELECT 1 FROM instance WHERE id = $1 AND takes_any)";
    tx.run(LEFT, values![instance.0]).await.map(drop)
}

/// The refusals that stand, the oldest first.
pub(super) async fn list<B: Base>(store: &B, repository: Option<RepositoryId>) -> Result<Vec<Refusal>, Fault> {
    const LIST: &str = concat!(
        "SELECT repository, instance, reason, at FROM refusal, clock
         WHERE at > now - ",
        term!(),
        " AND ($1 IS NULL OR repository = $1) ORDER BY at, instance"
    );
    let rows = store.read().await?.all(LIST, values![repository.map(|id| id.0)]).await?;
    Ok(rows.iter().map(refusal_of).collect::<sqlx::Result<_>>()?)
}

fn refusal_of(row: &impl Row) -> sqlx::Result<Refusal> {
    Ok(Refusal {
        repository: RepositoryId(row.int("repository")?),
        instance: InstanceId(row.id("instance")?),
        reason: row.text("reason")?.to_owned(),
        at: moment(row.int("at")?),
    })
}

/// This instance is another than when it refused: a secret changed. It joins anew.
pub(super) async fn withdraw<B: Base>(store: &B, instance: InstanceId) -> Result<u64, Fault> {
    let mut tx = store.write().await?;
    let withdrawn = tx.run("DELETE FROM refusal WHERE instance = $1", values![instance.0]).await?;
    joined(&mut *tx).await?;
    tx.commit().await?;
    Ok(withdrawn)
}
