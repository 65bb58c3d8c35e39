//! What an autoscaler reads of the queue, by a statement of its own.

use std::time::Duration;

use super::Bench;
use super::fixture::*;
use crate::*;

/// `figures` reads `pending`, `running` and `oldest_seconds`.
pub(crate) async fn are_those_of_status(bench: &Bench, figures: impl AsyncFn() -> (i64, i64, f64)) {
    assert_eq!(figures().await, (0, 0, 0.0), "nothing is to be done");
    let [due, early, later, paused, forced] = ["/due", "/early", "/later", "/paused", "/forced"];
    for (remote, how) in [
        (due, Enqueue::default()),
        (later, Enqueue { delay: 60 * MINUTE, ..Enqueue::default() }),
        (paused, Enqueue::default()),
        (forced, Enqueue { force: true, ..Enqueue::default() }),
        (early, Enqueue { delay: MINUTE, ..Enqueue::default() }),
    ] {
        let repository = bench.repository(remote).await;
        bench.store.enqueue(repository, how).await.unwrap();
        if remote == paused || remote == forced {
            bench.store.set_state(repository, RepositoryState::Paused).await.unwrap();
        }
    }
    bench.start(bench.repository("/running").await).await;
    bench.clock.forward(3 * MINUTE).await;
    let (pending, running, oldest) = figures().await;
    let status = bench.store.status().await.unwrap();
    assert_eq!((pending, running), (3, 1));
    assert_eq!((status.queue_depth, status.running), (pending.unsigned_abs(), running.unsigned_abs()));
    let (oldest, told) = (Duration::from_secs_f64(oldest), status.oldest_job.expect("one is due"));
    assert!(oldest >= 3 * MINUTE && oldest <= told && told - oldest < MINUTE, "{oldest:?}, {told:?}");
}
