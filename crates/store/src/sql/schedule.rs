//! The schedule: what is due by its policy gets a job.

use std::time::Duration;

use tracing::Instrument as _;

use super::rows::{count, moment};
use super::spans::Sent;
use super::{Base, Connection as _, Fault, Row as _, Statements as _, calendar, micros, values};
use crate::queue::Scheduled;
use crate::repository::RepositoryId;
use crate::status::Schedule;

/// The time between two checks: what was asked for; half the age that the served commit had when it was last tried,
/// from 45 s to 8 h, where it is adaptive; 15 minutes for what is checked by the calendar, of which only the doubled
/// ones count. Each job in a row that failed for good doubles it, up to 8 h. 20 failures make more than 8 hours of any
/// that is worth the name.
macro_rules! interval {
    () => {
        "(SELECT CASE WHEN plain.wait >= 28800000000 THEN plain.wait
                      WHEN plain.wait << CASE WHEN repository.failures < 20 THEN repository.failures ELSE 20 END
                           > 28800000000 THEN 28800000000
                      ELSE plain.wait << CASE WHEN repository.failures < 20 THEN repository.failures ELSE 20 END END
          FROM (SELECT CASE WHEN repository.refresh > 0 THEN repository.refresh
                            WHEN repository.refresh < 0 THEN 900000000
                            WHEN coalesce(repository.tried_at - repository.committed_at, 0) < 90000000 THEN 45000000
                            WHEN repository.tried_at - repository.committed_at > 57600000000 THEN 28800000000
                            ELSE (repository.tried_at - repository.committed_at) / 2 END AS wait) AS plain)"
    };
}

