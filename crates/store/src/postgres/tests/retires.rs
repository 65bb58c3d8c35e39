//! A generation retires in one transaction while another puts a fill of it in the queue.

use std::sync::Arc;

use super::database::TestDatabase;
use super::{bench, pipeline};
use crate::conformance::retired::{UNWANTED, enqueue_fills, two};
use crate::conformance::{Bench, fixture};
use crate::sql::{Base as _, Connection as _, Row as _, Writing as _};
use crate::*;

/// As a switch does it, which then deletes the fills that it sees.
const RETIRE: &str = "UPDATE generation SET state = 'retired' WHERE state = 'active'";
const EMPTY: &str = "DELETE FROM job WHERE state = 'queued'";
const WAITS: &str = "
    SELECT count(*) AS waiting FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'warmer:pipeline'";

/// Fills are queued; and another instance of the same database.
async fn filling() -> Option<(Arc<Bench>, Postgres)> {
    let database = TestDatabase::new().await?;
    let other = pipeline(&database).await;
    let bench = Arc::new(bench(Arc::new(pipeline(&database).await), database));
    two(&bench).await;
    Some((bench, other))
}

/// Runs something once the generation has retired but nobody sees it yet. Nothing of it may stay in the queue.
async fn meets<T: Send + 'static>(
    other: &Postgres,
    bench: &Bench,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let mut retiring = other.write().await.unwrap();
    retiring.run(RETIRE, &[]).await.unwrap();
    retiring.run(EMPTY, &[]).await.unwrap();
    let working = tokio::spawn(work);
    let waiting = async || other.read().await.unwrap().one(WAITS, &[]).await.unwrap().int("waiting").unwrap();
    while !working.is_finished() && waiting().await == 0 {}
    retiring.commit().await.unwrap();
    let done = working.await.unwrap();
    assert_eq!(bench.rows.count(UNWANTED).await, 0);
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fill_that_is_enqueued_while_its_generation_retires_is_not() {
    let Some((bench, other)) = filling().await else { return };
    bench.rows.change(EMPTY).await;
    let enqueueing = {
        let bench = Arc::clone(&bench);
        async move { enqueue_fills(&bench, fixture::recipe()).await }
    };
    assert_eq!(meets(&other, &bench, enqueueing).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fill_that_goes_back_while_its_generation_retires_ends() {
    let Some((bench, other)) = filling().await else { return };
    let running = bench.claim_fill(fixture::recipe()).await.expect("it is queued");
    let going_back = {
        let bench = Arc::clone(&bench);
        async move { bench.settle(&running, fixture::cancelled()).await }
    };
    assert!(meets(&other, &bench, going_back).await.is_some());
}
