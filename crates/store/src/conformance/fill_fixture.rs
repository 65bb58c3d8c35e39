//! What the sentences about fills speak about.

use warmer_content::{Recipe, SkipReason, TextKey, Vector};

use super::Bench;
use super::fixture::*;
use crate::*;

/// Another model that cuts texts as the first does.
pub(crate) fn other_model() -> Recipe {
    Recipe { embedding: embedding("other"), ..recipe() }
}

/// Served artifacts with a text that lacks a vector and of which nothing is noted: none, at any time (I-COV).
const UNNOTED: &str = "
    SELECT count(*) FROM coverage
    JOIN generation ON generation.id = coverage.generation
    JOIN entry ON entry.repository = coverage.repository AND entry.chunking = generation.chunking
    JOIN artifact ON artifact.key = entry.artifact
    JOIN artifact_chunk ON artifact_chunk.artifact = artifact.id
    WHERE NOT EXISTS (SELECT 1 FROM vector
            WHERE vector.embedding = generation.embedding AND vector.text = artifact_chunk.text)
        AND NOT EXISTS (SELECT 1 FROM failed_text
            WHERE failed_text.embedding = generation.embedding AND failed_text.text = artifact_chunk.text
                AND NOT failed_text.again)
        AND NOT EXISTS (SELECT 1 FROM lack
            WHERE lack.repository = coverage.repository AND lack.generation = generation.id
                AND lack.artifact = artifact.id AND lack.bucket = artifact.bucket)";

impl Bench {
    /// I-COV, and that each generation that is wanted has a row for what was published under its chunking.
    pub(crate) async fn everything_is_noted(&self) {
        assert_eq!(self.rows.count(UNNOTED).await, 0, "artifacts that no fill would complete");
    }

    /// Publishes these files as the difference from `base`, by this recipe, without any vectors.
    pub(crate) async fn push(
        &self,
        repository: RepositoryId,
        (base, commit): (Option<&str>, &str),
        files: &[(&str, &str)],
        by: Recipe,
    ) {
        let claim = self.start(repository).await;
        for (path, text) in files {
            self.put_artifact(text).await;
            assert!(self.store.stage(claim.id, &[staged(path, text)]).await.unwrap());
        }
        let base = match base {
            Some(_) => claim.served_under(by.chunking).map(|state| state.served.clone()),
            None => None,
        };
        let served = Served { recipe: by, ..served(commit) };
        let publication = Publication { base, served, ..publication(&claim, None, commit) };
        let published = self.store.publish(&publication).await.unwrap();
        assert!(matches!(published, Published::Done { recognised: false, .. }), "{published:?}");
        self.everything_is_noted().await;
    }

    /// Claims a fill for this embedding.
    pub(crate) async fn claim_fill(&self, by: Recipe) -> Option<Claim> {
        let filter = ClaimFilter { kind: JobKind::Fill, embedding: Some(by.embedding), ..ClaimFilter::default() };
        self.store.claim(self.instance().await, &filter).await.unwrap()
    }

    pub(crate) async fn page(&self, claim: &Claim, after: Option<&After>, limit: u32) -> Result<Page, Unwanted> {
        let page = self.store.lacking(claim.id, after, limit).await.unwrap();
        self.everything_is_noted().await;
        page
    }

    /// All that a claim is to do, in its order, in pages of so many artifacts.
    pub(crate) async fn pages(&self, claim: &Claim, limit: u32) -> Vec<Lacking> {
        let (mut all, mut after) = (vec![], None);
        loop {
            let page = self.page(claim, after.as_ref(), limit).await.expect("the claim stands");
            assert!(page.artifacts.len() <= limit as usize);
            all.extend(page.artifacts);
            after = page.last;
            if after.is_none() {
                return all;
            }
        }
    }

    /// Does all that a claim is to do, by this recipe, and ends it.
    pub(crate) async fn fill(&self, claim: &Claim, by: Recipe) {
        for lacking in self.pages(claim, 2).await {
            let vectors: Vec<_> = lacking.texts.iter().map(|text| (*text, vector(text))).collect();
            let artifacts = [lacking.artifact];
            let filled = Filled { embedding: by.embedding, vectors: &vectors, failed: &[], artifacts: &artifacts };
            self.store.put_vectors(filled).await.unwrap();
            self.everything_is_noted().await;
        }
        let settled = self.settle(claim, filled()).await.expect("the claim stands");
        assert_eq!((settled.outcome, settled.given_up), (AttemptOutcome::Filled, false));
    }

    /// Does all fills that are queued for this recipe; their number.
    pub(crate) async fn fill_all(&self, by: Recipe) -> u32 {
        let mut fills = 0;
        while let Some(claim) = self.claim_fill(by).await {
            self.fill(&claim, by).await;
            fills += 1;
        }
        fills
    }

    pub(crate) async fn coverage(&self, repository: RepositoryId) -> Coverage {
        self.store.coverage(Some(&[repository])).await.unwrap().remove(&repository).expect("it is served")
    }

    pub(crate) async fn missing(&self, repository: RepositoryId) -> u64 {
        self.coverage(repository).await.missing
    }

    pub(crate) async fn fills(&self) -> Vec<(RepositoryId, Option<Lane>, Option<Shard>)> {
        let jobs = self.store.jobs(&JobFilter::default()).await.unwrap();
        let fills = jobs.into_iter().filter(|job| job.kind == JobKind::Fill);
        let mut fills: Vec<_> = fills.map(|job| (job.repository, job.lane, job.shard)).collect();
        fills.sort();
        fills
    }

    /// Those of these texts that fills leave out.
    pub(crate) async fn failed_of(&self, text: &str) -> Vec<TextKey> {
        self.store.failed_texts(recipe().embedding, &texts(text)).await.unwrap()
    }

    pub(crate) async fn cannot_embed(&self, text: &str, reason: SkipReason) {
        let failed = [(texts(text)[0], reason)];
        let (embedding, artifacts) = (recipe().embedding, [artifact(text).0]);
        self.store
            .put_vectors(Filled { embedding, vectors: &[], failed: &failed, artifacts: &artifacts })
            .await
            .unwrap();
        self.everything_is_noted().await;
    }
}

pub(crate) fn filled() -> Settlement {
    Settlement::Filled
}

fn vector(text: &TextKey) -> Vector {
    Vector::normalized(&[f32::from(text.0.0[0]), f32::from(text.0.0[1]), 1.0])
}
