//! Scheduler: puts due repositories in the queue, what a change of the chunking left behind, and fills for what lacks
//! vectors and has none.
//!
//! takes    its own clockwork.
//! gives    jobs, by the schedule of each repository; the queue folds what several instances put there at once.
//! keeps    nothing: the database knows what is due, by a clock that is believed only for what is past.
//! on crash its successor looks again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use warmer_content::Recipe;
use warmer_store::{FillRequest, GenerationState, Store, StoreError};
use warmer_traces::names;

use crate::backoff::some_of;
use crate::fatal::Fatal;
use crate::fleet::Fleet;
use crate::lease::Lease;
use crate::live::Live;
use crate::observer::Observer;
use crate::settings::{SchedulerSettings, Settings};
use crate::settlement::PUT_OFF_MAX;

/// Time to look.
pub(crate) struct Look;

/// The scheduler.
#[derive(Clone)]
pub(crate) struct Scheduler {
    /// What is due, and the queue.
    pub store: Arc<dyn Store>,
    /// How often, and in which steps; the longest time for which this pipeline puts a job off.
    pub settings: Live<Settings>,
    /// Without it the database is not in reach.
    pub lease: Lease,
    /// What no look can mend.
    pub fatal: Fatal,
    /// What fills are made by here.
    pub recipe: Recipe,
    /// Who hears how long the database took.
    pub observer: Observer,
    /// Whether that is what all instances are to make.
    pub fleet: Fleet,
}

/// How often stored times in the future are looked for.
const FUTURE_EVERY: Duration = Duration::from_secs(60);
/// How often generations are looked at for what they do not cover yet: each look goes over all that is served.
const SEED_EVERY: Duration = Duration::from_secs(60);

/// Every so many looks, fills are put in the queue for what has none. Who makes it lack vectors does that itself: this
/// is for who died in between, and for what another model is to fill.
const FILL_LOOKS: u64 = 4;

/// What earlier looks found.
#[derive(Default)]
pub(crate) struct Seen {
    /// How many there were.
    looks: u64,
    /// When stored times in the future were last looked for.
    future: Option<Instant>,
    /// When generations were last looked at.
    seeded: Option<Instant>,
    /// It was told that searches use another model by command.
    left: bool,
}

impl Actor for Scheduler {
    type Msg = Look;
    type State = Seen;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Look>, (): ()) -> Result<Seen, ActorProcessingErr> {
        myself.cast(Look)?;
        Ok(Seen::default())
    }

    async fn handle(&self, myself: ActorRef<Look>, _: Look, seen: &mut Seen) -> Result<(), ActorProcessingErr> {
        if self.lease.is_good() {
            if seen.future.is_none_or(|looked| looked.elapsed() > FUTURE_EVERY) {
                let ended = self.store.end_future(self.put_off_max());
                match self.observer.database(names::DB_FUTURE, ended).await {
                    Ok(_) => seen.future = Some(Instant::now()),
                    Err(error) => tracing::warn!(%error, "cannot look for stored times in the future"),
                }
            }
            match self.look().await {
                Ok(0) => {}
                Ok(due) => tracing::debug!(due, "repositories are due"),
                Err(error) => {
                    tracing::warn!(%error, "cannot read due repositories");
                    self.fatal.judge(&error);
                }
            }
            if seen.looks.is_multiple_of(FILL_LOOKS) {
                self.look_for_fills(seen).await;
            }
            seen.looks += 1;
        }
        // Not all instances at once.
        let every = self.schedule().every;
        myself.send_after(every - some_of(every / 4), || Look);
        Ok(())
    }
}

impl Scheduler {
    fn schedule(&self) -> SchedulerSettings {
        self.settings.now().scheduler.clone().unwrap_or_default()
    }

    fn put_off_max(&self) -> Duration {
        self.settings.now().claimer.retry_most.max(PUT_OFF_MAX)
    }

    /// All pages, with a pause between two and none after the last.
    async fn look(&self) -> Result<u64, StoreError> {
        let (mut due, mut after) = (0, None);
        let schedule = self.schedule();
        loop {
            let page = self.store.enqueue_due(after, schedule.list_batch, schedule.spread);
            let page = self.observer.database(names::DB_ENQUEUE, page).await?;
            due += u64::from(page.enqueued);
            let Some(last) = page.last else { return Ok(due) };
            after = Some(last);
            tokio::time::sleep(schedule.list_pause).await;
        }
    }

    async fn look_for_fills(&self, seen: &mut Seen) {
        match self.fill(&mut seen.seeded).await {
            Ok(0) => {}
            Ok(fills) => tracing::debug!(fills, "what lacked vectors had no fill"),
            Err(error) => tracing::warn!(%error, "cannot look for what lacks vectors"),
        }
        self.tell_if_left(&mut seen.left).await;
    }

