//! Figures, not promises: `cargo test -p warmer-store --release -- --ignored --nocapture speed_of_claims`.

#![expect(clippy::print_stdout, reason = "the figures are the point")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{TestDatabase, bench, change, pipeline};
use crate::conformance::{fill_speed, look_speed};
use crate::*;

const CLAIMS: usize = 200;

/// `rows` queued jobs: half of them due, half in the future at a better rank, some of paused repositories.
fn fill(rows: usize) -> String {
    format!(
        "INSERT INTO repository (remote, location, reference, created_at, state)
         SELECT '/r' || number, '/r' || number, '', 0, CASE WHEN number % 1000 = 0 THEN 'paused' ELSE 'active' END
         FROM generate_series(1, {rows}) AS number;
         INSERT INTO job (repository, rank, run_at, enqueued_at)
         SELECT id, CASE WHEN id % 2 = 0 THEN -5 ELSE id % 3 END,
                now + CASE WHEN id % 2 = 0 THEN 3600000000 + id ELSE -3600000000 + id END, now
         FROM repository, clock;
         ANALYZE"
    )
}

#[tokio::test]
#[ignore = "takes a minute and tells figures"]
async fn speed_of_claims() {
    for rows in [1_000, 100_000, 1_000_000] {
        let Some(database) = TestDatabase::new().await else { return };
        let store = pipeline(&database).await;
        change(&store, &fill(rows)).await;
        let instance = InstanceId::random();
        store.register(instance, 4, "test", Takes::Any).await.unwrap();
        let filter = ClaimFilter { heavy: true, ..ClaimFilter::default() };
        let mut claims: Vec<Duration> = Vec::new();
        let mut waits: Vec<Duration> = Vec::new();
        for _ in 0..CLAIMS {
            let began = Instant::now();
            let claim = store.claim(instance, &filter).await.unwrap().expect("half of them are due");
            claims.push(began.elapsed());
            store.settle(claim.id, Settlement::Deferred { after: Duration::from_hours(1) }, None).await.unwrap();
            let began = Instant::now();
            assert_eq!(store.next_due(None, &filter).await.unwrap(), Some(Duration::ZERO));
            waits.push(began.elapsed());
        }
        println!("{rows:>9} queued: claim {}, next due {}", median(claims), median(waits));
    }
}

fn median(mut times: Vec<Duration>) -> String {
    times.sort();
    format!("p50 {:.3} ms, p99 {:.3} ms", ms(times[times.len() / 2]), ms(times[times.len() * 99 / 100]))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[tokio::test]
#[ignore = "takes seconds and tells figures"]
async fn speed_of_fills() {
    let Some(bench) = super::open().await else { return };
    fill_speed::tell(&bench).await;
}

/// `cargo test -p warmer-store -- --ignored --nocapture speed_of_looks`
#[tokio::test]
#[ignore = "takes minutes and tells figures"]
async fn speed_of_looks() {
    for rows in look_speed::SIZES {
        let Some(database) = TestDatabase::new().await else { return };
        let store = Arc::new(pipeline(&database).await);
        let key = "decode(lpad(to_hex(n), 64, '0'), 'hex')";
        let queue = look_speed::queue_of(rows, "gen_random_uuid()", key);
        let at_once = "SET LOCAL statement_timeout TO 0; SET LOCAL session_replication_role TO replica;";
        change(&store, &format!("{at_once} {queue}")).await;
        look_speed::tell(&bench(store, database), "PostgreSQL", rows).await;
    }
}
