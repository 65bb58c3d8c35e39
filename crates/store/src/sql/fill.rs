//! Fills: the pages of what lacks, the vectors as they come, and how far a repository is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use warmer_content::{ArtifactKey, EmbeddingId, Recipe, SkipReason, TextKey};

use super::fill_walk::{self, Steps};
use super::rows::{artifact_key, moment, text_key};
use super::transient::retrying;
use super::{
    Base, Connection, Fault, List, Row, Statements, Value, Writing as _, again, count, fill_queue, fingerprint,
    generation, seed, trying, unmark_vectors, values,
};
use crate::cache::Totals;
use crate::error::StoreError;
use crate::fill::{After, Coverage, FillRequest, Filled, Fills, Lacking, Page, Unwanted};
use crate::job::ClaimId;
use crate::repository::RepositoryId;

/// The fence of a fill, and what it is to do.
const RUNNING: &str = "
    SELECT job.repository, job.generation, job.lane, job.shard, job.cancel, generation.embedding,
           repository.publication, repository.state = 'paused' AS paused,
           coalesce(generation.state, 'retired') = 'retired' AS retired
    FROM job JOIN repository ON repository.id = job.repository LEFT JOIN generation ON generation.id = job.generation
    WHERE job.claim = $1 AND job.state = 'running' AND job.kind = 1";

#[async_trait]
impl<B: Base> Fills for B {
    async fn lacking(
        &self,
        claim: ClaimId,
        after: Option<&After>,
        limit: u32,
    ) -> Result<Result<Page, Unwanted>, StoreError> {
        retrying!(self, page(self, claim, after, limit))
    }

    async fn put_vectors(&self, filled: Filled<'_>) -> Result<u64, StoreError> {
        retrying!(self, put(self, filled))
    }

    async fn failed_texts(&self, embedding: EmbeddingId, texts: &[TextKey]) -> Result<Vec<TextKey>, StoreError> {
        retrying!(self, failed_texts(self, embedding, texts))
    }

    async fn try_failed_again(&self, repository: RepositoryId) -> Result<u64, StoreError> {
        retrying!(self, again::asked_for(self, repository))
    }

    async fn try_text(&self, claim: ClaimId, text: Option<TextKey>) -> Result<bool, StoreError> {
        retrying!(self, trying::try_text(self, claim, text))
    }

    async fn coverage(
        &self,
        repositories: Option<&[RepositoryId]>,
    ) -> Result<HashMap<RepositoryId, Coverage>, StoreError> {
        retrying!(self, coverage(self, repositories))
    }

    async fn coverage_under(&self, repository: RepositoryId, recipe: Recipe) -> Result<Option<Coverage>, StoreError> {
        retrying!(self, coverage_under(self, repository, recipe))
    }

    async fn seed(&self, recipe: Recipe, repositories: Option<&[RepositoryId]>, limit: u32) -> Result<u64, StoreError> {
        retrying!(self, seed_by(self, recipe, repositories, limit))
    }

    async fn enqueue_fills(&self, embedding: EmbeddingId, request: FillRequest<'_>) -> Result<u64, StoreError> {
        let jobs = retrying!(self, fill_queue::enqueue(self, embedding, request))?;
        if jobs > 0 || request.force {
            self.notify().await;
        }
        Ok(jobs)
    }
}

async fn page<B: Base>(
    store: &B,
    claim: ClaimId,
    after: Option<&After>,
    limit: u32,
) -> Result<Result<Page, Unwanted>, Fault> {
    let mut conn = store.read().await?;
    let Some(run) = conn.maybe(RUNNING, values![claim.0]).await? else { return Ok(Err(Unwanted::Lost)) };
    if let Some(unwanted) = unwanted(&run)? {
        return Ok(Err(unwanted));
    }
    let (repository, generation) = (run.int("repository")?, run.int("generation")?);
    let Steps { rows, last, contested } = fill_walk::steps(&mut *conn, &run, after, limit).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.int("artifact")).collect::<sqlx::Result<_>>()?;
    let mut texts: HashMap<i64, BTreeSet<TextKey>> = HashMap::new();
    for row in conn.all(B::Connection::TEXTS_LACKING, values![run.int("embedding")?, &*ids]).await? {
        texts.entry(row.int("artifact")?).or_default().insert(text_key(row.bytes("text")?)?);
    }
    let served = conn.all(B::Connection::ARTIFACTS_SERVED, values![repository, generation, &*ids]).await?;
    let served: BTreeSet<i64> = served.iter().map(|row| row.int("artifact")).collect::<sqlx::Result<_>>()?;
    drop(conn);

    let mut artifacts = vec![];
    let mut idle = vec![];
    for row in &rows {
        let id = row.int("artifact")?;
        match texts.remove(&id).filter(|_| served.contains(&id)) {
            Some(texts) => artifacts
                .push(Lacking { artifact: artifact_key(row.bytes("key")?)?, texts: texts.into_iter().collect() }),
            None => idle.push(id),
        }
    }
    forget(store, repository, generation, &idle).await?;
    Ok(Ok(Page { artifacts, last, contested }))
}

