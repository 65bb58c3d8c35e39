//! What a repository serves, in sum: kept by each publication instead of being counted at each refresh.

use std::collections::BTreeSet;

use super::rows::skip_reason;
use super::{Base, Connection, Fault, Row, count, odd, values};
use crate::cache::Totals;
use crate::job::ClaimId;
use crate::publication::Publication;
use crate::repository::RepositoryId;

const SHOWN: &str = "SELECT totals FROM repository_served WHERE id = $1";
/// $1: the repository; $2: the chunking, as in all that follow.
const STORED: &str = "SELECT totals FROM served WHERE repository = $1 AND chunking = $2";
const STORE: &str = "UPDATE served SET totals = $3 WHERE repository = $1 AND chunking = $2";

/// What entries come to, by the reason for which they are skipped. Only the skipped are sorted. An artifact that is
/// gone still counts as a file: `verify` tells.
macro_rules! sums {
    ($from:literal, $which:literal) => {
        concat!(
            "SELECT CAST(NULL AS TEXT) AS skip, count(*) AS files,
                 CAST(coalesce(sum(artifact.chunks), 0) AS BIGINT) AS chunks,
                 CAST(coalesce(sum(artifact.size), 0) AS BIGINT) AS size,
                 CAST(coalesce(sum(artifact.bytes), 0) AS BIGINT) AS bytes,
                 CAST(coalesce(sum(artifact.masked), 0) AS BIGINT) AS masked
             FROM ",
            $from,
            " LEFT JOIN artifact ON artifact.key = entry.artifact
             WHERE entry.repository = $1 AND entry.chunking = $2 AND entry.artifact IS NOT NULL AND ",
            $which,
            " UNION ALL
             SELECT entry.skip, count(*), 0, 0, 0, 0 FROM ",
            $from,
            " WHERE entry.repository = $1 AND entry.chunking = $2 AND entry.skip IS NOT NULL AND ",
            $which,
            " GROUP BY entry.skip"
        )
    };
}
const SUMS_OF_ALL: &str = sums!("entry", "true");
/// $3: the claim, whose staged paths alone are looked at, in loops of this order.
const SUMS_OF_STAGED: &str =
    sums!("staged_entry AS staged CROSS JOIN entry", "staged.claim = $3 AND entry.path = staged.path");

/// The totals across a change of the entries: from before it to after it.
pub(super) struct Change {
    /// The repository and the chunking.
    of: (i64, i64),
    claim: ClaimId,
    /// The totals, and what the entries that will change come to in them. A difference costs as much as it is large;
    /// without totals to start from all is summed up once.
    base: Option<(Totals, Totals)>,
}

impl Change {
    /// Before the entries of a repository under a chunking change as staged.
    pub(super) async fn begin<C: Connection>(
        tx: &mut C,
        of: (i64, i64),
        publication: &Publication,
    ) -> sqlx::Result<Self> {
        let claim = publication.claim;
        let stored = match publication.complete {
            true => None,
            false => totals_in(tx.maybe(STORED, values![of.0, of.1]).await?)?,
        };
        let base = match stored {
            Some(totals) => Some((totals, sums(tx, SUMS_OF_STAGED, values![of.0, of.1, claim.0]).await?)),
            None => None,
        };
        Ok(Self { of, claim, base })
    }

    /// After they changed; gives the totals.
    pub(super) async fn end<C: Connection>(self, tx: &mut C) -> sqlx::Result<Totals> {
        let (repository, chunking) = self.of;
        let totals = match self.base {
            Some((base, before)) => {
                let after = sums(tx, SUMS_OF_STAGED, values![repository, chunking, self.claim.0]).await?;
                changed(base, &before, &after)
            }
            None => sums(tx, SUMS_OF_ALL, values![repository, chunking]).await?,
        };
        let text = serde_json::to_string(&totals).map_err(odd)?;
        tx.run(STORE, values![repository, chunking, &text]).await?;
        Ok(totals)
    }
}

/// What is served, as of the last publication; nothing before the first.
pub(super) async fn totals<B: Base>(store: &B, repository: RepositoryId) -> Result<Totals, Fault> {
    let row = store.read().await?.maybe(SHOWN, values![repository.0]).await?;
    Ok(totals_in(row)?.unwrap_or_default())
}

fn totals_in<R: Row>(row: Option<R>) -> sqlx::Result<Option<Totals>> {
    let Some(row) = row else { return Ok(None) };
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
                (totals.chunks, totals.size, totals.bytes) = (number("chunks")?, number("size")?, number("bytes")?);
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
    change(&mut base.size, before.size, after.size);
    change(&mut base.bytes, before.bytes, after.bytes);
    change(&mut base.masked, before.masked, after.masked);
    for reason in before.skipped.keys().chain(after.skipped.keys()).copied().collect::<BTreeSet<_>>() {
        let of = |totals: &Totals| totals.skipped.get(&reason).copied().unwrap_or(0);
        change(base.skipped.entry(reason).or_default(), of(before), of(after));
    }
    base.skipped.retain(|_, files| *files > 0);
    base
}
