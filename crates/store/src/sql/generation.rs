//! Generations: which there are, and when another one becomes active.
//!
//! A switch is one row that becomes active and one that retires, however many repositories there are: what is shown and
//! found follows from that. It waits until the new generation covers what is served, so that no answer is lost.

use warmer_content::{ChunkingId, EmbeddingId, Recipe};

use super::rows::{digest, moment, named};
use super::{Base, Connection, Fault, Row, Writing as _, count, repository, repository_columns, values};
use crate::generation::{Generation, GenerationState};
use crate::repository::Repository;

/// The generations with their digests, and how many repositories each covers.
const LIST: &str = "
    SELECT embedding.digest AS embedding, chunking.digest AS chunking, generation.state, generation.changed_at,
           (SELECT count(*) FROM coverage JOIN served ON served.repository = coverage.repository
                AND served.chunking = generation.chunking AND served.embedding = generation.embedding
            WHERE coverage.generation = generation.id AND NOT EXISTS (
                SELECT 1 FROM lack WHERE lack.repository = coverage.repository AND lack.generation = generation.id))
               AS covered
    FROM generation
    JOIN fingerprint AS embedding ON embedding.id = generation.embedding
    JOIN fingerprint AS chunking ON chunking.id = generation.chunking
    ORDER BY generation.changed_at DESC, generation.id DESC";
const ACTIVE: &str = "
    SELECT embedding.digest AS embedding, chunking.digest AS chunking FROM generation
    JOIN fingerprint AS embedding ON embedding.id = generation.embedding
    JOIN fingerprint AS chunking ON chunking.id = generation.chunking
    WHERE generation.state = 'active'";
/// $1: the embedding; $2: the chunking.
const FIND: &str = "
    SELECT id, state, embedding FROM generation
    WHERE embedding = (SELECT id FROM fingerprint WHERE digest = $1)
        AND chunking = (SELECT id FROM fingerprint WHERE digest = $2)";
const ACTIVE_EMBEDDING: &str = "SELECT embedding FROM generation WHERE state = 'active'";

/// Repositories that searches would find no more, were the generation of the embedding $1 and the chunking $2 active:
/// they are followed, served and to be reached, and not covered by it. $3: a path of one machine in a database of many
/// is no matter, unless it has a schedule: nobody but who named it can warm it again. $4 at most, the latest first, as
/// schedules begin with the oldest.
const UNCOVERED: &str = concat!(
    "SELECT ",
    repository_columns!(),
    " FROM repository_served AS repository
     WHERE repository.state = 'active' AND repository.stale_since IS NULL AND repository.publication > 0
         AND NOT ($3 AND repository.refresh IS NULL AND repository.remote LIKE 'file://%')
         AND ((SELECT state.repository FROM served AS state
               WHERE state.repository = repository.id
                   AND state.chunking = (SELECT id FROM fingerprint WHERE digest = $2)
                   AND state.embedding = (SELECT id FROM fingerprint WHERE digest = $1)) IS NULL
              OR EXISTS (SELECT 1 FROM lack WHERE lack.repository = repository.id AND lack.generation = (
                   SELECT generation.id FROM generation
                   WHERE generation.chunking = (SELECT id FROM fingerprint WHERE digest = $2)
                       AND generation.embedding = (SELECT id FROM fingerprint WHERE digest = $1))))
     ORDER BY repository.id DESC LIMIT $4"
);

/// Of those that would change it one does at a time.
const LOCK: &str = "UPDATE generation SET state = state WHERE state = 'active'";
const RETIRE: &str = "
    UPDATE generation SET state = 'retired', changed_at = (SELECT now FROM clock) WHERE state = 'active' AND id <> $1";
const ACTIVATE: &str = "
    UPDATE generation SET state = 'active', changed_at = (SELECT now FROM clock) WHERE id = $1 AND state <> 'active'";
/// What the fleet no longer makes is not built to its end.
const LEAVE: &str = "
    UPDATE generation SET state = 'retired', changed_at = (SELECT now FROM clock)
    WHERE state = 'building' AND id <> coalesce((SELECT made.id FROM generation AS made
        WHERE made.embedding = (SELECT id FROM fingerprint WHERE digest = $1)
            AND made.chunking = (SELECT id FROM fingerprint WHERE digest = $2)), 0)";
/// What the fleet makes again, after it retired.
const REVIVE: &str = "
    UPDATE generation SET state = 'building', changed_at = (SELECT now FROM clock)
    WHERE state = 'retired' AND embedding = (SELECT id FROM fingerprint WHERE digest = $1)
        AND chunking = (SELECT id FROM fingerprint WHERE digest = $2)";