fn unwanted(run: &impl Row) -> sqlx::Result<Option<Unwanted>> {
    Ok(match (run.flag("cancel")?, run.flag("paused")?, run.flag("retired")?) {
        (true, ..) => Some(Unwanted::Cancelled),
        (_, true, _) => Some(Unwanted::Paused),
        (_, _, true) => Some(Unwanted::Retired),
        _ => None,
    })
}

/// A publication of the same repository may just begin to serve what it did not: one waits for the other.
async fn forget<B: Base>(store: &B, repository: i64, generation: i64, idle: &[i64]) -> Result<(), Fault> {
    if idle.is_empty() {
        return Ok(());
    }
    let mut tx = store.rely().await?;
    tx.all(B::Connection::LOCK_REPOSITORY, values![repository]).await?;
    tx.run(B::Connection::FORGET_IDLE, values![repository, generation, idle]).await?;
    Ok(tx.commit().await?)
}

async fn put<B: Base>(store: &B, filled: Filled<'_>) -> Result<u64, Fault> {
    let vectors: BTreeMap<_, _> = filled.vectors.iter().map(|(text, vector)| (*text, vector)).collect();
    let failed: BTreeMap<_, _> = filled.failed.iter().map(|(text, reason)| (*text, *reason)).collect();
    let embedding = fingerprint::number(store, &filled.embedding.0).await?;
    let mut tx = store.rely().await?;
    let mut new = 0;
    if !vectors.is_empty() {
        new = B::insert_vectors(&mut tx, embedding, &vectors).await?;
        unmark_vectors(&mut *tx, filled.embedding, vectors.keys()).await?;
        let texts = [List::Keys(vectors.keys().map(|text| text.0).collect())];
        tx.run(B::Connection::FAILED_FORGET, &[embedding.into(), Value::Rows(&texts)]).await?;
    }
    note_failed(&mut *tx, embedding, &failed).await?;
    let keys: BTreeSet<ArtifactKey> = filled.artifacts.iter().copied().collect();
    let keys = [List::Keys(keys.iter().map(|key| key.0).collect())];
    let ids = tx.all(B::Connection::ARTIFACT_IDS, &[Value::Rows(&keys)]).await?;
    let ids: Vec<i64> = ids.iter().map(|row| row.int("id")).collect::<sqlx::Result<_>>()?;
    if !ids.is_empty() {
        tx.run(B::Connection::RAISE_GROWING, values![embedding, &*ids]).await?;
        tx.run(B::Connection::FORGET_FILLED, values![embedding, &*ids]).await?;
    }
    tx.commit().await?;
    Ok(new)
}

async fn seed_by<B: Base>(
    store: &B,
    recipe: Recipe,
    repositories: Option<&[RepositoryId]>,
    limit: u32,
) -> Result<u64, Fault> {
    if seed::begin(store, recipe).await? {
        generation::take_place(store, recipe).await?;
    }
    seed::seed(store, repositories, limit).await
}

async fn note_failed<C: Connection>(
    tx: &mut C,
    embedding: i64,
    failed: &BTreeMap<TextKey, SkipReason>,
) -> sqlx::Result<()> {
    if failed.is_empty() {
        return Ok(());
    }
    let rows = [
        List::Keys(failed.keys().map(|text| text.0).collect()),
        List::Texts(failed.values().map(|reason| reason.as_str()).collect()),
    ];
    tx.run(C::FAILED_NOTE, &[embedding.into(), Value::Rows(&rows)]).await.map(drop)
}

async fn failed_texts<B: Base>(store: &B, embedding: EmbeddingId, texts: &[TextKey]) -> Result<Vec<TextKey>, Fault> {
    let keys = [List::Keys(texts.iter().map(|text| text.0).collect())];
    let values = [Value::from(&embedding.0), Value::Rows(&keys)];
    let found = store.read().await?.all(B::Connection::FAILED_OF, &values).await?;
    Ok(found.iter().map(|row| text_key(row.bytes("text")?)).collect::<sqlx::Result<_>>()?)
}

async fn coverage<B: Base>(
    store: &B,
    repositories: Option<&[RepositoryId]>,
) -> Result<HashMap<RepositoryId, Coverage>, Fault> {
    let ids: Option<Vec<i64>> = repositories.map(|all| all.iter().map(|repository| repository.0).collect());
    let mut conn = store.read().await?;
    let mut failed = HashMap::new();
    for row in conn.all(B::Connection::FAILED_COUNTS, values![ids.as_deref()]).await? {
        failed.insert((row.int("repository")?, row.int("generation")?), count(row.int("failed")?));
    }
    let mut all = HashMap::new();
    for row in conn.all(B::Connection::COVERAGE, values![ids.as_deref()]).await? {
        let repository = row.int("repository")?;
        let failed = failed.get(&(repository, row.int("generation")?)).copied().unwrap_or(0);
        let coverage = covered_by(&row, failed)?;
        all.insert(RepositoryId(repository), coverage);
    }
    Ok(all)
}

