//! The running attempt behind a claim, and the four ways its rows can go: recorded, finished, put back, buried.
//! All of it within the caller's transaction, which holds the job's row.

use std::time::Duration;

use super::rows::{numbered, owned};
use super::{Connection, Row as _, calendar, fill_jobs, micros, served, trying, values};
use crate::job::{AttemptOutcome, ClaimId, JobKind, Lane};
use crate::repository::RepositoryState;
use crate::shard::Shard;

/// The running attempt of a claim.
pub(crate) struct Running {
    pub(super) job: i64,
    pub(super) repository: i64,
    pub(super) kind: JobKind,
    /// Of a fill, as the next two.
    pub(super) generation: i64,
    pub(super) lane: Lane,
    pub(super) shard: Shard,
    pub(super) attempt: u32,
    pub(super) crashes: u32,
    pub(super) child_deaths: u32,
    pub(super) rescued: bool,
    /// A person took it out while it ran.
    pub(super) cancel: bool,
    /// What the history keeps of what it did, as JSON; `None`: nobody has said it.
    pub(super) summary: Option<String>,
    pub(super) claim: ClaimId,
}

/// What the history keeps of an attempt beside its times and its summary.
#[derive(Default)]
pub(super) struct Ending<'a> {
    pub(super) error: Option<&'a str>,
    pub(super) commit: Option<&'a str>,
    pub(super) traceparent: Option<&'a str>,
}

/// How a job goes back.
pub(super) struct Back<'a> {
    pub(super) after: Duration,
    /// Whether the attempt that ended counts.
    pub(super) counts: bool,
    /// It needs a slot, for which it waits from now on.
    pub(super) heavy: bool,
    /// Why; makes of the wait a backoff. `None` keeps what was there.
    pub(super) error: Option<&'a str>,
    /// The instance that ran it died: it is taken before all others.
    pub(super) rescued: bool,
    pub(super) crashes: u32,
    pub(super) child_deaths: u32,
}

impl Back<'_> {
    /// At once, without a word, as if the attempt had not been.
    pub(super) fn of(run: &Running) -> Self {
        Self {
            after: Duration::ZERO,
            counts: false,
            heavy: false,
            error: None,
            rescued: run.rescued,
            crashes: run.crashes,
            child_deaths: run.child_deaths,
        }
    }
}

/// The attempt that runs under `claim`; `None`: the claim was lost.
pub(super) async fn running<C: Connection>(conn: &mut C, claim: ClaimId) -> sqlx::Result<Option<Running>> {
    let Some(row) = conn.maybe(C::RUNNING, values![claim.0]).await? else { return Ok(None) };
    Ok(Some(Running {
        job: row.int("id")?,
        repository: row.int("repository")?,
        kind: numbered(&row, "kind", JobKind::from_number)?,
        generation: row.int("generation")?,
        lane: numbered(&row, "lane", Lane::from_number)?,
        shard: numbered(&row, "shard", Shard::from_number)?,
        attempt: row.small("attempt")?,
        crashes: row.small("crashes")?,
        child_deaths: row.small("child_deaths")?,
        rescued: row.flag("rescued")?,
        cancel: row.flag("cancel")?,
        summary: None,
        claim,
    }))
}

/// The same of a refresh; a fill neither stages nor publishes.
pub(super) async fn refreshing<C: Connection>(conn: &mut C, claim: ClaimId) -> sqlx::Result<Option<Running>> {
    Ok(running(conn, claim).await?.filter(|run| run.kind == JobKind::Refresh))
}

/// How the attempt of `claim` ended, if it did: its acknowledgement may have been lost.
pub(super) async fn outcome<C: Connection>(conn: &mut C, claim: ClaimId) -> sqlx::Result<Option<AttemptOutcome>> {
    const FIND: &str = "SELECT outcome FROM attempt WHERE claim = $1";
    let Some(row) = conn.maybe(FIND, values![claim.0]).await? else { return Ok(None) };
    Ok(AttemptOutcome::from_name(row.text("outcome")?))
}

