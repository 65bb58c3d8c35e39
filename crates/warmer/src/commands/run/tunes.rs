//! Sizes of pools that were asked for by way of the database (`warmer tune`). Of an order the name of a stage and a
//! number are taken, and nothing else counts: whoever can write to the database can do no more by it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use warmer_pipeline::{Machine, Settings, Stage};
use warmer_store::{InstanceId, Standing, Store, Tune, TuneId, Tuned};

use crate::output::{counted, duration, printable};
use crate::{database, memory};

/// Of the cores, the most workers of a pool where nobody set `[tune] max`.
const CORES: usize = 4;

/// The most workers that each pool may be given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    max: usize,
    embedders: usize,
}

impl Bound {
    /// As configured; 0 is what the machine carries.
    pub(super) fn of(max: usize, machine: &Machine) -> Self {
        match max {
            0 => {
                let max = machine.cores.max(1).saturating_mul(CORES);
                Self { max, embedders: max.min(machine.embedders_max()) }
            }
            max => Self { max, embedders: max },
        }
    }

    fn within(&self, stage: Stage, workers: u32) -> usize {
        let most = if stage == Stage::Embedder { self.embedders } else { self.max };
        usize::try_from(workers).unwrap_or(usize::MAX).clamp(1, most.max(1))
    }
}

/// The sizes that are in force here.
#[derive(Debug, Default)]
pub(super) struct Tunes {
    /// A later one of a stage counts.
    held: Vec<Held>,
    /// Orders that were told as none of ours to obey.
    refused: BTreeSet<TuneId>,
}

#[derive(Debug)]
struct Held {
    id: TuneId,
    stage: Stage,
    workers: usize,
    set_by: String,
    /// By this process' clock, from how long it was to go on when the database last said so.
    until: Instant,
    before: Standing,
}

impl Tunes {
    /// Takes what is asked for now of `whom`, an instance that goes by these settings. Whether anything changed.
    pub(super) fn take(
        &mut self,
        asked: Vec<Tune>,
        bound: &Bound,
        (whom, settings): (InstanceId, &Settings),
        latency: Duration,
    ) -> bool {
        let (mut changed, now) = (false, Instant::now());
        let asked: Vec<_> = asked.into_iter().filter(|tune| self.is_for(whom, tune)).collect();
        let ended = |held: &Held| !asked.iter().any(|tune| tune.id == held.id);
        for held in self.held.extract_if(.., |held| ended(held)) {
            held.tell_end();
            changed = true;
        }
        for tune in asked {
            let Some(stage) = stage_of(&tune.stage) else { continue };
            if let Some(held) = self.held.iter_mut().find(|held| held.id == tune.id) {
                held.until = now + tune.left;
                continue;
            }
            let before = standing(workers_of(settings, stage), latency);
            let workers = bound.within(stage, tune.workers);
            let held = Held { id: tune.id, stage, workers, set_by: tune.set_by, until: now + tune.left, before };
            held.tell(tune.workers, tune.left);
            self.held.push(held);
            changed = true;
        }
        changed
    }

    /// Ends what is over at this moment of this process' clock. Whether anything was.
    pub(super) fn end(&mut self, now: Instant) -> bool {
        let before = self.held.len();
        self.held.extract_if(.., |held| held.until <= now).for_each(|held| held.tell_end());
        self.held.len() < before
    }

    /// Settings with these sizes in place of theirs.
    pub(super) fn laid_over(&self, mut settings: Settings) -> Settings {
        for held in &self.held {
            *workers_in(&mut settings, held.stage) = held.workers;
        }
        settings
    }

    /// Tells the database how this instance did before each of them, and how it does.
    pub(super) async fn note(
        &self,
        store: &dyn Store,
        instance: InstanceId,
        memory_max: Option<u64>,
        latency: Duration,
    ) {
        for held in &self.held {
            let now = standing(held.workers, latency);
            let tuned = Tuned { instance, host: database::host(), before: held.before, now, memory_max };
            if let Err(error) = store.note_tuned(held.id, &tuned).await {
                tracing::debug!(%error, "cannot tell how this instance does");
            }
        }
    }

    /// Whether an order is for this instance; one that could not be obeyed by any is told once.
    fn is_for(&mut self, whom: InstanceId, tune: &Tune) -> bool {
        let named = &tune.instance;
        let meant = named.is_empty() || *named == database::host() || *named == whom.0.to_string();
        let known = stage_of(&tune.stage).is_some();
        if meant && !known && self.refused.insert(tune.id) {
            tracing::warn!(
                "an order in the database names no stage of the pipeline but {:?}: nothing is changed by it",
                printable(&tune.stage)
            );
        }
        meant && known
    }
}

