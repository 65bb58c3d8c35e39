//! From a push until it is served, and until its vectors are there: on an idle daemon, while it fills another cold
//! repository, or many small ones, and while it fills a cold part of the same one.
//!
//! A real `warmer run` with the default model on PostgreSQL; a push is a commit that adds a function, and an enqueue as
//! a webhook makes it. When it was served is told by the database, on the same machine.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::Runtime as Tokio;
use warmer_benches::{Bounds, figure, milliseconds};
use warmer_store::{
    Catalogue as _, Enqueue, JobFilter, JobKind, JobState, Lane, Postgres as PgStore, PostgresOptions, Queue as _,
    Repository, RepositoryId, RepositoryState, Role,
};
use warmer_tests::needs::met;
use warmer_tests::sources::rust;
use warmer_tests::{GIT, Need, Postgres, Repo, Warmer};

use crate::options::Options;
use crate::process::{Process, until};
use crate::served::generated;

/// With 100 one that is late by chance would be the p99.
const PUSHES: usize = 300;
/// Fewer have no p99.
const PUSHES_LEAST: usize = 100;
/// Longer than so many pushes take.
const CHUNKS: usize = 24_000;
/// Of each of the small ones, which are as much together.
const CHUNKS_SMALL: usize = 2_700;
/// Bytes of one function.
const FUNCTION: usize = 400;
const PATIENCE: Duration = Duration::from_mins(10);
const VECTORS_SECONDS: f64 = 5.0;

/// What pushes took, in seconds, sorted.
struct Times {
    served: Vec<f64>,
    vectors: Vec<f64>,
}

struct Bench {
    tokio: Tokio,
    store: Arc<PgStore>,
    repo: Repo,
    id: RepositoryId,
    pushed: u64,
    _daemon: Process,
}

pub(crate) fn measure(options: &Options, bounds: &mut Bounds) {
    if !met(&[GIT, Need::Model, Need::Runtime]) {
        return;
    }
    let Some(postgres) = Postgres::new() else { return xtask::not_run("PostgreSQL") };
    let (pushes, chunks) = (options.number("--pushes", PUSHES), options.number("--chunks", CHUNKS));
    let mut bench = Bench::new(&postgres);
    let idle = bench.pushes(pushes, &[]);
    idle.tell("idle");
    let of_another = bench.beside(pushes, &[generated(chunks, 2)]);
    let small = (0..chunks.div_ceil(CHUNKS_SMALL) as u64).map(|seed| generated(CHUNKS_SMALL, 10 + seed));
    let of_small_ones = bench.beside(pushes, &small.collect::<Vec<_>>());
    bench.grow(chunks);
    let of_the_same = bench.pushes(pushes, &[bench.id]);
    for (name, times) in [("another", of_another), ("small_ones", of_small_ones), ("the_same", of_the_same)] {
        times.tell(&format!("while {name} is filled"));
        bounds.at_most(&format!("push_served_p99_{name}"), p99(&times.served) / p99(&idle.served), 2.0);
        bounds.at_most(&format!("push_vectors_p99_{name}_of_5_s"), p99(&times.vectors) / VECTORS_SECONDS, 1.0);
    }
}

