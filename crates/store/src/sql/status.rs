//! The figures of `warmer status`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::base::wait;
use super::rows::{count as count_of, moment};
use super::{Base, Connection, Fault, Row, fleet, trouble, values};
use crate::fleet::{Configuration, Fleet, MODEL_KEYS, differences, keys_within};
use crate::job::InstanceId;
use crate::status::{EndedCounts, InstanceStatus, Status};

/// The figures of the repositories $1, or of all where there is no list; `$among` tells that the column before it is in
/// the list, `$chunks` how many chunks a row of `served` has. What is `used` is the generation by whose vectors a
/// repository is found; others cover it beside, until one takes its place. The rates are counted in the
/// history, which has each attempt for longer than their window; those of a day in `attempt_count`, which does not know
/// whose they were.
macro_rules! figures {
    ($among:literal, $chunks:literal) => {
        concat!(
            "WITH due AS (SELECT count(*) AS queue_depth, max(age) AS oldest FROM due_job
                WHERE $1 IS NULL OR repository ",
            $among,
            "),
            late AS (SELECT count(*) FILTER (WHERE waits > 0) AS due, count(*) FILTER (WHERE age > 0) AS overdue,
                            max(age) FILTER (WHERE age > 0) AS oldest_overdue
                FROM (",
            $crate::sql::schedule::late!("($1 IS NULL OR repository.id ", $among, ")"),
            ") AS late),
            recent AS (SELECT count(*) FILTER (WHERE outcome IN ('warmed', 'fresh')) AS recent_completed,
                              count(*) FILTER (WHERE outcome IN ('retry', 'stuck', 'unfit', 'dead', 'lost', 'crashed'))
                                  AS recent_failed
                FROM attempt
                WHERE kind = 0 AND ended_at > (SELECT now FROM clock) - 300000000
                    AND ($1 IS NULL OR attempt.repository ",
            $among,
            ")),
            seen AS (SELECT count(*) AS repositories, count(*) FILTER (WHERE state = 'dead') AS dead,
                            count(*) FILTER (WHERE state = 'quarantined') AS quarantined,
                            count(*) FILTER (WHERE stale_since IS NOT NULL) AS stale
                FROM repository WHERE $1 IS NULL OR id ",
            $among,
            "),
            waiting AS (SELECT count(*) AS jobs, count(*) FILTER (WHERE state = 'running' AND kind = 0) AS running,
                               count(*) FILTER (WHERE state = 'running' AND kind = 1) AS fills_running,
                               count(*) FILTER (WHERE state = 'queued' AND kind = 1) AS fills_queued,
                               count(*) FILTER (WHERE state = 'queued' AND kind = 0
                                                AND run_at > (SELECT now FROM clock)) AS delayed
                FROM job WHERE $1 IS NULL OR repository ",
            $among,
            "),
            used AS (SELECT served.id AS repository, generation.id AS generation, ",
            $chunks,
            " AS chunks FROM repository_served AS served
                JOIN fingerprint ON fingerprint.digest = served.served_embedding
                JOIN generation ON generation.embedding = fingerprint.id AND generation.chunking = served.chunking
                WHERE $1 IS NULL OR served.id ",
            $among,
            "),
            lacking AS (SELECT CAST(coalesce(sum(missing.artifacts), 0) AS BIGINT) AS artifacts,
                    CAST(coalesce(sum(CASE WHEN used.generation IS NOT NULL THEN texts END), 0) AS BIGINT)
                        AS texts_missing,
                    CAST(coalesce(sum(CASE WHEN used.generation IS NULL THEN texts END), 0) AS BIGINT)
                        AS texts_building_missing
                FROM (SELECT repository, generation, count(*) AS artifacts, sum(texts) AS texts FROM lack
                      WHERE $1 IS NULL OR lack.repository ",
            $among,
            " GROUP BY repository, generation) AS missing
                JOIN generation ON generation.id = missing.generation
                LEFT JOIN used ON used.repository = missing.repository AND used.generation = missing.generation
                WHERE used.generation IS NOT NULL OR generation.state IN ('active', 'building')),
            covered AS (SELECT CAST(coalesce(sum(used.chunks), 0) AS BIGINT) AS texts,
                    CAST(coalesce(sum(CASE WHEN used.generation IS NULL THEN ",
            $chunks,
            " END), 0) AS BIGINT) AS texts_building,
                    max(CASE WHEN coverage.hold_until > (SELECT now FROM clock) THEN coverage.hold_until END)
                        AS hold_until
                FROM coverage JOIN generation ON generation.id = coverage.generation
                LEFT JOIN served ON served.repository = coverage.repository AND served.chunking = generation.chunking
                LEFT JOIN used ON used.repository = coverage.repository AND used.generation = coverage.generation
                WHERE (used.generation IS NOT NULL OR generation.state IN ('active', 'building'))
                    AND ($1 IS NULL OR coverage.repository ",
            $among,
            ")),
            left_out AS (SELECT count(DISTINCT refusal.repository) AS refused
                FROM refusal JOIN instance ON instance.id = refusal.instance, clock
                WHERE refusal.at > now - ",
            $crate::sql::refusal::term!(),
            " AND instance.state = 'alive' AND instance.seen_at > now - 30000000
                    AND ($1 IS NULL OR refusal.repository ",
            $among,
            ")),
            ended AS (SELECT CAST(coalesce(sum(warmed), 0) AS BIGINT) AS warmed,
                           CAST(coalesce(sum(fresh), 0) AS BIGINT) AS fresh,
                           CAST(coalesce(sum(failed), 0) AS BIGINT) AS failed FROM attempt_count
                WHERE minute > (SELECT now FROM clock) / 60000000 - 1440)
            SELECT due.*, late.*, recent.*, seen.*, waiting.*, lacking.*, covered.*, left_out.*, ended.*,
                (SELECT count(DISTINCT repository) FROM served WHERE $1 IS NULL OR repository ",
            $among,
            ") AS served
            FROM due, late, recent, seen, waiting, lacking, covered, left_out, ended"
        )
    };
}

/// The live instances, each with the refreshes of the repositories $1 that it runs. One without a heartbeat for 30 s is
/// none; its heartbeat comes every second.
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
pub(crate) use {figures, instances};

/// The window of the rates, in minutes.
const WINDOW: f64 = 5.0;

/// All that a count for all has, given up after so long.
pub(super) async fn count<B: Base>(store: &B, within: Duration) -> Result<Status, Fault> {
    let mut conn = store.brief(within).await?;
    let figures = counted(&mut *conn, None).await?;
    let figures = Status { table_rows: table_rows(&mut *conn).await?, ..figures };
    Ok(with_instances(&mut *conn, None, figures).await?)
}

async fn table_rows<C: Connection>(conn: &mut C) -> sqlx::Result<BTreeMap<String, u64>> {
    let rows = conn.all(C::TABLE_ROWS, &[]).await?;
    rows.iter().map(|row| Ok((row.text("name")?.to_owned(), count_of(row.int("rows")?)))).collect()
}

/// What is counted, without instances and slots.
pub(super) async fn counted<C: Connection>(conn: &mut C, ids: Option<&[i64]>) -> sqlx::Result<Status> {
    let row = conn.one(C::STATUS, values![ids]).await?;
    let troubles = ["overdue", "dead", "quarantined", "stale", "refused"].map(|kind| row.int(kind));
    let any = troubles.into_iter().collect::<sqlx::Result<Vec<_>>>()?.iter().sum::<i64>() > 0;
    // Most of the time there is nobody to name.
    let troubles = if any { trouble::list(conn, ids).await? } else { vec![] };
    let number = |column| row.int(column).map(count_of);
    let ended = || {
        Ok::<_, sqlx::Error>(EndedCounts {
            warmed: number("warmed")?,
            fresh: number("fresh")?,
            failed: number("failed")?,
        })
    };
    Ok(Status {
        rows: number("jobs")? + number("repositories")? + number("artifacts")?,
        queue_depth: number("queue_depth")?,
        oldest_job: wait(row.maybe_int("oldest")?),
        completed_per_min: number("recent_completed")? as f64 / WINDOW,
        failed_per_min: number("recent_failed")? as f64 / WINDOW,
        running: number("running")?,
        delayed: number("delayed")?,
        fills_running: number("fills_running")?,
        fills_queued: number("fills_queued")?,
        texts_missing: number("texts_missing")?,
        texts: number("texts")?,
        texts_building_missing: number("texts_building_missing")?,
        texts_building: number("texts_building")?,
        hold_until: row.maybe_int("hold_until")?.map(moment),
        repositories: number("repositories")?,
        dead: number("dead")?,
        quarantined: number("quarantined")?,
        stale: number("stale")?,
        refused: number("refused")?,
        served: number("served")?,
        due: number("due")?,
        overdue: number("overdue")?,
        oldest_overdue: wait(row.maybe_int("oldest_overdue")?),
        troubles,
        ended_24h: if ids.is_none() { Some(ended()?) } else { None },
        ..Status::default()
    })
}

/// What is never many, and is asked for at each look: instances, and what the fleet runs by.
pub(super) async fn with_instances<C: Connection>(
    conn: &mut C,
    ids: Option<&[i64]>,
    figures: Status,
) -> sqlx::Result<Status> {
    let rows = conn.all(C::INSTANCES, values![ids]).await?;
    let (now, fleet) = fleet::read_with_now(conn).await?;
    let configuration = fleet.as_ref().map(|fleet| &fleet.configuration);
    let slots = configuration.map_or(0, |configuration| configuration.slots_at(now));
    let instances: Vec<_> = rows.iter().map(|row| instance_of(row, fleet.as_ref())).collect::<sqlx::Result<_>>()?;
    let capacity = instances.iter().map(|instance| u64::from(instance.capacity)).sum();
    Ok(Status {
        active_workers: instances.len() as u64,
        daemons: instances.iter().filter(|instance| instance.takes_any).count() as u64,
        total_slots: if slots == 0 { capacity } else { capacity.min(slots.into()) },
        slots: configuration.map_or(0, |configuration| configuration.slots),
        slots_in_force: slots,
        instances,
        fleet,
        ..figures
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
        running: count_of(row.int("running")?),
        takes_any: row.flag("takes_any")?,
        differs: other.map(|fleet| differences(&keys_within(&keys, &fleet.keys), &fleet.keys)).unwrap_or_default(),
        model: keys.get(MODEL_KEYS[0]).cloned(),
    })
}