impl Held {
    fn tell(&self, asked: u32, left: Duration) {
        let Self { stage, workers, set_by, before, .. } = self;
        let bounded = if *workers == asked as usize { String::new() } else { format!(" of {asked} ([tune] max)") };
        let workers = counted(*workers as u64, "worker");
        tracing::info!(
            "the pool {} has {workers}{bounded} instead of {} for {}: asked for by {}",
            stage.as_str(),
            before.workers,
            duration(left),
            printable(set_by)
        );
    }

    fn tell_end(&self) {
        tracing::info!("the pool {} has as many workers again as are configured", self.stage.as_str());
    }
}

/// A stage by its name.
fn stage_of(name: &str) -> Option<Stage> {
    Stage::ALL.into_iter().find(|stage| stage.as_str() == name)
}

fn standing(workers: usize, latency: Duration) -> Standing {
    Standing { workers: u32::try_from(workers).unwrap_or(u32::MAX), memory: memory::now(), latency }
}

fn workers_of(settings: &Settings, stage: Stage) -> usize {
    settings.limits()[stage as usize].workers
}

fn workers_in(settings: &mut Settings, stage: Stage) -> &mut usize {
    match stage {
        Stage::Fetcher => &mut settings.fetcher.workers,
        Stage::Hasher => &mut settings.hasher.workers,
        Stage::Filler => &mut settings.fill.concurrency,
        Stage::Embedder => &mut settings.embedder.workers,
        Stage::Storer => &mut settings.storer.workers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tune(stage: &str, workers: u32) -> Tune {
        let (id, left) = (TuneId::random(), Duration::from_secs(60));
        Tune { id, stage: stage.into(), workers, instance: String::new(), set_by: "somebody".into(), left }
    }

    fn sizes(tunes: &Tunes) -> [usize; 5] {
        tunes.laid_over(Settings::default()).limits().map(|limits| limits.workers)
    }

    const MACHINE: Machine = Machine { cores: 2, memory: Some(1 << 30), model: Some(86 << 20) };

    fn taken(tunes: &mut Tunes, asked: Vec<Tune>) -> bool {
        let whom = (InstanceId::random(), &Settings::default());
        tunes.take(asked, &Bound::of(0, &MACHINE), whom, Duration::ZERO)
    }

    #[test]
    fn a_size_holds_within_its_bound_until_it_is_asked_for_no_more() {
        let (mut tunes, default) = (Tunes::default(), sizes(&Tunes::default()));
        let all = ["fetcher", "hasher", "filler", "embedder", "storer"].map(|stage| tune(stage, 5));
        assert!(taken(&mut tunes, all.to_vec()));
        assert_eq!(sizes(&tunes), [5; 5]);
        assert!(!taken(&mut tunes, all.to_vec()), "nothing is new");
        let more = [all[1].clone(), tune("hasher", 900), tune("hasher", 0), tune("storer", u32::MAX)];
        assert!(taken(&mut tunes, more.to_vec()));
        assert_eq!(sizes(&tunes), [default[0], 1, default[2], default[3], 8], "four for each core at most, and one");
        assert!(taken(&mut tunes, vec![]));
        assert_eq!(sizes(&tunes), default);
    }

    #[test]
    fn a_size_ends_though_the_database_is_silent() {
        let (mut tunes, before) = (Tunes::default(), Instant::now());
        taken(&mut tunes, vec![tune("hasher", 7)]);
        assert!(!tunes.end(before + Duration::from_secs(59)));
        let after = Instant::now() + Duration::from_secs(60);
        assert!(tunes.end(after) && !tunes.end(after));
    }

    /// Whoever can write to the database can change nothing but these numbers.
    #[test]
    fn of_an_order_a_stage_and_a_number_are_taken_and_nothing_else() {
        let mut tunes = Tunes::default();
        let odd = ["git.ssh_command", "runtime.library", "database.url", "", "Hasher", "hasher; rm -rf /", "webhooks"];
        assert!(!taken(&mut tunes, odd.map(|stage| tune(stage, 1)).to_vec()));
        let others = ["another-host", "0", "f"].map(|named| Tune { instance: named.into(), ..tune("hasher", 1) });
        assert!(!taken(&mut tunes, others.to_vec()));
        assert_eq!(sizes(&tunes), sizes(&Tunes::default()));
        assert_eq!(tunes.refused.len(), odd.len(), "each is told once");
    }

    #[test]
    fn the_bound_is_configured_or_what_the_machine_carries() {
        let auto = Bound::of(0, &Machine { memory: Some(512 << 20), ..MACHINE });
        assert_eq!((auto.within(Stage::Hasher, 99), auto.within(Stage::Embedder, 99)), (8, 1));
        let set = Bound::of(3, &MACHINE);
        assert_eq!((set.within(Stage::Hasher, 99), set.within(Stage::Embedder, 99)), (3, 3));
    }
}
