//! Generations: which there are, and when another one becomes active. How one comes to cover what is served is in
//! `seed`.
//!
//! A switch is one row that becomes active and one that retires, however many repositories there are: what is shown and
//! found follows from that. It waits until the new generation covers what is served, so that no answer is lost.

use warmer_content::{ChunkingId, EmbeddingId, Recipe};

use super::rows::{digest, moment, named};
use super::{
    Base, Connection, Fault, Row, Writing as _, count, fill_jobs, pushes, repository, repository_columns, seed, values,
};
use crate::generation::{Generation, GenerationState};
use crate::repository::Repository;

/// The generations with their digests, how many repositories each covers, and how many texts lack.
const LIST: &str = "
    SELECT embedding.digest AS embedding, chunking.digest AS chunking, generation.state, generation.changed_at,
           generation.active_at,
           (SELECT count(*) FROM coverage WHERE coverage.generation = generation.id AND NOT EXISTS (
                SELECT 1 FROM lack WHERE lack.repository = coverage.repository AND lack.generation = generation.id))
               AS covered,
           (SELECT CAST(coalesce(sum(lack.texts), 0) AS BIGINT) FROM coverage
            JOIN lack ON lack.repository = coverage.repository AND lack.generation = coverage.generation
            WHERE coverage.generation = generation.id) AS missing
    FROM generation
    JOIN fingerprint AS embedding ON embedding.id = generation.embedding
    JOIN fingerprint AS chunking ON chunking.id = generation.chunking
    ORDER BY generation.changed_at DESC, generation.state, generation.id DESC";
const ACTIVE: &str = "
    SELECT embedding.digest AS embedding, chunking.digest AS chunking FROM generation
    JOIN fingerprint AS embedding ON embedding.id = generation.embedding
    JOIN fingerprint AS chunking ON chunking.id = generation.chunking
    WHERE generation.state = 'active'";
/// $1: the embedding; $2: the chunking.
const FIND: &str = "
    SELECT id, state FROM generation
    WHERE embedding = (SELECT id FROM fingerprint WHERE digest = $1)
        AND chunking = (SELECT id FROM fingerprint WHERE digest = $2)";
const ACTIVE_EMBEDDING: &str = "
    SELECT fingerprint.digest AS embedding,
           EXISTS (SELECT 1 FROM vector WHERE vector.embedding = generation.embedding) AS has_vectors
    FROM generation JOIN fingerprint ON fingerprint.id = generation.embedding WHERE generation.state = 'active'";

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
         AND ((SELECT coverage.repository FROM coverage
               WHERE coverage.repository = repository.id AND coverage.generation = (
                   SELECT generation.id FROM generation
                   WHERE generation.chunking = (SELECT id FROM fingerprint WHERE digest = $2)
                       AND generation.embedding = (SELECT id FROM fingerprint WHERE digest = $1))) IS NULL
              OR EXISTS (SELECT 1 FROM lack WHERE lack.repository = repository.id AND lack.generation = (
                   SELECT generation.id FROM generation
                   WHERE generation.chunking = (SELECT id FROM fingerprint WHERE digest = $2)
                       AND generation.embedding = (SELECT id FROM fingerprint WHERE digest = $1))))
     ORDER BY repository.id DESC LIMIT $4"
);

/// The fleet makes another than the embedding $1 and the chunking $2; that it has no model ($3) is none.
const OTHER: &str = "
    SELECT EXISTS (SELECT 1 FROM fleet WHERE embedding NOT IN ($1, $3) OR chunking <> $2) AS made";

/// Of those that would change it one does at a time.
const LOCK: &str = "UPDATE generation SET state = state WHERE state = 'active'";
const RETIRE: &str = "
    UPDATE generation SET state = 'retired', changed_at = (SELECT now FROM clock) WHERE state = 'active' AND id <> $1";
const ACTIVATE: &str = "
    UPDATE generation SET state = 'active', changed_at = (SELECT now FROM clock), active_at = (SELECT now FROM clock)
    WHERE id = $1 AND state <> 'active'";
/// A model of which there is no vector, as one that could not be loaded, was of no use to searches: nobody rolls back
/// to it.
const DISOWN: &str = "
    UPDATE generation SET active_at = NULL WHERE state = 'retired' AND active_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM vector WHERE vector.embedding = generation.embedding)";
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
        active_at: row.maybe_int("active_at")?.map(moment),
        covered: count(row.int("covered")?),
        missing: count(row.int("missing")?),
    })
}

