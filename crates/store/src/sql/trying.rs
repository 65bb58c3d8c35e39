//! The text that a fill in a process of its own has in hand: to blame, should that process die.
//!
//! It is a row of what failed that never did, and so lacks a vector like any other until it is to blame. Where nobody
//! saw the death, it is tried once more before that.

use warmer_content::TextKey;

use super::{Base, Connection, Fault, Writing as _, values};
use crate::job::ClaimId;

const RUNS: &str = "SELECT 1 AS runs FROM job WHERE claim = $1 AND state = 'running' AND kind = 1";
const TRY: &str = "
    INSERT INTO failed_text (embedding, text, reason, tries, at, again, trying_claim)
    SELECT generation.embedding, $2, 'crashed', 0, now, true, $1
    FROM job JOIN generation ON generation.id = job.generation, clock
    WHERE job.claim = $1 AND job.state = 'running' AND job.kind = 1
    ON CONFLICT (embedding, text) DO UPDATE SET trying_claim = excluded.trying_claim WHERE failed_text.again";
const NEVER_FAILED: &str = "DELETE FROM failed_text WHERE trying_claim = $1 AND tries = 0";
const FAILED_BEFORE: &str = "UPDATE failed_text SET trying_claim = NULL WHERE trying_claim = $1";
/// Not a reason that passes by itself: to try it again costs a process.
const BLAME: &str = "
    UPDATE failed_text SET reason = 'crashed', tries = tries + 1, at = (SELECT now FROM clock), again = false,
        trying_claim = NULL
    WHERE trying_claim = $1";

/// That a process died while nobody watched it says little of a text, and the second time it does.
const SUSPECT: &str = "
    UPDATE failed_text SET reason = 'crashed', tries = tries + 1, at = (SELECT now FROM clock), again = tries < 1,
        trying_claim = NULL
    WHERE trying_claim = $1";

/// False: the claim was lost.
pub(super) async fn try_text<B: Base>(store: &B, claim: ClaimId, text: Option<TextKey>) -> Result<bool, Fault> {
    let mut tx = store.write().await?;
    if tx.maybe(RUNS, values![claim.0]).await?.is_none() {
        return Ok(false);
    }
    let_go(&mut *tx, claim).await?;
    if let Some(text) = text {
        tx.run(TRY, values![claim.0, &text.0]).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Nothing is in the hand of this claim any more.
pub(super) async fn let_go<C: Connection>(tx: &mut C, claim: ClaimId) -> sqlx::Result<()> {
    tx.run(NEVER_FAILED, values![claim.0]).await?;
    tx.run(FAILED_BEFORE, values![claim.0]).await.map(drop)
}

/// The process of this claim is gone, and nobody saw why: what it had in hand is tried once more, and left out where
/// the next dies with it, too.
pub(super) async fn suspect<C: Connection>(tx: &mut C, claim: ClaimId) -> sqlx::Result<()> {
    tx.run(SUSPECT, values![claim.0]).await.map(drop)
}

/// The process of this claim died: what it had in hand cannot be embedded. False: it had nothing.
pub(super) async fn blame<C: Connection>(tx: &mut C, claim: ClaimId) -> sqlx::Result<bool> {
    Ok(tx.run(BLAME, values![claim.0]).await? > 0)
}
