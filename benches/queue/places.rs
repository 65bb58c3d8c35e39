//! Places: that many jobs in flight at once, through the store.

use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use tokio::task::JoinSet;
use warmer_content::{ChunkingId, Digest, EmbeddingId, Recipe, RulesDigest};
use warmer_store::{
    Cache as _, Catalogue as _, Claim, ClaimFilter, InstanceId, Postgres as Store, Publication, Published, Queue as _,
    RepositoryId, Served, Settlement, Store as _,
};

use crate::field::Field;

/// Jobs in flight of one instance, as the default has it.
pub(crate) const EACH: usize = 4;

pub(crate) const PLACES: [Places; 3] =
    [Places { count: 1, jobs_max: 200 }, Places { count: 4, jobs_max: 600 }, Places { count: 24, jobs_max: 1_440 }];

/// Jobs in flight at once, in instances of four.
#[derive(Clone, Copy)]
pub(crate) struct Places {
    pub(crate) count: usize,
    /// About a second's work.
    jobs_max: usize,
}

impl Places {
    /// How many jobs make a measurement, the same for each place: half of what is due is for each side.
    pub(crate) fn jobs(self, rows: usize) -> usize {
        self.jobs_max.min(rows / 4) / self.count * self.count
    }
}

/// How a job that does nothing ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// A check that found nothing.
    Fresh,
    /// A publication with nothing in it.
    Published,
}

impl Ending {
    pub(crate) const ALL: [Self; 2] = [Self::Fresh, Self::Published];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fresh => "claim_and_settle",
            Self::Published => "claim_and_publish",
        }
    }

    /// Ends the job.
    pub(crate) async fn end(self, store: &Store, claim: Claim) {
        let summary = json!({});
        match self {
            Self::Fresh => {
                let settled = store.settle(claim.id, Settlement::Fresh, Some(&summary)).await.expect("it runs");
                assert!(settled.is_some(), "the claim stands");
            }
            Self::Published => {
                let publication = Publication {
                    claim: claim.id,
                    base: claim.states.into_iter().next().map(|state| state.served),
                    served: served(),
                    committed_at: None,
                    complete: true,
                    fills: true,
                    cut_anew: false,
                    patience: 0,
                    summary,
                    traceparent: None,
                };
                let published = store.publish(&publication).await.expect("it runs");
                assert!(matches!(published, Published::Done { recognised: false, indexed: 0, .. }), "{published:?}");
            }
        }
    }
}

fn served() -> Served {
    let digest = || Digest::of(b"nothing");
    Served {
        reference: "refs/heads/main".to_owned(),
        ref_oid: "0".repeat(40),
        commit: "0".repeat(40),
        recipe: Recipe { embedding: EmbeddingId(digest()), chunking: ChunkingId(digest()) },
        rules: RulesDigest(digest()),
    }
}

/// The next job that is due.
pub(crate) async fn claim(store: &Store, instance: InstanceId) -> Claim {
    let filter = ClaimFilter { heavy: true, ..ClaimFilter::default() };
    store.claim(instance, &filter).await.expect("the server runs").expect("enough jobs are due")
}

/// Jobs per second from claim to ending; connecting is left out, as pgbench leaves it out.
pub(crate) fn rate(field: &Field, places: Places, ending: Ending, jobs: usize) -> f64 {
    field.tokio.block_on(async {
        let mut instances = Vec::new();
        for _ in 0..places.count.div_ceil(EACH) {
            instances.push(instance(field, places.count.min(EACH)).await);
        }
        let began = Instant::now();
        let mut working = JoinSet::new();
        for place in 0..places.count {
            let (store, instance) = instances[place / EACH].clone();
            working.spawn(async move {
                for _ in 0..jobs / places.count {
                    ending.end(&store, claim(&store, instance).await).await;
                }
            });
        }
        working.join_all().await;
        let took = began.elapsed().as_secs_f64();
        for (store, instance) in instances {
            store.retire(instance).await.expect("the server runs");
            store.close().await;
        }
        jobs as f64 / took
    })
}

/// A registered instance with all its connections.
async fn instance(field: &Field, places: usize) -> (Arc<Store>, InstanceId) {
    let (store, instance) = (Arc::new(field.store(places as u32).await), InstanceId::random());
    store.register(instance, places as u32, "bench", warmer_store::Takes::Any).await.expect("the server runs");
    let mut connecting = JoinSet::new();
    for _ in 0..2 * places {
        let store = Arc::clone(&store);
        connecting.spawn(async move { store.repository(RepositoryId(1)).await.map(drop) });
    }
    for connected in connecting.join_all().await {
        connected.expect("the server runs");
    }
    (store, instance)
}
