//! Connections that end just behind a commit: the call is made again, comes to the same, and says so.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::database::TestDatabase;
use super::proxy::Proxy;
use super::{bench, change, pipeline};
use crate::conformance::Bench;
use crate::conformance::fixture::*;
use crate::sql::{self, Connection as _, Row as _, Writing as _};
use crate::*;

const HANG: Duration = Duration::from_secs(30);
/// Each commit that changed a job waits for this lock.
const HOLD: &str = "
    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER hold AFTER UPDATE OR DELETE ON job DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION hold()";

/// Two ways to one database.
struct Scene {
    bench: Bench,
    near: Arc<Postgres>,
    far: Arc<Postgres>,
    proxy: Proxy,
}

impl Scene {
    async fn new() -> Option<Self> {
        let database = TestDatabase::new().await?;
        let near = Arc::new(pipeline(&database).await);
        change(&near, HOLD).await;
        let proxy = Proxy::to(&database).await;
        let far = Postgres::open(proxy.url(), Role::Pipeline, &PostgresOptions::default()).await.unwrap();
        Some(Self { bench: bench(Arc::clone(&near), database), near, far: Arc::new(far), proxy })
    }

    /// Runs something on the far store, and ends its connection between the commit and the answer.
    async fn unanswered<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        const WAITS: &str = "
            SELECT count(*) AS waiting FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event = 'advisory' AND application_name = 'warmer:pipeline'";
        let mut lock = sql::Base::write(&*self.near).await.unwrap();
        lock.run("SELECT pg_advisory_xact_lock(42)", &[]).await.unwrap();
        let working = tokio::spawn(work);
        let waits = async {
            let waiting = async || sql::Base::read(&*self.near).await.unwrap().one(WAITS, &[]).await.unwrap();
            while waiting().await.int("waiting").unwrap() == 0 {}
        };
        timeout(HANG, waits).await.expect("it commits");
        self.proxy.deafen();
        lock.rollback().await.unwrap();
        timeout(HANG, working).await.expect("it ends").unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_was_not_answered_is_found() {
    let Some(scene) = Scene::new().await else { return };
    let (bench, far) = (&scene.bench, Arc::clone(&scene.far));
    for remote in ["/a", "/b"] {
        let repository = bench.repository(remote).await;
        bench.enqueue(repository).await;
    }
    let instance = bench.instance().await;
    let filter = ClaimFilter { heavy: true, ..ClaimFilter::default() };
    let claim = scene.unanswered(async move { far.claim(instance, &filter).await }).await.unwrap().expect("two wait");
    let running = bench.store.running(instance).await.unwrap();
    let running: Vec<_> = running.iter().map(|running| (running.job, running.claim)).collect();
    assert_eq!(running, [(claim.job, claim.id)], "nothing runs that nobody knows of");
    assert_eq!((claim.attempt, &*claim.repository.remote), (1, "/a"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publication_that_was_not_answered_says_what_it_did() {
    let Some(scene) = Scene::new().await else { return };
    let (bench, far) = (&scene.bench, Arc::clone(&scene.far));
    let repository = bench.repository("/a").await;
    let claim = bench.start(repository).await;
    bench.put("some text").await;
    assert!(bench.store.stage(claim.id, &[staged("f", "some text")]).await.unwrap());
    let publication = publication(&claim, None, "c1");
    let published = scene.unanswered(async move { far.publish(&publication).await }).await.unwrap();
    let texts = Some(PublishedTexts::default());
    assert_eq!(published, Published::Done { recognised: true, indexed: 1, removed: 0, texts });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_that_was_not_answered_is_one() {
    let Some(scene) = Scene::new().await else { return };
    let (bench, far) = (&scene.bench, Arc::clone(&scene.far));
    let repository = bench.repository("/a").await;
    let job = bench.enqueue(repository).await.job;
    assert_eq!(scene.unanswered(async move { far.cancel(job).await }).await.unwrap(), Cancel::Removed);
    assert_eq!(bench.store.cancel(job).await.unwrap(), Cancel::Unknown);
}
