//! A push that is cut in another way while the model changes too is shown at once.
//!
//! Searches use the embedding of before until the new one has all its vectors, and that one makes nothing that is cut
//! so. It gets a generation of that chunking, which is retired from the beginning: no fill is made for it. It covers
//! the repositories with such a push: these are found by their words, and by the vectors that their texts have.

use warmer_content::EmbeddingId;

use super::{Base, Connection, Fault, Row as _, Statements as _, Writing as _, lack, new_generation, values};

const ACTIVE: &str = "SELECT embedding FROM generation WHERE state = 'active'";
const NUMBER: &str = "SELECT id FROM fingerprint WHERE digest = $1";
/// Repositories whose last publication the embedding $2 does not find, nor the same commit and rules cut in another
/// way.
macro_rules! unshown {
    ($which:literal) => {
        concat!(
            "SELECT latest.repository, latest.chunking FROM served AS latest
             WHERE ",
            $which,
            " AND NOT EXISTS (SELECT 1 FROM served AS later
                 WHERE later.repository = latest.repository AND later.publication > latest.publication)
              AND NOT EXISTS (SELECT 1 FROM coverage
                 JOIN generation ON generation.id = coverage.generation AND generation.embedding = $2
                 JOIN served AS found ON found.repository = coverage.repository
                     AND found.chunking = generation.chunking
                 WHERE coverage.repository = latest.repository
                     AND found.commit_oid = latest.commit_oid AND found.rules = latest.rules)"
        )
    };
}
const UNSHOWN: &str = unshown!("latest.repository = $1");
/// Those behind the repository $1, a page at most.
const PAGE: &str = concat!(unshown!("latest.repository > $1"), " ORDER BY latest.repository LIMIT 256");
const PAGE_ROWS: usize = 256;

/// What `repository` published within this transaction, by this embedding. The caller has the repository's lock.
pub(super) async fn show_published<C: Connection>(tx: &mut C, repository: i64, embedding: i64) -> sqlx::Result<()> {
    let Some(row) = tx.maybe(ACTIVE, &[]).await? else { return Ok(()) };
    let active = row.int("embedding")?;
    if active != embedding {
        show(tx, repository, active).await?;
    }
    Ok(())
}

/// What is to be found once searches use this embedding: after a roll back, what was pushed since.
pub(super) async fn show_under<B: Base>(store: &B, embedding: EmbeddingId) -> Result<(), Fault> {
    let number = store.read().await?.maybe(NUMBER, values![&embedding.0]).await?;
    match number {
        Some(row) => show_all(store, row.int("id")?).await,
        None => Ok(()),
    }
}

/// What was published while searches went over to another embedding.
pub(super) async fn show_active<B: Base>(store: &B) -> Result<(), Fault> {
    let active = store.read().await?.maybe(ACTIVE, &[]).await?;
    match active {
        Some(row) => show_all(store, row.int("embedding")?).await,
        None => Ok(()),
    }
}

async fn show_all<B: Base>(store: &B, embedding: i64) -> Result<(), Fault> {
    let mut after = 0;
    loop {
        let unshown = store.read().await?.all(PAGE, values![after, embedding]).await?;
        for row in &unshown {
            after = row.int("repository")?;
            let mut tx = store.rely().await?;
            if tx.maybe(B::Connection::LOCK_REPOSITORY, values![after]).await?.is_some() {
                show(&mut *tx, after, embedding).await?;
                tx.commit().await?;
            }
        }
        if unshown.len() < PAGE_ROWS {
            return Ok(());
        }
    }
}

async fn show<C: Connection>(tx: &mut C, repository: i64, embedding: i64) -> sqlx::Result<()> {
    let Some(row) = tx.maybe(UNSHOWN, values![repository, embedding]).await? else { return Ok(()) };
    let chunking = row.int("chunking")?;
    let generation = new_generation::beside(tx, embedding, chunking).await?;
    lack::seed(tx, repository, (generation, embedding, chunking)).await.map(drop)
}
