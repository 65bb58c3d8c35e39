//! A pipeline inside the test process: the real stages, real SQLite and real git on the toy model, with faults at its
//! edges and with its counters in reach.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use warmer_content::ContentSettings;
use warmer_embedding::ModelSettings;
use warmer_git::{GitSettings, Mirrors, Options, Protocol, Remote};
use warmer_pipeline::{
    Assembly, ClaimerSettings, EmbedderSettings, Ended, Event, Faults, FetcherSettings, Fleet, GitWorkers,
    HasherSettings, Identity, Observer, Registered, Running, Selection, Settings, StorerSettings, SupervisionSettings,
    Tools, job_events,
};
use warmer_store::{
    AttemptOutcome, Enqueue, JobFilter, JobId, JobKind, RepositoryId, Role, Sqlite, Store, Takes, Totals,
};

use crate::{Database, Repo, model};

/// Longer than any job of these tests takes: a hang is an error, not a wait.
const HANG: Duration = Duration::from_secs(60);

/// A machine's cache directory with a toy model, and what a pipeline is made of.
pub struct Inside {
    directory: TempDir,
    /// The queue and the cache.
    pub store: Arc<dyn Store>,
    /// What the next pipeline works with.
    pub tools: Tools,
    /// Its limits.
    pub settings: Settings,
}

/// A pipeline under test.
pub struct Line {
    /// The pipeline.
    pub running: Running,
    /// What happens to its jobs.
    pub events: UnboundedReceiver<Event>,
}

impl Inside {
    /// An empty cache and a pipeline without faults.
    ///
    /// # Panics
    /// When something of it cannot be made.
    pub async fn new() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let store = Sqlite::open(&directory.path().join("warmer.sqlite"), Role::Pipeline).await.expect("a store");
        Self::on(directory, Arc::new(store)).await
    }

    /// Another machine on a database that several may share.
    ///
    /// # Panics
    /// When something of it cannot be made.
    pub async fn over(store: Arc<dyn Store>) -> Self {
        Self::on(TempDir::new().expect("a temporary directory"), store).await
    }

    async fn on(directory: TempDir, store: Arc<dyn Store>) -> Self {
        let model_directory = directory.path().join("model");
        model::write_toy(&model_directory, 1);
        let settings = settings();
        let assembly = Assembly {
            store: store.clone(),
            mirrors: Arc::new(mirrors_in(&directory)),
            git: Arc::new(GitWorkers::threads()),
            content: &ContentSettings::default(),
            model: &ModelSettings::default(),
            model_directory: &model_directory,
            library: Ok(model::runtime_library()),
            settings: &settings,
            version: env!("CARGO_PKG_VERSION"),
            identity: Identity::random(),
            background: tokio::runtime::Handle::current(),
        };
        // Histories change the rules of a running instance, which a fleet would leave to others.
        let tools = Tools { fleet: Fleet::default(), ..assembly.tools().await.expect("the toy model") };
        Self { directory, store, tools, settings }
    }

    /// A pipeline with this fault in it.
    pub async fn with(faults: Arc<dyn Faults>) -> Self {
        let mut inside = Self::new().await;
        inside.tools.faults = faults;
        inside
    }

    /// The same machine after the process died: the store is closed and opened again, everything else is new.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn reopened(mut self) -> Self {
        self.store.close().await;
        let placeholder = Self::new().await;
        (self.tools, self.store) = (placeholder.tools, placeholder.store);
        let store = Sqlite::open(&self.file(), Role::Pipeline).await.expect("the lock is free and the file is whole");
        self.store = Arc::new(store);
        self.tools.store = self.store.clone();
        self
    }

    /// What is stored.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn database(&self) -> Database {
        Database::open(&self.file())
    }

    /// What the first repository serves, in sum.
    ///
    /// # Panics
    /// When there is none.
    pub async fn totals(&self) -> Totals {
        let repositories = self.store.repositories().await.expect("a catalogue");
        self.store.totals(repositories[0].id).await.expect("a row")
    }

    /// Removes all mirrors.
    pub fn lose_mirrors(&self) {
        // There may be none yet.
        std::fs::remove_dir_all(self.directory.path().join("mirrors")).ok();
    }

    /// The mirrors as another process on this machine sees them.
    #[must_use]
    pub fn stranger(&self) -> Mirrors {
        mirrors_in(&self.directory)
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("warmer.sqlite")
    }

    /// Puts one job in the queue.
    ///
    /// # Panics
    /// When it cannot be.
    pub async fn enqueue(&self, repo: &Repo) -> JobId {
        self.enqueue_as(repo, false).await
    }

    /// The same for whatever is at this URL.
    ///
    /// # Panics
    /// When it cannot be.
    pub async fn enqueue_url(&self, url: &str) -> JobId {
        self.enqueue_remote(url, false).await
    }

    async fn enqueue_as(&self, repo: &Repo, full: bool) -> JobId {
        self.enqueue_remote(&repo.url(), full).await
    }

    async fn enqueue_remote(&self, url: &str, full: bool) -> JobId {
        let remote = Remote::parse(url, self.directory.path()).expect("a repository");
        let repository = self.store.add_repository(remote.url(), None).await.expect("a row");
        let how = Enqueue { full, force: true, ..Enqueue::default() };
        self.store.enqueue(repository.id, how).await.expect("a row").job
    }

    /// Warms what was enqueued before, whether or not something is there now.
    ///
    /// # Panics
    /// When it is not in the catalogue, or its job comes to no end.
    pub async fn warm_row(&self, repository: RepositoryId) -> Ended {
        let how = Enqueue { force: true, ..Enqueue::default() };
        let job = self.store.enqueue(repository, how).await.expect("a row").job;
        let mut line = self.start().await;
        let ended = line.ends(&[job]).await.remove(&job).expect("every job ends");
        line.running.stop(Duration::ZERO).await;
        ended
    }

    /// Starts a pipeline that takes any job.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn start(&self) -> Line {
        let registered = Registered::new(&self.tools, 4, Takes::Any).await.expect("a session");
        let (listener, events) = job_events();
        let observer = Observer::of(vec![listener]);
        let running =
            warmer_pipeline::start(registered, self.tools.clone(), self.settings.clone(), Selection::any(), observer);
        Line { running: running.await.expect("a pipeline"), events }
    }

    /// Warms these repositories side by side, and makes their vectors; gives how each refresh ended at last.
    pub async fn warm(&self, repos: &[&Repo]) -> Vec<AttemptOutcome> {
        self.warm_ended(repos, false).await.iter().map(|ended| ended.outcome).collect()
    }

    /// The same; `full` checks everything again.
    ///
    /// # Panics
    /// When a job comes to no end.
    pub async fn warm_ended(&self, repos: &[&Repo], full: bool) -> Vec<Ended> {
        let mut jobs = vec![];
        for repo in repos {
            jobs.push(self.enqueue_as(repo, full).await);
        }
        let mut line = self.start().await;
        let mut ends = line.ends(&jobs).await;
        line.filled(self.store.as_ref()).await;
        line.running.stop(Duration::ZERO).await;
        jobs.iter().map(|job| ends.remove(job).expect("every job ends")).collect()
    }
}

