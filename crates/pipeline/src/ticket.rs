//! The in-process handle of a claimed job, and the shares of it that every message carries.
//!
//! The ticket counts the parts that are out: one at its birth, one more for every batch. Whoever brings the last one
//! home holds the only right to publish there will ever be; if the job has failed meanwhile, the end is reported
//! instead. Either way nothing of the job runs any more when the Claimer hears of it. A part that is dropped (a panic,
//! a killed worker, a stopped pool) counts as lost, so that no path can forget to report.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio_util::sync::CancellationToken;
use tracing::Span;
use warmer_content::Rules;
use warmer_store::{Claim, JobKind, Served};

use crate::counters::Counters;
use crate::ending::Ending;
use crate::kept::Kept;
use crate::stopwatch::Stopwatch;
use crate::timeline::Timeline;

/// Where a ticket reports its end.
pub type Reports = Arc<dyn Fn(Report) + Send + Sync>;

/// A ticket whose last part is home, and how it ended.
#[derive(Debug)]
pub struct Report {
    /// The job.
    pub ticket: Arc<Ticket>,
    /// Its end.
    pub ending: Ending,
}

/// A claimed job while this process works on it.
pub struct Ticket {
    /// The right to work on it.
    pub claim: Claim,
    /// The attempt's root span: every span of the job names it as its parent.
    pub span: Span,
    /// What of the repository is indexed.
    pub rules: Arc<Rules>,
    /// What was done so far.
    pub counters: Counters,
    /// When, and for how long.
    pub(crate) watch: Stopwatch,
    out: AtomicUsize,
    over: CancellationToken,
    ending: Mutex<Option<Ending>>,
    lost: AtomicBool,
    target: Mutex<Option<Target>>,
    left: Mutex<Option<String>>,
    progress: Mutex<Instant>,
    reports: Reports,
}

/// What the Fetcher found that the publication has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What will be served.
    pub served: Served,
    /// When the commit was made.
    pub committed_at: Option<SystemTime>,
    /// The batches list the whole commit, not only what differs from what is served.
    pub complete: bool,
    /// It is cut anew from what is stored, because the remote is out of reach: so the attempt ends.
    pub unreached: Option<Ending>,
}

impl Ticket {
    /// A new ticket, of which one part is out: the first. So much of its timeline is kept.
    pub(crate) fn open(claim: Claim, rules: Arc<Rules>, span: Span, kept: Kept, reports: Reports) -> Arc<Self> {
        Arc::new(Self {
            claim,
            span,
            rules,
            counters: Counters::default(),
            watch: Stopwatch::start(kept),
            out: AtomicUsize::new(1),
            over: CancellationToken::new(),
            ending: Mutex::default(),
            lost: AtomicBool::new(false),
            target: Mutex::default(),
            left: Mutex::default(),
            progress: Mutex::new(Instant::now()),
            reports,
        })
    }

    /// Ends the work on this job as soon as its parts look up. The first ending given stands, also where a part was let
    /// go of before: a stage that ends the job may drop what it had split off first.
    pub fn end(&self, ending: Ending) {
        lock(&self.ending).get_or_insert(ending);
        self.over.cancel();
    }

    /// A part was let go of: the job is lost, unless somebody gives another ending before all parts are home.
    pub(crate) fn lose(&self) {
        self.lost.store(true, Ordering::Relaxed);
        self.over.cancel();
    }

    /// Whether further work on this job is pointless.
    pub fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// How the work ends, if that is decided.
    pub(crate) fn ending(&self) -> Option<Ending> {
        let lost = || Ending::Lost("a worker died while it worked on a part of the job".to_owned());
        lock(&self.ending).clone().or_else(|| self.lost.load(Ordering::Relaxed).then(lost))
    }

    /// Resolves when further work on this job is pointless.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Notes what is to be published.
    pub fn aim(&self, target: Target) {
        *lock(&self.target) = Some(target);
    }

    /// What is to be published; `None` until the Fetcher has received the commit.
    pub fn target(&self) -> Option<Target> {
        lock(&self.target).clone()
    }

