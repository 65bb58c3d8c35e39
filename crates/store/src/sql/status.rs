//! The figures of `warmer status`.

use super::rows::{count, moment};
use super::{Base, Connection as _, Fault, Row, Statements as _, fleet, values};
use crate::fleet::{Configuration, Fleet, MODEL_KEYS, differences, keys_within};
use crate::job::InstanceId;
use crate::repository::RepositoryId;
use crate::status::{EndedCounts, InstanceStatus, Status};

/// Repositories that are to be checked by now, of those that pass `$among`, with how long they have been and for how
/// long their budget of staleness has been used up: what is being checked, or waits after a failure, is not among them.
macro_rules! late {
    ($($among:tt)*) => {
        concat!(
            "SELECT now - due AS waits, now - CASE WHEN late > due THEN late ELSE due END AS age
            FROM (SELECT now, ",
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

/// The figures of the repositories $1, or of all where there is no list; `$among` tells that the column before it is in
/// the list. An instance without a heartbeat for 30 s is not counted; its heartbeat comes every second. The rates are
/// counted in the history, which has each attempt for longer than their window; those of a day in `attempt_count`,
/// which does not know whose they were.
macro_rules! figures {
    ($among:literal) => {
        concat!(
            "WITH due AS (SELECT age FROM due_job WHERE $1 IS NULL OR repository ",
            $among,
            "),
            late AS (",
            $crate::sql::status::late!("($1 IS NULL OR repository.id ", $among, ")"),
            "),
            alive AS (SELECT capacity, takes_any FROM instance, clock
                WHERE state = 'alive' AND seen_at > now - 30000000),
            recent AS (SELECT outcome FROM attempt
                WHERE kind = 0 AND ended_at > (SELECT now FROM clock) - 300000000
                    AND ($1 IS NULL OR attempt.repository ",
            $among,
            ")),
            seen AS (SELECT state, stale_since FROM repository WHERE $1 IS NULL OR id ",
            $among,
            "),
            waiting AS (SELECT kind, state, run_at FROM job WHERE $1 IS NULL OR repository ",
            $among,
            "),
            ended AS (SELECT CAST(coalesce(sum(warmed), 0) AS BIGINT) AS warmed,
                           CAST(coalesce(sum(fresh), 0) AS BIGINT) AS fresh,
                           CAST(coalesce(sum(failed), 0) AS BIGINT) AS failed FROM attempt_count
                WHERE minute > (SELECT now FROM clock) / 60000000 - 1440)
            SELECT
                (SELECT count(*) FROM due) AS queue_depth,
                (SELECT max(age) FROM due) AS oldest,
                (SELECT count(*) FROM alive) AS active_workers,
                (SELECT count(*) FROM alive WHERE takes_any) AS daemons,
                (SELECT CAST(coalesce(sum(capacity), 0) AS BIGINT) FROM alive) AS capacity,
                (SELECT now FROM clock) AS now,
                (SELECT count(*) FROM recent WHERE outcome IN ('warmed', 'fresh')) AS recent_completed,
                (SELECT count(*) FROM recent
                    WHERE outcome IN ('retry', 'stuck', 'unfit', 'dead', 'lost', 'crashed')) AS recent_failed,
                (SELECT count(*) FROM waiting WHERE state = 'running' AND kind = 0) AS running,
                (SELECT count(*) FROM waiting WHERE state = 'running' AND kind = 1) AS fills_running,
                (SELECT count(*) FROM waiting WHERE state = 'queued' AND kind = 1) AS fills_queued,
                (SELECT CAST(coalesce(sum(lack.texts), 0) AS BIGINT)
                    FROM lack JOIN generation ON generation.id = lack.generation
                    WHERE generation.state IN ('active', 'building') AND ($1 IS NULL OR lack.repository ",
            $among,
            ")) AS texts_missing,
                (SELECT max(coverage.hold_until)
                    FROM coverage JOIN generation ON generation.id = coverage.generation
                    WHERE generation.state IN ('active', 'building') AND coverage.hold_until > (SELECT now FROM clock)
                        AND ($1 IS NULL OR coverage.repository ",
            $among,
            ")) AS hold_until,
                (SELECT count(*) FROM waiting, clock WHERE state = 'queued' AND kind = 0 AND run_at > now) AS delayed,
                (SELECT count(*) FROM seen) AS repositories,
                (SELECT count(*) FROM seen WHERE state = 'dead') AS dead,
                (SELECT count(*) FROM seen WHERE state = 'quarantined') AS quarantined,
                (SELECT count(*) FROM seen WHERE stale_since IS NOT NULL) AS stale,
                (SELECT count(*) FROM late WHERE waits > 0) AS due,
                (SELECT count(*) FROM late WHERE age > 0) AS overdue,
                (SELECT max(age) FROM late WHERE age > 0) AS oldest_overdue,
                ended.warmed, ended.fresh, ended.failed FROM ended"
        )
    };
}

/// The instances that `figures!` counts, each with the refreshes of the repositories $1 that it runs.
macro_rules! instances {
    ($among:literal) => {
        concat!(
            "SELECT id, started_at, seen_at, capacity, version, host, pid, takes_any, configuration, keys,
                (SELECT count(*) FROM job WHERE job.state = 'running' AND job.kind = 0 AND job.instance = instance.id
                    AND ($1 IS NULL OR job.repository ",
            $among,
            ")) AS running
            FROM instance, clock WHERE state = 'alive' AND seen_at > now - 30000000 ORDER BY started_at, id"
        )
    };
}
pub(crate) use {figures, instances, late};

/// The window of the rates, in minutes.
const WINDOW: f64 = 5.0;

pub(super) async fn status<B: Base>(store: &B, of: Option<&[RepositoryId]>) -> Result<Status, Fault> {
    let ids: Option<Vec<i64>> = of.map(|ids| ids.iter().map(|id| id.0).collect());
    let slots_held = store.slots_held().await?;
    let mut conn = store.read().await?;
    let row = conn.one(B::Connection::STATUS, values![ids.as_deref()]).await?;
    let instances = conn.all(B::Connection::INSTANCES, values![ids.as_deref()]).await?;
    let fleet = fleet::read(&mut *conn).await?;
    let number = |column| row.int(column).map(count);
    let capacity = number("capacity")?;
    let now = moment(row.int("now")?);
    let configuration = fleet.as_ref().map(|fleet| &fleet.configuration);
    let slots = configuration.map_or(0, |configuration| configuration.slots_at(now));
    Ok(Status {
        queue_depth: number("queue_depth")?,
        oldest_job: super::base::wait(row.maybe_int("oldest")?),
        active_workers: number("active_workers")?,
        daemons: number("daemons")?,
        total_slots: if slots == 0 { capacity } else { capacity.min(slots.into()) },
        completed_per_min: number("recent_completed")? as f64 / WINDOW,
        failed_per_min: number("recent_failed")? as f64 / WINDOW,
        running: number("running")?,
        delayed: number("delayed")?,
        fills_running: number("fills_running")?,
        fills_queued: number("fills_queued")?,
        texts_missing: number("texts_missing")?,
        hold_until: row.maybe_int("hold_until")?.map(moment),
        repositories: number("repositories")?,
        dead: number("dead")?,
        quarantined: number("quarantined")?,
        stale: number("stale")?,
        due: number("due")?,
        overdue: number("overdue")?,
        oldest_overdue: super::base::wait(row.maybe_int("oldest_overdue")?),
        ended_24h: if of.is_none() {
            Some(EndedCounts { warmed: number("warmed")?, fresh: number("fresh")?, failed: number("failed")? })
        } else {
            None
        },
        slots: configuration.map_or(0, |configuration| configuration.slots),
        slots_in_force: slots,
        slots_held,
        instances: instances.iter().map(|row| instance_of(row, fleet.as_ref())).collect::<sqlx::Result<_>>()?,
        fleet,
    })
}

fn instance_of(row: &impl Row, fleet: Option<&Fleet>) -> sqlx::Result<InstanceStatus> {
    let configuration = row.text("configuration")?;
    let other = fleet.map(|fleet| &fleet.configuration);
    let same =
        |fleet: &Configuration| [fleet.digest(), fleet.digest_without_model()].contains(&configuration.to_owned());
    let other = other.filter(|fleet| !configuration.is_empty() && !same(fleet));
    let keys = fleet::keys_of(row)?;
    Ok(InstanceStatus {
        id: InstanceId(row.id("id")?),
        started_at: moment(row.int("started_at")?),
        seen_at: moment(row.int("seen_at")?),
        capacity: row.small("capacity")?,
        version: row.text("version")?.to_owned(),
        host: row.text("host")?.to_owned(),
        pid: row.small("pid")?,
        running: count(row.int("running")?),
        takes_any: row.flag("takes_any")?,
        differs: other.map(|fleet| differences(&keys_within(&keys, &fleet.keys), &fleet.keys)).unwrap_or_default(),
        model: keys.get(MODEL_KEYS[0]).cloned(),
    })
}
