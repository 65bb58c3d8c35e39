//! How long does a claim take, the longer the queue is?
//!
//! Without the wait for the disk at its end, which is the same for every length and longer than all the rest.

use std::time::{Duration, Instant};

use warmer_benches::{figure, median, ratio};
use warmer_store::{InstanceId, Postgres as Store, Queue as _, Settlement, Store as _};

use crate::field::Field;
use crate::places::claim;

const ROUNDS: usize = 10;
const EACH: usize = 50;

/// Prints the claim's time for each length, and how it grows.
pub(crate) fn measure(fields: &[Field]) {
    let stores: Vec<_> = fields.iter().map(open).collect();
    let mut times = vec![Vec::new(); fields.len()];
    for _ in 0..ROUNDS {
        for ((field, store), times) in fields.iter().zip(&stores).zip(&mut times) {
            times.extend(field.tokio.block_on(claims(&store.0, store.1)));
        }
    }
    let mut first = None;
    for (field, mut times) in fields.iter().zip(times) {
        times.sort_unstable_by(f64::total_cmp);
        let (p50, p99) = (median(times.clone()), times[times.len() * 99 / 100]);
        figure(&format!("claim_{}_rows, ms without the disk", field.rows), format!("p50 {p50:.2}, p99 {p99:.2}"));
        ratio(&format!("claim_{}_rows", field.rows), p50 / *first.get_or_insert(p50), "<= 2");
    }
    for (field, (store, instance)) in fields.iter().zip(stores) {
        field.tokio.block_on(store.retire(instance)).expect("the server runs");
        field.tokio.block_on(store.close());
        field.set("synchronous_commit", "on");
    }
}

fn open(field: &Field) -> (Store, InstanceId) {
    field.set("synchronous_commit", "off");
    field.settle_down();
    field.tokio.block_on(async {
        let (store, instance) = (field.store(1).await, InstanceId::random());
        store.register(instance, 1, "bench", warmer_store::Takes::Any).await.expect("the server runs");
        (store, instance)
    })
}

/// Milliseconds of claims, each of which is given back.
async fn claims(store: &Store, instance: InstanceId) -> Vec<f64> {
    let mut times = Vec::new();
    for _ in 0..EACH {
        let began = Instant::now();
        let claim = claim(store, instance).await;
        times.push(began.elapsed().as_secs_f64() * 1e3);
        store.settle(claim.id, Settlement::Deferred { after: Duration::ZERO }, None).await.expect("it runs");
    }
    times
}
