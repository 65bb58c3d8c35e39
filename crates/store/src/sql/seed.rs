//! A changed model is made from what is stored: its generation gets a row, and covers each repository that serves its
//! chunking, from which on fills make what lacks. No repository is listed for that and no blob is read.
//!
//! The row is committed first, and each repository is covered under its lock: a publication comes before, and what it
//! brought is noted here, or after, and notes it itself. Whoever goes on after a crash sees by the rows what is left.

use warmer_content::{EmbeddingId, Recipe};

use super::{
    Base, Connection, Fault, Row as _, Statements as _, Writing as _, fingerprint, lack, new_generation, pushes, values,
};
use crate::repository::RepositoryId;

/// The fleet makes the embedding $1 and the chunking $2, which something is served under, and nobody did yet.
const BEGINS: &str = "
    SELECT NOT EXISTS (SELECT 1 FROM generation
                       WHERE embedding = (SELECT id FROM fingerprint WHERE digest = $1)
                           AND chunking = (SELECT id FROM fingerprint WHERE digest = $2))
        AND EXISTS (SELECT 1 FROM fleet WHERE embedding = $1 AND chunking = $2)
        AND EXISTS (SELECT 1 FROM served WHERE chunking = (SELECT id FROM fingerprint WHERE digest = $2)) AS begins";
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
pub(super) async fn seed<B: Base>(store: &B, repositories: Option<&[RepositoryId]>, limit: u32) -> Result<u64, Fault> {
    let Some(repositories) = repositories else {
        pushes::show_active(store).await?;
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

/// The generation of a recipe gets its row, if the fleet makes it and something is there for it. Whether it did
/// just now.
pub(super) async fn begin<B: Base>(store: &B, recipe: Recipe) -> Result<bool, Fault> {
    let digests = values![&recipe.embedding.0, &recipe.chunking.0];
    if recipe.embedding == EmbeddingId::NONE || !store.read().await?.one(BEGINS, digests).await?.flag("begins")? {
        return Ok(false);
    }
    let embedding = fingerprint::number(store, &recipe.embedding.0).await?;
    let chunking = fingerprint::number(store, &recipe.chunking.0).await?;
    let mut tx = store.write().await?;
    new_generation::make(&mut *tx, (embedding, chunking), &recipe).await?;
    tx.commit().await?;
    Ok(true)
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
