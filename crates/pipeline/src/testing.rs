//! A real store in a directory of its own, for the tests of actors.

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, Message};
use tempfile::TempDir;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tracing::Span;
use warmer_content::{
    Artifact, ArtifactKey, Chunk, ChunkLimits, Chunker, Content, ContentSettings, Digest, EmbeddingId, Language,
    Recipe, Rules, artifact_key, text_key,
};
use warmer_embedding::{Local, Model, ModelFiles, Pooling};
use warmer_git::Mirrors;
use warmer_store::{
    Claim, ClaimFilter, Enqueue, Extracted, InstanceId, JobId, Options, Outcome, Publication, Published, Put,
    RepositoryId, RepositoryState, Role, Served, Sqlite, StagedEntry, Store, Takes,
};

use crate::ending::Ending;
use crate::fatal::Fatal;
use crate::faults::NoFaults;
use crate::fleet::Fleet;
use crate::git_workers::GitWorkers;
use crate::identity::Identity;
use crate::kept::Kept;
use crate::live::Live;
use crate::observer::{Ended, Event, Observer, job_events};
use crate::settings::{ClaimerSettings, Settings};
use crate::settler::Settler;
use crate::ticket::{Report, Ticket, testing};
use crate::tools::{Tools, Untraced};

/// A store, and an instance that claims.
pub(crate) struct Bench {
    folder: TempDir,
    /// Empty at first; an attempt that does not count is the second to be the last.
    pub store: Arc<dyn Store>,
    /// Registered.
    pub instance: InstanceId,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let options = Options { attempts_max: 2, ..Options::default() };
        let store = Sqlite::open_with(&folder.path().join("w.sqlite"), Role::Pipeline, &options).await;
        let store: Arc<dyn Store> = Arc::new(store.expect("a store"));
        let instance = InstanceId::random();
        store.register(instance, 4, "test", Takes::Any).await.expect("a row");
        Self { folder, store, instance }
    }

    /// A job of this remote, claimed.
    pub(crate) async fn claim(&self, remote: &str) -> Claim {
        let repository = self.store.add_repository(remote, None).await.expect("a row").id;
        let how = Enqueue { force: true, ..Enqueue::default() };
        self.store.enqueue(repository, how).await.expect("a row");
        let any = ClaimFilter { heavy: true, ..ClaimFilter::default() };
        self.store.claim(self.instance, &any).await.expect("a claim").expect("it is due")
    }

    /// A repository that serves files with so many texts, all of which lack a vector.
    pub(crate) async fn publish(&self, remote: &str, texts: usize) -> RepositoryId {
        self.publish_by(remote, texts, self.tools().recipe).await
    }

    /// The same by another recipe that cuts texts in the same way.
    pub(crate) async fn publish_by(&self, remote: &str, texts: usize, recipe: Recipe) -> RepositoryId {
        let tools = self.tools();
        let claim = self.claim(remote).await;
        let file = |number: usize| {
            let text = format!("{remote} {number}");
            let content = Content::plain(text.clone(), Language::text());
            let key = artifact_key(tools.recipe.chunking, &content);
            let chunk = Chunk {
                start: 0,
                end: u32::try_from(text.len()).expect("a short text"),
                start_line: 1,
                end_line: 1,
                symbol: None,
                header: String::new(),
                size: 1,
                key: text_key(&text),
            };
            (key, Arc::new(Artifact::of(content, vec![chunk])))
        };
        let artifacts: Vec<_> = (0..texts).map(file).collect();
        let entry = |(key, _): &(ArtifactKey, Arc<Artifact>)| StagedEntry {
            path: key.to_string(),
            oid: key.to_string(),
            language_hint: "text".to_owned(),
            outcome: Outcome::Artifact(*key),
        };
        let entries: Vec<_> = artifacts.iter().map(entry).collect();
        let (chunking, rules) = (tools.recipe.chunking, tools.rules.digest());
        let put = Put { chunking, rules, artifacts: &artifacts, blobs: &[], symbols: Extracted::of(&[]) };
        self.store.put(put).await.expect("they are stored");
        assert!(self.store.stage(claim.id, &entries).await.expect("they are staged"), "the claim runs");
        let served = Served {
            reference: "refs/heads/main".to_owned(),
            ref_oid: "c1".to_owned(),
            commit: "c1".to_owned(),
            recipe,
            rules,
        };
        let publication = Publication {
            claim: claim.id,
            base: claim.served_under(served.recipe.chunking).map(|state| state.served.clone()),
            served,
            committed_at: None,
            complete: true,
            cut_anew: false,
            patience: 0,
            fills: true,
            summary: serde_json::Value::Null,
            traceparent: None,
        };
        let published = self.store.publish(&publication).await.expect("it is published");
        assert!(matches!(published, Published::Done { .. }), "{published:?}");
        claim.repository.id
    }

    /// The same as a ticket whose parts are all home, and its end.
    pub(crate) async fn report(&self, remote: &str, ending: Ending) -> Report {
        let rules = Arc::new(Rules::new(&ContentSettings::default()).expect("no patterns"));
        let ticket = Ticket::open(self.claim(remote).await, rules, Span::none(), Kept::default(), Arc::new(|_| {}));
        Report { ticket, ending }
    }

    /// A queued job of this remote.
    pub(crate) async fn queue(&self, remote: &str) -> JobId {
        let repository = self.store.add_repository(remote, None).await.expect("a row").id;
        self.store.enqueue(repository, Enqueue::default()).await.expect("a row").job
    }

    /// The instance's tools, with a model that cannot be loaded.
    pub(crate) fn tools(&self) -> Tools {
        let (content, folder) = (ContentSettings::default(), self.folder.path());
        let files = ModelFiles {
            directory: folder.to_owned(),
            graph: folder.join("none"),
            tokenizer: folder.join("none"),
            pooling: Pooling::Mean,
            length_max: 256,
        };
        let embedding = EmbeddingId(Digest::of(b"a model"));
        let model = Model::new(files, embedding, folder.join("none"), 1);
        let chunker = Chunker::new(ChunkLimits::new(&content));
        Tools {
            store: self.store.clone(),
            mirrors: Arc::new(Mirrors::new(folder.join("mirrors"), 1, warmer_git::Options::default())),
            git: Arc::new(GitWorkers::threads()),
            rules: Arc::new(Rules::new(&content).expect("no patterns")),
            recipe: Recipe { embedding, chunking: chunker.id() },
            chunker: Arc::new(chunker),
            provider: Arc::new(Local::new(Arc::new(model))),
            fleet: Fleet::default(),
            patience: Live::default(),
            identity: Identity::of(self.instance),
            faults: Arc::new(NoFaults),
            tracer: Arc::new(Untraced),
            isolation: None,
            kept: Kept::default(),
            fills: true,
        }
    }

    /// Settles as the Claimer does, and says what the observer hears then.
    pub(crate) fn settler(&self) -> (Settler, UnboundedReceiver<Event>) {
        let (listener, events) = job_events();
        let observer = Observer::of(vec![listener]);
        (Settler::new(self.store.clone(), live(settings()), observer, Fatal::default()), events)
    }

    pub(crate) async fn state(&self, repository: RepositoryId) -> (RepositoryState, bool) {
        let row = self.store.repository(repository).await.expect("a catalogue").expect("a row");
        (row.state, row.stale_since.is_some())
    }
}

