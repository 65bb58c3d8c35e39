//! A switch of the model in front of readers: each answer is one model's alone and none is missing, whatever dies.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use warmer_content::EmbeddingId;
use warmer_embedding::ModelFiles;
use warmer_query::{
    Embed, Entries, ModelPath, QueryError, QuerySession, QueryVector, Report, Scope, Search, SegmentFiles, Snapshots,
    search,
};
use warmer_store::{Postgres, PostgresOptions, RepositoryId, Role, Sqlite, Store};
use warmer_tests::{Engine, GIT, Need, Repo, Warmer, model, needs};

const QUERY: &str = "claim the oldest job of a queue";

/// Readers that ask without a pause.
const READERS: usize = 3;

/// Switches that are killed, each a little later than the one before.
const KILLED: usize = 8;

/// Both models: whichever searches use, it can be asked.
struct Both(HashMap<EmbeddingId, QuerySession>);

#[async_trait]
impl Embed for Both {
    async fn embed(&self, query: &str, embedding: EmbeddingId) -> Result<QueryVector, QueryError> {
        self.0[&embedding].embed(query, embedding).await
    }
}

/// The vectors of a model decide what an answer is: the similarities to the bit, in the order of the paths.
type Answer = Vec<(String, Option<u32>)>;

/// Who asks over and over, with an index of its own.
struct Reader {
    store: Arc<dyn Store>,
    snapshots: Snapshots,
    session: Arc<Both>,
}

impl Reader {
    async fn ask(&self) -> Answer {
        let asked = Search { limit: 100, ..Search::of(QUERY) };
        let report = search(&*self.store, &Scope::All, &self.snapshots, &*self.session, &asked).await;
        answer(&report.expect("a search answers"))
    }

    /// Files and chunks of what is shown.
    async fn shown(&self, repository: RepositoryId) -> (u64, u64) {
        let entries = Entries::summed(&*self.store, &Scope::All, repository).await.expect("it is served");
        (entries.files.indexed, entries.chunks)
    }
}

/// Asks until it is over, and once more; each answer that is another than the one before.
async fn ask_on(reader: Reader, over: watch::Receiver<bool>) -> Vec<Answer> {
    let mut answers: Vec<Answer> = vec![];
    loop {
        let last = *over.borrow();
        let answer = reader.ask().await;
        if answers.last() != Some(&answer) {
            answers.push(answer);
        }
        if last {
            return answers;
        }
    }
}

fn answer(report: &Report) -> Answer {
    let mut all: Vec<_> = report.hits.iter().map(|hit| (hit.path.clone(), hit.similarity.map(f32::to_bits))).collect();
    all.sort();
    all
}

/// The toy models of both seeds, and what each is known by.
fn both(warmer: &Warmer) -> Arc<Both> {
    let session = |seed: u64| {
        let directory: PathBuf = warmer.home().join(format!("model-{seed}"));
        model::write_toy(&directory, seed);
        let files = ModelFiles::locate(&directory, None).expect("it was written");
        let (length_max, runtime, graphs) = (None, Ok(model::runtime_library()), None);
        let path = ModelPath { directory, length_max, runtime, graphs };
        (files.fingerprint().expect("it was written"), QuerySession::new(path))
    };
    Arc::new(Both([1, 2].map(session).into()))
}

async fn open(engine: &Engine, warmer: &Warmer) -> Arc<dyn Store> {
    match engine {
        Engine::Sqlite => Arc::new(Sqlite::open(&warmer.database_file(), Role::Reader).await.expect("it was warmed")),
        Engine::Postgres(postgres) => {
            let options = PostgresOptions::default();
            Arc::new(Postgres::open(postgres.url(), Role::Reader, &options).await.expect("it was warmed"))
        }
    }
}

fn active(warmer: &Warmer) -> Vec<String> {
    let all = warmer.run(["generations", "list", "--json"]).exits(0).json();
    let active = all.as_array().expect("a list").iter().filter(|one| one["state"] == "active");
    active.map(|one| one["id"].as_str().expect("an ID").to_owned()).collect()
}

/// Not of the test macro: servers are made and unmade outside of it.
fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("threads")
}

/// Two repositories with the vectors of both models.
fn warmed(warmer: &Warmer) -> [Repo; 2] {
    let repos = [Repo::generated(8, 1_000, 1), Repo::generated(5, 1_000, 2)];
    for seed in [1, 2] {
        model::write_toy(&warmer.model(), seed);
        warmer.warm(repos.iter().map(Repo::path)).ran.exits(0);
    }
    repos
}

/// Switches there and back while readers ask, kills some, and says what all of them may answer.
async fn switch_and_kill(warmer: &Warmer, reader: &Reader) {
    let [second] = &active(warmer)[..] else { panic!("there is one") };
    let roll_back = || warmer.run(["generations", "rollback"]).exits(0).clone();
    for _ in 0..3 {
        roll_back();
        assert_ne!(&active(warmer)[..], std::slice::from_ref(second));
        warmer.run(["generations", "switch", second]).exits(0);
        assert_eq!(&active(warmer)[..], std::slice::from_ref(second));
    }
    for later in 0..KILLED {
        let switching = warmer.spawn(["generations", "rollback"]);
        for _ in 0..later {
            reader.ask().await;
        }
        switching.kill();
        assert_eq!(active(warmer).len(), 1, "killed after {later} answers");
    }
}

#[test]
fn readers_see_one_model_or_the_other_whatever_switches_and_dies() {
    needs!(GIT, Need::Runtime);
    let runtime = runtime();
    for engine in Engine::all() {
        let warmer = engine.warmer();
        let _repos = warmed(&warmer);
        runtime.block_on(readers_beside_switches(&engine, &warmer));
    }
}