/// The same, with its reason and what it was for.
pub(super) async fn ended<C: Connection>(
    conn: &mut C,
    claim: ClaimId,
) -> sqlx::Result<Option<(AttemptOutcome, Option<String>, JobKind)>> {
    const FIND: &str = "SELECT outcome, error, kind FROM attempt WHERE claim = $1";
    let Some(row) = conn.maybe(FIND, values![claim.0]).await? else { return Ok(None) };
    let (error, kind) = (owned(row.maybe_text("error")?), numbered(&row, "kind", JobKind::from_number)?);
    Ok(AttemptOutcome::from_name(row.text("outcome")?).map(|outcome| (outcome, error, kind)))
}

impl Running {
    /// Writes the attempt into the history; one that was fresh confirmed the commit that was published last. Before the
    /// job's row changes: the times come from it.
    pub(super) async fn record<C: Connection>(
        &self,
        conn: &mut C,
        outcome: AttemptOutcome,
        ending: Ending<'_>,
    ) -> sqlx::Result<()> {
        const RECORD: &str = "
            INSERT INTO attempt (job, repository, kind, number, claim, outcome, error, summary, commit_oid,
                                 queued_at, started_at, ended_at, traceparent)
            SELECT job.id, job.repository, job.kind, attempt, claim, $2, $3, $4,
                   CASE WHEN $2 = 'fresh'
                        THEN (SELECT served.commit_oid FROM served WHERE served.repository = job.repository
                              ORDER BY served.publication DESC LIMIT 1)
                        ELSE $5 END,
                   coalesce(first_run_at, run_at), claimed_at, now, coalesce(attempt_traceparent, $6)
            FROM job, clock WHERE job.id = $1";
        let (summary, traceparent) = (self.summary.as_deref(), ending.traceparent);
        let values = values![self.job, outcome.as_str(), ending.error, summary, ending.commit, traceparent];
        conn.run(RECORD, values).await.map(drop)
    }

    /// Its trace, where [`crate::Queue::note_trace`] told it.
    pub(super) async fn trace<C: Connection>(&self, conn: &mut C) -> sqlx::Result<Option<String>> {
        const TRACE: &str = "SELECT attempt_traceparent AS traceparent FROM job WHERE id = $1";
        Ok(owned(conn.one(TRACE, values![self.job]).await?.maybe_text("traceparent")?))
    }

    /// The job is done with.
    pub(super) async fn finish<C: Connection>(&self, conn: &mut C) -> sqlx::Result<()> {
        self.unstage(conn).await?;
        conn.run("DELETE FROM job WHERE id = $1", values![self.job]).await.map(drop)
    }

    /// The job is queued again under its own id, and takes a follow-up that waits into itself. A fill of a generation
    /// that retired or was dropped is done with.
    pub(super) async fn put_back<C: Connection>(&self, conn: &mut C, back: Back<'_>) -> sqlx::Result<()> {
        const FOLLOW_UP: &str = r#"
            DELETE FROM job WHERE repository = $1 AND kind = $2 AND generation = $3 AND lane = $4 AND shard = $5
                AND state = 'queued'
            RETURNING "full", forced, rank, run_at, traces, pinned, merged + 1 AS merged"#;
        const BACK: &str = "
            UPDATE job SET state = 'queued', claim = NULL, instance = NULL, claimed_at = NULL,
                run_at = (SELECT now FROM clock) + $2, attempt = attempt - $3, heavy = (heavy OR $4),
                last_error = coalesce($5, last_error), rescued = $6, crashes = $7, child_deaths = $8,
                first_run_at = CASE WHEN $4 THEN coalesce(first_run_at, run_at) END,
                slot_since = CASE WHEN $4 THEN coalesce(slot_since, (SELECT now FROM clock)) END
            WHERE id = $1";
        // Only a forced follow-up shortens a backoff.
        const FOLD: &str = r#"
            UPDATE job SET "full" = ("full" OR $2), forced = (forced OR $3),
                rank = CASE WHEN $4 < rank THEN $4 ELSE rank END,
                run_at = CASE WHEN $5 < run_at AND (last_error IS NULL OR $3) THEN $5 ELSE run_at END,
                traces = coalesce($6, traces), merged = merged + $7, pinned = $8
            WHERE id = $1"#;
        if self.kind == JobKind::Fill && !fill_jobs::is_wanted(conn, self.generation).await? {
            return self.finish(conn).await;
        }
        self.unstage(conn).await?;
        let (kind, lane, shard) = (self.kind.number(), self.lane.number(), self.shard.number());
        let follow_up = conn.maybe(FOLLOW_UP, values![self.repository, kind, self.generation, lane, shard]).await?;
        let (after, uncounted) = (micros(back.after), i64::from(!back.counts));
        let (rescued, crashes, deaths) = (back.rescued, back.crashes, back.child_deaths);
        let values = values![self.job, after, uncounted, back.heavy, back.error, rescued, crashes, deaths];
        conn.run(BACK, values).await?;
        let Some(row) = follow_up else { return Ok(()) };
        let (full, forced, rank) = (row.flag("full")?, row.flag("forced")?, row.int("rank")?);
        let (run_at, merged) = (row.int("run_at")?, row.int("merged")?);
        let (traces, pinned) = (row.maybe_text("traces")?, row.maybe_id("pinned")?);
        let values = values![self.job, full, forced, rank, run_at, traces, merged, pinned];
        conn.run(FOLD, values).await.map(drop)
    }