pub(super) async fn list<B: Base>(store: &B) -> Result<Vec<Generation>, Fault> {
    let found = store.read().await?.all(LIST, &[]).await?;
    Ok(found.iter().map(generation_of).collect::<sqlx::Result<_>>()?)
}

fn generation_of(row: &impl Row) -> sqlx::Result<Generation> {
    Ok(Generation {
        recipe: recipe_of(row)?,
        state: named(row, "state", GenerationState::from_name)?,
        changed_at: moment(row.int("changed_at")?),
        covered: count(row.int("covered")?),
    })
}

fn recipe_of(row: &impl Row) -> sqlx::Result<Recipe> {
    let of = |column| digest(row.bytes(column)?);
    Ok(Recipe { embedding: EmbeddingId(of("embedding")?), chunking: ChunkingId(of("chunking")?) })
}

pub(super) async fn active<B: Base>(store: &B) -> Result<Option<Recipe>, Fault> {
    let row = store.read().await?.maybe(ACTIVE, &[]).await?;
    Ok(row.map(|row| recipe_of(&row)).transpose()?)
}

pub(super) async fn uncovered<B: Base>(store: &B, recipe: Recipe, limit: u32) -> Result<Vec<Repository>, Fault> {
    let found = uncovered_on(store, &mut *store.read().await?, recipe, limit).await?;
    Ok(found.iter().map(repository).collect::<sqlx::Result<_>>()?)
}

async fn uncovered_on<B: Base>(
    store: &B,
    conn: &mut B::Connection,
    recipe: Recipe,
    limit: u32,
) -> sqlx::Result<Vec<<B::Connection as Connection>::Row>> {
    let values = values![&recipe.embedding.0, &recipe.chunking.0, Base::is_shared(store), limit];
    conn.all(UNCOVERED, values).await
}

/// By command: whatever it covers.
pub(super) async fn activate<B: Base>(store: &B, recipe: Recipe) -> Result<bool, Fault> {
    let mut tx = store.write().await?;
    tx.run(LOCK, &[]).await?;
    let Some(row) = find(&mut *tx, recipe).await? else { return Ok(false) };
    switch(&mut *tx, row.int("id")?).await?;
    tx.commit().await?;
    Ok(true)
}

/// One that retired, by a command or because the fleet makes another, does not come back by itself.
pub(super) async fn activate_when_covered<B: Base>(store: &B, recipe: Recipe) -> Result<bool, Fault> {
    let found = find(&mut *store.read().await?, recipe).await?;
    match found.map(|row| named(&row, "state", GenerationState::from_name)).transpose()? {
        Some(GenerationState::Active) => return Ok(true),
        Some(GenerationState::Building) => {}
        Some(GenerationState::Retired) | None => return Ok(false),
    }
    let mut tx = store.write().await?;
    tx.run(LOCK, &[]).await?;
    let Some(row) = find(&mut *tx, recipe).await? else { return Ok(false) };
    if named(&row, "state", GenerationState::from_name)? == GenerationState::Retired {
        return Ok(false);
    }
    let active = tx.maybe(ACTIVE_EMBEDDING, &[]).await?.map(|row| row.int("embedding")).transpose()?;
    // How texts are cut is no matter to a search: what is found by the same embedding stays so.
    let loses = active.is_some_and(|active| row.int("embedding").is_ok_and(|embedding| embedding != active));
    if loses && !uncovered_on(store, &mut tx, recipe, 1).await?.is_empty() {
        return Ok(false);
    }
    switch(&mut *tx, row.int("id")?).await?;
    tx.commit().await?;
    Ok(true)
}

async fn find<C: Connection>(conn: &mut C, recipe: Recipe) -> sqlx::Result<Option<C::Row>> {
    conn.maybe(FIND, values![&recipe.embedding.0, &recipe.chunking.0]).await
}

async fn switch<C: Connection>(tx: &mut C, id: i64) -> sqlx::Result<()> {
    tx.run(RETIRE, values![id]).await?;
    tx.run(ACTIVATE, values![id]).await.map(drop)
}

/// The fleet makes this from now on.
pub(super) async fn made<C: Connection>(tx: &mut C, recipe: Recipe) -> sqlx::Result<()> {
    let values = values![&recipe.embedding.0, &recipe.chunking.0];
    tx.run(LEAVE, values).await?;
    tx.run(REVIVE, values).await.map(drop)
}
