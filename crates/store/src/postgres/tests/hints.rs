//! Hints from one process to another.

use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::timeout;

use super::place::Place;
use super::{change, pipeline};
use crate::conformance::fixture::fresh;
use crate::sql::{self, Cells as _, Conn as _};
use crate::*;

/// How many connections listen.
const EARS: &str = "
    SELECT count(*) AS ears FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'warmer-ear' AND query LIKE 'LISTEN%' AND state = 'idle'";

async fn ears(store: &Postgres) -> i64 {
    sql::Base::read(store).await.unwrap().one(EARS, &[]).await.unwrap().int("ears").unwrap()
}

/// Far longer than a hint takes, shorter than for ever.
async fn hears(store: &Postgres) {
    timeout(Duration::from_secs(20), store.hint()).await.expect("a hint is heard");
}

/// Begins to listen, and is dropped as soon as it does.
async fn listen(store: &Postgres) {
    tokio::select! {
        () = store.hint() => panic!("nothing was said"),
        () = async { while ears(store).await == 0 { tokio::task::yield_now().await } } => {}
    }
}

fn is_silent(store: &Postgres) -> bool {
    store.hint().now_or_never().is_none()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_puts_something_in_the_queue_is_heard() {
    let Some(place) = Place::new().await else { return };
    let (here, there) = (pipeline(&place).await, pipeline(&place).await);
    assert_eq!(ears(&here).await, 0, "nobody listens yet");
    listen(&here).await;

    let repository = there.add_repository("/a", None).await.unwrap().id;
    let instance = InstanceId::random();
    there.register(instance, 1, "test").await.unwrap();
    there.enqueue(repository, Enqueue::default()).await.unwrap();
    hears(&here).await;
    let filter = ClaimFilter { only: None, heavy: true, yields: false };
    for ending in [Settlement::Return, fresh()] {
        let claim = there.claim(instance, &filter).await.unwrap().expect("it is queued");
        let goes_back = ending == Settlement::Return;
        there.settle(claim.id, ending).await.unwrap();
        if goes_back {
            hears(&here).await;
        }
    }
    let policy = Policy { refresh: Some(Refresh::Every(Duration::from_micros(1))), ..Policy::default() };
    there.set_policy(repository, &policy).await.unwrap();
    assert_eq!(there.enqueue_due(None, 10).await.unwrap().enqueued, 1);
    hears(&here).await;
    let token = there.take_slot(instance, 1).await.unwrap().expect("it is free");
    there.release_slot(token).await.unwrap();
    hears(&here).await;
    assert!(is_silent(&here), "each was one hint");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_broke_is_made_again_and_what_was_missed_is_one_hint() {
    let Some(place) = Place::new().await else { return };
    let store = pipeline(&place).await;
    listen(&store).await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'warmer-ear'";
    change(&store, end).await;
    hears(&store).await;
    assert_eq!(ears(&store).await, 1, "it listens again");
    assert!(is_silent(&store));
    store.close().await;
    assert!(is_silent(&store), "a closed store gives no hints");
}
