//! The tally: one row, and whose turn it is to count.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::transient::retrying;
use super::{Base, Connection, Fault, Row, count, micros, status, values};
use crate::error::StoreError;
use crate::repository::RepositoryId;
use crate::status::Status;
use crate::tally::{LOOK_ROWS_MAX, TALLY_FRESH, Tallies, Tally};

/// $1: the turn; $2: the interval. Who waits here for another to take it sees that it was just taken.
const TAKE: &str = "
    UPDATE tally SET turn = $1, taken_at = (SELECT now FROM clock) WHERE taken_at <= (SELECT now FROM clock) - $2";
/// $1: the turn; $2: the figures.
const WRITE: &str = "UPDATE tally SET counted_at = taken_at, figures = $2 WHERE turn = $1";
const READ: &str = "SELECT figures AS tally, now - counted_at AS age FROM tally, clock WHERE counted_at IS NOT NULL";

#[async_trait]
impl<B: Base> Tallies for B {
    async fn count_queue(&self, every: Duration, within: Duration) -> Result<bool, StoreError> {
        // Not tried again: the next count is newer.
        self.door(count_queue(self, every, within).await)
    }

    async fn tally(&self) -> Result<Option<Tally>, StoreError> {
        retrying!(self, async { Ok(read(&mut *self.read().await?).await?) })
    }
}

async fn count_queue<B: Base>(store: &B, every: Duration, within: Duration) -> Result<bool, Fault> {
    let Some(turn) = take(store, every).await? else { return Ok(false) };
    let figures = status::count(store, within).await?;
    write(store, turn, &figures).await
}

/// The fence of a count, where one is due.
pub(crate) async fn take<B: Base>(store: &B, every: Duration) -> Result<Option<Uuid>, Fault> {
    let turn = Uuid::new_v4();
    Ok((store.once(TAKE, values![turn, micros(every)]).await? > 0).then_some(turn))
}

/// False: the turn is another's by now.
pub(crate) async fn write<B: Base>(store: &B, turn: Uuid, figures: &Status) -> Result<bool, Fault> {
    let text = serde_json::to_string(figures).map_err(super::odd)?;
    Ok(store.once(WRITE, values![turn, &text]).await? > 0)
}

/// The figures of some repositories, or of all: counted now, but where there is a tally that is fresh and had more rows
/// to count than are counted at each look.
pub(super) async fn look<B: Base>(store: &B, of: Option<&[RepositoryId]>) -> Result<Status, Fault> {
    let ids: Option<Vec<i64>> = of.map(|ids| ids.iter().map(|id| id.0).collect());
    let slots_held = store.slots_held().await?;
    let mut conn = store.read().await?;
    let tally = if of.is_none() { of_many(&mut *conn).await? } else { None };
    let figures = match tally {
        Some(Tally { figures, age }) => Status { counted_ago: Some(age), ..figures },
        None => status::counted(&mut *conn, ids.as_deref()).await?,
    };
    Ok(Status { slots_held, ..status::with_instances(&mut *conn, ids.as_deref(), figures).await? })
}

async fn read<C: Connection>(conn: &mut C) -> sqlx::Result<Option<Tally>> {
    Ok(conn.maybe(READ, &[]).await?.map(|row| tally_in(&row)).transpose()?.flatten())
}

/// The one that whoever asks is answered from, if any: it is fresh, and what it counted is too much for each look.
async fn of_many<C: Connection>(conn: &mut C) -> sqlx::Result<Option<Tally>> {
    Ok(read(conn).await?.filter(|tally| tally.age <= TALLY_FRESH && tally.figures.rows > LOOK_ROWS_MAX))
}

/// What `READ` gives. Of a version that writes something else nothing is known.
pub(super) fn tally_in(row: &impl Row) -> sqlx::Result<Option<Tally>> {
    let (figures, age) = (row.maybe_text("tally")?, row.maybe_int("age")?);
    let figures = figures.and_then(|text| serde_json::from_str(text).ok());
    Ok(figures.zip(age).map(|(figures, age)| Tally { figures, age: Duration::from_micros(count(age)) }))
}