/// The transaction of a switch waits at its last statement, because the row is held; its process dies there.
const WITHIN: &str = "
    SELECT query FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%active_at =%'";

#[test]
fn a_switch_whose_process_dies_between_its_two_rows_changes_nothing() {
    needs!(GIT, Need::Runtime);
    let runtime = runtime();
    for engine in Engine::all() {
        // In SQLite nobody can hold a row against who writes.
        let Engine::Postgres(postgres) = &engine else { continue };
        let warmer = engine.warmer();
        let _repos = warmed(&warmer);
        let (store, session) = (runtime.block_on(open(&engine, &warmer)), both(&warmer));
        let reader = Reader { store, snapshots: Snapshots::new(None), session };
        let ask =
            || std::thread::scope(|scope| scope.spawn(|| runtime.block_on(reader.ask())).join().expect("it answers"));
        let (before, answer) = (active(&warmer), ask());
        postgres.holding("SELECT 1 FROM generation WHERE state = 'retired' FOR UPDATE", || {
            let switching = warmer.spawn(["generations", "rollback"]);
            postgres.wait_for(WITHIN);
            assert_eq!(ask(), answer, "while it is switched");
            switching.kill();
        });
        assert_eq!((active(&warmer), ask()), (before.clone(), answer.clone()), "it died");
        warmer.run(["generations", "rollback"]).exits(0);
        assert_ne!((active(&warmer), ask()), (before, answer), "it can be switched still");
    }
}

/// The switch that comes by itself, once a changed model covers all, with the runs killed that lead to it.
#[test]
fn readers_see_a_changed_model_once_it_covers_all_and_not_before() {
    needs!(GIT, Need::Runtime);
    let runtime = runtime();
    for engine in Engine::all() {
        let warmer = engine.warmer();
        model::write_toy(&warmer.model(), 1);
        let repos = [Repo::generated(8, 1_000, 1), Repo::generated(5, 1_000, 2)];
        for repo in &repos {
            // Of a path without a schedule a switch takes no notice, where others share the database.
            warmer.run(["repos", "add", &repo.url(), "--refresh", "1d"]).exits(0);
        }
        warmer.warm(repos.iter().map(Repo::path)).ran.exits(0);
        runtime.block_on(readers_beside_a_changed_model(&engine, &warmer, &repos));
    }
}

async fn readers_beside_a_changed_model(engine: &Engine, warmer: &Warmer, repos: &[Repo; 2]) {
    let (store, session) = (open(engine, warmer).await, both(warmer));
    let reader = || Reader { store: store.clone(), snapshots: Snapshots::new(None), session: session.clone() };
    let first = reader();
    let by_first = first.ask().await;

    let (over, ended) = watch::channel(false);
    let readers: Vec<_> = (0..2).map(|_| tokio::spawn(ask_on(reader(), ended.clone()))).collect();
    model::write_toy(&warmer.model(), 2);
    // The first alone is not all that is found.
    warmer.warm([repos[0].path()]).ran.exits(0);
    assert_eq!(first.ask().await, by_first);
    // In PostgreSQL others would wait for a minute until they take an instance for dead.
    let killed = if matches!(engine, Engine::Sqlite) { KILLED } else { 0 };
    for later in 0..killed {
        let warming = warmer.spawn(["warm", &repos[1].url()]);
        for _ in 0..later {
            first.ask().await;
        }
        warming.kill();
        assert_eq!(active(warmer).len(), 1, "killed after {later} answers");
    }
    warmer.warm([repos[1].path()]).ran.exits(0);
    let by_second = first.ask().await;
    over.send_replace(true);
    for reader in readers {
        let seen = reader.await.expect("every search answers");
        assert_eq!(seen, [by_first.clone(), by_second.clone()], "mixed, missing, or back again");
    }
    let paths = |answer: &Answer| answer.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(&by_first), paths(&by_second));
    assert_ne!(by_first, by_second, "the models differ");
}

async fn readers_beside_switches(engine: &Engine, warmer: &Warmer) {
    let (store, session) = (open(engine, warmer).await, both(warmer));
    let reader = |number: usize| {
        // One looks in what lies on the disk, as the program does.
        let directory = warmer.data().join("segments");
        let files = (number == 0).then_some(SegmentFiles { directory, bytes_max: u64::MAX });
        Reader { store: store.clone(), snapshots: Snapshots::new(files), session: session.clone() }
    };
    let first = reader(0);
    let by_second = first.ask().await;
    warmer.run(["generations", "rollback"]).exits(0);
    let by_first = first.ask().await;
    let paths = |answer: &Answer| answer.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!((paths(&by_first), by_first.len() >= 13), (paths(&by_second), true));
    assert_ne!(by_first, by_second, "the models differ");
    warmer.run(["generations", "rollback"]).exits(0);
    let repository = store.repositories().await.expect("rows")[0].id;
    let shown = first.shown(repository).await;

    let (over, ended) = watch::channel(false);
    let readers = (0..READERS).map(|number| {
        let (reader, ended) = (reader(number), ended.clone());
        let (by_first, by_second) = (by_first.clone(), by_second.clone());
        tokio::spawn(async move {
            let mut seen = [0_usize; 2];
            while !*ended.borrow() {
                let answer = reader.ask().await;
                let by = [&by_first, &by_second].iter().position(|one| **one == answer);
                seen[by.unwrap_or_else(|| panic!("mixed or missing: {answer:?}"))] += 1;
                assert_eq!(reader.shown(repository).await, shown);
            }
            seen
        })
    });
    let readers: Vec<_> = readers.collect();
    switch_and_kill(warmer, &first).await;
    over.send_replace(true);
    for reader in readers {
        let seen = reader.await.expect("every answer was right");
        assert!(seen.iter().all(|answers| *answers > 0), "both were seen: {seen:?}");
    }
}