/// Passes on what it is told.
struct Heard<M>(UnboundedSender<M>);

impl<M: Message> Actor for Heard<M> {
    type Msg = M;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<M>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, _: ActorRef<M>, message: M, (): &mut ()) -> Result<(), ActorProcessingErr> {
        self.0.send(message).map_err(|_| "nobody hears of it".into())
    }
}

/// An actor in the place of another, and what it is told.
#[expect(clippy::disallowed_methods, reason = "a test hears of a handful of messages")]
pub(crate) async fn heard<M: Message>() -> (ActorRef<M>, UnboundedReceiver<M>) {
    let (says, heard) = mpsc::unbounded_channel();
    let (actor, _) = Actor::spawn(None, Heard(says), ()).await.expect("it starts");
    (actor, heard)
}

/// The next attempt that ended.
pub(crate) fn ended(events: &mut UnboundedReceiver<Event>) -> Ended {
    match events.try_recv() {
        Ok(Event::Ended(ended)) => ended,
        other => panic!("no attempt ended: {other:?}"),
    }
}

/// The end of a job that no store knows.
pub(crate) fn report(ending: Ending) -> Report {
    Report { ticket: testing::ticket().0, ending }
}

/// These, and the defaults.
pub(crate) fn live(claimer: ClaimerSettings) -> Live<Settings> {
    Settings { claimer, ..Settings::default() }.into()
}

/// Retries come at once.
pub(crate) fn settings() -> ClaimerSettings {
    let now = Duration::ZERO;
    ClaimerSettings { retry_first: now, retry_most: now, poll: now, ..ClaimerSettings::default() }
}
