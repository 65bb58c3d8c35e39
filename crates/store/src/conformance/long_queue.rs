//! A long queue: what one claim, and the look for the next job, read of it.

/// Adds `rows` repositories with a queued job each. Of eight, one is due at one of three ranks, one is due and its
/// instance died, three are of the future at a better rank, so that they stand before it, and three have waited longer,
/// for a slot.
pub(crate) fn of(rows: usize) -> String {
    format!(
        "INSERT INTO repository (remote, location, reference, created_at)
         WITH RECURSIVE series (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM series WHERE number < {rows})
         SELECT '/' || {rows} || '/' || number, '/' || {rows} || '/' || number, '', 0 FROM series;
         INSERT INTO job (repository, rescued, heavy, rank, run_at, enqueued_at)
         SELECT id, id % 8 = 1, id % 8 IN (2, 3, 4), CASE WHEN id % 8 >= 5 THEN -100 ELSE id % 3 END,
                now + id + CASE WHEN id % 8 >= 5 THEN 3600000000 WHEN id % 8 IN (2, 3, 4) THEN -7200000000
                                ELSE -3600000000 END, now
         FROM repository, clock WHERE NOT EXISTS (SELECT 1 FROM job WHERE job.repository = repository.id);"
    )
}

/// Claims and settles the first `jobs` that need no slot, as their rows are left behind by that.
pub(crate) fn without_the_first(jobs: usize) -> String {
    let first = format!(
        "(SELECT id FROM job WHERE state = 'queued' AND NOT heavy ORDER BY rescued DESC, due, id LIMIT {jobs})"
    );
    format!("UPDATE job SET attempt = attempt + 1 WHERE id IN {first}; DELETE FROM job WHERE id IN {first};")
}
