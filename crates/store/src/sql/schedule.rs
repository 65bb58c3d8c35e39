//! The schedule: what is due by its policy gets a job.

use super::base::wait;
use super::{Base, Connection as _, Fault, Row as _, Statements as _, values};
use crate::queue::Scheduled;
use crate::repository::RepositoryId;

/// When a repository is due: never tried, at once; else an interval after it was last tried. An adaptive interval is
/// half the age that the served commit had then, from 45 s to 8 h; each job in a row that failed for good doubles an
/// interval, up to 8 h. 20 failures make more than 8 hours of any that is worth the name.
macro_rules! due_at {
    () => {
        "CASE WHEN repository.tried_at IS NULL THEN repository.created_at
              ELSE repository.tried_at + (
                  SELECT CASE WHEN plain.wait >= 28800000000 THEN plain.wait
                              WHEN plain.wait << CASE WHEN repository.failures < 20 THEN repository.failures ELSE 20 END
                                   > 28800000000 THEN 28800000000
                              ELSE plain.wait << CASE WHEN repository.failures < 20 THEN repository.failures ELSE 20 END
                         END
                  FROM (SELECT CASE WHEN repository.refresh > 0 THEN repository.refresh
                                    WHEN repository.committed_at IS NULL
                                         OR repository.tried_at - repository.committed_at < 90000000 THEN 45000000
                                    WHEN repository.tried_at - repository.committed_at > 57600000000 THEN 28800000000
                                    ELSE (repository.tried_at - repository.committed_at) / 2 END AS wait) AS plain)
         END"
    };
}

/// Whether it gets jobs by itself, and has none. A dead one does: a host that was down for ten minutes, or a token that
/// ran out and is renewed, must not end for good what nobody looks at. One look at an index per row, whatever the
/// statistics say.
macro_rules! waits {
    () => {
        "repository.state IN ('active', 'dead') AND repository.refresh IS NOT NULL
         AND (SELECT job.id FROM job WHERE job.repository = repository.id AND job.state = 'queued') IS NULL
         AND (SELECT job.id FROM job WHERE job.repository = repository.id AND job.state = 'running') IS NULL"
    };
}

/// A job for each repository that is due, of those behind `$1` up to `$2`; `$lock` for those that are looked at.
macro_rules! queue_due {
    ($lock:literal) => {
        concat!(
            "INSERT INTO job (repository, rank, run_at, enqueued_at)
             SELECT repository.id, repository.rank, now, now FROM repository, clock
             WHERE repository.id > $1 AND repository.id <= $2 AND ",
            $crate::sql::schedule::waits!(),
            " AND ",
            $crate::sql::schedule::due_at!(),
            " <= now ORDER BY repository.id ",
            $lock,
            " ON CONFLICT (repository) WHERE state = 'queued' DO NOTHING"
        )
    };
}
pub(crate) use {due_at, queue_due, waits};

/// A page, and when the first of it is due: one statement, as most looks find nothing. Those without a schedule are in
/// no page.
const PAGE: &str = concat!(
    "WITH page AS (SELECT id FROM repository WHERE id > $1 AND refresh IS NOT NULL ORDER BY id LIMIT $2),
          seen AS (SELECT count(*) AS seen, coalesce(max(id), 0) AS last FROM page)
     SELECT seen, last, (SELECT min(",
    due_at!(),
    ") FROM repository WHERE repository.id > $1 AND repository.id <= last AND ",
    waits!(),
    ") - (SELECT now FROM clock) AS wait FROM seen"
);

pub(super) async fn enqueue_due<B: Base>(
    store: &B,
    after: Option<RepositoryId>,
    limit: u32,
) -> Result<Scheduled, Fault> {
    let of_page = values![after.map_or(0, |after| after.0), limit];
    let page = store.read().await?.one(PAGE, of_page).await?;
    let last = page.int("last")?;
    let mut next = page.maybe_int("wait")?;
    let mut enqueued = 0;
    if next.is_some_and(|wait| wait <= 0) {
        enqueued = store.once(B::Connection::QUEUE_DUE, values![after.map_or(0, |after| after.0), last]).await?;
        next = store.read().await?.one(PAGE, of_page).await?.maybe_int("wait")?;
    }
    Ok(Scheduled {
        enqueued: u32::try_from(enqueued).unwrap_or(u32::MAX),
        last: (page.small("seen")? == limit && limit > 0).then_some(RepositoryId(last)),
        next: wait(next),
    })
}
