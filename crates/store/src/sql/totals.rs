//! What a repository serves, in sum: kept by each publication instead of being counted at each refresh.

use std::collections::BTreeSet;

use super::rows::skip_reason;
use super::{Base, Connection, Fault, Row as _, count, odd, values};
use crate::cache::Totals;
use crate::job::ClaimId;
use crate::publication::Publication;
use crate::repository::RepositoryId;

const STORED: &str = "SELECT totals FROM repository WHERE id = $1";
const STORE: &str = "UPDATE repository SET totals = $2 WHERE id = $1";

/// What entries come to, by the reason for which they are skipped. Only the skipped are sorted. An artifact that is gone
/// still counts as a file: `verify` tells. $1: the repository.
macro_rules! sums {
    ($from:literal, $which:literal) => {
        concat!(
            "SELECT CAST(NULL AS TEXT) AS skip, count(*) AS files,
                 CAST(coalesce(sum(artifact.chunks), 0) AS BIGINT) AS chunks,
                 CAST(coalesce(sum(artifact.tokens), 0) AS BIGINT) AS tokens,
                 CAST(coalesce(sum(artifact.bytes), 0) AS BIGINT) AS bytes,
                 CAST(coalesce(sum(artifact.masked), 0) AS BIGINT) AS masked
             FROM ",
            $from,
            " LEFT JOIN artifact ON artifact.key = entry.artifact
             WHERE entry.repository = $1 AND entry.artifact IS NOT NULL AND ",
            $which,
            " UNION ALL
             SELECT entry.skip, count(*), 0, 0, 0, 0 FROM ",
            $from,
            " WHERE entry.repository = $1 AND entry.skip IS NOT NULL AND ",
            $which,
            " GROUP BY entry.skip"
        )
    };
}
const SUMS_OF_ALL: &str = sums!("entry", "true");
/// $2: the claim, whose staged paths alone are looked at, in loops of this order.
const SUMS_OF_STAGED: &str =
    sums!("staged_entry AS staged CROSS JOIN entry", "staged.claim = $2 AND entry.path = staged.path");

/// The totals across a change of the entries: from before it to after it.
pub(super) struct Change {
    repository: i64,
    claim: ClaimId,
    /// The totals, and what the entries that will change come to in them. A difference costs as much as it is large;
    /// without totals to start from all is summed up once.
    base: Option<(Totals, Totals)>,
}

impl Change {
    /// Before the entries of `repository` change as staged.
    pub(super) async fn begin<C: Connection>(
        tx: &mut C,
        repository: i64,
        publication: &Publication,
    ) -> sqlx::Result<Self> {
        let claim = publication.claim;
        let stored = if publication.complete { None } else { stored(tx, repository).await? };
        let base = match stored {
            Some(totals) => Some((totals, sums(tx, SUMS_OF_STAGED, values![repository, claim.0]).await?)),
            None => None,
        };
        Ok(Self { repository, claim, base })
    }

    /// After they changed; gives the totals.
    pub(super) async fn end<C: Connection>(self, tx: &mut C) -> sqlx::Result<Totals> {
        let totals = match self.base {
            Some((base, before)) => {
                changed(base, &before, &sums(tx, SUMS_OF_STAGED, values![self.repository, self.claim.0]).await?)
            }
            None => sums(tx, SUMS_OF_ALL, values![self.repository]).await?,
        };
        let text = serde_json::to_string(&totals).map_err(odd)?;
        tx.run(STORE, values![self.repository, &text]).await?;
        Ok(totals)
    }
}

/// What is served, as of the last publication; nothing before the first.
pub(super) async fn totals<B: Base>(store: &B, repository: RepositoryId) -> Result<Totals, Fault> {
    Ok(stored(&mut *store.read().await?, repository.0).await?.unwrap_or_default())
}

async fn stored<C: Connection>(conn: &mut C, repository: i64) -> sqlx::Result<Option<Totals>> {
    let Some(row) = conn.maybe(STORED, values![repository]).await? else { return Ok(None) };
    row.maybe_text("totals")?.map(|totals| serde_json::from_str(totals).map_err(odd)).transpose()
}

async fn sums<C: Connection>(tx: &mut C, sql: &'static str, values: &[super::Value<'_>]) -> sqlx::Result<Totals> {
    let mut totals = Totals::default();
    for row in tx.all(sql, values).await? {
        let number = |column| row.int(column).map(count);
        match row.maybe_text("skip")? {
            Some(reason) => drop(totals.skipped.insert(skip_reason(reason)?, number("files")?)),
            None => {
                totals.indexed = number("files")?;
                (totals.chunks, totals.tokens, totals.bytes) = (number("chunks")?, number("tokens")?, number("bytes")?);
                totals.masked = number("masked")?;
            }
        }
    }
    Ok(totals)
}

/// `base` without `before` and with `after`.
fn changed(mut base: Totals, before: &Totals, after: &Totals) -> Totals {
    let change = |now: &mut u64, before: u64, after: u64| *now = (*now + after).saturating_sub(before);
    change(&mut base.indexed, before.indexed, after.indexed);
    change(&mut base.chunks, before.chunks, after.chunks);
    change(&mut base.tokens, before.tokens, after.tokens);
    change(&mut base.bytes, before.bytes, after.bytes);
    change(&mut base.masked, before.masked, after.masked);
    for reason in before.skipped.keys().chain(after.skipped.keys()).copied().collect::<BTreeSet<_>>() {
        let of = |totals: &Totals| totals.skipped.get(&reason).copied().unwrap_or(0);
        change(base.skipped.entry(reason).or_default(), of(before), of(after));
    }
    base.skipped.retain(|_, files| *files > 0);
    base
}
