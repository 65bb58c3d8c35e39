//! The running attempt behind a claim, and the four ways its rows can go: recorded, finished, put back, buried.
//! All of it within the caller's transaction, which holds the write lock.

use std::time::Duration;

use sqlx::SqliteConnection;

use super::rows;
use crate::job::{AttemptOutcome, ClaimId};
use crate::repository::RepositoryState;

/// The running attempt of a claim.
pub(super) struct Running {
    pub(super) job: i64,
    pub(super) repository: i64,
    pub(super) attempt: u32,
    pub(super) crashes: u32,
    pub(super) suspect: bool,
    claim: Vec<u8>,
}

/// What the history keeps of an attempt beside its times.
#[derive(Default)]
pub(super) struct Ending<'a> {
    pub(super) error: Option<&'a str>,
    pub(super) summary: Option<&'a serde_json::Value>,
    pub(super) commit: Option<&'a str>,
    pub(super) traceparent: Option<&'a str>,
}

/// How a job goes back.
pub(super) struct Back<'a> {
    pub(super) after: Duration,
    /// Whether the attempt that ended counts.
    pub(super) counts: bool,
    /// It needs a slot.
    pub(super) heavy: bool,
    /// Why; makes of the wait a backoff. `None` keeps what was there.
    pub(super) error: Option<&'a str>,
    /// It ran in a process that died: it runs alone from now on.
    pub(super) suspect: bool,
    pub(super) crashes: u32,
}

/// The attempt that runs under `claim`; `None`: the claim was lost.
pub(super) async fn running(conn: &mut SqliteConnection, claim: ClaimId) -> sqlx::Result<Option<Running>> {
    const FIND: &str =
        "SELECT id, repository, attempt, crashes, suspect FROM job WHERE claim = ? AND state = 'running'";
    let claim = claim.0.as_bytes().to_vec();
    let row: Option<(i64, i64, u32, u32, bool)> =
        sqlx::query_as(FIND).bind(claim.as_slice()).fetch_optional(conn).await?;
    Ok(row.map(|(job, repository, attempt, crashes, suspect)| Running {
        job,
        repository,
        attempt,
        crashes,
        suspect,
        claim,
    }))
}

/// How the attempt of `claim` ended, if it did: its acknowledgement may have been lost.
pub(super) async fn outcome(conn: &mut SqliteConnection, claim: ClaimId) -> sqlx::Result<Option<AttemptOutcome>> {
    const FIND: &str = "SELECT outcome FROM attempt WHERE claim = ?";
    let name: Option<String> =
        sqlx::query_scalar(FIND).bind(claim.0.as_bytes().as_slice()).fetch_optional(conn).await?;
    Ok(name.as_deref().and_then(AttemptOutcome::from_name))
}

impl Running {
    /// Writes the attempt into the history. Before the job's row changes: the times come from it.
    pub(super) async fn record(
        &self,
        conn: &mut SqliteConnection,
        outcome: AttemptOutcome,
        ending: Ending<'_>,
    ) -> sqlx::Result<()> {
        const RECORD: &str = "
            INSERT INTO attempt (job, repository, number, claim, outcome, error, summary, commit_oid,
                                 queued_at, started_at, ended_at, traceparent)
            SELECT id, repository, attempt, claim, ?2, ?3, ?4, ?5, run_at, claimed_at, now,
                   coalesce(attempt_traceparent, ?6)
            FROM job, clock WHERE id = ?1";
        let summary = ending.summary.map(serde_json::Value::to_string);
        sqlx::query(RECORD)
            .bind(self.job)
            .bind(outcome.as_str())
            .bind(ending.error)
            .bind(summary)
            .bind(ending.commit)
            .bind(ending.traceparent)
            .execute(conn)
            .await
            .map(drop)
    }

    /// The job is done with.
    pub(super) async fn finish(&self, conn: &mut SqliteConnection) -> sqlx::Result<()> {
        self.unstage(conn).await?;
        sqlx::query("DELETE FROM job WHERE id = ?").bind(self.job).execute(conn).await.map(drop)
    }

    /// The job is queued again under its own id, and takes a follow-up that waits into itself.
    pub(super) async fn put_back(&self, conn: &mut SqliteConnection, back: Back<'_>) -> sqlx::Result<()> {
        const FOLLOW_UP: &str = "
            DELETE FROM job WHERE repository = ? AND state = 'queued'
            RETURNING full, forced, rank, run_at, traceparent, merged + 1";
        const BACK: &str = "
            UPDATE job SET state = 'queued', claim = NULL, instance = NULL, claimed_at = NULL,
                run_at = (SELECT now FROM clock) + ?2, attempt = attempt - ?3, heavy = max(heavy, ?4),
                last_error = coalesce(?5, last_error), suspect = max(suspect, ?6), crashes = ?7
            WHERE id = ?1";
        // Only a forced follow-up shortens a backoff.
        const FOLD: &str = "
            UPDATE job SET full = max(full, ?2), forced = max(forced, ?3), rank = min(rank, ?4),
                run_at = iif(last_error IS NULL OR ?3, min(run_at, ?5), run_at),
                traceparent = coalesce(?6, traceparent), merged = merged + ?7
            WHERE id = ?1";
        self.unstage(conn).await?;
        let follow_up: Option<(bool, bool, i32, i64, Option<String>, i64)> =
            sqlx::query_as(FOLLOW_UP).bind(self.repository).fetch_optional(&mut *conn).await?;
        sqlx::query(BACK)
            .bind(self.job)
            .bind(rows::micros(back.after))
            .bind(i64::from(!back.counts))
            .bind(back.heavy)
            .bind(back.error)
            .bind(back.suspect)
            .bind(back.crashes)
            .execute(&mut *conn)
            .await?;
        let Some((full, forced, rank, run_at, traceparent, merged)) = follow_up else { return Ok(()) };
        let fold = sqlx::query(FOLD).bind(self.job).bind(full).bind(forced).bind(rank).bind(run_at);
        fold.bind(traceparent).bind(merged).execute(conn).await.map(drop)
    }

    /// The job is done with, and its repository is not warmed by itself any more. A paused one stays paused.
    pub(super) async fn bury(
        &self,
        conn: &mut SqliteConnection,
        state: RepositoryState,
        error: &str,
    ) -> sqlx::Result<()> {
        const BURY: &str = "
            UPDATE repository SET state = iif(state = 'paused', state, ?2), last_error = ?3 WHERE id = ?1";
        sqlx::query(BURY).bind(self.repository).bind(state.as_str()).bind(error).execute(&mut *conn).await?;
        self.finish(conn).await
    }

    /// What is served is current as of now: nothing that was held against the repository stands.
    pub(super) async fn exonerate(&self, conn: &mut SqliteConnection) -> sqlx::Result<()> {
        const CURRENT: &str = "
            UPDATE repository SET served_at = (SELECT now FROM clock), stale_since = NULL, last_error = NULL,
                state = iif(state = 'paused', state, 'active')
            WHERE id = ?";
        sqlx::query(CURRENT).bind(self.repository).execute(conn).await.map(drop)
    }

    async fn unstage(&self, conn: &mut SqliteConnection) -> sqlx::Result<()> {
        sqlx::query("DELETE FROM staged_entry WHERE claim = ?")
            .bind(self.claim.as_slice())
            .execute(conn)
            .await
            .map(drop)
    }
}
