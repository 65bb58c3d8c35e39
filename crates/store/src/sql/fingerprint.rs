//! The small numbers of embeddings, chunkings and rules, which stand in every row of the cache.

use warmer_content::Digest;

use super::{Base, Connection as _, Fault, Row as _, values};

/// Gives a digest its number, and notes that it is in use.
const NUMBER: &str = "
    INSERT INTO fingerprint (digest, used_at) SELECT $1, now FROM clock WHERE true
    ON CONFLICT (digest) DO UPDATE SET used_at = excluded.used_at";
/// With whether it was noted as in use within the last minute: all of the cluster share these rows.
const FIND: &str = "
    SELECT id, used_at > now - 60000000 AS fresh FROM fingerprint, clock WHERE digest = $1";

/// Notes that a digest is in use; outside of any transaction that does more.
pub(super) async fn note<B: Base>(store: &B, digest: &Digest) -> Result<(), Fault> {
    store.once(NUMBER, values![digest]).await.map(drop)
}

/// The number of a digest that is in use.
pub(super) async fn number<B: Base>(store: &B, digest: &Digest) -> Result<i64, Fault> {
    if let Some(row) = store.read().await?.maybe(FIND, values![digest]).await?
        && row.flag("fresh")?
    {
        return Ok(row.int("id")?);
    }
    note(store, digest).await?;
    Ok(store.read().await?.one(FIND, values![digest]).await?.int("id")?)
}
