//! Upkeep: what one instance does for all, by the clock: collects, trims the history, verifies a share.
//!
//! takes    its own clockwork.
//! gives    jobs: fills for what lacks vectors, full refreshes for repositories that serve what turned out damaged.
//! keeps    nothing: the database knows whose turn it is, when the last one ended and how far it came.
//! on crash its successor takes the turn up, or another instance where the process died.

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::watch;
use warmer_content::Recipe;
use warmer_store::{Collect, Collected, FillRequest, GcSettings, Share, Store, StoreError, TurnId};
use warmer_traces::names;

use crate::backoff::jittered;
use crate::identity::Identity;
use crate::lease::Lease;
use crate::live::Live;
use crate::observer::Observer;
use crate::settings::Settings;

/// Time to look whose turn it is.
pub(crate) struct Look;

/// The upkeep.
#[derive(Clone)]
pub(crate) struct Upkeep {
    /// What is looked after, and whose turn it is.
    pub store: Arc<dyn Store>,
    /// Who takes the turn.
    pub identity: Identity,
    /// How often, and what is deleted.
    pub settings: Live<Settings>,
    /// Without it the database is not in reach.
    pub lease: Lease,
    /// True once this process is to end.
    pub leaving: watch::Receiver<bool>,
    /// What fills are made by here.
    pub recipe: Recipe,
    /// Who hears how long the database took.
    pub observer: Observer,
}

/// How often it looks at most; a turn that failed, or whose instance died, is taken up about as soon.
const LOOK: Duration = Duration::from_mins(10);

/// A turn verifies one of so many parts: with one a day all is read within a month.
const SHARES: u32 = 30;

/// What lacks gets its fills for so many repositories at a time.
const FILLS: u32 = 256;

/// What a turn came to.
#[derive(Debug, PartialEq, Eq)]
struct Done {
    collected: Collected,
    /// `None`: another instance took the turn meanwhile.
    share: Option<Share>,
    /// Put in the queue.
    fills: u64,
}

impl Actor for Upkeep {
    type Msg = Look;
    /// Whether the last turn failed.
    type State = bool;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Look>, (): ()) -> Result<bool, ActorProcessingErr> {
        self.look_later(&myself);
        Ok(false)
    }

    async fn handle(&self, myself: ActorRef<Look>, _: Look, failed: &mut bool) -> Result<(), ActorProcessingErr> {
        // "0s" leaves it to `warmer gc`.
        if self.lease.is_good() && !self.gc().every.is_zero() {
            let mut leaving = self.leaving.clone();
            tokio::select! {
                biased;
                // What was under way is rolled back; the turn is free when this instance has left.
                _ = leaving.wait_for(|leaving| *leaving) => return Ok(()),
                done = self.turn() => self.tell(&done, failed),
            }
        }
        self.look_later(&myself);
        Ok(())
    }
}

impl Upkeep {
    /// Never at once at a start, and not in step with others.
    fn look_later(&self, myself: &ActorRef<Look>) {
        let every = Some(self.gc().every).filter(|every| !every.is_zero()).unwrap_or(LOOK);
        myself.send_after(jittered(every.min(LOOK) / 2), || Look);
    }

    fn gc(&self) -> GcSettings {
        self.settings.now().upkeep.clone().unwrap_or_default()
    }

    /// `None`: it is not due, or another's turn.
    async fn turn(&self) -> Result<Option<Done>, StoreError> {
        let turn = self.store.take_turn(self.identity.get(), self.gc().every);
        let Some(turn) = self.observer.database(names::DB_TURN, turn).await? else { return Ok(None) };
        tracing::debug!(turn = %turn.0, "the upkeep begins");
        let done = self.work(turn).await;
        self.observer.database(names::DB_TURN_END, self.store.end_turn(turn, done.is_ok())).await?;
        done.map(Some)
    }

    async fn work(&self, turn: TurnId) -> Result<Done, StoreError> {
        let GcSettings { mark_age, history, .. } = self.gc();
        let how = Collect { dry_run: false, mark_age, history_age: history };
        let collected = self.observer.database(names::DB_COLLECT, self.store.collect(&how)).await?;
        let share = self.observer.database(names::DB_VERIFY, self.store.verify_share(turn, SHARES)).await?;
        Ok(Done { collected, share, fills: self.fill().await? })
    }

    /// What was damaged lacks from now on, and what could not be embedded is tried again. Nobody else may look: a
    /// scheduler need not run.
    async fn fill(&self) -> Result<u64, StoreError> {
        let seed = || self.observer.database(names::DB_SEED, self.store.seed(self.recipe, None, FILLS));
        while seed().await? > 0 {}
        let mut fills = 0;
        loop {
            let more = self.store.enqueue_fills(self.recipe.embedding, FillRequest::all(FILLS));
            match self.observer.database(names::DB_FILLS, more).await? {
                0 => return Ok(fills),
                more => fills += more,
            }
        }
    }

    /// Failures in a row are told once.
    fn tell(&self, done: &Result<Option<Done>, StoreError>, failed: &mut bool) {
        match done {
            Ok(None) => return,
            Ok(Some(done)) => done.tell(),
            Err(error) if *failed => tracing::debug!(%error, "the upkeep failed again"),
            Err(error) => {
                let within = self.gc().every.min(LOOK).as_secs();
                tracing::warn!(%error, retry_within_s = within, "the upkeep failed, and is tried again");
            }
        }
        *failed = done.is_err();
    }
}

