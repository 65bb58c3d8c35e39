//! A day's worth of checks, for the figures: every repository every 15 minutes, and none finds anything new.

#![expect(clippy::print_stdout, reason = "the figures are the point")]

use std::time::{Duration, Instant};

use super::Bench;
use crate::*;

const REPOSITORIES: usize = 500;
const EVERY: Duration = Duration::from_mins(15);
const ROUNDS: usize = 96;

/// What is stored of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) attempts: i64,
    pub(crate) minutes: i64,
    pub(crate) bytes: i64,
}

/// Prints how the history grows on a day. `size` looks at it after what a database does by itself in 15 minutes; `what`
/// names the database, and what is kept in it.
pub(crate) async fn of_checks(bench: &Bench, what: &str, size: impl AsyncFn() -> Size) {
    let policy = Policy { refresh: Some(Refresh::Every(EVERY)), ..Policy::default() };
    for number in 0..REPOSITORIES {
        let remote = format!("https://git.example.com/team/repository-{number}.git");
        let repository = bench.store.add_repository(&remote, None).await.unwrap().id;
        bench.store.set_policy(repository, &policy).await.unwrap();
    }
    let (empty, began) = (size().await, Instant::now());
    for round in 1..=ROUNDS {
        checks(bench).await;
        let Size { attempts, minutes, bytes } = size().await;
        if round % (ROUNDS / 4) == 0 {
            let (hours, kib) = (round / 4, (bytes - empty.bytes) / 1024);
            println!("{what}: after {hours:>2} h {attempts:>6} attempts, {minutes:>4} rows of counts, {kib:>6} KiB");
        }
    }
    let ended = bench.store.status().await.unwrap().ended_24h.expect("of all");
    let each = began.elapsed().as_secs_f64() * 1e3 / (REPOSITORIES * ROUNDS) as f64;
    println!("{what}: {} checks in 24 h by the counts; {each:.2} ms for each", ended.fresh);
}

/// One of each repository, by four at a time as a daemon does.
async fn checks(bench: &Bench) {
    bench.clock.forward(EVERY).await;
    let instance = bench.instance().await;
    assert_eq!(bench.store.enqueue_due(None, 1_000, Duration::ZERO).await.unwrap().enqueued as usize, REPOSITORIES);
    let worker = async || {
        while let Some(claim) = bench.claim(instance).await {
            bench.store.note_trace(claim.id, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").await.unwrap();
            let settled = bench.store.settle(claim.id, Settlement::Fresh, Some(&summary())).await;
            assert!(settled.unwrap().is_some());
        }
    };
    tokio::join!(worker(), worker(), worker(), worker());
}

/// As the pipeline has one of a check.
fn summary() -> serde_json::Value {
    let times = || serde_json::json!({ "work_seconds": 0.012_345_678, "wait_seconds": 0.000_012_345 });
    serde_json::json!({
        "files_listed": 0, "files_read": 0, "bytes_read": 0, "pack_bytes": 0, "chunks": 0, "vectors_embedded": 0,
        "vectors_reused": 0, "tokens": 0, "seconds": 0.087_654_321,
        "stages": { "fetcher": times(), "hasher": times(), "embedder": times(), "storer": times() },
    })
}
