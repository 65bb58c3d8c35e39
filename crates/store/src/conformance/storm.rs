//! Sentences about many at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::join_all;

use super::Bench;
use super::fixture::*;
use crate::*;

/// Ten producers ask for five repositories all the time, while four instances claim and settle.
pub(crate) async fn enqueues_and_claims_together_never_run_a_repository_twice(bench: &Bench) {
    const PRODUCERS: usize = 10;
    const ROUNDS: usize = 20;
    let repositories: Arc<[RepositoryId]> =
        join_all((0..5).map(|number| async move { bench.repository(&format!("/{number}")).await })).await.into();
    let producing = Arc::new(AtomicU32::new(PRODUCERS as u32));
    let producers = (0..PRODUCERS).map(|producer| {
        let (store, repositories, producing) =
            (Arc::clone(&bench.store), Arc::clone(&repositories), Arc::clone(&producing));
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let repository = repositories[(producer + round) % repositories.len()];
                store.enqueue(repository, Enqueue::default()).await.unwrap();
            }
            producing.fetch_sub(1, Ordering::SeqCst);
        })
    });
    let live: Arc<Mutex<HashMap<RepositoryId, ClaimId>>> = Arc::default();
    let mut instances = Vec::new();
    for _ in 0..4 {
        let (store, live, producing) = (Arc::clone(&bench.store), Arc::clone(&live), Arc::clone(&producing));
        let instance = bench.instance().await;
        instances.push(tokio::spawn(async move { consume(&*store, instance, &live, &producing).await }));
    }
    for ended in join_all(producers).await {
        ended.unwrap();
    }
    let mut runs = 0;
    for ended in join_all(instances).await {
        runs += ended.unwrap();
    }
    assert!(runs >= repositories.len() as u32, "each ran at least once after it was last asked for: {runs}");
    assert_eq!(bench.store.jobs(&JobFilter::default()).await.unwrap(), []);
    assert_eq!(bench.store.counters().stale_finishes, 0);
}

/// Claims until nothing is queued and nobody asks any more; the number of runs that ended.
async fn consume(
    store: &dyn Store,
    instance: InstanceId,
    live: &Mutex<HashMap<RepositoryId, ClaimId>>,
    producing: &AtomicU32,
) -> u32 {
    let mut runs = 0;
    loop {
        let last_look = producing.load(Ordering::SeqCst) == 0;
        let filter = ClaimFilter { heavy: true, ..ClaimFilter::default() };
        let Some(claim) = store.claim(instance, &filter).await.unwrap() else {
            if last_look && store.next_due(None, &filter).await.unwrap().is_none() {
                return runs;
            }
            tokio::task::yield_now().await;
            continue;
        };
        let other = live.lock().unwrap_or_else(PoisonError::into_inner).insert(claim.repository.id, claim.id);
        assert_eq!(other, None, "two live claims on one repository");
        // Every third run goes back, so that follow-ups meet jobs that return.
        runs += 1;
        let how = if runs % 3 == 0 { cancelled() } else { fresh() };
        live.lock().unwrap_or_else(PoisonError::into_inner).remove(&claim.repository.id);
        assert_eq!(store.settle(claim.id, how, None).await.unwrap().map(|settled| settled.given_up), Some(false));
    }
}

pub(crate) async fn the_same_batch_stored_by_many_at_once_is_stored_once(bench: &Bench) {
    let counts = join_all((0..8).map(|_| bench.put("one two three four five "))).await;
    let vectors: u64 = counts.iter().map(|count| count.vectors_new).sum();
    let artifacts: u64 = counts.iter().map(|count| count.artifacts_new).sum();
    assert_eq!((vectors, artifacts), (5, 1));
}

