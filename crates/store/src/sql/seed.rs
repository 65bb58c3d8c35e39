//! A changed model is made from what is stored: its generation gets a row, and covers each repository that serves its
//! chunking, from which on fills make what lacks. No repository is listed for that and no blob is read.
//!
//! The row is committed first, and each repository is covered under its lock: a publication comes before, and what it
//! brought is noted here, or after, and notes it itself. Whoever goes on after a crash sees by the rows what is left.

use warmer_content::{EmbeddingId, Recipe};

use super::{Base, Connection, Fault, Row as _, Statements as _, Writing as _, fingerprint, lack, values};
use crate::repository::RepositoryId;

/// The fleet makes the embedding $1 and the chunking $2, which something is served under, and nobody did yet.
const BEGINS: &str = "
    SELECT NOT EXISTS (SELECT 1 FROM generation
                       WHERE embedding = (SELECT id FROM fingerprint WHERE digest = $1)
                           AND chunking = (SELECT id FROM fingerprint WHERE digest = $2))
        AND EXISTS (SELECT 1 FROM fleet WHERE embedding = $1 AND chunking = $2)
        AND EXISTS (SELECT 1 FROM served WHERE chunking = (SELECT id FROM fingerprint WHERE digest = $2)) AS begins";
/// What nobody had a model for ($3) is the embedding's $1 from now on, whose digest is $2, unless the fleet makes
/// another: no vector is stored under $3, so that all of it is noted as lacking already.
const ADOPT: &str = "
    UPDATE generation SET embedding = $1
    WHERE embedding = (SELECT id FROM fingerprint WHERE digest = $3)
        AND NOT EXISTS (SELECT 1 FROM fleet WHERE fleet.embedding NOT IN ($2, $3))
        AND NOT EXISTS (SELECT 1 FROM generation AS other
            WHERE other.embedding = $1 AND other.chunking = generation.chunking)";
/// Of the embedding $1 and the chunking $2, whose digests are $3 and $4. The first is active at once, unless the fleet
/// makes another one. That nobody has a model ($5) makes no generation where there is one of a model.
const MAKE: &str = "
    INSERT INTO generation (embedding, chunking, state, changed_at, active_at)
    SELECT $1, $2, made.state, now, CASE WHEN made.state = 'active' THEN now END
    FROM clock, (SELECT CASE WHEN EXISTS (SELECT 1 FROM generation WHERE state = 'active')
                               OR EXISTS (SELECT 1 FROM fleet WHERE embedding NOT IN ($3, $5) OR chunking <> $4)
                             THEN 'building' ELSE 'active' END AS state) AS made
    WHERE NOT EXISTS (SELECT 1 FROM generation WHERE embedding = $1 AND chunking = $2)
        AND NOT ($3 = $5 AND EXISTS (SELECT 1 FROM generation WHERE embedding <> $1 AND state <> 'retired'))
    ON CONFLICT (embedding, chunking) DO NOTHING";

/// What generations do not cover though it is served under their chunking; of the repository $1 or, where that is 0, of
/// all; $2 at most.
macro_rules! unseeded {
    ($which:literal) => {
        concat!(
            "SELECT served.repository, generation.id AS generation
             FROM generation JOIN served ON served.chunking = generation.chunking
             WHERE ",
            $which,
            " AND ($1 = 0 OR served.repository = $1)
              AND (SELECT coverage.repository FROM coverage WHERE coverage.repository = served.repository
                       AND coverage.generation = generation.id) IS NULL
             ORDER BY served.repository, generation.id LIMIT $2"
        )
    };
}
/// Of the generation that searches use, which a command may have brought back, and of the one that the fleet makes.
const UNSEEDED: &str = unseeded!(
    "(generation.state = 'active' OR generation.state = 'building' AND EXISTS (
        SELECT 1 FROM fleet
        WHERE fleet.embedding = (SELECT digest FROM fingerprint WHERE fingerprint.id = generation.embedding)
            AND fleet.chunking = (SELECT digest FROM fingerprint WHERE fingerprint.id = generation.chunking)))"
);
const UNSEEDED_UNDER: &str = unseeded!("generation.id = $3");
const GENERATION: &str = "SELECT embedding, chunking FROM generation WHERE id = $1";

/// Every repository: no row has this number.
const ALL: i64 = 0;
/// Repositories that one statement looks for.
const PAGE: u32 = 256;

/// The number of repositories that were covered.
pub(super) async fn seed<B: Base>(
    store: &B,
    recipe: Recipe,
    repositories: Option<&[RepositoryId]>,
    limit: u32,
) -> Result<u64, Fault> {
    begin(store, recipe).await?;
    let Some(repositories) = repositories else {
        return cover(store, UNSEEDED, values![ALL, limit]).await;
    };
    let mut seeded = 0;
    for repository in repositories {
        seeded += cover(store, UNSEEDED, values![repository.0, limit]).await?;
    }
    Ok(seeded)
}

/// Whatever its state is: all that is served under its chunking.
pub(super) async fn seed_under<B: Base>(store: &B, generation: i64) -> Result<(), Fault> {
    while cover(store, UNSEEDED_UNDER, values![ALL, PAGE, generation]).await? > 0 {}
    Ok(())
}

/// The generation of a recipe, unless it is there.
pub(super) async fn make<C: Connection>(tx: &mut C, ids: (i64, i64), recipe: &Recipe) -> sqlx::Result<()> {
    let ((embedding, chunking), digests, none) = (ids, (&recipe.embedding.0, &recipe.chunking.0), &EmbeddingId::NONE.0);
    if recipe.embedding != EmbeddingId::NONE {
        tx.run(ADOPT, values![embedding, digests.0, none]).await?;
    }
    tx.run(MAKE, values![embedding, chunking, digests.0, digests.1, none]).await.map(drop)
}

async fn begin<B: Base>(store: &B, recipe: Recipe) -> Result<(), Fault> {
    let digests = values![&recipe.embedding.0, &recipe.chunking.0];
    if recipe.embedding == EmbeddingId::NONE || !store.read().await?.one(BEGINS, digests).await?.flag("begins")? {
        return Ok(());
    }
    let embedding = fingerprint::number(store, &recipe.embedding.0).await?;
    let chunking = fingerprint::number(store, &recipe.chunking.0).await?;
    let mut tx = store.write().await?;
    make(&mut *tx, (embedding, chunking), &recipe).await?;
    Ok(tx.commit().await?)
}

async fn cover<B: Base>(store: &B, sql: &'static str, values: &[super::Value<'_>]) -> Result<u64, Fault> {
    let unseeded = store.read().await?.all(sql, values).await?;
    let mut seeded = 0;
    for row in &unseeded {
        seeded += u64::from(cover_one(store, row.int("repository")?, row.int("generation")?).await?);
    }
    Ok(seeded)
}

/// False: somebody did it meanwhile, or the repository or the generation is gone.
async fn cover_one<B: Base>(store: &B, repository: i64, generation: i64) -> Result<bool, Fault> {
    let mut tx = store.rely().await?;
    if tx.maybe(B::Connection::LOCK_REPOSITORY, values![repository]).await?.is_none() {
        return Ok(false);
    }
    let Some(row) = tx.maybe(GENERATION, values![generation]).await? else { return Ok(false) };
    let of = (generation, row.int("embedding")?, row.int("chunking")?);
    let seeded = lack::seed(&mut *tx, repository, of).await?;
    tx.commit().await?;
    Ok(seeded)
}
