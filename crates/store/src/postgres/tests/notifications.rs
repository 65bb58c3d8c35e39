//! Notifications from one process to another.

use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::timeout;

use super::database::TestDatabase;
use super::{change, pipeline};
use crate::conformance::fixture::{cancelled, fresh};
use crate::sql::{self, Connection as _, Row as _};
use crate::*;

/// How many connections listen.
const LISTENERS: &str = "
    SELECT count(*) AS listeners FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'warmer-listener'
        AND query LIKE 'LISTEN%' AND state = 'idle'";

async fn listeners(store: &Postgres) -> i64 {
    sql::Base::read(store).await.unwrap().one(LISTENERS, &[]).await.unwrap().int("listeners").unwrap()
}

/// Far longer than a notification takes, shorter than for ever.
async fn hears(store: &Postgres) {
    timeout(Duration::from_secs(20), store.notification()).await.expect("a notification arrives");
}

/// Begins to listen, and is dropped as soon as it does.
async fn listen(store: &Postgres) {
    tokio::select! {
        () = store.notification() => panic!("nothing was said"),
        () = async { while listeners(store).await == 0 { tokio::task::yield_now().await } } => {}
    }
}

fn is_silent(store: &Postgres) -> bool {
    store.notification().now_or_never().is_none()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_puts_something_in_the_queue_is_heard() {
    let Some(database) = TestDatabase::new().await else { return };
    let (here, there) = (pipeline(&database).await, pipeline(&database).await);
    assert_eq!(listeners(&here).await, 0, "nobody listens yet");
    listen(&here).await;

    let repository = there.add_repository("/a", None).await.unwrap().id;
    let instance = InstanceId::random();
    there.register(instance, 1, "test", Takes::Any).await.unwrap();
    there.enqueue(repository, Enqueue::default()).await.unwrap();
    hears(&here).await;
    let filter = ClaimFilter { heavy: true, ..ClaimFilter::default() };
    for ending in [cancelled(), fresh()] {
        let claim = there.claim(instance, &filter).await.unwrap().expect("it is queued");
        let goes_back = ending == cancelled();
        there.settle(claim.id, ending, None).await.unwrap();
        if goes_back {
            hears(&here).await;
        }
    }
    let policy = Policy { refresh: Some(Refresh::Every(Duration::from_micros(1))), ..Policy::default() };
    there.set_policy(repository, &policy).await.unwrap();
    assert_eq!(there.enqueue_due(None, 10, Duration::ZERO).await.unwrap().enqueued, 1);
    hears(&here).await;
    let mut session = Store::session(&there, instance).await.unwrap();
    let token = session.take_slot(1).await.unwrap().expect("it is free");
    session.release_slot(token).await.unwrap();
    hears(&here).await;
    assert!(is_silent(&here), "all of them are one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_broke_is_made_again_and_what_was_missed_is_one_notification() {
    let Some(database) = TestDatabase::new().await else { return };
    let store = pipeline(&database).await;
    listen(&store).await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'warmer-listener'";
    change(&store, end).await;
    hears(&store).await;
    assert_eq!(listeners(&store).await, 1, "it listens again");
    assert!(is_silent(&store));
    store.close().await;
    assert!(is_silent(&store), "a closed store gives no notifications");
}
