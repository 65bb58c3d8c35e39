//! A plan: what a warm of repositories would cost, found by the stages that a warm goes through, before it is done.
//!
//! A repository goes from its remote through Fetcher and Hasher as a refresh does, with all of its files; at the end
//! stands a stage that counts ([`counting`]). There is no claim, no session and no instance, as in a job's own process
//! (`child.rs`), and nothing is written: no entry, no artifact, no row of the repository. Only the mirror stays.
//!
//! One repository at a time, with all cores: what one text costs is remembered for those behind it.

mod count;
mod counting;
mod speed;

use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use tracing::info_span;
use uuid::Uuid;
use warmer_embedding::Tokenizer;
use warmer_git::Remote;
use warmer_store::{Claim, ClaimId, JobId, Repository, RepositoryId, StoreError};
use warmer_supervision::{Mailbox, Root, Strategy, Tree};
use warmer_traces::names;

use self::count::{Before, Count, Counted};
use self::counting::{Counting, lock};
use crate::batch::Claimed;
use crate::ending::Ending;
use crate::fleet::Fleet;
use crate::lease::Lease;
use crate::ledger::Ledger;
use crate::live::Live;
use crate::observer::Observer;
use crate::settings::{FetcherSettings, Settings, StorerSettings};
use crate::slots::{Slot, Slots};
use crate::stage::Frame;
use crate::ticket::{Report, Ticket};
use crate::tools::Tools;
use crate::tree::{StartError, refreshes};

pub use self::count::{PlannedFiles, PlannedTexts};
pub use self::speed::{Speed, measure_speed};

/// Served paths that are read at once.
const PAGE: u32 = 1000;

/// What a warm of a repository would come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The ref's full name.
    pub reference: String,
    /// The commit.
    pub commit: String,
    /// Files.
    pub files: PlannedFiles,
    /// Chunks of all indexed files; a content that is there twice counts twice.
    pub chunks: u64,
    /// Bytes of all indexed files.
    pub bytes: u64,
    /// The texts of these chunks.
    pub texts: PlannedTexts,
    /// Bytes that came from the remote.
    pub pack_bytes: u64,
}

/// Plans repositories, one after the other.
pub struct Planner {
    tools: Tools,
    ledger: Ledger,
    fetcher: Mailbox<Claimed>,
    count: Arc<Mutex<Count>>,
    root: Root,
}

impl Planner {
    /// Starts the stages. Without a tokenizer tokens are not counted.
    ///
    /// # Errors
    /// When an actor cannot be started.
    pub async fn start(tools: Tools, settings: &Settings, tokenizer: Option<Tokenizer>) -> Result<Self, StartError> {
        // What the fleet makes does not matter to who only counts, and nothing of it can kill a process twice.
        let tools = Tools { fleet: Fleet::default(), isolation: None, ..tools };
        let workers = settings.hasher.limits().workers;
        let settings = Settings {
            fetcher: FetcherSettings { workers: 1, ..settings.fetcher.clone() },
            storer: StorerSettings { workers, ..settings.storer.clone() },
            ..settings.clone()
        };
        let (ledger, count) = (Ledger::default(), Arc::<Mutex<Count>>::default());
        let (lease, faults) = (Lease::new(false), tools.faults.clone());
        let frame = Frame { lease, faults, observer: Observer::default() };
        let deadline = settings.embedder.text_deadline.into();
        let settings = Live::new(settings);
        let counting = Counting { tools: tools.clone(), tokenizer, count: count.clone(), deadline };
        let stages = refreshes(&settings, &tools, &frame, (&Slots::new(1), &ledger), counting);
        let tree = Tree::new("plan", Strategy::OneForOne, settings.now().supervision.line());
        let root = tree.child(stages.line.child()).start().await?;
        Ok(Self { tools, ledger, fetcher: stages.fetcher, count, root })
    }

    /// What is under way, for whoever shows progress.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// Counts a repository; `known` is its row, where it has one.
    ///
    /// # Errors
    /// How a warm of it would end that comes to no publication.
    pub async fn plan(
        &mut self,
        remote: &Remote,
        reference: Option<&str>,
        known: Option<Repository>,
    ) -> Result<Planned, Ending> {
        let repository = known.unwrap_or_else(|| Repository::new(RepositoryId(0), remote.url(), reference));
        let before = self.before(&repository).await.map_err(|error| Ending::from(&error))?;
        lock(&self.count).begin(before);
        let (ticket, ending) = self.send(repository).await;
        match (ending, ticket.target()) {
            (Ending::Published(_), Some(target)) => {
                let Counted { files, chunks, bytes, texts, .. } = lock(&self.count).end();
                let (reference, commit) = (target.served.reference, target.served.commit);
                let pack_bytes = ticket.counters.received.get();
                Ok(Planned { reference, commit, files, chunks, bytes, texts, pack_bytes })
            }
            (ending, _) => {
                lock(&self.count).forget();
                Err(ending)
            }
        }
    }

    /// The texts of all repositories that were counted, each once.
    #[must_use]
    pub fn total(&self) -> PlannedTexts {
        lock(&self.count).total()
    }

    /// Some of the texts that are to be embedded.
    #[must_use]
    pub fn sample(&self) -> Vec<String> {
        lock(&self.count).sample()
    }

    /// Ends the stages.
    pub async fn stop(self) {
        self.root.stop().await;
    }

    /// What is served, where a warm of today would compare with it.
    async fn before(&self, repository: &Repository) -> Result<Before, StoreError> {
        let mut before = Before::default();
        let chunking = repository.served.as_ref().map(|served| served.recipe.chunking);
        if chunking != Some(self.tools.recipe.chunking) {
            return Ok(before);
        }
        let mut after = None;
        loop {
            let page = self.tools.store.entries_page(repository.id, after.as_deref(), PAGE).await?;
            page.iter().for_each(|entry| before.note(&entry.path, entry.artifact));
            match page.into_iter().next_back() {
                Some(last) => after = Some(last.path),
                None => return Ok(before),
            }
        }
    }

    /// Sends it through the stages, to its end.
    async fn send(&self, repository: Repository) -> (Arc<Ticket>, Ending) {
        let span = info_span!(parent: None, names::PLAN, { names::VCS_URL } = repository.remote);
        let (give, mut reports) = mpsc::channel(1);
        // No row has this claim: nothing can be written under it. As nothing is said to be served, all is listed.
        let claim = Claim::new(JobId(0), ClaimId(Uuid::new_v4()), repository, None);
        let (ticket, part) = self.tools.open(claim, span, Arc::new(move |report: Report| drop(give.try_send(report))));
        self.ledger.open(ticket.clone());
        self.ledger.hold_slot(ticket.claim.id, Slot::of_parent());
        // A pool that just died drops the message, and its part reports.
        self.fetcher.send(Claimed { part }).await.ok();
        let ending = tokio::select! {
            Some(Report { ending, .. }) = reports.recv() => ending,
            ended = self.root.ended() => Ending::Lost(format!("the stages gave up: {ended:?}")),
        };
        self.ledger.close(ticket.claim.id);
        (ticket, ending)
    }
}
