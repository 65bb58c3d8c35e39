//! How many attempts ended, by the minute; and which of the checks that found nothing new stay in the history.

use super::{Connection, values};
use crate::job::AttemptOutcome;

/// For how long a check that found nothing new stays in the history though a later one did not either, in microseconds:
/// ten minutes. Longer than the window of the rates, which count it, and than any time between two looks of a `warm`
/// that waits for it, or between a settlement whose acknowledgement was lost and the next try.
macro_rules! check_stays {
    () => {
        "600000000"
    };
}

/// Checks of the repository $1 that a later one has taken the place of.
const OUTLIVED: &str = concat!(
    "DELETE FROM attempt
     WHERE repository = $1 AND outcome = 'fresh' AND ended_at <= (SELECT now FROM clock) - ",
    check_stays!()
);

/// $1: a repository; then how many ended warmed, fresh, and by an error or a crash.
const RAISE: &str = "
    INSERT INTO attempt_count (minute, part, warmed, fresh, failed)
    SELECT now / 60000000, $1 % 4, $2, $3, $4 FROM clock WHERE true
    ON CONFLICT (minute, part) DO UPDATE SET
        warmed = attempt_count.warmed + excluded.warmed, fresh = attempt_count.fresh + excluded.fresh,
        failed = attempt_count.failed + excluded.failed";

/// Counts attempts that ended alike in this transaction, one of them of `repository`. The last thing that it does: who
/// ends an attempt at the same time may wait for it until the commit, and is to hold nothing that this one needs.
pub(super) async fn raise<C: Connection>(
    tx: &mut C,
    repository: i64,
    outcome: AttemptOutcome,
    attempts: i64,
) -> sqlx::Result<()> {
    let (warmed, fresh, failed) = match outcome {
        AttemptOutcome::Warmed => (attempts, 0, 0),
        AttemptOutcome::Fresh => (0, attempts, 0),
        outcome if outcome.is_failure() => (0, 0, attempts),
        _ => return Ok(()),
    };
    tx.run(RAISE, values![repository, warmed, fresh, failed]).await.map(drop)
}

/// The process died while it ran so many refreshes; how fills end is not counted.
pub(crate) async fn crashed<C: Connection>(tx: &mut C, jobs: u64) -> sqlx::Result<()> {
    if jobs == 0 {
        return Ok(());
    }
    raise(tx, 0, AttemptOutcome::Crashed, i64::try_from(jobs).unwrap_or(i64::MAX)).await
}

/// A check of `repository` found nothing new, as the one that stands in the history now: those before it go.
pub(super) async fn outlive<C: Connection>(tx: &mut C, repository: i64) -> sqlx::Result<()> {
    tx.run(OUTLIVED, values![repository]).await.map(drop)
}
