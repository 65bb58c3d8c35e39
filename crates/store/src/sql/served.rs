//! What repositories serve: a state under each chunking, and the generations that the states belong to.

use warmer_content::Digest;

use super::rows::{micros_of, retry, served_by};
use super::{Base, Connection, Fault, Row as _, fingerprint, new_generation, values};
use crate::publication::Publication;
use crate::repository::{Served, ServedState};

/// The numbers of what makes a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) embedding: i64,
    pub(super) chunking: i64,
    pub(super) rules: i64,
}

/// Those that were noted as in use within the last minute: all of the cluster share these rows.
const NUMBERS: &str = "
    SELECT id, digest, used_at > now - 60000000 AS fresh FROM fingerprint, clock WHERE digest IN ($1, $2, $3)";

/// The numbers of what makes `served`; outside of any transaction, as all of the cluster share these rows.
pub(super) async fn ids<B: Base>(store: &B, served: &Served) -> Result<Ids, Fault> {
    let digests = [&served.recipe.embedding.0, &served.recipe.chunking.0, &served.rules.0];
    if let Some(ids) = known(store, digests, true).await? {
        return Ok(ids);
    }
    for digest in digests {
        fingerprint::note(store, digest).await?;
    }
    let known = known(store, digests, false).await?;
    Ok(known.ok_or(sqlx::Error::RowNotFound)?)
}

async fn known<B: Base>(store: &B, digests: [&Digest; 3], fresh: bool) -> Result<Option<Ids>, Fault> {
    let [embedding, chunking, rules] = digests;
    let found = store.read().await?.all(NUMBERS, values![embedding, chunking, rules]).await?;
    let mut numbers = vec![];
    for row in &found {
        if row.flag("fresh")? || !fresh {
            numbers.push((row.bytes("digest")?.to_vec(), row.int("id")?));
        }
    }
    let of = |digest: &Digest| numbers.iter().find(|(known, _)| **known == digest.0).map(|(_, id)| *id);
    Ok(of(embedding).zip(of(chunking)).zip(of(rules)).map(|((embedding, chunking), rules)| Ids {
        embedding,
        chunking,
        rules,
    }))
}

/// The columns that [`state_of`] reads.
macro_rules! states {
    ($which:literal) => {
        concat!(
            "SELECT served.reference AS served_reference, served.ref_oid AS served_ref_oid,
                    served.commit_oid AS served_commit, embedding.digest AS published_embedding,
                    chunking.digest AS served_chunking, rules.digest AS served_rules, served.patience, ",
            $crate::sql::rows::retry_due!("served"),
            " FROM served
             JOIN fingerprint AS embedding ON embedding.id = served.embedding
             JOIN fingerprint AS chunking ON chunking.id = served.chunking
             JOIN fingerprint AS rules ON rules.id = served.rules
             WHERE served.repository = $1 ",
            $which
        )
    };
}
const STATES: &str = states!("ORDER BY served.publication DESC");
const STATE: &str = states!("AND served.chunking = $2");

fn state_of(row: &impl super::Row) -> sqlx::Result<Option<ServedState>> {
    let Some(served) = served_by(row, "published_embedding")? else { return Ok(None) };
    Ok(Some(ServedState { served, retry: retry(row)? }))
}

/// All states of a repository whose `row` shows one of them and how many there are, the last published first.
pub(crate) async fn states<C: Connection>(conn: &mut C, row: &C::Row) -> sqlx::Result<Vec<ServedState>> {
    if row.int("states")? < 2 {
        return Ok(state_of(row)?.into_iter().collect());
    }
    let found = conn.all(STATES, values![row.int("id")?]).await?;
    found.iter().filter_map(|row| state_of(row).transpose()).collect()
}

/// What `repository` serves under a chunking.
pub(super) async fn served<C: Connection>(tx: &mut C, repository: i64, chunking: i64) -> sqlx::Result<Option<Served>> {
    let Some(row) = tx.maybe(STATE, values![repository, chunking]).await? else { return Ok(None) };
    served_by(&row, "published_embedding")
}

const PUBLISHED: &str = "UPDATE repository SET publication = publication + 1, committed_at = $2 WHERE id = $1";
const SERVE: &str = "
    INSERT INTO served
        (repository, chunking, embedding, rules, reference, ref_oid, commit_oid, publication, published_at, served_at)
    SELECT repository.id, $2, $3, $4, $5, $6, $7, repository.publication, now, now FROM repository, clock
    WHERE repository.id = $1
    ON CONFLICT (repository, chunking) DO UPDATE SET
        embedding = excluded.embedding, rules = excluded.rules, reference = excluded.reference,
        ref_oid = excluded.ref_oid, commit_oid = excluded.commit_oid, publication = excluded.publication,
        published_at = excluded.published_at, served_at = excluded.served_at";

/// Makes of a publication what `repository` serves under its chunking.
pub(super) async fn serve<C: Connection>(
    tx: &mut C,
    repository: i64,
    ids: Ids,
    publication: &Publication,
) -> sqlx::Result<()> {
    let Publication { served, committed_at, .. } = publication;
    let (reference, ref_oid, commit) = (&served.reference, &served.ref_oid, &served.commit);
    tx.run(PUBLISHED, values![repository, committed_at.map(micros_of)]).await?;
    let values = values![repository, ids.chunking, ids.embedding, ids.rules, reference, ref_oid, commit];
    tx.run(SERVE, values).await?;
    new_generation::make(tx, (ids.embedding, ids.chunking), &served.recipe).await
}

/// What was published last was looked at, and is current; so is whatever else serves the same.
pub(super) async fn confirm<C: Connection>(tx: &mut C, repository: i64) -> sqlx::Result<()> {
    const CURRENT: &str = "
        UPDATE served SET served_at = (SELECT now FROM clock)
        WHERE repository = $1 AND (reference, ref_oid, commit_oid) = (
            SELECT latest.reference, latest.ref_oid, latest.commit_oid FROM served AS latest
            WHERE latest.repository = $1 ORDER BY latest.publication DESC LIMIT 1)";
    tx.run(CURRENT, values![repository]).await.map(drop)
}