/// An instance that was given up settles and publishes beside the one that took over: one of them does, once (W-1).
pub(crate) async fn a_claim_that_ends_in_many_ways_at_once_ends_in_one(bench: &Bench) {
    let repository = bench.repository("/a").await;
    bench.put("one ").await;
    let mut stale = 0;
    for round in 0..10 {
        let claim = bench.start(repository).await;
        bench.store.stage(claim.id, &[staged("file", "one ")]).await.unwrap();
        bench.store.cancel(claim.job).await.unwrap();
        let base = claim.repository.served.clone();
        let publication = Publication { base, ..publication(&claim, None, &format!("c{round}")) };
        let settle = async |how| bench.settle(&claim, how).await.is_some();
        let publish = async || !matches!(bench.store.publish(&publication).await.unwrap(), Published::Stale);
        let ended = futures::join!(
            settle(cancelled()),
            publish(),
            settle(fresh()),
            publish(),
            settle(Settlement::Dead { error: "too late".into() }),
            settle(fresh()),
        );
        let ended = [ended.0, ended.1, ended.2, ended.3, ended.4, ended.5];
        stale += ended.iter().filter(|done| !**done).count() as u64;
        let history = bench.store.attempts(AttemptFilter::Job(claim.job), 10).await.unwrap();
        assert_eq!(history.len(), 1, "{history:?}");
        let alike = match history[0].outcome {
            AttemptOutcome::Warmed => [false, true, false, true, false, false],
            AttemptOutcome::Fresh => [false, false, true, false, false, true],
            AttemptOutcome::Cancelled => [true, false, false, false, false, false],
            _ => [false, false, false, false, true, false],
        };
        assert_eq!(ended, alike, "who meant it so hears that it is done, everybody else that it is stale");
        bench.store.set_state(repository, RepositoryState::Active).await.unwrap();
    }
    assert_eq!(bench.store.counters().stale_finishes, stale);
}

/// A call is dropped when its job is cancelled: wherever it stood, the next call finds a whole store.
pub(crate) async fn calls_dropped_half_way_leave_the_store_whole(bench: &Bench) {
    let words = "one two three four five ";
    for polls in 0..60 {
        let mut call = std::pin::pin!(bench.put(words));
        let mut left = polls;
        futures::future::poll_fn(|context| {
            if left == 0 || call.as_mut().poll(context).is_ready() {
                return std::task::Poll::Ready(());
            }
            left -= 1;
            std::task::Poll::Pending
        })
        .await;
    }
    bench.put(words).await;
    let verified = bench.store.verify(true).await.unwrap();
    assert_eq!((verified.artifacts, verified.vectors), (1, 5));
    assert_eq!((verified.artifacts_damaged, verified.vectors_damaged), (0, 0));
}

/// Collections with no term at all, so that everything not yet staged is in danger: a publication may find something
/// gone and be made again, but what is served is whole at every moment.
pub(crate) async fn a_collection_beside_warms_never_breaks_what_is_served(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let warming = AtomicBool::new(true);
    let collecting = async {
        let ruthless = Collect { mark_age: std::time::Duration::ZERO, ..Collect::default() };
        let mut rounds = 0;
        while warming.load(Ordering::SeqCst) || rounds == 0 {
            bench.store.collect(&ruthless).await.unwrap();
            let verified = bench.store.verify(false).await.unwrap();
            assert_eq!((verified.entries_broken, verified.vectors_missing), (0, 0));
            rounds += 1;
        }
    };
    let warms = async {
        let mut base: Option<String> = None;
        for round in 0..30 {
            let commit = format!("c{round}");
            let text = format!("common {} only{round} ", round % 3);
            warm_until_published(bench, repository, base.as_deref(), &commit, &text).await;
            base = Some(commit);
        }
        warming.store(false, Ordering::SeqCst);
    };
    futures::join!(collecting, warms);
    assert_eq!(bench.paths(repository).await, ["file"]);
}

async fn warm_until_published(bench: &Bench, repository: RepositoryId, base: Option<&str>, commit: &str, text: &str) {
    let claim = bench.start(repository).await;
    loop {
        bench.put(text).await;
        bench.store.stage(claim.id, &[staged("file", text)]).await.unwrap();
        match bench.store.publish(&publication(&claim, base, commit)).await.unwrap() {
            Published::Done { .. } => return,
            Published::Incomplete { .. } => {}
            lost => panic!("{lost:?}"),
        }
    }
}