    /// A command had searches use another model than the one here: whoever looks at this process is to know, once.
    async fn tell_if_left(&self, told: &mut bool) {
        let state = self.store.generation_state(self.recipe);
        let Ok(state) = self.observer.database(names::DB_GENERATION, state).await else { return };
        let left = self.fleet.makes_ours() && state == Some(GenerationState::Retired);
        if left && !*told {
            tracing::warn!(
                "a command has searches use another model than the one of this instance: what changes is found by its \
                 words alone until an instance with that model makes the vectors; `warmer generations switch {}` has \
                 searches use this one again",
                self.recipe.embedding.0.short()
            );
        }
        *told = left;
    }

    /// What no schedule checks gets one refresh once the fleet cuts texts in another way, and so does what is gone at
    /// its source, which is cut anew from what is stored.
    async fn queue_left(&self, limit: u32) {
        if !self.fleet.makes_ours() {
            return;
        }
        let left = self.store.enqueue_left(self.recipe.chunking, limit);
        match self.observer.database(names::DB_ENQUEUE, left).await {
            Ok(0) => {}
            Ok(repositories) => tracing::info!(
                repositories,
                "texts are cut in another way now: these repositories, which have no schedule or whose remotes were \
                 out of reach, are tried once, and cut anew from what is stored where their remotes are gone"
            ),
            Err(error) => tracing::warn!(%error, "cannot look for what is cut as before"),
        }
    }

    /// How many fills there are for what lacks; what generations do not cover yet they cover by then.
    async fn fill(&self, seeded: &mut Option<Instant>) -> Result<u64, StoreError> {
        let SchedulerSettings { list_batch: limit, list_pause, .. } = self.schedule();
        if seeded.is_none_or(|seeded| seeded.elapsed() > SEED_EVERY) {
            let seed = || self.observer.database(names::DB_SEED, self.store.seed(self.recipe, None, limit));
            while let repositories @ 1.. = seed().await? {
                tracing::info!(
                    repositories,
                    "another model is to be filled: these repositories now lack its vectors, and fills make them"
                );
                tokio::time::sleep(list_pause).await;
            }
            self.queue_left(limit).await;
            *seeded = Some(Instant::now());
        }
        let fills = self.store.enqueue_fills(self.recipe.embedding, FillRequest::all(limit));
        self.observer.database(names::DB_FILLS, fills).await
    }
}

#[cfg(test)]
mod tests {
    use warmer_store::{JobFilter, Policy, Refresh};

    use super::*;
    use crate::testing::Bench;

    /// Looks at two repositories at a time.
    fn scheduler(bench: &Bench, lease: Lease) -> Scheduler {
        let schedule = SchedulerSettings { list_batch: 2, list_pause: Duration::ZERO, ..SchedulerSettings::default() };
        let recipe = bench.tools().recipe;
        let (store, fatal) = (bench.store.clone(), Fatal::default());
        let settings = Settings { scheduler: Some(schedule), ..Settings::default() }.into();
        let (fleet, observer) = (Fleet::default(), Observer::default());
        Scheduler { store, settings, lease, fatal, recipe, fleet, observer }
    }

    async fn followed(bench: &Bench, remotes: &[&str]) {
        let policy = Policy { refresh: Some(Refresh::Every(Duration::from_secs(60))), ..Policy::default() };
        for remote in remotes {
            let repository = bench.store.add_repository(remote, None).await.expect("a row").id;
            bench.store.set_policy(repository, &policy).await.expect("it is followed");
        }
    }

    async fn queued(bench: &Bench) -> usize {
        bench.store.jobs(&JobFilter::default()).await.expect("rows").len()
    }

    #[tokio::test]
    async fn all_pages_are_looked_at_and_what_has_a_job_gets_no_other() {
        let bench = Bench::new().await;
        followed(&bench, &["/a", "/b", "/c", "/d", "/e"]).await;
        let scheduler = scheduler(&bench, Lease::new(false));
        assert_eq!((scheduler.look().await.expect("rows"), queued(&bench).await), (5, 5));
        assert_eq!((scheduler.look().await.expect("rows"), queued(&bench).await), (0, 5));
    }

    #[tokio::test]
    async fn without_the_lease_nothing_is_put_in_the_queue() {
        let bench = Bench::new().await;
        followed(&bench, &["/a"]).await;
        for (self_fencing, jobs) in [(true, 0), (false, 1)] {
            let (actor, ended) =
                Actor::spawn(None, scheduler(&bench, Lease::new(self_fencing)), ()).await.expect("it starts");
            actor.drain().expect("it lives");
            ended.await.expect("its first look is over");
            assert_eq!(queued(&bench).await, jobs);
        }
    }
}
