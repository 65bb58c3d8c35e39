//! When files are tried again that were skipped for a reason that may pass: a machine that was too slow, a panic.
//!
//! It is planned for a repository, not for a file: one full listing reads again all that is not known, which is those.

use super::{Connection, Row as _, count, values};
use crate::cache::Totals;
use crate::publication::Publication;

/// $1: the claim. The reasons are those that [`warmer_content::SkipReason::may_pass`].
const STAGED: &str = "SELECT count(*) AS files FROM staged_entry WHERE claim = $1 AND skip IN ('panicked', 'too_slow')";
const SO_FAR: &str = "SELECT retries, patience FROM served WHERE repository = $1 AND chunking = $2";
const NOTHING: &str = "
    UPDATE served SET retries = 0, retry_at = NULL, patience = NULL
    WHERE repository = $1 AND chunking = $2 AND patience IS NOT NULL";
/// $3: the tries so far; $4: the patience they had. A day, in microseconds; three times at most.
const PLAN: &str = "
    UPDATE served SET retries = $3, patience = $4,
        retry_at = CASE WHEN $3 < 3 THEN (SELECT now FROM clock) + 86400000000 END
    WHERE repository = $1 AND chunking = $2";

/// After the entries of a repository under a chunking changed as staged, and come to `totals`.
pub(super) async fn plan<C: Connection>(
    tx: &mut C,
    (repository, chunking): (i64, i64),
    publication: &Publication,
    totals: &Totals,
) -> sqlx::Result<()> {
    if !totals.skipped.keys().any(|reason| reason.may_pass()) {
        return tx.run(NOTHING, values![repository, chunking]).await.map(drop);
    }
    if tx.one(STAGED, values![publication.claim.0]).await?.int("files")? == 0 {
        return Ok(());
    }
    let so_far = tx.one(SO_FAR, values![repository, chunking]).await?;
    let patience = i64::try_from(publication.patience).unwrap_or(i64::MAX);
    // The same commit listed anew by somebody who is no more patient than before.
    let again = publication.complete
        && publication.base.as_ref() == Some(&publication.served)
        && so_far.maybe_int("patience")?.is_some_and(|before| before >= patience);
    let retries = if again { count(so_far.int("retries")?) + 1 } else { 0 };
    tx.run(PLAN, values![repository, chunking, i64::try_from(retries).unwrap_or(i64::MAX), patience]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use warmer_content::SkipReason;

    #[test]
    fn the_statement_names_every_reason_that_may_pass() {
        for reason in SkipReason::ALL {
            assert_eq!(super::STAGED.contains(&format!("'{reason}'")), reason.may_pass(), "{reason}");
        }
    }
}