async fn coverage_under<B: Base>(
    store: &B,
    repository: RepositoryId,
    recipe: Recipe,
) -> Result<Option<Coverage>, Fault> {
    let mut conn = store.read().await?;
    let values = values![repository.0, &recipe.embedding.0, &recipe.chunking.0];
    let Some(row) = conn.maybe(COVERAGE_UNDER, values).await? else { return Ok(None) };
    let generation = row.int("generation")?;
    let mut failed = 0;
    for row in conn.all(B::Connection::FAILED_COUNTS, values![Some(&[repository.0][..])]).await? {
        if row.int("generation")? == generation {
            failed = count(row.int("failed")?);
        }
    }
    Ok(Some(covered_by(&row, failed)?))
}

/// Of a row that says how far the vectors are.
fn covered_by(row: &impl Row, failed: u64) -> sqlx::Result<Coverage> {
    let totals = row.maybe_text("totals")?.map(serde_json::from_str::<Totals>).transpose().map_err(super::odd)?;
    Ok(Coverage {
        chunks: totals.unwrap_or_default().chunks,
        missing: count(row.int("missing")?),
        failed,
        version: count(row.int("version")?),
        last_error: row.maybe_text("last_error")?.map(str::to_owned),
        hold_until: row.maybe_int("hold_until")?.map(moment),
        left: row.flag("is_left")?,
    })
}

/// Whether no generation covers a repository whose vectors are made.
macro_rules! left {
    () => {
        "NOT EXISTS (SELECT 1 FROM coverage AS other JOIN generation AS made ON made.id = other.generation
             WHERE other.repository = coverage.repository AND made.state <> 'retired') AS is_left"
    };
}

/// $1: the repository; $2: the embedding; $3: the chunking.
const COVERAGE_UNDER: &str = concat!(
    "SELECT served.totals, generation.id AS generation, coverage.version, coverage.last_error, ",
    left!(),
    ", CASE WHEN coverage.hold_until > (SELECT now FROM clock) THEN coverage.hold_until END AS hold_until,
           (SELECT CAST(coalesce(sum(lack.texts), 0) AS BIGINT) FROM lack
            WHERE lack.repository = coverage.repository AND lack.generation = generation.id) AS missing
    FROM coverage JOIN generation ON generation.id = coverage.generation
    JOIN served ON served.repository = coverage.repository AND served.chunking = generation.chunking
    WHERE coverage.repository = $1
        AND generation.embedding = (SELECT id FROM fingerprint WHERE digest = $2)
        AND generation.chunking = (SELECT id FROM fingerprint WHERE digest = $3)"
);

/// The coverage of the generations by whose embeddings repositories are found, of some or of all.
macro_rules! covered {
    ($repositories:literal) => {
        concat!(
            "SELECT repository.id AS repository, repository.totals, generation.id AS generation, coverage.version,
                    coverage.last_error, ",
            $crate::sql::fill::left!(),
            ", CASE WHEN coverage.hold_until > (SELECT now FROM clock) THEN coverage.hold_until END AS hold_until,
                    (SELECT CAST(coalesce(sum(lack.texts), 0) AS BIGINT) FROM lack
                     WHERE lack.repository = repository.id AND lack.generation = generation.id) AS missing
             FROM repository_served AS repository
             JOIN fingerprint ON fingerprint.digest = repository.served_embedding
             JOIN generation ON generation.embedding = fingerprint.id AND generation.chunking = repository.chunking
             JOIN coverage ON coverage.repository = repository.id AND coverage.generation = generation.id
             WHERE ($1 IS NULL OR repository.id ",
            $repositories,
            ")"
        )
    };
}

/// How many texts cannot be embedded, by repository and generation; few, so that these are the outermost loop.
macro_rules! failed_counts {
    ($repositories:literal) => {
        concat!(
            "SELECT entry.repository, generation.id AS generation, count(DISTINCT failed_text.text) AS failed
             FROM failed_text CROSS JOIN artifact_chunk CROSS JOIN artifact CROSS JOIN entry CROSS JOIN generation
             WHERE NOT failed_text.again AND artifact_chunk.text = failed_text.text
                 AND artifact.id = artifact_chunk.artifact AND entry.artifact = artifact.key
                 AND generation.embedding = failed_text.embedding AND generation.chunking = entry.chunking
                 AND ($1 IS NULL OR entry.repository ",
            $repositories,
            ") GROUP BY entry.repository, generation.id"
        )
    };
}
pub(crate) use {covered, failed_counts, left};
