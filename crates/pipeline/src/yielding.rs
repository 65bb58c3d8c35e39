//! Yielding: a model on this machine's cores lets refreshes go first, for as long as its budget lasts.
//!
//! A push is tens of milliseconds of work, and a text is as much: beside a fill on all cores a push took twice its
//! time, also where the model's threads have a lower priority. So no text is begun while a refresh here has found
//! something to do. A refresh may take an hour, though, and one may follow the other: vectors come meanwhile, too.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::ledger::Ledger;

/// The most that is waited on end: some pushes of 30 to 50 ms, as they were measured.
const MOST: Duration = Duration::from_millis(250);
/// Of the time that a worker embeds, this part may be waited: with refreshes without end it embeds for four fifths.
const PART: u32 = 4;

/// How long one worker of the Embedder may still wait for refreshes.
#[derive(Debug)]
pub(crate) struct YieldBudget(Duration);

impl Default for YieldBudget {
    fn default() -> Self {
        Self(MOST)
    }
}

impl YieldBudget {
    /// The worker has embedded for so long.
    pub(crate) fn earn(&mut self, worked: Duration) {
        self.0 = MOST.min(self.0 + worked / PART);
    }

    /// Whether there is a refresh to wait for, and time for that.
    pub(crate) fn yields(&self, ledger: &Ledger) -> bool {
        !self.0.is_zero() && ledger.count().heavy > 0
    }

    /// Returns when no refresh here has anything to do, or the budget is spent.
    pub(crate) async fn spend(&mut self, ledger: &Ledger) {
        let began = Instant::now();
        if timeout(self.0, ledger.no_heavy_refresh()).await.is_err() {
            // The timer may be early by a part of a millisecond.
            self.0 = Duration::ZERO;
        }
        self.0 = self.0.saturating_sub(began.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;
    use crate::observer::Observer;
    use crate::slots::Slot;
    use crate::ticket::testing;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn a_worker_waits_until_refreshes_that_have_something_to_do_are_over() {
        let (ledger, mut budget) = (Ledger::new(Observer::default()), YieldBudget::default());
        let (refresh, ..) = testing::ticket();
        ledger.open(refresh.clone());
        assert!(!budget.yields(&ledger), "a check may find nothing");
        ledger.hold_slot(refresh.claim.id, Slot::of_parent());
        assert!(budget.yields(&ledger));
        let began = Instant::now();
        let over = async {
            tokio::time::sleep(40 * MS).await;
            ledger.close(refresh.claim.id);
        };
        tokio::join!(budget.spend(&ledger), over);
        assert_eq!(began.elapsed(), 40 * MS);
        assert_eq!(budget.0, MOST - 40 * MS);
        assert!(!budget.yields(&ledger));
        budget.earn(100 * MS);
        assert_eq!(budget.0, MOST - 15 * MS);
    }

    #[tokio::test(start_paused = true)]
    async fn with_refreshes_without_end_a_worker_embeds_for_four_fifths_of_its_time() {
        let (ledger, mut budget) = (Ledger::new(Observer::default()), YieldBudget::default());
        let (refresh, ..) = testing::ticket();
        ledger.open(refresh.clone());
        ledger.hold_slot(refresh.claim.id, Slot::of_parent());
        let (began, text, texts) = (Instant::now(), 40 * MS, 1_000);
        for _ in 0..texts {
            if budget.yields(&ledger) {
                budget.spend(&ledger).await;
            }
            tokio::time::advance(text).await;
            budget.earn(text);
            yield_now().await;
        }
        let worked = (text * texts).as_secs_f64() / began.elapsed().as_secs_f64();
        assert!((0.75..0.85).contains(&worked), "{worked}");
    }

    #[tokio::test]
    async fn a_fill_is_no_refresh() {
        let ledger = Ledger::new(Observer::default());
        let (fill, ..) = testing::fill(warmer_store::Lane::Bulk);
        ledger.open(fill.clone());
        ledger.hold_slot(fill.claim.id, Slot::of_parent());
        assert!(!YieldBudget::default().yields(&ledger));
    }
}