    /// Notes why a fill leaves something: it is to be made again after a while, whatever else it does.
    pub(crate) fn leave(&self, why: String) {
        lock(&self.left).get_or_insert(why);
    }

    /// How a fill ends whose vectors are all stored.
    pub(crate) fn filled(&self) -> Ending {
        lock(&self.left).clone().map_or(Ending::Filled, Ending::Retry)
    }

    /// Whether what is served is cut anew, because the remote is out of reach.
    pub(crate) fn is_unreached(&self) -> bool {
        lock(&self.target).as_ref().is_some_and(|target| target.unreached.is_some())
    }

    /// What is done for it.
    pub fn kind(&self) -> JobKind {
        if self.claim.fill.is_some() { JobKind::Fill } else { JobKind::Refresh }
    }

    /// Since the claim.
    pub fn age(&self) -> Duration {
        self.watch.age()
    }

    /// When that was.
    pub fn began(&self) -> SystemTime {
        self.watch.began
    }

    /// What each stage has done for it so far, and when.
    pub fn timeline(&self) -> Timeline {
        self.watch.timeline()
    }

    /// How long no part of the job has finished.
    pub fn idle(&self) -> Duration {
        lock(&self.progress).elapsed()
    }

    /// Something of the job went on.
    pub fn progressed(&self) {
        *lock(&self.progress) = Instant::now();
    }

    /// Nothing is expected to go on before then: it waits for what is known to be away.
    pub(crate) fn excuse(&self, until: Instant) {
        let mut progress = lock(&self.progress);
        *progress = until.max(*progress);
    }

    /// One more part is out.
    pub(crate) fn goes_out(&self) {
        self.out.fetch_add(1, Ordering::Relaxed);
    }

    /// A part is home. Gives the ticket to whoever brings the last one of a job that did not fail.
    /// AcqRel: it sees every ending and every store of the others.
    pub(crate) fn home(self: Arc<Self>) -> Option<Arc<Self>> {
        self.progressed();
        if self.out.fetch_sub(1, Ordering::AcqRel) != 1 {
            return None;
        }
        match self.ending() {
            None => Some(self),
            Some(ending) => {
                self.report(ending);
                None
            }
        }
    }

    pub(crate) fn report(self: Arc<Self>, ending: Ending) {
        self.watch.reported();
        let reports = self.reports.clone();
        reports(Report { ticket: self, ending });
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("claim", &self.claim).field("out", &self.out).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod testing {
    //! Tickets without a Claimer.

    use std::sync::mpsc;

    use uuid::Uuid;
    use warmer_content::{ChunkingId, ContentSettings, Digest, EmbeddingId, Recipe};
    use warmer_store::{ClaimId, Fill, JobId, Lane, Repository, RepositoryId, Shard};

    use super::*;
    use crate::part::Part;

    /// An open ticket with its first part, and where its report arrives.
    pub(crate) fn ticket() -> (Arc<Ticket>, Part, mpsc::Receiver<Report>) {
        of(None)
    }

    /// The same of a fill.
    pub(crate) fn fill(lane: Lane) -> (Arc<Ticket>, Part, mpsc::Receiver<Report>) {
        let digest = Digest::of(b"made");
        let recipe = Recipe { embedding: EmbeddingId(digest), chunking: ChunkingId(digest) };
        of(Some(Fill { generation: 1, recipe, lane, shard: Shard::ALL, up_to: 1 }))
    }

    #[expect(clippy::disallowed_methods, reason = "a test hears of it once")]
    fn of(fill: Option<Fill>) -> (Arc<Ticket>, Part, mpsc::Receiver<Report>) {
        let (give, take) = mpsc::channel();
        let repository = Repository::new(RepositoryId(1), "file:///r", None);
        let claim = Claim::new(JobId(1), ClaimId(Uuid::new_v4()), repository, fill);
        let rules = Arc::new(Rules::new(&ContentSettings::default()).expect("no patterns"));
        let ticket =
            Ticket::open(claim, rules, Span::none(), Kept::default(), Arc::new(move |report| drop(give.send(report))));
        (ticket.clone(), Part::first(ticket), take)
    }
}