impl Bench {
    /// A daemon that follows one small repository, which is warm.
    fn new(postgres: &Postgres) -> Self {
        let mut warmer = Warmer::real();
        warmer.set("claimer.start_delay", r#""0s""#).set("claimer.start_jitter", r#""0s""#);
        warmer.env("DATABASE_URL", postgres.url());
        let daemon = Process::start(warmer);
        let (tokio, repo) = (Tokio::new().expect("a runtime"), Repo::generated(20, 1_000, 1));
        let options = PostgresOptions::default();
        let store = Arc::new(tokio.block_on(PgStore::open(postgres.url(), Role::Writer, &options)).expect("it runs"));
        let id = tokio.block_on(store.add_repository(&repo.url(), None)).expect("it runs").id;
        let mut bench = Self { tokio, store, repo, id, pushed: 0, _daemon: daemon };
        bench.warm(id);
        bench.filled();
        // What the first push of a process loads is not of a push.
        bench.push();
        bench.filled();
        bench
    }

    /// So many pushes while these are filled.
    fn beside(&mut self, pushes: usize, cold: &[Repo]) -> Times {
        let cold: Vec<_> = cold.iter().map(|repo| self.follow(repo)).collect();
        cold.iter().for_each(|id| self.warm(*id));
        let times = self.pushes(pushes, &cold);
        cold.iter().for_each(|id| self.pause(*id));
        times
    }

    fn follow(&self, repo: &Repo) -> RepositoryId {
        self.tokio.block_on(self.store.add_repository(&repo.url(), None)).expect("it runs").id
    }

    fn enqueue(&self, id: RepositoryId) {
        let force = Enqueue { force: true, ..Enqueue::default() };
        self.tokio.block_on(self.store.enqueue(id, force)).expect("it runs");
    }

    fn repository(&self, id: RepositoryId) -> Repository {
        self.tokio.block_on(self.store.repository(id)).expect("it runs").expect("it is followed")
    }

    /// Waits until it is served.
    fn warm(&self, id: RepositoryId) {
        self.enqueue(id);
        until(PATIENCE, || self.repository(id).served).expect("it is served");
    }

    /// Fills of a repository, of one lane or of both, that are not done.
    fn fills(&self, id: Option<RepositoryId>, lane: Option<Lane>) -> usize {
        let filter = JobFilter { kind: Some(JobKind::Fill), repository: id, ..JobFilter::default() };
        let jobs = self.tokio.block_on(self.store.jobs(&filter)).expect("it runs");
        jobs.iter().filter(|job| lane.is_none() || job.lane == lane).count()
    }

    /// Has its fills come to their end, though much lacks.
    fn pause(&self, id: RepositoryId) {
        self.tokio.block_on(self.store.set_state(id, RepositoryState::Paused)).expect("it runs");
        let filter = JobFilter { state: Some(JobState::Running), repository: Some(id), ..JobFilter::default() };
        let ended = || self.tokio.block_on(self.store.jobs(&filter)).expect("it runs").is_empty().then_some(());
        until(PATIENCE, ended).expect("its fills end");
    }

    /// Waits until there is nothing to fill.
    fn filled(&self) {
        until(PATIENCE, || (self.fills(None, None) == 0).then_some(())).expect("fills come to their end");
    }

    /// A large push to the same repository, which is served and filled in bulk when this returns.
    fn grow(&mut self, chunks: usize) {
        for number in 0..chunks.div_ceil(9) {
            self.repo.write(format!("grown/{number}.rs"), rust(1_000_000 + number as u64, 3_000));
        }
        self.served();
    }

    /// Commits, and waits until that is served; when it was asked for, and how long that took.
    fn served(&mut self) -> (SystemTime, f64) {
        let commit = self.repo.commit("pushed");
        let asked = SystemTime::now();
        self.enqueue(self.id);
        let is_served = |found: Repository| {
            found.served.is_some_and(|served| served.commit == commit).then_some(found.published_at).flatten()
        };
        let published = until(PATIENCE, || is_served(self.repository(self.id))).expect("it is served");
        (asked, published.duration_since(asked).unwrap_or_default().as_secs_f64())
    }

    /// Seconds until a function was served, and until its vectors were there.
    fn push(&mut self) -> (f64, f64) {
        self.pushed += 1;
        self.repo.write(format!("pushed/{}.rs", self.pushed % 10), rust(5_000_000 + self.pushed, FUNCTION));
        let (asked, served) = self.served();
        let none = || (self.fills(Some(self.id), Some(Lane::New)) == 0).then_some(());
        until(PATIENCE, none).expect("it is filled");
        (served, asked.elapsed().unwrap_or_default().as_secs_f64())
    }

    /// So many pushes, one after the other, for as long as the bulk of any of these is filled.
    fn pushes(&mut self, pushes: usize, beside: &[RepositoryId]) -> Times {
        let (mut served, mut vectors) = (vec![], vec![]);
        while served.len() < pushes {
            let (until_served, until_vectors) = self.push();
            if !beside.is_empty() && beside.iter().all(|id| self.fills(Some(*id), Some(Lane::Bulk)) == 0) {
                break;
            }
            served.push(until_served);
            vectors.push(until_vectors);
        }
        assert!(served.len() >= PUSHES_LEAST, "{} pushes beside a fill are too few: more --chunks", served.len());
        figure("pushes", served.len().to_string());
        served.sort_unstable_by(f64::total_cmp);
        vectors.sort_unstable_by(f64::total_cmp);
        Times { served, vectors }
    }
}

impl Times {
    fn tell(&self, when: &str) {
        for (what, times) in [("served", &self.served), ("vectors", &self.vectors)] {
            let (median, p99) = (times[times.len() / 2], p99(times));
            figure(
                &format!("push to {what}, {when}: p50, p99"),
                format!("{}, {}", milliseconds(median), milliseconds(p99)),
            );
        }
    }
}

/// By the nearest rank: of 100 the 99th.
fn p99(sorted: &[f64]) -> f64 {
    sorted[(sorted.len() * 99).div_ceil(100) - 1]
}
