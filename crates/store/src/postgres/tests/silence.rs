//! A server that is silent: the proxy to it swallows, nothing is refused and nothing is closed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::database::TestDatabase;
use super::proxy::Proxy;
use super::{change, pipeline};
use crate::sql::{self, Connection as _, Row as _, Writing as _};
use crate::*;

/// How long an answer is waited for here.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// Far longer than what this side bounds, shorter than what only the server would end.
const HANG: Duration = Duration::from_secs(30);

/// A store of one connection that goes by a proxy of its own, and one that goes directly.
struct Scene {
    proxy: Proxy,
    far: Arc<Postgres>,
    near: Postgres,
    instance: InstanceId,
    _database: TestDatabase,
}

impl Scene {
    async fn new() -> Option<Self> {
        let database = TestDatabase::new().await?;
        let near = pipeline(&database).await;
        let proxy = Proxy::to(&database).await;
        let options = PostgresOptions {
            connections_max: 1,
            answer_max: ANSWER_MAX,
            connect_timeout: Duration::from_secs(10),
            ..PostgresOptions::default()
        };
        let far = Arc::new(Postgres::open(proxy.url(), Role::Pipeline, &options).await.unwrap());
        let instance = InstanceId::random();
        near.register(instance, 4, "test", Takes::Any).await.unwrap();
        let repository = near.add_repository("/a", None).await.unwrap().id;
        near.enqueue(repository, Enqueue::default()).await.unwrap();
        Some(Self { proxy, far, near, instance, _database: database })
    }

    /// Runs something on the far store, and cuts the proxy as soon as the server waits with the answer.
    async fn cut_off<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        const WAITS: &str = "
            SELECT count(*) AS waiting FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'warmer:pipeline'";
        let mut lock = sql::Base::write(&self.near).await.unwrap();
        lock.run("LOCK TABLE job IN ACCESS EXCLUSIVE MODE", &[]).await.unwrap();
        let working = tokio::spawn(work);
        let waits = async {
            let waiting = async || sql::Base::read(&self.near).await.unwrap().one(WAITS, &[]).await.unwrap();
            while waiting().await.int("waiting").unwrap() == 0 {}
        };
        timeout(HANG, waits).await.expect("it asks");
        self.proxy.cut();
        lock.rollback().await.unwrap();
        working
    }

    fn claim(&self) -> impl Future<Output = Result<Option<Claim>, StoreError>> + Send + 'static {
        let (far, instance) = (Arc::clone(&self.far), self.instance);
        async move { far.claim(instance, &ClaimFilter { heavy: true, ..ClaimFilter::default() }).await }
    }

    /// The only connection there may be is made anew.
    async fn is_whole(&self) {
        self.proxy.heal();
        change(&self.near, "UPDATE job SET state = 'queued', claim = NULL, instance = NULL").await;
        let claimed = timeout(HANG, self.claim()).await.expect("a permit is free");
        assert!(claimed.expect("it answers").is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_is_not_answered_ends_in_time_and_costs_the_pool_nothing() {
    let Some(scene) = Scene::new().await else { return };
    let claiming = scene.cut_off(scene.claim()).await;
    let error = timeout(HANG, claiming).await.expect("it ends").unwrap().unwrap_err();
    assert!(error.is_temporary() && error.to_string().contains("silent"), "{error}");
    assert_eq!(scene.far.pool.size(), 0, "its permit is free at once");
    scene.is_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_is_not_answered_ends_in_time_and_costs_the_pool_nothing() {
    let Some(scene) = Scene::new().await else { return };
    let (far, instance) = (Arc::clone(&scene.far), scene.instance);
    let retiring = scene.cut_off(async move { far.retire(instance).await }).await;
    assert!(timeout(HANG, retiring).await.expect("it ends").unwrap().unwrap_err().is_temporary());
    assert_eq!(scene.far.pool.size(), 0);
    scene.is_whole().await;
}

/// As a stage does when its job is cancelled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_nobody_waits_for_any_more_costs_the_pool_nothing() {
    let Some(scene) = Scene::new().await else { return };
    let claiming = scene.cut_off(scene.claim()).await;
    claiming.abort();
    assert!(claiming.await.unwrap_err().is_cancelled());
    scene.is_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_silent_is_closed_in_time() {
    let Some(scene) = Scene::new().await else { return };
    let held = sql::Base::read(&*scene.far).await.unwrap();
    scene.proxy.cut();
    timeout(HANG, scene.far.close()).await.expect("it does not wait for what is in use");
    drop(held);
}
