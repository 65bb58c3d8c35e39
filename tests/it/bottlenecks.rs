//! `status` names what holds the pipeline up, and the key to turn, or says that none helps: one thing after the other
//! is slowed, alone, and what the pipeline measures of itself has to tell which.

mod provider;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use regex::Regex;
use warmer_pipeline::{Edge, Sampler, Settings, Stage};
use warmer_query::{Bottleneck, Scope, Status};
use warmer_store::{Configuration, InstanceFigures, Membership};
use warmer_supervision::{Occupied, Wait};
use warmer_tests::faults::Hold;
use warmer_tests::inside::{Inside, Line, until};
use warmer_tests::server::{Ask, Fault};
use warmer_tests::{GIT, Need, Repo, Server, needs};

/// As many as no pool of these tests has workers.
const CORES: f64 = 4.0;
/// How long each worker of a stage is seen at what holds it up, again and again: what else it does takes milliseconds.
const EACH: Duration = Duration::from_millis(100);
/// Messages that a slow stage lets pass while it is measured.
const PASSES: usize = 3;

/// A pipeline with something slow in it.
struct Scene {
    inside: Inside,
    line: Line,
    sampler: Sampler,
}

impl Scene {
    async fn of(inside: Inside) -> Self {
        let line = inside.start().await;
        let sampler = line.running.sampler();
        Self { inside, line, sampler }
    }

    /// What the pipeline says of itself, of the time since it was asked before.
    fn figures(&mut self) -> InstanceFigures {
        let figures = self.sampler.figures();
        self.sampler = self.line.running.sampler();
        drop(self.sampler.figures());
        InstanceFigures { cores: CORES, ..figures }
    }

    /// Returns when every worker of the stage, on average, has spent [`EACH`] on this.
    async fn spends(&self, stage: Stage, what: impl Fn(&Occupied) -> Duration) {
        let now = || self.line.running.mailboxes.occupied()[stage as usize];
        let before = now();
        until(|| what(&now().since(&before)) >= EACH * now().workers as u32).await;
    }

    /// What `status` says where this is what the only instance wrote last.
    async fn told(&self, figures: &InstanceFigures) -> Bottleneck {
        self.status(figures).await.workload.bottleneck.expect("an instance said something")
    }

    /// All of it.
    async fn status(&self, figures: &InstanceFigures) -> Status {
        let Inside { store, tools, .. } = &self.inside;
        assert!(store.report(tools.identity.get(), figures).await.expect("a row").is_some(), "it lives");
        Status::of(store.as_ref(), &Scope::All, Duration::MAX).await.expect("figures")
    }

    async fn end(self) {
        self.line.running.stop(Duration::ZERO).await;
    }
}

/// The sentence without what a machine that is busy makes of the shares.
fn sentence(told: &Bottleneck) -> String {
    Regex::new(r"\d+ %").expect("a pattern").replace_all(&told.sentence, "N %").into_owned()
}

/// Who hands batches to a stage; of the first ones it is the Claimer.
fn giver(stage: Stage) -> Option<Stage> {
    match stage {
        Stage::Fetcher | Stage::Filler => None,
        Stage::Hasher => Some(Stage::Fetcher),
        Stage::Embedder => Some(Stage::Filler),
        Stage::Storer => Some(Stage::Hasher),
    }
}

