//! The turn at the upkeep: one row says whose it is, how long ago the last one ended, and how far it came.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::transient::retrying;
use super::{Base, micros, share, values};
use crate::error::StoreError;
use crate::job::InstanceId;
use crate::upkeep::{Share, TurnId, Upkeep};

/// $1: the turn; $2: whose it is to be; $3: the interval. An instance without a heartbeat for 30 s has none any more,
/// as it is not alive in `status` either.
const TAKE: &str = "
    UPDATE upkeep SET turn = $1, instance = $2, taken_at = (SELECT now FROM clock)
    WHERE done_at <= (SELECT now FROM clock) - $3
        AND (turn IS NULL OR upkeep.instance = $2 OR NOT EXISTS (
            SELECT 1 FROM instance WHERE instance.id = upkeep.instance AND instance.state = 'alive'
                AND instance.seen_at > (SELECT now FROM clock) - 30000000))";
/// $1: the turn; $2: whether it ended well.
const END: &str = "
    UPDATE upkeep SET turn = NULL, done_at = CASE WHEN $2 THEN (SELECT now FROM clock) ELSE done_at END
    WHERE turn = $1";

#[async_trait]
impl<B: Base> Upkeep for B {
    async fn take_turn(&self, instance: InstanceId, every: Duration) -> Result<Option<TurnId>, StoreError> {
        // One fence for all tries: who has the turn takes it again.
        let turn = Uuid::new_v4();
        let taken = retrying!(self, self.once(TAKE, values![turn, instance.0, micros(every)]))?;
        Ok((taken > 0).then_some(TurnId(turn)))
    }

    async fn end_turn(&self, turn: TurnId, well: bool) -> Result<bool, StoreError> {
        let mut first = true;
        retrying!(self, async {
            // What a try before may have ended cannot be found any more.
            let is_again = !std::mem::take(&mut first);
            Ok(self.once(END, values![turn.0, well]).await? > 0 || is_again)
        })
    }

    async fn verify_share(&self, turn: TurnId, shares: u32) -> Result<Option<Share>, StoreError> {
        let mut found = Share::default();
        let is_ours = retrying!(self, share::verify(self, turn, shares, &mut found))?;
        if found.repositories > 0 {
            self.notify().await;
        }
        Ok(is_ours.then_some(found))
    }
}
