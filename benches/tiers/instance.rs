//! Instances inside this process: the product's own tree over a database, with an embedder whose only property is how
//! long it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Runtime as Tokio;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use warmer_content::{EmbeddingId, Vector, text_key};
use warmer_embedding::{CallLimits, EmbedError, Embedding, Provider};
use warmer_pipeline::{EmbedderSettings, FillSettings, Settings};
use warmer_store::{Postgres as PgStore, PostgresOptions, RepositoryId, Role, Store};
use warmer_tests::Postgres;
use warmer_tests::inside::{Inside, Line};

use crate::rows::Corpus;

/// Numbers of a vector: what is stored is not measured here.
const DIMENSIONS: usize = 8;
/// Between two looks whether all is filled: a two-hundredth of the shortest fill that is measured.
const LOOK: Duration = Duration::from_millis(50);

/// An embedder of fixed latency.
#[derive(Clone)]
pub(crate) struct Simulated {
    /// Of a call, whatever it carries.
    pub(crate) latency: Duration,
    /// Texts that a call carries, at most.
    pub(crate) texts: usize,
    /// Texts that were embedded so far, by all that share it.
    pub(crate) embedded: Arc<AtomicUsize>,
    embedding: Option<EmbeddingId>,
}

impl Simulated {
    pub(crate) fn new(latency: Duration, texts: usize) -> Self {
        Self { latency, texts, embedded: Arc::default(), embedding: None }
    }
}

#[async_trait]
impl Provider for Simulated {
    fn embedding_id(&self) -> EmbeddingId {
        self.embedding.expect("an instance has it")
    }

    fn dimensions(&self) -> Option<usize> {
        Some(DIMENSIONS)
    }

    fn limits(&self) -> CallLimits {
        CallLimits { texts: self.texts, size: u64::MAX }
    }

    fn uploads(&self) -> bool {
        false
    }

    async fn embed(&self, texts: Vec<String>, stop: CancellationToken) -> Vec<Result<Embedding, EmbedError>> {
        tokio::select! {
            () = sleep(self.latency) => {}
            () = stop.cancelled() => return vec![Err(EmbedError::Stopped); texts.len()],
        }
        self.embedded.fetch_add(texts.len(), Relaxed);
        texts.iter().map(|text| Ok(Embedding { vector: vector(text), tokens: 1 })).collect()
    }
}

fn vector(text: &str) -> Vector {
    let key = text_key(text);
    Vector::normalized(&key.0.0[..DIMENSIONS].iter().map(|byte| f32::from(*byte) + 1.0).collect::<Vec<_>>())
}

/// Has so many instances fill so many forks, each of which serves this; gives how long that took.
///
/// # Panics
/// Where there is no server.
pub(crate) fn filled_by(instances: usize, forks: usize, corpus: Corpus, provider: &Simulated) -> Duration {
    let postgres = Postgres::new().expect("a server");
    Tokio::new().expect("a runtime can be started").block_on(async {
        let mut machines = vec![];
        for _ in 0..instances {
            machines.push(machine(open(postgres.url()).await, provider).await);
        }
        let remotes: Vec<_> = (0..forks).map(|number| format!("https://host.invalid/fork-{number}")).collect();
        let remotes: Vec<_> = remotes.iter().map(String::as_str).collect();
        let (store, recipe) = (machines[0].store.as_ref(), machines[0].tools.recipe);
        let repositories = corpus.serve(store, recipe, &remotes).await;
        let took = fill(&machines, &repositories).await;
        for machine in &machines {
            machine.store.close().await;
        }
        took
    })
}

/// A machine that is not started yet: two workers embed, and one fill is made at a time.
pub(crate) async fn machine(store: Arc<dyn Store>, provider: &Simulated) -> Inside {
    let mut inside = Inside::over(store).await;
    inside.settings = Settings {
        embedder: EmbedderSettings { workers: 2, ..EmbedderSettings::default() },
        fill: FillSettings { concurrency: 1 },
        ..Settings::default()
    };
    let embedding = Some(inside.tools.recipe.embedding);
    inside.tools.provider = Arc::new(Simulated { embedding, ..provider.clone() });
    inside
}

/// The database of a server, as one of its instances opens it.
async fn open(url: &str) -> Arc<dyn Store> {
    let options = PostgresOptions::default();
    Arc::new(PgStore::open(url, Role::Pipeline, &options).await.expect("the server runs"))
}

/// Starts all, and ends them once the repositories lack nothing; gives how long that took.
pub(crate) async fn fill(machines: &[Inside], repositories: &[RepositoryId]) -> Duration {
    let began = std::time::Instant::now();
    let mut lines: Vec<Line> = vec![];
    for machine in machines {
        lines.push(machine.start().await);
    }
    let store = &machines[0].store;
    loop {
        let coverage = store.coverage(Some(repositories)).await.expect("the database runs");
        if coverage.values().all(|coverage| coverage.missing == 0) {
            break;
        }
        sleep(LOOK).await;
    }
    let took = began.elapsed();
    for line in lines {
        line.running.stop(Duration::from_secs(5)).await;
    }
    took
}
