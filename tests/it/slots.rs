//! Slots: light checks without, heavy work with one, and slow warms never starve the checks (W-9).

use std::sync::Arc;
use std::time::Duration;

use warmer_pipeline::{Edge, Event, NoFaults, Stage};
use warmer_store::{AttemptFilter, AttemptOutcome, JobId};
use warmer_tests::faults::Hold;
use warmer_tests::inside::{Inside, Line};
use warmer_tests::{GIT, Need, Repo, needs};

/// What was seen of a few jobs.
#[derive(Default)]
struct Seen {
    /// Slots held now, and the most at one time.
    held: usize,
    peak: usize,
    /// How attempts ended, in order.
    ended: Vec<(JobId, AttemptOutcome)>,
}

impl Seen {
    /// Takes in events until this holds.
    async fn until(&mut self, line: &mut Line, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            let event = tokio::time::timeout(Duration::from_secs(60), line.events.recv()).await;
            match event.expect("it never came to hold").expect("the pipeline goes on") {
                Event::Slot { held: true, .. } => self.held += 1,
                Event::Slot { held: false, .. } => self.held -= 1,
                Event::Ended(ended) => self.ended.push((ended.ticket.claim.job, ended.outcome)),
                _ => {}
            }
            self.peak = self.peak.max(self.held);
        }
    }

    fn has(&self, job: JobId, outcome: AttemptOutcome) -> bool {
        self.ended.contains(&(job, outcome))
    }

    fn warmed(&self, job: JobId) -> bool {
        self.has(job, AttemptOutcome::Warmed)
    }
}

async fn held_at_the_hasher() -> (Inside, Arc<Hold>) {
    let hold = Arc::new(Hold::new(Stage::Hasher, Edge::Before));
    let mut inside = Inside::with(hold.clone()).await;
    inside.settings.claimer.stall = Duration::from_secs(3_600);
    (inside, hold)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_comes_to_its_end_while_slow_warms_hold_every_heavy_place() {
    needs!(GIT, Need::Runtime);
    let (mut inside, hold) = held_at_the_hasher().await;
    inside.settings.claimer.concurrency = 2;
    let (slow, other, known) = (Repo::generated(3, 200, 1), Repo::generated(3, 200, 2), Repo::generated(3, 200, 3));
    let faults = std::mem::replace(&mut inside.tools.faults, Arc::new(NoFaults));
    assert_eq!(inside.warm(&[&known]).await, [AttemptOutcome::Warmed]);
    inside.tools.faults = faults;
    let slow = inside.enqueue(&slow).await;
    let (mut line, mut seen) = (inside.start().await, Seen::default());
    hold.reached(1).await;
    let other = inside.enqueue(&other).await;
    line.running.wake();
    seen.until(&mut line, |seen| seen.has(other, AttemptOutcome::Deferred)).await;
    let known = inside.enqueue(&known).await;
    line.running.wake();
    seen.until(&mut line, |seen| seen.has(known, AttemptOutcome::Fresh)).await;
    assert!(!seen.warmed(slow) && inside.store.job(other).await.expect("a row").is_some_and(|job| job.heavy));
    hold.release();
    seen.until(&mut line, |seen| seen.warmed(slow) && seen.warmed(other)).await;
    line.running.stop(Duration::ZERO).await;
    let slot_waits = async |job| {
        let attempts = inside.store.attempts(AttemptFilter::Job(job), 9).await.expect("a history");
        attempts.into_iter().map(|attempt| attempt.summary.expect("it did something")["slot_wait_seconds"].as_f64())
    };
    assert_eq!(slot_waits(slow).await.collect::<Vec<_>>(), [None], "it had its slot at once");
    let [Some(waited), .., None] = slot_waits(other).await.collect::<Vec<_>>()[..] else {
        panic!("put off, then warmed")
    };
    assert!(waited > 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_one_slot_one_job_is_heavy_at_a_time_and_who_waits_too_long_is_told_of() {
    needs!(GIT, Need::Runtime);
    let (mut inside, hold) = held_at_the_hasher().await;
    (inside.settings.claimer.slots, inside.settings.claimer.slot_wait_max) = (1, Duration::ZERO);
    let repos: Vec<_> = (0..3).map(|seed| Repo::generated(3, 200, seed)).collect();
    let mut jobs = vec![];
    for repo in &repos {
        jobs.push(inside.enqueue(repo).await);
    }
    let (mut line, mut seen) = (inside.start().await, Seen::default());
    let waits =
        |seen: &Seen| seen.ended.iter().filter(|(_, outcome)| *outcome == AttemptOutcome::Deferred).count() >= 2;
    seen.until(&mut line, waits).await;
    let starved = async {
        while line.running.measurements().totals.starved == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), starved).await.expect("somebody is told");
    hold.release();
    seen.until(&mut line, |seen| jobs.iter().all(|job| seen.warmed(*job))).await;
    assert_eq!(seen.peak, 1);
    line.running.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zero_slots_switch_the_semaphore_off() {
    needs!(GIT, Need::Runtime);
    let (mut inside, hold) = held_at_the_hasher().await;
    inside.settings.claimer.slots = 0;
    let repos: Vec<_> = (0..3).map(|seed| Repo::generated(3, 200, seed)).collect();
    let mut jobs = vec![];
    for repo in &repos {
        jobs.push(inside.enqueue(repo).await);
    }
    let (mut line, mut seen) = (inside.start().await, Seen::default());
    seen.until(&mut line, |seen| seen.held == 2).await;
    hold.release();
    seen.until(&mut line, |seen| jobs.iter().all(|job| seen.warmed(*job))).await;
    line.running.stop(Duration::ZERO).await;
}