/// When a repository is due: never tried, at once; at its next moment where it is checked by the calendar; else, and
/// where the last job failed and that comes first, an interval after it was last tried.
macro_rules! due_at {
    () => {
        concat!(
            "CASE WHEN repository.tried_at IS NULL THEN repository.created_at
                  WHEN repository.refresh < 0
                       AND (repository.failures = 0 OR repository.next_at <= repository.tried_at + ",
            $crate::sql::schedule::interval!(),
            ") THEN repository.next_at ELSE repository.tried_at + ",
            $crate::sql::schedule::interval!(),
            " END"
        )
    };
}

/// When its budget of staleness is used up: where nobody set one, when it should have been checked twice.
macro_rules! late_at {
    () => {
        concat!(
            "CASE WHEN repository.staleness_budget IS NULL AND repository.refresh < 0 THEN repository.late_at
                  ELSE coalesce(repository.tried_at, repository.created_at)
                       + coalesce(repository.staleness_budget, 2 * ",
            $crate::sql::schedule::interval!(),
            ") END"
        )
    };
}

/// Whether it gets refreshes by itself, and has none. A dead one does: a host that was down for ten minutes, or a token
/// that ran out and is renewed, must not end for good what nobody looks at. One look at an index per row, whatever the
/// statistics say.
macro_rules! waits {
    () => {
        "repository.state IN ('active', 'dead') AND repository.refresh IS NOT NULL
         AND (SELECT job.id FROM job
              WHERE job.repository = repository.id AND job.kind = 0 AND job.state = 'queued') IS NULL
         AND (SELECT job.id FROM job
              WHERE job.repository = repository.id AND job.kind = 0 AND job.state = 'running') IS NULL"
    };
}

/// A job for each repository that is due, of those behind `$1` up to `$2`; `$lock` for those that are looked at. What
/// is due by the calendar begins within `$3`, at a place of its own: 40503 is 2^16 over the golden ratio, which puts
/// each number into the largest gap that those before it left. `$4` is the trace of the look.
macro_rules! queue_due {
    ($lock:literal) => {
        concat!(
            "INSERT INTO job (repository, rank, run_at, enqueued_at, traces)
             SELECT repository.id, repository.rank,
                    now + CASE WHEN repository.refresh < 0 AND repository.tried_at IS NOT NULL
                               THEN $3 * (repository.id * 40503 % 65536) / 65536 ELSE 0 END, now,
                    CAST($4 AS TEXT)
             FROM repository, clock
             WHERE repository.id > $1 AND repository.id <= $2 AND ",
            $crate::sql::schedule::waits!(),
            " AND ",
            $crate::sql::schedule::due_at!(),
            " <= now ORDER BY repository.id ",
            $lock,
            " ON CONFLICT ",
            $crate::sql::enqueue::queued_key!(),
            " DO NOTHING"
        )
    };
}
/// Repositories by their ids that are to be checked by now, of those that pass `$among`, with how long they have been
/// and for how long their budget of staleness has been used up: what is being checked, or waits after a failure, is not
/// among them.
macro_rules! late {
    ($($among:tt)*) => {
        concat!(
            "SELECT id, now - due AS waits, now - CASE WHEN late > due THEN late ELSE due END AS age
            FROM (SELECT repository.id, now, ",
            $crate::sql::schedule::due_at!(),
            " AS due, ",
            $crate::sql::schedule::late_at!(),
            " AS late FROM repository, clock
            WHERE repository.state IN ('active', 'dead') AND repository.refresh IS NOT NULL AND ",
            $($among)*,
            " AND (SELECT job.id FROM job
                   WHERE job.repository = repository.id AND job.kind = 0 AND job.state = 'running') IS NULL
              AND coalesce((SELECT job.run_at FROM job
                            WHERE job.repository = repository.id AND job.kind = 0 AND job.state = 'queued'), 0) <= now)
            AS planned"
        )
    };
}
pub(crate) use {due_at, interval, late, late_at, queue_due, waits};

/// A page, and when the first of it is due: one statement, as most looks find nothing. Those without a schedule are in
/// no page. `unplanned` are those by the calendar whose next moment is not known.
const PAGE: &str = concat!(
    "WITH page AS (SELECT id, refresh < 0 AND tried_at IS NOT NULL AND next_at IS NULL AS unplanned
                   FROM repository WHERE id > $1 AND refresh IS NOT NULL ORDER BY id LIMIT $2),
          seen AS (SELECT count(*) AS seen, coalesce(max(id), 0) AS last,
                          coalesce(sum(CASE WHEN unplanned THEN 1 ELSE 0 END), 0) AS unplanned FROM page)
     SELECT seen, last, unplanned, (SELECT min(",
    due_at!(),
    ") FROM repository WHERE repository.id > $1 AND repository.id <= last AND ",
    waits!(),
    ") - (SELECT now FROM clock) AS wait FROM seen"
);

/// The longest time over which what is due at the same moment is spread.
const SPREAD_MAX: Duration = Duration::from_hours(1);

pub(super) async fn enqueue_due<B: Base>(
    store: &B,
    after: Option<RepositoryId>,
    limit: u32,
    spread: Duration,
) -> Result<Scheduled, Fault> {
    let after = after.map_or(0, |after| after.0);
    let mut page = store.read().await?.one(PAGE, values![after, limit]).await?;
    let last = page.int("last")?;
    if page.int("unplanned")? > 0 {
        calendar::plan_all(store, after, last).await?;
        page = store.read().await?.one(PAGE, values![after, limit]).await?;
    }
    let mut next = page.maybe_int("wait")?;
    let mut enqueued = 0;
    if next.is_some_and(|wait| wait <= 0) {
        let spread = micros(spread.min(SPREAD_MAX));
        let sent = Sent::here(store.system(), None);
        let values = values![after, last, spread, sent.trace()];
        enqueued = store.once(B::Connection::QUEUE_DUE, values).instrument(sent.span.clone()).await?;
        sent.jobs(enqueued);
        next = store.read().await?.one(PAGE, values![after, limit]).await?.maybe_int("wait")?;
    }
    Ok(Scheduled {
        enqueued: u32::try_from(enqueued).unwrap_or(u32::MAX),
        last: (page.small("seen")? == limit && limit > 0).then_some(RepositoryId(last)),
        next: super::base::wait(next),
    })
}

/// `due` of those that are checked by themselves; what is queued begins when its job may.
const LIST: &str = concat!(
    "SELECT planned.*, now,
            (SELECT ended_at - started_at FROM attempt WHERE attempt.repository = planned.id AND attempt.kind = 0
             ORDER BY attempt.id DESC LIMIT 1) AS last
     FROM (SELECT repository.id, repository.created_at, repository.tried_at,
                  (SELECT job.run_at FROM job
                   WHERE job.repository = repository.id AND job.kind = 0 AND job.state = 'queued') AS queued,
                  EXISTS (SELECT 1 FROM job WHERE job.repository = repository.id AND job.kind = 0
                          AND job.state = 'running') AS running,
                  CASE WHEN repository.state IN ('active', 'dead') AND repository.refresh IS NOT NULL THEN ",
    due_at!(),
    " END AS due, CASE WHEN repository.refresh IS NOT NULL THEN ",
    late_at!(),
    " END AS late FROM repository) AS planned, clock"
);

/// When each repository is checked.
pub(super) async fn list<B: Base>(store: &B) -> Result<Vec<Schedule>, Fault> {
    let found = store.read().await?.all(LIST, &[]).await?;
    Ok(found.iter().map(schedule_of).collect::<sqlx::Result<_>>()?)
}

fn schedule_of(row: &impl super::Row) -> sqlx::Result<Schedule> {
    let (now, queued, running) = (row.int("now")?, row.maybe_int("queued")?, row.flag("running")?);
    let (due, late) = (row.maybe_int("due")?, row.maybe_int("late")?);
    let since = row.maybe_int("tried_at")?.map_or_else(|| row.int("created_at"), Ok)?;
    let waits = !running && queued.is_none_or(|at| at <= now);
    let overdue = due.zip(late).map(|(due, late)| now - due.max(late)).filter(|age| *age > 0 && waits);
    let span = |micros: i64| Duration::from_micros(count(micros));
    Ok(Schedule {
        repository: RepositoryId(row.int("id")?),
        next: queued.or(due.filter(|_| !running)).map(moment),
        overdue: overdue.map(span),
        budget: late.map(|late| span(late - since)),
        last: row.maybe_int("last")?.map(span),
    })
}