    /// The job is done with, and its repository is given up, if not for good. A paused one stays paused.
    pub(super) async fn bury<C: Connection>(
        &self,
        conn: &mut C,
        state: RepositoryState,
        error: &str,
    ) -> sqlx::Result<()> {
        const BURY: &str = "
            UPDATE repository SET state = CASE WHEN state = 'paused' THEN state ELSE $2 END, last_error = $3,
                refused = false, failures = failures + 1, tried_at = (SELECT now FROM clock),
                failing_since = coalesce(failing_since, (SELECT now FROM clock))
            WHERE id = $1 RETURNING id, calendar, tried_at AS since";
        calendar::tried(conn, BURY, values![self.repository, state.as_str(), error]).await?;
        self.finish(conn).await
    }

    /// What is served is current as of now: nothing that was held against the repository stands.
    pub(super) async fn clear<C: Connection>(&self, conn: &mut C) -> sqlx::Result<()> {
        const CURRENT: &str = "
            UPDATE repository SET tried_at = now, stale_since = NULL, last_error = NULL, failures = 0,
                failing_since = NULL,
                state = CASE WHEN state = 'paused' THEN state ELSE 'active' END
            FROM clock WHERE repository.id = $1
            RETURNING id, calendar, tried_at AS since";
        calendar::tried(conn, CURRENT, values![self.repository]).await?;
        served::confirm(conn, self.repository).await
    }

    /// The attempt failed, and another follows: why, and since when.
    pub(super) async fn blame<C: Connection>(&self, conn: &mut C, error: &str) -> sqlx::Result<()> {
        const BLAME: &str = "
            UPDATE repository SET last_error = $2, failing_since = coalesce(failing_since, (SELECT now FROM clock))
            WHERE id = $1";
        conn.run(BLAME, values![self.repository, error]).await.map(drop)
    }

    /// An attempt ended: the next is due an interval after it, or at the next moment by the calendar.
    pub(super) async fn tried<C: Connection>(&self, conn: &mut C) -> sqlx::Result<()> {
        const TRIED: &str = "
            UPDATE repository SET tried_at = (SELECT now FROM clock) WHERE id = $1
            RETURNING id, calendar, tried_at AS since";
        calendar::tried(conn, TRIED, values![self.repository]).await
    }

    /// A fill's process died: the text that it had in hand cannot be embedded. False: it had none.
    pub(super) async fn blame_text<C: Connection>(&self, conn: &mut C) -> sqlx::Result<bool> {
        trying::blame(conn, self.claim).await
    }

    /// Nobody saw why a fill's process died: the text that it had in hand may be to blame.
    pub(super) async fn suspect_text<C: Connection>(&self, conn: &mut C) -> sqlx::Result<()> {
        trying::suspect(conn, self.claim).await
    }

    /// What it had found so far, or in hand, is of no more meaning.
    pub(super) async fn unstage<C: Connection>(&self, conn: &mut C) -> sqlx::Result<()> {
        match self.kind {
            JobKind::Refresh => {
                conn.run("DELETE FROM staged_entry WHERE claim = $1", values![self.claim.0]).await.map(drop)
            }
            JobKind::Fill => trying::let_go(conn, self.claim).await,
        }
    }
}
