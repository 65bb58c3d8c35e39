//! Generations that nobody needs any more are dropped: their rows, and what repositories served under them beside what
//! is shown. The artifacts and vectors that this leaves unreached fall to the collection.

use warmer_content::Recipe;

use super::rows::named;
use super::{Base, Connection, Fault, Row as _, Writing as _, count, fill_jobs, values};
use crate::generation::{Dropped, GenerationState};

/// It retired a term ($1) ago, so that a command could bring it back until now, or is building and made nothing that
/// another did not make since; the fleet makes another; and no repository shows what it made.
const DROP: &str = "
    DELETE FROM generation WHERE changed_at <= (SELECT now FROM clock) - $1
        AND (state = 'retired' OR state = 'building' AND NOT EXISTS (
            SELECT 1 FROM served
            WHERE served.chunking = generation.chunking AND served.embedding = generation.embedding))
        AND NOT EXISTS (SELECT 1 FROM fleet
            WHERE fleet.embedding = (SELECT digest FROM fingerprint WHERE fingerprint.id = generation.embedding)
                AND fleet.chunking = (SELECT digest FROM fingerprint WHERE fingerprint.id = generation.chunking))
        AND NOT EXISTS (SELECT 1 FROM repository_served AS shown WHERE shown.chunking = generation.chunking
            AND shown.served_embedding = (SELECT digest FROM fingerprint WHERE fingerprint.id = generation.embedding))
    RETURNING id";
/// The one of the embedding $1 and the chunking $2: whether the fleet makes it, and how many repositories show it.
const WANTED: &str = "
    SELECT generation.id, generation.state,
           EXISTS (SELECT 1 FROM fleet WHERE fleet.embedding = $1 AND fleet.chunking = $2) AS made,
           (SELECT count(*) FROM repository_served AS shown
            WHERE shown.chunking = generation.chunking AND shown.served_embedding = $1) AS shown
    FROM generation
    WHERE embedding = (SELECT id FROM fingerprint WHERE digest = $1)
        AND chunking = (SELECT id FROM fingerprint WHERE digest = $2)";
const DROP_ONE: &str = "DELETE FROM generation WHERE id = $1";
const LAST: &str = "SELECT coalesce(max(id), 0) AS last FROM repository";
/// Of the repositories from $1, excluded, to $2.
const COVERAGE: &str = "
    DELETE FROM coverage WHERE repository > $1 AND repository <= $2
        AND generation NOT IN (SELECT generation.id FROM generation)";
/// The same, $3 at most: a repository may lack all of a generation.
const LACK: &str = "
    DELETE FROM lack WHERE (repository, generation, bucket, artifact) IN (
        SELECT repository, generation, bucket, artifact FROM lack WHERE repository > $1 AND repository <= $2
            AND generation NOT IN (SELECT generation.id FROM generation) LIMIT $3)";
/// Behind the repository $1, $2 at most.
const LEFT: &str = "
    SELECT repository, chunking FROM served WHERE repository > $1
        AND NOT EXISTS (SELECT 1 FROM generation WHERE generation.chunking = served.chunking)
    ORDER BY repository LIMIT $2";
/// Of the repository $1 under the chunking $2, $3 at most. Who published under it meanwhile brought its generation
/// back.
const ENTRIES: &str = "
    DELETE FROM entry WHERE repository = $1 AND chunking = $2
        AND path IN (SELECT path FROM entry WHERE repository = $1 AND chunking = $2 LIMIT $3)
        AND NOT EXISTS (SELECT 1 FROM generation WHERE generation.chunking = $2)";
const SERVED: &str = "
    DELETE FROM served WHERE repository = $1 AND chunking = $2
        AND NOT EXISTS (SELECT 1 FROM generation WHERE generation.chunking = $2)";

/// Chunkings that only generations made that are no more.
const CHUNKINGS: &str = "
    SELECT DISTINCT chunking FROM served
    WHERE NOT EXISTS (SELECT 1 FROM generation WHERE generation.chunking = served.chunking)";
const ALL_SERVED: &str = "
    DELETE FROM served WHERE NOT EXISTS (SELECT 1 FROM generation WHERE generation.chunking = served.chunking)";

/// Rows that one transaction looks at.
const STEP: i64 = 4096;

/// The number of generations that were dropped.
pub(super) async fn drop<B: Base>(store: &B, term: i64) -> Result<u64, Fault> {
    let mut tx = store.sweep().await?;
    let dropped = tx.run(DROP, values![term]).await?;
    fill_jobs::delete_unwanted(&mut *tx).await?;
    tx.commit().await?;
    clean(store).await?;
    Ok(dropped)
}

/// By command, at once: unless it is needed.
pub(super) async fn drop_one<B: Base>(store: &B, recipe: Recipe) -> Result<Dropped, Fault> {
    let mut tx = store.sweep().await?;
    let found = tx.maybe(WANTED, values![&recipe.embedding.0, &recipe.chunking.0]).await?;
    let Some(row) = found else { return Ok(Dropped::Unknown) };
    let is_active = named(&row, "state", GenerationState::from_name)? == GenerationState::Active;
    match (is_active, row.flag("made")?, count(row.int("shown")?)) {
        (true, ..) => return Ok(Dropped::Active),
        (_, true, _) => return Ok(Dropped::Made),
        (.., shown @ 1..) => return Ok(Dropped::Shown(shown)),
        _ => {}
    }
    tx.run(DROP_ONE, values![row.int("id")?]).await?;
    fill_jobs::delete_unwanted(&mut *tx).await?;
    tx.commit().await?;
    clean(store).await?;
    Ok(Dropped::Done)
}

/// Deletes what stood under generations that are no more, in steps.
async fn clean<B: Base>(store: &B) -> Result<(), Fault> {
    let last = store.read().await?.one(LAST, &[]).await?.int("last")?;
    for after in (0..last).step_by(STEP as usize) {
        run(store, COVERAGE, values![after, after + STEP]).await?;
        while run(store, LACK, values![after, after + STEP, STEP]).await? == count(STEP) {}
    }
    let mut after = 0;
    loop {
        let left = store.read().await?.all(LEFT, values![after, STEP]).await?;
        for row in &left {
            after = row.int("repository")?;
            let chunking = row.int("chunking")?;
            while run(store, ENTRIES, values![after, chunking, STEP]).await? == count(STEP) {}
            run(store, SERVED, values![after, chunking]).await?;
        }
        if count(STEP) > left.len() as u64 {
            return Ok(());
        }
    }
}

/// The same for a transaction that is rolled back, but for the entries: the number of generations, and the chunkings
/// whose entries would go.
pub(super) async fn without_entries<C: Connection>(tx: &mut C, term: i64) -> sqlx::Result<(u64, Vec<i64>)> {
    let dropped = tx.run(DROP, values![term]).await?;
    let left = tx.all(CHUNKINGS, &[]).await?;
    let chunkings = left.iter().map(|row| row.int("chunking")).collect::<sqlx::Result<_>>()?;
    tx.run(ALL_SERVED, &[]).await?;
    Ok((dropped, chunkings))
}

async fn run<B: Base>(store: &B, sql: &'static str, values: &[super::Value<'_>]) -> Result<u64, Fault> {
    let mut tx = store.sweep().await?;
    let changed = tx.run(sql, values).await?;
    tx.commit().await?;
    Ok(changed)
}