pub(super) fn recipe_of(row: &impl Row) -> sqlx::Result<Recipe> {
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

pub(super) async fn state<B: Base>(store: &B, recipe: Recipe) -> Result<Option<GenerationState>, Fault> {
    let found = find(&mut *store.read().await?, recipe).await?;
    Ok(found.map(|row| named(&row, "state", GenerationState::from_name)).transpose()?)
}

/// By command: whatever it covers. What it does not is found by its words from then on.
pub(super) async fn activate<B: Base>(store: &B, recipe: Recipe) -> Result<bool, Fault> {
    if recipe.embedding == EmbeddingId::NONE {
        return Ok(false);
    }
    seed_all(store, recipe).await?;
    let mut tx = store.write().await?;
    tx.run(LOCK, &[]).await?;
    let Some(row) = find(&mut *tx, recipe).await? else { return Ok(false) };
    switch(&mut *tx, row.int("id")?).await?;
    tx.commit().await?;
    Ok(true)
}

/// One that retired, by a command or because the fleet makes another, does not come back by itself; nor does one become
/// active that the fleet does not make. A roll back leaves alone what is building: it comes when it covers all.
pub(super) async fn activate_when_covered<B: Base>(store: &B, recipe: Recipe) -> Result<bool, Fault> {
    match state(store, recipe).await? {
        Some(GenerationState::Active) => return Ok(true),
        Some(GenerationState::Building) if recipe.embedding != EmbeddingId::NONE => {}
        _ => return Ok(false),
    }
    let mut conn = store.read().await?;
    if is_other_made(&mut *conn, recipe).await? || loses(store, &mut conn, recipe).await? {
        return Ok(false);
    }
    drop(conn);
    seed_all(store, recipe).await?;
    let mut tx = store.write().await?;
    tx.run(LOCK, &[]).await?;
    let Some(row) = find(&mut *tx, recipe).await? else { return Ok(false) };
    if named(&row, "state", GenerationState::from_name)? == GenerationState::Retired {
        return Ok(false);
    }
    if is_other_made(&mut *tx, recipe).await? || loses(store, &mut tx, recipe).await? {
        return Ok(false);
    }
    switch(&mut *tx, row.int("id")?).await?;
    tx.run(DISOWN, &[]).await?;
    tx.commit().await?;
    Ok(true)
}

/// At once, where searches find nothing by the model that they use: the first one may be a file that cannot be loaded.
pub(super) async fn take_place<B: Base>(store: &B, recipe: Recipe) -> Result<(), Fault> {
    let finds_nothing = found_by(&mut *store.read().await?).await?.is_none();
    if finds_nothing {
        activate_when_covered(store, recipe).await?;
    }
    Ok(())
}

async fn is_other_made<C: Connection>(conn: &mut C, recipe: Recipe) -> sqlx::Result<bool> {
    let values = values![&recipe.embedding.0, &recipe.chunking.0, &EmbeddingId::NONE.0];
    conn.one(OTHER, values).await?.flag("made")
}

/// Whether something would be found no more by its vectors. How texts are cut is no matter to a search: what is found
/// by the same embedding stays so. Nor is anything lost where nobody had a model, or one that made nothing yet.
async fn loses<B: Base>(store: &B, conn: &mut B::Connection, recipe: Recipe) -> sqlx::Result<bool> {
    let changes = found_by(conn).await?.is_some_and(|active| active != recipe.embedding);
    Ok(changes && !uncovered_on(store, conn, recipe, 1).await?.is_empty())
}

/// The embedding that searches find something by. One that has no vector finds nothing.
async fn found_by<C: Connection>(conn: &mut C) -> sqlx::Result<Option<EmbeddingId>> {
    let Some(row) = conn.maybe(ACTIVE_EMBEDDING, &[]).await? else { return Ok(None) };
    let embedding = EmbeddingId(digest(row.bytes("embedding")?)?);
    Ok(row.flag("has_vectors")?.then_some(embedding))
}

/// What nobody waits for is found by its words at least.
async fn seed_all<B: Base>(store: &B, recipe: Recipe) -> Result<(), Fault> {
    let found = find(&mut *store.read().await?, recipe).await?;
    let Some(row) = found else { return Ok(()) };
    seed::seed_under(store, row.int("id")?).await?;
    pushes::show_under(store, recipe.embedding).await
}

async fn find<C: Connection>(conn: &mut C, recipe: Recipe) -> sqlx::Result<Option<C::Row>> {
    conn.maybe(FIND, values![&recipe.embedding.0, &recipe.chunking.0]).await
}

async fn switch<C: Connection>(tx: &mut C, id: i64) -> sqlx::Result<()> {
    tx.run(RETIRE, values![id]).await?;
    tx.run(ACTIVATE, values![id]).await?;
    fill_jobs::delete_unwanted(tx).await
}

/// The fleet makes this from now on.
pub(super) async fn made<C: Connection>(tx: &mut C, recipe: Recipe) -> sqlx::Result<()> {
    let values = values![&recipe.embedding.0, &recipe.chunking.0];
    let left = tx.run(LEAVE, values).await?;
    tx.run(REVIVE, values).await?;
    if left > 0 { fill_jobs::delete_unwanted(tx).await } else { Ok(()) }
}
