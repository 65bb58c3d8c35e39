//! Many at once, on connections of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::join_all;

use super::{TestDatabase, pipeline};
use crate::conformance::fixture::*;
use crate::*;

/// Deadlocks that this database has seen; sessions report theirs at the latest when they end.
async fn deadlocks(store: &Postgres) -> i64 {
    const COUNT: &str = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    sqlx::query_scalar(COUNT).fetch_one(&store.pool).await.unwrap()
}

/// Batches that share most of their rows, in another order each time.
async fn put(store: &dyn Store, number: usize, round: usize) {
    let words: Vec<String> = (0..40).map(|word| format!("w{} ", (word + round) % 60)).collect();
    let text = words.concat();
    let (mut vectors, artifact) = (vectors(&text), artifact(&text));
    vectors.rotate_left(number * 5);
    let mut blobs: Vec<_> = words.iter().map(|word| (blob(word), Ok(artifact.0))).collect();
    blobs.rotate_right(number * 3);
    let (embedding, chunking) = (recipe().embedding, recipe().chunking);
    let artifacts = [artifact];
    let symbols = Extracted::of(&[]);
    let put = Put { chunking, rules: rules(), artifacts: &artifacts, blobs: &blobs, symbols };
    store.put(put).await.unwrap();
    let filled = Filled { embedding, vectors: &vectors, failed: &[], artifacts: &[artifacts[0].0] };
    store.put_vectors(filled).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_batches_are_stored_by_many_without_a_deadlock() {
    let Some(database) = TestDatabase::new().await else { return };
    let stores: Vec<_> = join_all((0..8).map(|_| async { Arc::new(pipeline(&database).await) })).await;
    let tasks = stores.iter().cloned().enumerate().map(|(number, store)| {
        tokio::spawn(async move {
            for round in 0..25 {
                put(&*store, number, round).await;
                // What is marked beside them, they unmark.
                if (number + round) % 40 == 0 {
                    store.collect(&Collect::default()).await.unwrap();
                }
            }
        })
    });
    for ended in join_all(tasks).await {
        ended.unwrap();
    }
    let verified = stores[0].verify(true).await.unwrap();
    assert_eq!((verified.artifacts, verified.vectors), (25, 60));
    assert_eq!((verified.artifacts_damaged, verified.vectors_damaged), (0, 0));
    for store in &stores[1..] {
        Store::close(&**store).await;
    }
    assert_eq!(deadlocks(&stores[0]).await, 0);
}

/// One instance's life: it claims, stores, stages and publishes, or gives back, until nothing is asked for any more.
async fn work(store: Arc<Postgres>, asking: Arc<AtomicU32>) -> u32 {
    let instance = InstanceId::random();
    store.register(instance, 4, "test", Takes::Any).await.unwrap();
    let mut published = 0;
    for turn in 1.. {
        let last = asking.load(Ordering::SeqCst) == 0;
        let filter = ClaimFilter { heavy: true, ..ClaimFilter::default() };
        let Some(claim) = store.claim(instance, &filter).await.unwrap() else {
            if last
                && store.next_due(None, &filter).await.unwrap().is_none()
                && store.status().await.unwrap().running == 0
            {
                break;
            }
            tokio::task::yield_now().await;
            continue;
        };
        put(&*store, turn % 8, turn).await;
        let words: String = (0..40).map(|word| format!("w{} ", (word + turn) % 60)).collect();
        assert!(store.stage(claim.id, &[staged("file", &words), staged(&format!("{turn}"), &words)]).await.unwrap());
        if turn % 4 == 0 {
            assert!(store.settle(claim.id, cancelled(), None).await.unwrap().is_some());
            continue;
        }
        let commit = format!("c{turn}-{}", claim.id.0);
        let (base, served) = (claim.repository.served.clone(), served(&commit));
        let publication = Publication { base, served, ..publication(&claim, None, "") };
        assert!(matches!(store.publish(&publication).await.unwrap(), Published::Done { recognised: false, .. }));
        published += 1;
    }
    published
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_share_a_queue_publish_without_losing_or_doubling_a_job() {
    let Some(database) = TestDatabase::new().await else { return };
    let stores: Vec<_> = join_all((0..4).map(|_| async { Arc::new(pipeline(&database).await) })).await;
    let mut repositories = Vec::new();
    for number in 0..6 {
        repositories.push(stores[0].add_repository(&format!("/{number}"), None).await.unwrap().id);
    }
    let asking = Arc::new(AtomicU32::new(5));
    let producers = (0..5).map(|number: usize| {
        let (store, asking, repositories) = (stores[number % 4].clone(), asking.clone(), repositories.clone());
        tokio::spawn(async move {
            for round in 0..20 {
                let repository = repositories[(number + round) % repositories.len()];
                store.enqueue(repository, Enqueue::default()).await.unwrap();
            }
            asking.fetch_sub(1, Ordering::SeqCst);
            0
        })
    });
    let workers = stores.iter().map(|store| tokio::spawn(work(store.clone(), asking.clone())));
    let published: u32 = join_all(producers.chain(workers)).await.into_iter().map(Result::unwrap).sum();
    assert!(published >= 6, "{published}");
    let store = &stores[0];
    assert_eq!(store.jobs(&JobFilter::default()).await.unwrap(), []);
    let mut warmed = 0;
    for repository in &repositories {
        let history = store.attempts(AttemptFilter::Refreshes(*repository), 1_000).await.unwrap();
        warmed += history.iter().filter(|one| one.outcome == AttemptOutcome::Warmed).count();
        let served = store.repository(*repository).await.unwrap().unwrap().served.expect("it was warmed");
        assert_eq!(history[0].commit.as_deref(), Some(&*served.commit), "what was published last is served");
    }
    assert_eq!(warmed as u32, published, "each publication is one attempt");
    assert!(stores.iter().all(|store| store.counters().stale_finishes == 0));
    let verified = store.verify(true).await.unwrap();
    assert_eq!((verified.entries_broken, verified.vectors_missing), (0, 0));
    assert_eq!(deadlocks(store).await, 0);
}

#[tokio::test]
async fn a_step_of_a_collection_and_whoever_relies_on_what_is_stored_exclude_each_other() {
    const TRY: &str = "SELECT pg_try_advisory_xact_lock($1, 1), pg_try_advisory_xact_lock_shared($1, 1)";
    let Some(database) = TestDatabase::new().await else { return };
    let store = pipeline(&database).await;
    let key = PostgresOptions::default().lock_namespace + 2;
    let free = async || -> (bool, bool) { sqlx::query_as(TRY).bind(key).fetch_one(&store.pool).await.unwrap() };
    let relying = sql::Base::rely(&store).await.unwrap();
    assert_eq!(free().await, (false, true), "others may rely on it too");
    sql::Writing::rollback(relying).await.unwrap();
    let sweeping = sql::Base::sweep(&store).await.unwrap();
    assert_eq!(free().await, (false, false));
    sql::Writing::rollback(sweeping).await.unwrap();
    assert_eq!(free().await, (true, true));
}
