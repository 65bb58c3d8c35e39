//! An embedding provider that takes no more: all of the time, or for a part of it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use warmer_content::EmbeddingId;
use warmer_embedding::{CallLimits, EmbedError, Embedding, Provider};
use warmer_pipeline::Stage;
use warmer_tests::inside::{Inside, until};
use warmer_tests::{GIT, Need, Repo, needs};

use super::{EACH, Scene, sentence};

/// A provider that has had enough calls for now, and says for how long; and once it has not, hangs.
struct Limited {
    within: Arc<dyn Provider>,
    wants: Duration,
    hangs: AtomicBool,
    hung: Notify,
}

impl Limited {
    fn new(within: Arc<dyn Provider>, wants: Duration) -> Arc<Self> {
        Arc::new(Self { within, wants, hangs: AtomicBool::new(false), hung: Notify::new() })
    }
}

#[async_trait]
impl Provider for Limited {
    fn embedding_id(&self) -> EmbeddingId {
        self.within.embedding_id()
    }

    fn dimensions(&self) -> Option<usize> {
        self.within.dimensions()
    }

    fn limits(&self) -> CallLimits {
        self.within.limits()
    }

    fn uploads(&self) -> bool {
        true
    }

    async fn embed(&self, texts: Vec<String>, stop: CancellationToken) -> Vec<Result<Embedding, EmbedError>> {
        if self.hangs.load(SeqCst) {
            self.hung.notify_one();
            stop.cancelled().await;
        }
        let busy = || EmbedError::Retry { why: "HTTP status 429".to_owned(), after: Some(self.wants) };
        texts.iter().map(|_| Err(busy())).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_takes_no_more_is_named_and_no_key_helps() {
    needs!(GIT, Need::Runtime);
    // Jobs wait for one that is back in a minute; for an hour they go back to the queue.
    for wants in [Duration::from_secs(60), Duration::from_secs(3_600)] {
        let mut inside = Inside::new().await;
        inside.tools.provider = Limited::new(inside.tools.provider.clone(), wants);
        let repos: Vec<_> = (0..2).map(|seed| Repo::generated(400, 200, seed)).collect();
        let mut jobs = vec![];
        for repo in &repos {
            jobs.push(inside.enqueue(repo).await);
        }
        let mut scene = Scene::of(inside).await;
        // A refresh that goes on may well be what holds the rest up.
        scene.line.ends(&jobs).await;
        let running = &scene.line.running;
        let fills_wait = || running.mailboxes.gauges()[Stage::Embedder as usize].inside > 0;
        let fills_are_back = || running.held().is_some() && running.ledger.count().fills == 0;
        until(|| fills_wait() || fills_are_back()).await;
        scene.figures();
        scene.spends(Stage::Embedder, |spent| spent.starved).await;
        let figures = scene.figures();
        let told = scene.told(&figures).await;
        assert!(told.sentence.starts_with("no vectors are made for now: "), "{told:?} of {figures:#?}");
        assert!(told.sentence.ends_with("HTTP status 429"), "{told:?}");
        assert_eq!((told.what, told.key, told.helps), ("hold", None, false));
        scene.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_took_no_more_for_a_part_of_the_time_is_named_too() {
    needs!(GIT, Need::Runtime);
    let mut inside = Inside::new().await;
    let limited = Limited::new(inside.tools.provider.clone(), EACH);
    inside.tools.provider = limited.clone();
    let repo = Repo::generated(400, 200, 1);
    let job = inside.enqueue(&repo).await;
    let mut scene = Scene::of(inside).await;
    scene.line.ends(&[job]).await;
    until(|| scene.line.running.sampler().figures().hold.is_some()).await;
    scene.figures();
    scene.spends(Stage::Embedder, |spent| spent.starved).await;
    limited.hangs.store(true, SeqCst);
    limited.hung.notified().await;
    let figures = scene.figures();
    assert_eq!(figures.hold, None, "it is over: {figures:#?}");
    let told = scene.told(&figures).await;
    let expected = "its provider was left alone N % of the last minute: HTTP status 429";
    assert!(sentence(&told).ends_with(expected) && !told.helps, "{told:?} of {figures:#?}");
    scene.end().await;
}
