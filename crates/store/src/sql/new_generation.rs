//! The row of a generation: made by the first publication of its recipe, or when what is stored is to be filled for it.

use warmer_content::{EmbeddingId, Recipe};

use super::{Connection, Row as _, values};

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

/// Of the embedding $1 and the chunking $2, for what nobody makes.
const BESIDE: &str = "
    INSERT INTO generation (embedding, chunking, state, changed_at) SELECT $1, $2, 'retired', now FROM clock
    WHERE NOT EXISTS (SELECT 1 FROM generation WHERE embedding = $1 AND chunking = $2)
    ON CONFLICT (embedding, chunking) DO NOTHING";
const ID: &str = "SELECT id FROM generation WHERE embedding = $1 AND chunking = $2";

/// The generation of a recipe, unless it is there.
pub(super) async fn make<C: Connection>(tx: &mut C, ids: (i64, i64), recipe: &Recipe) -> sqlx::Result<()> {
    let ((embedding, chunking), digests, none) = (ids, (&recipe.embedding.0, &recipe.chunking.0), &EmbeddingId::NONE.0);
    if recipe.embedding != EmbeddingId::NONE {
        tx.run(ADOPT, values![embedding, digests.0, none]).await?;
    }
    tx.run(MAKE, values![embedding, chunking, digests.0, digests.1, none]).await.map(drop)
}

/// The row of the generation that is found by an embedding and cut in another way than that is made with.
pub(super) async fn beside<C: Connection>(tx: &mut C, embedding: i64, chunking: i64) -> sqlx::Result<i64> {
    tx.run(BESIDE, values![embedding, chunking]).await?;
    tx.one(ID, values![embedding, chunking]).await?.int("id")
}