impl Done {
    fn tell(&self) {
        let Collected { artifacts_deleted, vectors_deleted, bytes_deleted, attempts_deleted, .. } = self.collected;
        let (artifacts_marked, vectors_marked) = (self.collected.artifacts_marked, self.collected.vectors_marked);
        let share = self.share.unwrap_or_default();
        tracing::info!(
            artifacts_deleted,
            vectors_deleted,
            bytes_deleted,
            artifacts_marked,
            vectors_marked,
            attempts_deleted,
            generations_dropped = self.collected.generations_dropped,
            artifacts_verified = share.artifacts,
            vectors_verified = share.vectors,
            fills = self.fills,
            "the upkeep is done"
        );
        let (artifacts, vectors) = (share.artifacts_damaged, share.vectors_damaged);
        if artifacts + vectors > 0 {
            tracing::warn!(
                artifacts,
                vectors,
                repositories = share.repositories,
                "damaged artifacts or vectors were deleted; fills make the vectors again, and the repositories that \
                 serve the artifacts are warmed as a whole"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use warmer_store::{Cancel, JobFilter, Settlement};

    use super::*;
    use crate::testing::Bench;

    /// One that is due whenever it looks, which it does at once.
    fn upkeep(bench: &Bench, leaving: watch::Receiver<bool>) -> Upkeep {
        let (every, history) = (Duration::from_nanos(1), Duration::ZERO);
        let settings = with(GcSettings { every, history, ..GcSettings::default() });
        let (identity, recipe) = (Identity::of(bench.instance), bench.tools().recipe);
        let (store, lease, observer) = (bench.store.clone(), Lease::new(false), Observer::default());
        Upkeep { store, identity, settings, lease, leaving, recipe, observer }
    }

    fn with(gc: GcSettings) -> Live<Settings> {
        Settings { upkeep: Some(gc), ..Settings::default() }.into()
    }

    /// An attempt that is history.
    async fn attempt(bench: &Bench) {
        let claim = bench.claim("/a").await;
        let dead = Settlement::Dead { error: "gone".to_owned() };
        bench.store.settle(claim.id, dead, None).await.expect("it runs");
    }

    #[tokio::test]
    async fn a_turn_collects_trims_the_history_and_verifies_a_share() {
        let bench = Bench::new().await;
        attempt(&bench).await;
        let (_stays, leaving) = watch::channel(false);
        let done = upkeep(&bench, leaving).turn().await.expect("a store").expect("it is due");
        assert_eq!((done.collected.attempts_deleted, done.share), (1, Some(Share::default())));
    }

    #[tokio::test]
    async fn a_turn_puts_fills_in_the_queue_for_what_lacks_vectors_and_has_none() {
        let bench = Bench::new().await;
        for remote in ["/a", "/b"] {
            bench.publish(remote, 1).await;
        }
        let jobs = async || bench.store.jobs(&JobFilter::default()).await.expect("rows");
        for fill in jobs().await {
            assert_eq!(bench.store.cancel(fill.id).await.expect("a store"), Cancel::Removed);
        }
        let (_stays, leaving) = watch::channel(false);
        let upkeep = upkeep(&bench, leaving);
        for (fills, queued) in [(2, 2), (0, 2)] {
            let done = upkeep.turn().await.expect("a store").expect("it is due");
            assert_eq!((done.fills, jobs().await.len()), (fills, queued));
        }
    }

    #[tokio::test]
    async fn a_turn_that_is_not_due_is_not_taken() {
        let bench = Bench::new().await;
        let (_stays, leaving) = watch::channel(false);
        let mut upkeep = upkeep(&bench, leaving);
        upkeep.settings = with(GcSettings { every: Duration::from_hours(1), ..GcSettings::default() });
        assert_eq!(upkeep.turn().await.expect("a store"), None);
    }

    #[tokio::test]
    async fn failures_in_a_row_are_told_once_and_a_turn_of_another_is_no_end_of_them() {
        let bench = Bench::new().await;
        let (_stays, leaving) = watch::channel(false);
        let upkeep = upkeep(&bench, leaving);
        let (mut failed, busy) = (false, || StoreError::new(warmer_store::StoreErrorKind::Busy, "an outage"));
        let good = || Done { collected: Collected::default(), share: None, fills: 0 };
        for (done, expected) in
            [(Err(busy()), true), (Ok(None), true), (Err(busy()), true), (Ok(Some(good())), false), (Ok(None), false)]
        {
            upkeep.tell(&done, &mut failed);
            assert_eq!(failed, expected);
        }
    }

    #[tokio::test]
    async fn who_is_to_end_takes_no_turn() {
        let bench = Bench::new().await;
        attempt(&bench).await;
        for (ends, attempts) in [(true, 1), (false, 0)] {
            let (leave, leaving) = watch::channel(false);
            leave.send_replace(ends);
            let (actor, ended) = Actor::spawn(None, upkeep(&bench, leaving), ()).await.expect("it starts");
            actor.cast(Look).expect("it lives");
            actor.drain().expect("it lives");
            ended.await.expect("its look is over");
            let history = bench.store.attempts(warmer_store::AttemptFilter::All, 9).await.expect("a history");
            assert_eq!(history.len(), attempts, "{ends}");
        }
    }
}
