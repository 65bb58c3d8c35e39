//! A cache in a temporary directory, filled by hand, and an embedder that needs no model.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use warmer_content::{
    Artifact, Chunk, ChunkingId, Content, Digest, EmbeddingId, Language, Recipe, RulesDigest, Vector, artifact_key,
    text_key,
};
use warmer_query::{Embed, QueryError, QueryVector};
use warmer_store::{
    Cache as _, Catalogue as _, Claim, ClaimFilter, Configuration, Enqueue, Extracted, Filled, Fills as _, InstanceId,
    Membership, Outcome, Publication, Published, Put, Queue as _, RepositoryId, Role, Served, Settlement, Sqlite,
    StagedEntry, Takes,
};

/// A cache, and an instance that fills it.
pub(crate) struct Cache {
    pub(crate) store: Sqlite,
    instance: InstanceId,
    _directory: TempDir,
}

impl Cache {
    pub(crate) async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let store = Sqlite::open(&directory.path().join("warmer.sqlite"), Role::Pipeline).await.unwrap();
        let instance = InstanceId::random();
        store.register(instance, 4, "test", Takes::Any).await.unwrap();
        Self { store, instance, _directory: directory }
    }

    pub(crate) async fn follow(&self, remote: &str) -> RepositoryId {
        self.store.add_repository(remote, None).await.unwrap().id
    }

    /// Begins to work on a repository.
    pub(crate) async fn claim(&self, repository: RepositoryId) -> Claim {
        let how = Enqueue { force: true, ..Enqueue::default() };
        let job = self.store.enqueue(repository, how).await.unwrap().job;
        let filter = ClaimFilter { only: Some(vec![job]), ..ClaimFilter::default() };
        self.store.claim(self.instance, &filter).await.unwrap().unwrap()
    }

    pub(crate) async fn fail(&self, repository: RepositoryId, error: &str) {
        let claim = self.claim(repository).await;
        self.store.settle(claim.id, Settlement::Dead { error: error.to_owned() }, None).await.unwrap();
    }

    /// Serves files of one chunk each.
    pub(crate) async fn serve(&self, repository: RepositoryId, files: &[(&str, &str)]) {
        let claim = self.claim(repository).await;
        for (path, text) in files {
            let language = Language::by_file_name(path).unwrap_or_else(Language::text);
            let content = Content::plain((*text).to_owned(), language);
            let (key, artifact) = (artifact_key(recipe().chunking, &content), Arc::new(artifact(content)));
            let put = Put {
                chunking: recipe().chunking,
                rules: rules(),
                artifacts: &[(key, artifact)],
                blobs: &[],
                symbols: Extracted::of(&[]),
            };
            self.store.put(put).await.unwrap();
            let vectors = &[(text_key(text), letters(text))];
            let filled = Filled { embedding: recipe().embedding, vectors, failed: &[], artifacts: &[] };
            self.store.put_vectors(filled).await.unwrap();
            let entry = StagedEntry {
                path: (*path).to_owned(),
                oid: "1".repeat(40),
                language_hint: "text".to_owned(),
                outcome: Outcome::Artifact(key),
            };
            assert!(self.store.stage(claim.id, &[entry]).await.unwrap());
        }
        let served = Served {
            reference: "refs/heads/main".to_owned(),
            ref_oid: "1".repeat(40),
            commit: "1".repeat(40),
            recipe: recipe(),
            rules: rules(),
        };
        let publication = Publication {
            claim: claim.id,
            base: claim.repository.served,
            served,
            committed_at: None,
            complete: true,
            cut_anew: false,
            patience: 0,
            fills: true,
            summary: serde_json::Value::Null,
            traceparent: None,
        };
        assert!(matches!(self.store.publish(&publication).await.unwrap(), Published::Done { .. }));
    }
}

impl Cache {
    /// The fleet makes another model from now on, which has the vector of this text by now.
    pub(crate) async fn makes(&self, embedding: EmbeddingId, made: &str) {
        let recipe = Recipe { embedding, ..recipe() };
        let configuration =
            Configuration { recipe, rules: rules(), slots: 0, windows: vec![], keys: BTreeMap::default() };
        self.store.agree(self.instance, &configuration, Membership::Joins).await.unwrap();
        self.store.seed(recipe, None, u32::MAX).await.unwrap();
        let content = Content::plain(made.to_owned(), Language::text());
        let vectors = &[(text_key(made), letters(made))];
        let artifacts = &[artifact_key(recipe.chunking, &content)];
        self.store.put_vectors(Filled { embedding, vectors, failed: &[], artifacts }).await.unwrap();
    }
}

/// A vector that counts letters: texts with the same letters are near.
fn letters(text: &str) -> Vector {
    let mut counts = [0.0_f32; 26];
    for letter in text.bytes().filter(u8::is_ascii_lowercase) {
        counts[usize::from(letter - b'a')] += 1.0;
    }
    Vector::normalized(&counts)
}

fn recipe() -> Recipe {
    Recipe { embedding: EmbeddingId(Digest::of(b"letters")), chunking: ChunkingId(Digest::of(b"whole")) }
}

fn rules() -> RulesDigest {
    RulesDigest(Digest::of(b"rules"))
}

fn artifact(content: Content) -> Artifact {
    let (end, key) = (content.text.len() as u32, text_key(&content.text));
    let header = String::new();
    Artifact::of(content, vec![Chunk { start: 0, end, start_line: 1, end_line: 1, symbol: None, header, size: 8, key }])
}

/// Embeds as the cache was embedded.
pub(crate) struct Letters;

#[async_trait]
impl Embed for Letters {
    async fn embed(&self, query: &str, _embedding: EmbeddingId) -> Result<QueryVector, QueryError> {
        Ok(QueryVector { vector: letters(query), tokens: 3 })
    }
}