impl Line {
    /// How these jobs end; another attempt is waited for.
    ///
    /// # Panics
    /// When one does not.
    pub async fn ends(&mut self, jobs: &[JobId]) -> BTreeMap<JobId, Ended> {
        let mut ends = BTreeMap::new();
        while jobs.iter().any(|job| !ends.contains_key(job)) {
            let ended = self.ended().await;
            if !ended.goes_on() {
                ends.insert(ended.ticket.claim.job, ended);
            }
        }
        ends
    }

    /// Waits until no fill is left in the queue.
    ///
    /// # Panics
    /// When the store does not say, or one comes to no end.
    pub async fn filled(&mut self, store: &dyn Store) {
        let fills = JobFilter { kind: Some(JobKind::Fill), ..JobFilter::default() };
        while !store.jobs(&fills).await.expect("a queue").is_empty() {
            self.ended().await;
        }
    }

    /// The next attempt that ends.
    ///
    /// # Panics
    /// When none does.
    pub async fn ended(&mut self) -> Ended {
        loop {
            let event = tokio::time::timeout(HANG, self.events.recv()).await;
            if let Event::Ended(ended) = event.expect("no job came to its end").expect("the pipeline goes on") {
                return ended;
            }
        }
    }
}

/// Returns when this holds.
///
/// # Panics
/// When it does not within a minute.
pub async fn until(mut holds: impl FnMut() -> bool) {
    let waited = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waited).await.expect("it never came to hold");
}

fn mirrors_in(directory: &TempDir) -> Mirrors {
    let mut settings = GitSettings::default();
    settings.protocols.push(Protocol::Http);
    Mirrors::new(directory.path().join("mirrors"), 1 << 30, Options::from(settings))
}

/// Small pools and mailboxes, so that a few dozen files fill them, and short waits. No deadline strikes unless a test
/// sets one: on a busy machine a stage that a test holds is held for longer than any of those that people use.
fn settings() -> Settings {
    const MAILBOX_SIZE: u64 = 4 << 20;
    const FAR: Duration = Duration::from_secs(3_600);
    Settings {
        claimer: ClaimerSettings {
            retry_first: Duration::from_millis(1),
            retry_most: Duration::from_millis(10),
            slot_wait_max: Duration::from_secs(5),
            stall: Duration::from_millis(300),
            poll: Duration::from_millis(100),
            ..ClaimerSettings::default()
        },
        fetcher: FetcherSettings { workers: 3, mailbox: 2, mailbox_size: MAILBOX_SIZE, deadline: FAR },
        hasher: HasherSettings { workers: 2, mailbox: 2, mailbox_size: MAILBOX_SIZE, file_deadline: FAR },
        embedder: EmbedderSettings {
            workers: 2,
            mailbox: 3,
            mailbox_size: MAILBOX_SIZE,
            text_deadline: FAR,
            ..EmbedderSettings::default()
        },
        storer: StorerSettings { workers: 1, mailbox: 2, mailbox_size: MAILBOX_SIZE },
        supervision: SupervisionSettings {
            line_period: Duration::from_secs(60),
            root_period: Duration::from_secs(60),
            first_delay: Duration::from_millis(1),
            most_delay: Duration::from_millis(10),
            ..SupervisionSettings::default()
        },
        ..Settings::default()
    }
}
