//! What a claim costs, whatever is queued: pages that the server touches.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Row as _};

use super::{TestDatabase, change, pipeline};
use crate::conformance::long_queue;
use crate::postgres::claim::{ANY, NEXT_DUE};
use crate::sql::{Base as _, Writing as _};
use crate::*;

/// Transactions of other tests take less.
const OTHERS_MAX: Duration = Duration::from_mins(1);

/// Pages of a claim that is undone, without and with a slot, and of the look for the next job.
async fn pages(store: &Postgres, instance: InstanceId) -> Vec<u64> {
    let mut cost = Vec::new();
    for (heavy, yields) in [(false, true), (false, false), (true, false)] {
        let mut held = store.write().await.unwrap();
        let explain = sqlx::query(AssertSqlSafe(format!("EXPLAIN (ANALYZE, BUFFERS) {ANY}")));
        let explain = explain.bind(uuid::Uuid::new_v4()).bind(instance.0).bind(heavy).bind(yields);
        cost.push(touched(&explain.fetch_all(held.connection().unwrap()).await.unwrap()));
        held.rollback().await.unwrap();
    }
    let mut held = store.write().await.unwrap();
    let explain = sqlx::query(AssertSqlSafe(format!("EXPLAIN (ANALYZE, BUFFERS) {NEXT_DUE}")));
    let explain = explain.bind(None::<Vec<i64>>).bind(instance.0);
    cost.push(touched(&explain.fetch_all(held.connection().unwrap()).await.unwrap()));
    held.rollback().await.unwrap();
    cost
}

/// `Buffers: shared hit=221 read=3 dirtied=1`: the first line of that kind is of the whole.
fn touched(plan: &[sqlx::postgres::PgRow]) -> u64 {
    let lines: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let line = lines.iter().find(|line| line.trim().starts_with("Buffers: shared")).expect("the plan counts pages");
    let words = line.split(' ').filter_map(|word| word.split_once('='));
    words.filter(|(name, _)| matches!(*name, "hit" | "read")).map(|(_, pages)| pages.parse::<u64>().unwrap()).sum()
}

fn is_alike(short: &[u64], long: &[u64]) -> bool {
    short.iter().zip(long).all(|(short, long)| *long <= 2 * *short)
}

#[tokio::test]
async fn a_claim_and_the_look_for_the_next_job_read_as_much_of_a_long_queue_as_of_a_short_one() {
    let Some(database) = TestDatabase::new().await else { return };
    let store = pipeline(&database).await;
    let instance = InstanceId::random();
    store.register(instance, 4, "test", Takes::Any).await.unwrap();
    change(&store, &long_queue::of(200)).await;
    let short = pages(&store, instance).await;
    change(&store, &long_queue::of(20_000)).await;
    let unknown = pages(&store, instance).await;
    change(&store, "ANALYZE").await;
    let known = pages(&store, instance).await;
    change(&store, &long_queue::without_the_first(3_000)).await;
    // The first that comes to a dead row marks it for all others, once every transaction that could see it is over.
    let began = Instant::now();
    let mut churned = pages(&store, instance).await;
    while !is_alike(&short, &churned) && began.elapsed() < OTHERS_MAX {
        churned = pages(&store, instance).await;
    }
    for (what, long) in [("without statistics", unknown), ("with statistics", known), ("after claims", churned)] {
        assert!(is_alike(&short, &long), "{what}, pages: {short:?} with 200 jobs, {long:?} with 20,000");
    }
}
