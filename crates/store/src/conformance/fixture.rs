//! What the sentences speak about.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use warmer_content::{
    Artifact, ArtifactKey, Chunk, ChunkingId, Content, Digest, EmbeddingId, Language, Recipe, RulesDigest, TextKey,
    Vector, artifact_key, text_key,
};
use warmer_traces::TraceContext;

use super::Bench;
use crate::*;

pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);

pub(crate) fn embedding(name: &str) -> EmbeddingId {
    EmbeddingId(Digest::of(name.as_bytes()))
}

pub(crate) fn recipe() -> Recipe {
    Recipe { embedding: embedding("embedding"), chunking: ChunkingId(Digest::of(b"chunking")) }
}

pub(crate) fn rules() -> RulesDigest {
    RulesDigest(Digest::of(b"rules"))
}

/// What an instance may run by, with chunks of its own.
pub(crate) fn configuration(chunks: &str) -> Configuration {
    Configuration {
        recipe: Recipe { chunking: ChunkingId(Digest::of(chunks.as_bytes())), ..recipe() },
        rules: rules(),
        slots: 24,
        windows: vec![],
        keys: [("content.chunk_size".to_owned(), chunks.to_owned())].into(),
    }
}

pub(crate) fn served(commit: &str) -> Served {
    Served {
        reference: "refs/heads/main".into(),
        ref_oid: commit.into(),
        commit: commit.into(),
        recipe: recipe(),
        rules: rules(),
    }
}

/// The words of `text` are its chunks.
pub(crate) fn artifact(text: &str) -> (ArtifactKey, Arc<Artifact>) {
    let mut end = 0;
    let chunks = text.split_inclusive(' ').map(|word| {
        let start = end;
        end += word.len() as u32;
        Chunk {
            start,
            end,
            start_line: 1,
            end_line: 1,
            symbol: None,
            header: String::new(),
            size: 2,
            key: text_key(word),
        }
    });
    let content = Content::plain(text, Language::text());
    (artifact_key(recipe().chunking, &content), Arc::new(Artifact::of(content, chunks.collect())))
}

pub(crate) fn texts(text: &str) -> Vec<TextKey> {
    artifact(text).1.chunks.iter().map(|chunk| chunk.key).collect()
}

pub(crate) fn vectors(text: &str) -> Vec<(TextKey, Vector)> {
    let vector = |key: &TextKey| Vector::normalized(&[f32::from(key.0.0[0]), f32::from(key.0.0[1]), 1.0]);
    texts(text).iter().map(|key| (*key, vector(key))).collect()
}

pub(crate) fn blob(text: &str) -> BlobKey {
    BlobKey {
        hash_kind: "sha1",
        oid: Digest::of(text.as_bytes()).to_string()[..40].into(),
        language_hint: "text".into(),
    }
}

pub(crate) fn staged(path: &str, text: &str) -> StagedEntry {
    StagedEntry {
        path: path.into(),
        oid: blob(text).oid,
        language_hint: "text".into(),
        outcome: Outcome::Artifact(artifact(text).0),
    }
}

pub(crate) fn gone(path: &str) -> StagedEntry {
    StagedEntry { path: path.into(), oid: String::new(), language_hint: String::new(), outcome: Outcome::Gone }
}

pub(crate) fn publication(claim: &Claim, base: Option<&str>, commit: &str) -> Publication {
    Publication {
        claim: claim.id,
        base: base.map(served),
        served: served(commit),
        committed_at: None,
        complete: false,
        cut_anew: false,
        patience: 10,
        fills: true,
        summary: serde_json::json!({ "files": 1 }),
        traceparent: None,
    }
}

/// A span of another process; odd ones have a state.
pub(crate) fn trace(number: u8) -> TraceContext {
    let state = format!("vendor={number}");
    let state = (number % 2 == 1).then_some(&*state);
    TraceContext::new(&format!("00-{number:032x}-{number:016x}-01"), state).unwrap()
}

pub(crate) fn retry(error: &str) -> Settlement {
    Settlement::Retry { after: 10 * MINUTE, error: error.into(), progressed: false }
}

pub(crate) fn fresh() -> Settlement {
    Settlement::Fresh
}

/// Handed back at a shutdown.
pub(crate) fn cancelled() -> Settlement {
    Settlement::Cancelled { error: "the process is shutting down".into() }
}

/// Whether no other attempt follows.
pub(crate) fn is_last(settled: &Option<Settled>) -> bool {
    settled.as_ref().is_some_and(|settled| settled.given_up)
}

/// What was not there before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) vectors_new: u64,
    pub(crate) artifacts_new: u64,
}

impl Bench {
    pub(crate) async fn instance(&self) -> InstanceId {
        let instance = InstanceId::random();
        self.store.register(instance, 4, "test", Takes::Any).await.unwrap();
        instance
    }

    /// A heartbeat in a session of its own; false: the instance is not alive.
    pub(crate) async fn heartbeat(&self, instance: InstanceId) -> bool {
        let Ok(mut session) = self.store.session(instance).await else { return false };
        let alive = session.heartbeat().await.unwrap().alive;
        session.close().await;
        alive
    }

    /// Puts what is due in the queue; how many got a job.
    pub(crate) async fn enqueue_due(&self) -> u32 {
        self.store.enqueue_due(None, 100, Duration::ZERO).await.unwrap().enqueued
    }

