//! The next moments of what is checked by the calendar. No statement can tell them: they are found here, by the time
//! that the database tells, and written down as soon as a repository was tried.

use std::time::Duration;

use super::{Base, Connection, Fault, Row, Value, Writing as _, micros, values};
use crate::calendar::Cron;

/// The one of a page whose next moment is not known, and was tried: a clock that ran ahead, which was set right since.
const UNPLANNED: &str = "
    SELECT id, calendar, tried_at AS since FROM repository
    WHERE id > $1 AND id <= $2 AND refresh < 0 AND tried_at IS NOT NULL AND next_at IS NULL ORDER BY id";
const PLAN: &str = "UPDATE repository SET next_at = $2, late_at = $3 WHERE id = $1";

/// An expression that this instance cannot read (it has an older list of time zones than the one that took it) is
/// checked this often.
const UNREADABLE: Duration = Duration::from_hours(1);

/// Runs a statement that notes when a repository was tried and gives `id`, `calendar` and `since`, and plans its next
/// check from then on.
pub(super) async fn tried<C: Connection>(tx: &mut C, sql: &'static str, values: &[Value<'_>]) -> sqlx::Result<()> {
    match tx.maybe(sql, values).await? {
        Some(row) => plan(tx, &row).await,
        None => Ok(()),
    }
}

/// Plans those of a page that need it.
pub(super) async fn plan_all<B: Base>(store: &B, after: i64, last: i64) -> Result<(), Fault> {
    let mut tx = store.write().await?;
    for row in tx.all(UNPLANNED, values![after, last]).await? {
        plan(&mut *tx, &row).await?;
    }
    Ok(tx.commit().await?)
}

async fn plan<C: Connection>(tx: &mut C, row: &impl Row) -> sqlx::Result<()> {
    let Some(calendar) = row.maybe_text("calendar")? else { return Ok(()) };
    set(tx, row.int("id")?, Some((calendar, row.int("since")?))).await
}

/// Writes down the next moments of a calendar after this one, or that there are none.
pub(super) async fn set<C: Connection>(tx: &mut C, id: i64, calendar: Option<(&str, i64)>) -> sqlx::Result<()> {
    let (next, late) = calendar.map(|(calendar, since)| moments(calendar, since)).unzip();
    tx.run(PLAN, values![id, next, late]).await.map(drop)
}

fn moments(calendar: &str, since: i64) -> (i64, i64) {
    Cron::stored(calendar).next_two(since).unwrap_or_else(|why| {
        tracing::warn!("{why}; what is refreshed by it is checked each hour by this instance");
        (since + micros(UNREADABLE), since + 2 * micros(UNREADABLE))
    })
}
