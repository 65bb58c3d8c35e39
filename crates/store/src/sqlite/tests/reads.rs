//! What a claim costs, whatever is queued: steps of SQLite's machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{change, pipeline};
use crate::conformance::long_queue;
use crate::sql::Base as _;
use crate::*;

/// Steps between two signs of the machine.
const EACH: u64 = 10;

/// The steps of a store's one connection.
struct Steps(Arc<AtomicU64>);

impl Steps {
    async fn of(store: &Sqlite) -> Self {
        let steps = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&steps);
        let mut held = store.write().await.unwrap();
        held.lock_handle().await.unwrap().set_progress_handler(EACH as i32, move || {
            counted.fetch_add(EACH, Ordering::Relaxed);
            true
        });
        Self(steps)
    }

    fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

#[tokio::test]
async fn a_claim_and_the_look_for_the_next_job_take_as_long_in_a_long_queue_as_in_a_short_one() {
    let directory = tempfile::tempdir().unwrap();
    let store = pipeline(directory.path()).await;
    let instance = InstanceId::random();
    store.register(instance, 4, "test", Takes::Any).await.unwrap();
    let steps = Steps::of(&store).await;
    let cost = async || {
        let mut cost = Vec::new();
        for (heavy, yields) in [(false, true), (false, false), (true, false)] {
            steps.take();
            let claim = Queue::claim(&store, instance, &ClaimFilter { heavy, yields, ..ClaimFilter::default() })
                .await
                .unwrap()
                .unwrap();
            cost.push(steps.take());
            store.settle(claim.id, Settlement::Cancelled { error: "measured".into() }, None).await.unwrap();
        }
        steps.take();
        store.next_due(Some(instance), &ClaimFilter::default()).await.unwrap().unwrap();
        cost.push(steps.take());
        cost
    };
    change(&store, &long_queue::of(200)).await;
    let short = cost().await;
    change(&store, &long_queue::of(20_000)).await;
    let long = cost().await;
    change(&store, &long_queue::without_the_first(3_000)).await;
    let churned = cost().await;
    for (short, long) in short.iter().zip(&long).chain(short.iter().zip(&churned)) {
        assert!(*long <= 2 * *short, "steps: {short} with 200 jobs, {long} with 20,000");
    }
}
