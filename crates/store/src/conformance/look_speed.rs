//! How long a look at the queue takes: counted, and from the tally. Figures, and one bound that is held.

#![expect(clippy::print_stdout, reason = "the figures are the point")]

use std::time::{Duration, Instant};

use super::Bench;
use crate::*;

/// What the slowest of a hundred looks may take, however long the queue is.
const P99_MAX: Duration = Duration::from_millis(100);
/// Above it a look is counted a few times only: it takes a second.
const MANY: usize = 10_000;
/// Queues that are measured. Of 6,000 jobs there are just not too many rows for a count at each look; the bound is for
/// the last.
pub(crate) const SIZES: [usize; 4] = [1_000, 6_000, 100_000, 1_000_000];

/// Up to 10,000 repositories, all served, of ten one dead, one that was not checked for a day; a refresh for each, half
/// of them of the future; fills for the rest of `rows`, as many attempts, one each second, and artifacts that lack a
/// vector, a tenth of `rows`. `id` and `key` make 16 and 32 bytes that are never the same.
pub(crate) fn queue_of(rows: usize, id: &str, key: &str) -> String {
    let (repositories, lacking) = (rows.min(20_000) / 2, rows / 10);
    let series = |n: usize| {
        format!(
            "WITH RECURSIVE series (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < {n})"
        )
    };
    let [of_repositories, of_fills, of_attempts, of_artifacts] =
        [repositories, rows - repositories, rows, lacking].map(series);
    format!(
        r#"INSERT INTO repository (remote, location, reference, created_at, refresh, tried_at, state, failing_since,
                                   last_error)
         {of_repositories}
         SELECT 'https://git.example.invalid/team/' || n || '.git', 'git.example.invalid/team/' || n, '', 0, 900000000,
                now - CASE WHEN n % 10 = 1 THEN 86400000000 ELSE 0 END,
                CASE WHEN n % 10 = 0 THEN 'dead' ELSE 'active' END, CASE WHEN n % 10 = 0 THEN now - n END,
                CASE WHEN n % 10 = 0 THEN 'cannot reach it' END
         FROM series, clock;
         INSERT INTO generation (embedding, chunking, state, changed_at) VALUES (1, 2, 'active', 0);
         INSERT INTO served (repository, chunking, embedding, rules, reference, ref_oid, commit_oid, publication,
                             published_at, served_at, totals)
         SELECT id, 2, 1, 3, 'refs/heads/main', '1', '1', 1, 0, 0,
                '{{"indexed":100,"skipped":{{"binary":3}},"chunks":900,"size":9000,"bytes":90000,"masked":1}}'
         FROM repository;
         INSERT INTO coverage (repository, generation) SELECT repository.id, generation.id FROM repository, generation;
         INSERT INTO job (repository, run_at, enqueued_at)
         SELECT id, now + CASE WHEN id % 2 = 0 THEN 3600000000 ELSE -60000000 END, now FROM repository, clock;
         INSERT INTO job (repository, kind, generation, lane, shard, run_at, enqueued_at)
         {of_fills} SELECT 1 + n % {repositories}, 1, 1, 1, n, now, now FROM series, clock;
         INSERT INTO artifact (key, bucket, chunking, version, language, bytes, chunks, size, envelope)
         {of_artifacts} SELECT {key}, 1, 2, 1, 'rust', 900, 9, 90, {key} FROM series;
         INSERT INTO lack (repository, generation, bucket, artifact, lane, texts, stamp)
         SELECT 1 + id % {repositories}, 1, bucket, id, 1, chunks, 1 FROM artifact;
         INSERT INTO attempt (job, repository, number, claim, outcome, queued_at, started_at, ended_at)
         {of_attempts} SELECT n, 1 + n % {repositories}, 1, {id}, CASE WHEN n % 20 = 0 THEN 'retry' ELSE 'warmed' END,
                now - n * 1000000, now - n * 1000000, now - n * 1000000 FROM series, clock;
         INSERT INTO attempt_count (minute, part, warmed, fresh, failed)
         {of_repositories} SELECT now / 60000000 - n, 0, 9, 90, 1 FROM series, clock;
         ANALYZE"#
    )
}

/// Tells how long looks take, and holds them to the bound where there is a tally.
pub(crate) async fn tell(bench: &Bench, what: &str, rows: usize) {
    let store = &bench.store;
    let instance = bench.instance().await;
    let times = if rows > MANY { 10 } else { 50 };
    let counted = looks(times, async || assert_eq!(store.status().await.unwrap().counted_ago, None)).await;
    let began = Instant::now();
    assert!(store.count_queue(TALLY_EVERY, Duration::from_mins(1)).await.unwrap());
    let count = began.elapsed();
    let reads = looks(200, async || assert!(store.tally().await.unwrap().is_some())).await;
    let figures = InstanceFigures::default();
    let reports = looks(200, async || assert!(store.report(instance, &figures).await.unwrap().is_some())).await;
    let looks = looks(200, async || assert!(store.status().await.unwrap().repositories > 0)).await;
    println!(
        "{what}, {rows:>9} jobs: a count {count:.1?}; p50, p99 of a counted status {counted:.1?}, of a status \
         {looks:.1?}, of the tally {reads:.1?}, of a report that hears it {reports:.1?}"
    );
    // Fewer are counted at each look, which takes as long as the machine lets it.
    for (name, [_, p99]) in [("status", looks), ("the tally", reads), ("a report", reports)] {
        assert!(rows <= MANY || p99 < P99_MAX, "{name} of {rows} jobs took {p99:?}");
    }
}

/// The median and the slowest of a hundred, in the quietest of three rounds: what else the machine does is no matter.
async fn looks(times: usize, look: impl AsyncFn()) -> [Duration; 2] {
    let mut rounds = Vec::new();
    for _ in 0..3 {
        let mut took = Vec::new();
        for _ in 0..times {
            let began = Instant::now();
            look().await;
            took.push(began.elapsed());
        }
        took.sort();
        rounds.push([took[times * 99 / 100], took[times / 2]]);
    }
    let [p99, p50] = rounds.into_iter().min().expect("there are three");
    [p50, p99]
}
