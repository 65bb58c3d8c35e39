//! Rest: who takes nothing else until a suspect that waits too long was taken.

use std::sync::Arc;
use std::time::Duration;

use super::{Place, bench, change, pipeline};
use crate::conformance::Bench;
use crate::conformance::fixture::*;
use crate::*;

/// Far more jobs than are taken, and a suspect that is due beside them.
struct Scene {
    bench: Bench,
    store: Arc<Postgres>,
    suspect: RepositoryId,
    /// What runs already: who rests is not at rest yet.
    running: Vec<Claim>,
}

impl Scene {
    async fn new() -> Option<Self> {
        let place = Place::new().await?;
        let store = Arc::new(pipeline(&place).await);
        let bench = bench(Arc::clone(&store), place);
        for at in 0..30 {
            bench.enqueue(bench.repository(&format!("/{at}")).await).await;
        }
        let suspect = bench.repository("/suspect").await;
        Some(Self { bench, store, suspect, running: Vec::new() })
    }

    /// The suspect has been due for so long.
    async fn waits(&self, by: Duration) {
        self.bench.enqueue(self.suspect).await;
        let (by, suspect) = (by.as_micros(), self.suspect.0);
        let sql = format!("UPDATE job SET suspect = true, run_at = now - {by} FROM clock WHERE repository = {suspect}");
        change(&self.store, &sql).await;
    }

    async fn claim(&mut self, instance: InstanceId, idle: bool) -> Option<Claim> {
        let claim = self.bench.store.claim(instance, &ClaimFilter { idle, ..ClaimFilter::default() }).await.unwrap();
        self.running.extend(claim.clone());
        claim
    }

    /// Those that take nothing.
    async fn resting(&mut self, instances: &[InstanceId]) -> Vec<InstanceId> {
        let mut resting = Vec::new();
        for instance in instances {
            if self.claim(*instance, false).await.is_none() {
                resting.push(*instance);
            }
        }
        resting
    }

    async fn settle_all(&mut self) {
        for claim in self.running.drain(..) {
            self.bench.settle(&claim, fresh()).await;
        }
    }
}

#[tokio::test]
async fn for_a_suspect_that_waits_too_long_one_instance_comes_to_rest() {
    let Some(mut scene) = Scene::new().await else { return };
    let instances = [scene.bench.instance().await, scene.bench.instance().await, scene.bench.instance().await];
    for instance in instances {
        assert!(scene.claim(instance, true).await.is_some(), "enough is due");
    }
    scene.waits(Duration::from_secs(110)).await;
    assert_eq!(scene.resting(&instances).await, [], "it has not waited for long");
    scene.waits(Duration::from_secs(130)).await;
    let resting = scene.resting(&instances).await;
    let [rests] = resting[..] else { panic!("one of three is to rest, not {}", resting.len()) };
    // However long what it has must go on: a rest that goes round empties places and helps nobody.
    for _ in 0..5 {
        scene.bench.clock.forward(10 * MINUTE).await;
        assert_eq!(scene.resting(&instances).await, [rests]);
    }
    scene.settle_all().await;
    assert_eq!(scene.claim(rests, true).await.expect("it is alone").repository.id, scene.suspect);
    let others = instances.into_iter().filter(|instance| *instance != rests).collect::<Vec<_>>();
    assert_eq!(scene.resting(&others).await, [], "it is taken");
}

#[tokio::test]
async fn who_takes_only_its_own_jobs_is_not_asked_to_rest() {
    let Some(mut scene) = Scene::new().await else { return };
    let daemon = scene.bench.instance().await;
    assert!(scene.claim(daemon, true).await.is_some());
    scene.waits(Duration::from_secs(130)).await;
    // So many that the daemon is hardly ever the first of them all.
    let warms: Vec<_> = (0..50).map(|_| InstanceId::random()).collect();
    for warm in &warms {
        scene.store.register_as(*warm, 1, "test", Takes::Own).await.unwrap();
    }
    assert_eq!(scene.resting(&[daemon]).await, [daemon], "nobody else can come to rest");
    for (at, warm) in warms.into_iter().enumerate().take(5) {
        let own = scene.bench.enqueue(scene.bench.repository(&format!("/own/{at}")).await).await.job;
        let filter = ClaimFilter { only: Some(vec![own]), idle: true, ..ClaimFilter::default() };
        assert!(scene.bench.store.claim(warm, &filter).await.unwrap().is_some(), "it does what it was asked for");
    }
    scene.settle_all().await;
    assert_eq!(scene.claim(daemon, true).await.expect("it is alone").repository.id, scene.suspect);
}