/// With so many repositories of as many files to be warmed, each message of the stage takes long.
async fn slow(stage: Stage, repositories: u64, files: usize) -> (Scene, InstanceFigures) {
    let hold = Arc::new(Hold::new(stage, Edge::Before));
    let mut inside = Inside::with(hold.clone()).await;
    inside.settings.claimer.stall = Duration::from_secs(3_600);
    if stage == Stage::Embedder {
        // Fills are of 512 texts at most: several have more in bulk than there is room for.
        (inside.settings.embedder.mailbox, inside.settings.fill.concurrency) = (3, 5);
    }
    let repos: Vec<_> = (0..repositories).map(|seed| Repo::generated(files, 200, seed)).collect();
    let mut jobs = vec![];
    for repo in &repos {
        jobs.push(inside.enqueue(repo).await);
    }
    let mut scene = Scene::of(inside).await;
    if matches!(stage, Stage::Filler | Stage::Embedder) {
        // What makes the fills may well hold up more than what is slow.
        scene.line.ends(&jobs).await;
    }
    let limits = scene.inside.settings.limits()[stage as usize];
    let gauges = |scene: &Scene| scene.line.running.mailboxes.gauges()[stage as usize];
    // A first one passes before it is measured: it opens the model, and what else is not there yet.
    hold.pass();
    hold.reached(limits.workers + 1).await;
    until(|| match stage {
        Stage::Fetcher => gauges(&scene).queued > 0,
        // A fill has a worker as soon as it is claimed.
        Stage::Filler => true,
        // A quarter is kept for what was just pushed.
        Stage::Embedder => gauges(&scene).inside == limits.mailbox * 3 / 4,
        // Who hands batches to it waits in front of its mailbox.
        Stage::Hasher | Stage::Storer => gauges(&scene).waiting > 0 && gauges(&scene).inside == limits.permits(),
    })
    .await;
    let occupied = |scene: &Scene, of: Stage| scene.line.running.mailboxes.occupied()[of as usize];
    let before = Stage::ALL.map(|of| occupied(&scene, of));
    let full = scene.figures().stages[stage.as_str()].clone();
    if matches!(stage, Stage::Hasher | Stage::Storer) {
        assert_eq!(full.held, full.held_max, "who waits in front of the {} sees why", stage.as_str());
    }
    for pass in 1..=PASSES {
        scene.spends(stage, |spent| spent.busy).await;
        hold.pass();
        hold.reached(limits.workers + 1 + pass).await;
    }
    scene.spends(stage, |spent| spent.busy).await;
    if let Some(giver) = giver(stage) {
        // However long its own work takes on a machine that is busy, it is little of the time in which it is held back.
        let spent = || occupied(&scene, giver).since(&before[giver as usize]);
        until(|| spent().blocked_by(Wait::NextStage) >= 3 * spent().busy).await;
    }
    let figures = scene.figures();
    hold.release();
    (scene, figures)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_that_is_slow_is_named_with_its_key_whichever_it_is() {
    needs!(GIT, Need::Runtime);
    for (stage, (repositories, files), key, expected) in [
        (Stage::Fetcher, (9, 3), "[fetcher] workers", "fetcher: busy N % of the last minute; [fetcher] workers is 3"),
        (
            Stage::Hasher,
            (2, 400),
            "[hasher] workers",
            "hasher: busy N % of the last minute, and the fetcher was blocked by it N %; [hasher] workers is 2",
        ),
        (Stage::Filler, (7, 3), "[fill] concurrency", "filler: busy N % of the last minute; [fill] concurrency is 2"),
        (
            Stage::Embedder,
            (3, 400),
            "[embedder] workers",
            "embedder: busy N % of the last minute, and the filler was blocked by it N %; [embedder] workers is 2",
        ),
        (
            Stage::Storer,
            (2, 400),
            "[storer] workers",
            "storer: busy N % of the last minute, and the hasher was blocked by it N %; [storer] workers is 1",
        ),
    ] {
        let (scene, figures) = slow(stage, repositories, files).await;
        let told = scene.told(&figures).await;
        assert_eq!(sentence(&told), format!("{expected} on 4 cores: more workers are faster"), "{figures:#?}");
        assert_eq!((told.what, told.key, told.helps), (stage.as_str(), Some(key), true));
        assert!(told.share > 0.5, "{told:?}");
        scene.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cores_and_memory_that_are_used_up_keep_the_key_of_a_slow_stage_from_helping() {
    needs!(GIT, Need::Runtime);
    let (scene, figures) = slow(Stage::Embedder, 3, 400).await;
    let full = InstanceFigures { cores: 2.0, ..figures.clone() };
    let told = scene.told(&full).await;
    assert!(told.sentence.ends_with("is 2 on 2 cores: more workers gain nothing here, add an instance or a GPU"));
    assert_eq!((told.what, told.helps), ("embedder", false), "{told:?}");
    let told = scene.told(&InstanceFigures { memory: 90, memory_max: Some(100), ..figures }).await;
    assert!(told.sentence.ends_with("but memory is at 90 % of its limit: more of it first"), "{told:?}");
    assert_eq!((told.what, told.helps), ("embedder", false), "{told:?}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_run_are_told_with_their_repositories_and_how_far_they_are() {
    needs!(GIT, Need::Runtime);
    let (scene, figures) = slow(Stage::Embedder, 2, 400).await;
    let status = scene.status(&figures).await;
    let jobs = &status.instances[0].figures.as_ref().expect("it said something").jobs;
    assert!(!jobs.is_empty() && jobs.len() == figures.jobs.len(), "{status:#?}");
    for job in jobs {
        assert_eq!((job.figures.kind.as_str(), job.remote.is_some()), ("fill", true), "{job:?}");
        assert!(job.percent.is_none_or(|percent| percent < 100.0), "{job:?}");
    }
    assert!(jobs.iter().any(|job| job.percent.is_some()), "what has just begun has none: {jobs:?}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_slow_is_told_apart_from_work() {
    needs!(GIT, Need::Runtime);
    let hold = Arc::new(Hold::new(Stage::Storer, Edge::Before));
    let inside = Inside::with(hold.clone()).await;
    let repos: Vec<_> = (0..2).map(|seed| Repo::generated(400, 200, seed)).collect();
    for repo in &repos {
        inside.enqueue(repo).await;
    }
    let mut scene = Scene::of(inside).await;
    hold.reached(1).await;
    until(|| scene.line.running.mailboxes.gauges()[Stage::Storer as usize].waiting > 0).await;
    let locked = scene.inside.database().locked();
    hold.release();
    scene.spends(Stage::Hasher, |spent| spent.blocked_by(Wait::NextStage)).await;
    scene.figures();
    scene.spends(Stage::Storer, |spent| spent.blocked_by(Wait::Database)).await;
    let figures = scene.figures();
    drop(locked);
    let told = scene.told(&figures).await;
    let expected = "storer: waited for the database N % of the last minute, and the hasher was blocked by it N %; \
                    SQLite writes for one at a time: PostgreSQL writes for many";
    assert_eq!((sentence(&told).as_str(), told.what, told.helps), (expected, "storer", false), "{figures:#?}");
    scene.end().await;
}

/// Servers that say nothing until their senders are dropped, each with a job.
async fn slow_remotes(servers: u64, change: impl FnOnce(&mut Settings)) -> (Scene, Vec<(Sender<()>, Server, Repo)>) {
    let mut inside = Inside::new().await;
    inside.settings.claimer.stall = Duration::from_secs(3_600);
    change(&mut inside.settings);
    let mut remotes = vec![];
    for seed in 0..servers {
        let repo = Repo::generated(3, 200, seed);
        let (server, (release, released)) = (Server::serve(repo.path()), channel());
        let until_dropped = move || {
            released.recv().ok();
        };
        server.fault(Ask::Refs, Fault::Meanwhile(Box::new(until_dropped)));
        inside.enqueue_url(&server.url()).await;
        remotes.push((release, server, repo));
    }
    (Scene::of(inside).await, remotes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remote_that_is_slow_costs_no_core_and_is_waited_for_by_more_at_once_where_more_is_due() {
    needs!(GIT, Need::Runtime);
    let more = "[fetcher] workers is 3 and [claimer] concurrency 4: with more of both it waits for more at once \
                (2 jobs due)";
    for (servers, helps, advice) in
        [(6, true, more), (3, false, "no other job is due, and no key makes a remote faster")]
    {
        let (mut scene, remotes) = slow_remotes(servers, |_| ()).await;
        until(|| scene.line.running.ledger.count().refreshes == remotes.len().min(4)).await;
        scene.figures();
        scene.spends(Stage::Fetcher, |spent| spent.blocked_by(Wait::Remote)).await;
        let figures = scene.figures();
        let told = scene.told(&figures).await;
        let expected = format!("fetcher: waited for remotes N % of the last minute; {advice}");
        assert_eq!((sentence(&told), told.what, told.helps), (expected, "fetcher", helps), "{figures:#?}");
        drop(remotes);
        scene.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_are_due_while_as_many_run_as_may_wait_for_permits() {
    needs!(GIT, Need::Runtime);
    let few = |settings: &mut Settings| (settings.claimer.concurrency, settings.fetcher.workers) = (2, 4);
    let (mut scene, remotes) = slow_remotes(5, few).await;
    until(|| scene.line.running.ledger.count().refreshes == 2).await;
    scene.figures();
    scene.spends(Stage::Fetcher, |spent| spent.blocked_by(Wait::Remote)).await;
    let figures = scene.figures();
    let told = scene.told(&figures).await;
    let expected = "permits: 2 of 2 are in use, 3 jobs due; [claimer] concurrency is the key";
    assert_eq!((told.sentence.as_str(), told.what, told.helps), (expected, "permits", true), "{figures:#?}");
    assert_eq!(told.key, Some("[claimer] concurrency"));
    drop(remotes);
    scene.end().await;
}

/// One job that is heavy is held in the midst, though not so that a stage has no worker left; others have to wait.
async fn one_heavy_job(change: impl FnOnce(&mut Settings), short_of: &str) -> (Scene, InstanceFigures, Arc<Hold>) {
    let hold = Arc::new(Hold::new(Stage::Hasher, Edge::Before));
    let mut inside = Inside::with(hold.clone()).await;
    (inside.settings.claimer.stall, inside.settings.hasher.workers) = (Duration::from_secs(3_600), 4);
    change(&mut inside.settings);
    let repos: Vec<_> = (0..3).map(|seed| Repo::generated(3, 200, seed)).collect();
    for repo in &repos {
        inside.enqueue(repo).await;
    }
    let mut scene = Scene::of(inside).await;
    until(|| scene.line.running.sampler().figures().short_of.as_deref() == Some(short_of)).await;
    scene.figures();
    scene.spends(Stage::Hasher, |spent| spent.busy).await;
    let figures = scene.figures();
    (scene, figures, hold)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heavy_jobs_that_are_due_while_all_slots_are_taken_wait_for_slots() {
    needs!(GIT, Need::Runtime);
    let (scene, figures, hold) = one_heavy_job(|settings| settings.claimer.slots = 1, "slots").await;
    let Inside { store, tools, .. } = &scene.inside;
    // As an instance says it at its start, which this pipeline does not.
    let configuration = Configuration {
        recipe: tools.recipe,
        rules: tools.rules.digest(),
        slots: 1,
        windows: vec![],
        keys: BTreeMap::new(),
    };
    store.agree(tools.identity.get(), &configuration, Membership::Joins).await.expect("a row");
    let told = scene.told(&figures).await;
    let expected =
        "slots: all are taken, of 1 in force, and heavy jobs wait; [claimer] slots (or [[windows]]) is the key";
    assert_eq!((told.sentence.as_str(), told.what, told.helps), (expected, "slots", true), "{figures:#?}");
    assert_eq!(told.key, Some("[claimer] slots"));
    hold.release();
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heavy_jobs_wait_for_permits_too_of_which_one_is_for_checks() {
    needs!(GIT, Need::Runtime);
    let both = "[claimer] concurrency is the key, with [fetcher] workers";
    for ((concurrency, workers), key) in
        [((2, 4), "[claimer] concurrency is the key"), ((4, 2), "[fetcher] workers is the key"), ((2, 2), both)]
    {
        let few = |settings: &mut Settings| {
            (settings.claimer.concurrency, settings.fetcher.workers) = (concurrency, workers);
        };
        let (scene, figures, hold) = one_heavy_job(few, "permits").await;
        let told = scene.told(&figures).await;
        let expected = format!("permits: 1 of {concurrency} are in use and one is kept for checks, 2 jobs due; {key}");
        assert_eq!((told.sentence.as_str(), told.what, told.helps), (expected.as_str(), "permits", true));
        assert!(told.key.is_some_and(|named| key.starts_with(named)), "{told:?}");
        hold.release();
        scene.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_to_be_done_nothing_is_named() {
    needs!(GIT, Need::Runtime);
    let mut scene = Scene::of(Inside::new().await).await;
    scene.figures();
    scene.spends(Stage::Storer, |spent| spent.starved).await;
    let figures = scene.figures();
    let told = scene.told(&figures).await;
    assert_eq!((told.sentence.as_str(), told.what), ("nothing waits: no key gains anything", "nothing"));
    assert_eq!((told.key, told.helps), (None, false));
    scene.end().await;
}