    /// What the database's clock says.
    pub(crate) async fn now(&self) -> SystemTime {
        let mut session = self.store.session(self.instance().await).await.unwrap();
        let now = session.now().await.unwrap();
        session.close().await;
        now
    }

    /// Turns the database's clock to a moment of the future.
    pub(crate) async fn turn_to(&self, moment: &str) {
        let moment = SystemTime::from(moment.parse::<jiff::Timestamp>().unwrap());
        self.clock.forward(moment.duration_since(self.now().await).unwrap()).await;
    }

    /// How long until the next job is due, whoever asks.
    pub(crate) async fn next_due(&self, only: Option<&[JobId]>) -> Option<Duration> {
        let filter = ClaimFilter { only: only.map(<[JobId]>::to_vec), ..ClaimFilter::default() };
        self.store.next_due(None, &filter).await.unwrap()
    }

    /// A daemon starts that wants so many slots in the cluster, nobody else holding it to a configuration.
    pub(crate) async fn slots(&self, slots: u32) {
        let configuration = Configuration { slots, ..configuration("default") };
        self.store.agree(InstanceId::random(), &configuration, Membership::Joins).await.unwrap();
    }

    pub(crate) async fn repository(&self, remote: &str) -> RepositoryId {
        self.store.add_repository(remote, None).await.unwrap().id
    }

    pub(crate) async fn enqueue(&self, repository: RepositoryId) -> Enqueued {
        self.store.enqueue(repository, Enqueue::default()).await.unwrap()
    }

    pub(crate) async fn claim(&self, instance: InstanceId) -> Option<Claim> {
        let filter = ClaimFilter { heavy: true, ..ClaimFilter::default() };
        self.store.claim(instance, &filter).await.unwrap()
    }

    /// A job of this repository, claimed by an instance of its own.
    pub(crate) async fn start(&self, repository: RepositoryId) -> Claim {
        let job = self.enqueue(repository).await.job;
        let filter = ClaimFilter { only: Some(vec![job]), heavy: true, ..ClaimFilter::default() };
        self.store.claim(self.instance().await, &filter).await.unwrap().expect("it is queued and free")
    }

    pub(crate) async fn settle(&self, claim: &Claim, how: Settlement) -> Option<Settled> {
        self.store.settle(claim.id, how, None).await.unwrap()
    }

    /// A person takes the job out while it runs.
    pub(crate) async fn take_out(&self, claim: &Claim) {
        self.take_out_with(claim, cancelled()).await;
    }

    /// The same, and its attempt ends so.
    pub(crate) async fn take_out_with(&self, claim: &Claim, how: Settlement) {
        assert_eq!(self.store.cancel(claim.job).await.unwrap(), Cancel::Asked);
        let settled = self.settle(claim, how).await.expect("the claim stands");
        assert_eq!((settled.outcome, settled.error), (AttemptOutcome::Cancelled, None));
    }

    /// Stores a content with its vectors.
    pub(crate) async fn put(&self, text: &str) -> Stored {
        self.put_parts(text, &vectors(text)).await
    }

    pub(crate) async fn put_parts(&self, text: &str, vectors: &[(TextKey, Vector)]) -> Stored {
        let artifacts_new = self.put_artifact(text).await;
        let vectors_new = self.put_vectors(recipe().embedding, text, vectors).await;
        Stored { vectors_new, artifacts_new }
    }

    /// As a fill does.
    pub(crate) async fn put_vectors(&self, of: EmbeddingId, text: &str, vectors: &[(TextKey, Vector)]) -> u64 {
        let filled = Filled { embedding: of, vectors, failed: &[], artifacts: &[artifact(text).0] };
        self.store.put_vectors(filled).await.unwrap()
    }

    /// As a refresh does: whether it was not there.
    pub(crate) async fn put_artifact(&self, text: &str) -> u64 {
        let artifact = artifact(text);
        let blobs = [(blob(text), Ok(artifact.0))];
        let put = Put {
            chunking: recipe().chunking,
            rules: rules(),
            artifacts: &[artifact],
            blobs: &blobs,
            symbols: Extracted::of(&[]),
        };
        self.store.put(put).await.unwrap().artifacts_new
    }

    pub(crate) async fn known(&self, text: &str) -> Option<Known> {
        let asked = [blob(text)];
        let known = self.store.known(&asked, recipe().chunking, rules());
        known.await.unwrap().pop().flatten()
    }

    /// Runs a job of this repository that publishes these files as the difference from `base`.
    pub(crate) async fn warm(
        &self,
        repository: RepositoryId,
        base: Option<&str>,
        commit: &str,
        files: &[(&str, &str)],
    ) {
        let claim = self.start(repository).await;
        for (path, text) in files {
            self.put(text).await;
            assert!(self.store.stage(claim.id, &[staged(path, text)]).await.unwrap());
        }
        let published = self.store.publish(&publication(&claim, base, commit)).await.unwrap();
        assert!(matches!(published, Published::Done { recognised: false, .. }));
    }

    pub(crate) async fn entries(&self, repository: RepositoryId) -> Vec<Entry> {
        self.store.entries_page(repository, None, 10_000).await.unwrap()
    }

    pub(crate) async fn paths(&self, repository: RepositoryId) -> Vec<String> {
        self.entries(repository).await.into_iter().map(|entry| entry.path).collect()
    }

    pub(crate) async fn collect(&self) -> Collected {
        self.store.collect(&Collect::default()).await.unwrap()
    }
}
