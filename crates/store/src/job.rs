//! A job, the claim on it, and the history of its attempts.

use std::time::{Duration, SystemTime};

use uuid::Uuid;
use warmer_content::{ChunkingId, Recipe};
use warmer_traces::TraceContext;

use crate::repository::{Repository, RepositoryId, RepositoryState, ServedState};
use crate::shard::Shard;
use crate::text_enum::text_enum;

/// The row of a job; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub i64);

/// The fence: random, new at every claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimId(pub Uuid);

/// One running process; random, new at every start, never the host's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub Uuid);

impl InstanceId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

text_enum! {
    /// What a job is for.
    #[derive(Default)]
    JobKind {
        /// Publishes what changed at the repository's ref.
        #[default]
        Refresh => "refresh",
        /// Makes vectors that what is served lacks.
        Fill => "fill",
    }
}

text_enum! {
    /// What a fill works on.
    Lane {
        /// What the latest publications brought, the newest first.
        New => "new",
        /// What is cold or to be made anew, by buckets.
        Bulk => "bulk",
    }
}

impl JobKind {
    /// As it is stored: it stands first in indexes.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Refresh => 0,
            Self::Fill => 1,
        }
    }

    pub(crate) fn from_number(number: i64) -> Option<Self> {
        [Self::Refresh, Self::Fill].into_iter().find(|kind| kind.number() == number)
    }
}

impl Lane {
    /// As it is stored.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::New => 0,
            Self::Bulk => 1,
        }
    }

    pub(crate) fn from_number(number: i64) -> Option<Self> {
        [Self::New, Self::Bulk].into_iter().find(|lane| lane.number() == number)
    }
}

/// What a claimed fill is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The row of the generation whose vectors lack.
    pub generation: i64,
    /// What that is made by.
    pub recipe: Recipe,
    /// What of it.
    pub lane: Lane,
    /// In which buckets.
    pub shard: Shard,
    /// The number of the repository's last publication at the claim: what is published later is another fill's.
    pub up_to: u64,
}

/// The right of one instance to work on a job, until it is settled, published or lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub job: JobId,
    /// The fence.
    pub id: ClaimId,
    /// What is to be brought up to its ref, or to get vectors, as it stood at the claim.
    pub repository: Repository,
    /// What a fill is to do; `None`: it is a refresh.
    pub fill: Option<Fill>,
    /// What it serves under each chunking, the last published first: also what is not shown yet, or no longer.
    pub states: Vec<ServedState>,
    /// Counted from 1; attempts that do not count (cancelled, deferred, progressed) are not in it.
    pub attempt: u32,
    /// It went back for want of a slot, and was claimed with one.
    pub heavy: bool,
    /// Everything is to be checked again.
    pub full: bool,
    /// Processes that died while they ran it.
    pub crashes: u32,
    /// What asked for it, the first eight.
    pub traces: Vec<TraceContext>,
    /// The trace of the attempt before.
    pub previous: Option<TraceContext>,
    /// From when it was first to run to the claim.
    pub waited: Duration,
    /// Of that, from when it was first put off for want of a slot; `None`: it was not.
    pub slot_wait: Option<Duration>,
    /// How long it took to claim it; zero where the claim was read again.
    pub claimed_in: Duration,
}

/// So many processes may die while they run a job before it gets one of its own: most die for another reason.
pub const CRASHES_SHARED_MAX: u32 = 2;

impl Claim {
    /// A first claim on the job of a repository, a fill or a refresh, that nothing is known of yet.
    #[must_use]
    pub fn new(job: JobId, id: ClaimId, repository: Repository, fill: Option<Fill>) -> Self {
        Self {
            job,
            id,
            repository,
            fill,
            states: vec![],
            attempt: 1,
            heavy: false,
            full: false,
            crashes: 0,
            traces: vec![],
            previous: None,
            waited: Duration::ZERO,
            slot_wait: None,
            claimed_in: Duration::ZERO,
        }
    }

    /// What the repository serves under this chunking.
    #[must_use]
    pub fn served_under(&self, chunking: ChunkingId) -> Option<&ServedState> {
        self.states.iter().find(|state| state.served.recipe.chunking == chunking)
    }

    /// What it serves under this chunking, if nothing was published under another since: only that was checked.
    #[must_use]
    pub fn current_under(&self, chunking: ChunkingId) -> Option<&ServedState> {
        self.states.first().filter(|state| state.served.recipe.chunking == chunking)
    }

    /// Whether it gets a process of its own: too many died while they ran it, or a person asks for one in quarantine.
    #[must_use]
    pub fn runs_in_child(&self) -> bool {
        let quarantined = self.fill.is_none() && self.repository.state == RepositoryState::Quarantined;
        self.crashes >= CRASHES_SHARED_MAX || quarantined
    }
}

impl Job {
    /// As [`Claim::runs_in_child`], as far as the job itself decides it.
    #[must_use]
    pub fn runs_in_child(&self) -> bool {
        self.crashes >= CRASHES_SHARED_MAX
    }
}

text_enum! {
    /// Where a job is; one that is finished has no row, but attempts.
    JobState {
        /// Waits for its time and for an instance.
        Queued => "queued",
        /// Claimed.
        Running => "running",
    }
}

/// A job as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its row.
    pub id: JobId,
    /// What it is for.
    pub kind: JobKind,
    /// What a fill works on; `None`: it is a refresh.
    pub lane: Option<Lane>,
    /// In which buckets; `None`: it is a refresh.
    pub shard: Option<Shard>,
    /// Of which generation; `None`: it is a refresh.
    pub generation: Option<Recipe>,
    /// What it brings up to date.
    pub repository: RepositoryId,
    /// The repository's remote.
    pub remote: String,
    /// The repository's ref.
    pub reference: Option<String>,
    /// Queued or running.
    pub state: JobState,
    /// A refresh that needs a slot, or a fill in bulk.
    pub heavy: bool,
    /// Checks everything again.
    pub full: bool,
    /// The instance that ran it died: it is taken before all others.
    pub rescued: bool,
    /// Lower is earlier; each step is worth five minutes.
    pub rank: i32,
    /// Attempts that count.
    pub attempt: u32,
    /// Processes that died while they ran it, for whatever reason.
    pub crashes: u32,
    /// Of those, child processes that ran it and nothing else.
    pub child_deaths: u32,
    /// Further triggers that were folded into it.
    pub merged: u32,
    /// When it is or was to run.
    pub run_at: SystemTime,
    /// When it was first put in the queue.
    pub enqueued_at: SystemTime,
    /// When it was claimed; `None` while queued.
    pub claimed_at: Option<SystemTime>,
    /// Who runs it; `None` while queued.
    pub instance: Option<InstanceId>,
    /// The fence of the running attempt; `None` while queued.
    pub claim: Option<ClaimId>,
    /// Why the attempt before failed.
    pub last_error: Option<String>,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only of this kind.
    pub kind: Option<JobKind>,
    /// Only these states.
    pub state: Option<JobState>,
    /// Only of this repository.
    pub repository: Option<RepositoryId>,
    /// Only those whose attempt before failed.
    pub failed: bool,
    /// Only those that were put in the queue at most so long ago.
    pub since: Option<Duration>,
    /// At most so many; 0 lists all.
    pub limit: u32,
}

text_enum! {
    /// How an attempt ended.
    AttemptOutcome {
        /// Something new was published.
        Warmed => "warmed",
        /// Nothing had changed.
        Fresh => "fresh",
        /// A fill came to its end: all that it was for is done, or as much as one fill does.
        Filled => "filled",
        /// A temporary error; queued again.
        Retry => "retry",
        /// Its git work did not stop and was killed; queued again, or the repository is in quarantine.
        Stuck => "stuck",
        /// Its process cannot do it: no model, no disk; queued again, and does not count.
        Unfit => "unfit",
        /// The last attempt there was; the repository is dead.
        Dead => "dead",
        /// A part of it was dropped by a worker that died; queued again.
        Lost => "lost",
        /// It turned out heavy and no slot was free: queued again to wait for one, and does not count.
        Deferred => "deferred",
        /// Its instance lacks what it takes; queued again for the others, and does not count.
        Refused => "refused",
        /// Without a reason: a person took the job out. With one: it was handed back unharmed, and does not count.
        Cancelled => "cancelled",
        /// The process died.
        Crashed => "crashed",
    }
}

impl AttemptOutcome {
    /// It ended by an error or a crash.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Retry | Self::Stuck | Self::Unfit | Self::Dead | Self::Lost | Self::Crashed)
    }
}

/// One attempt of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// The job it was made for.
    pub job: JobId,
    /// What that was for.
    pub kind: JobKind,
    /// The job's repository.
    pub repository: RepositoryId,
    /// The repository's remote.
    pub remote: String,
    /// The repository's ref.
    pub reference: Option<String>,
    /// Its number, as [`Claim::attempt`].
    pub number: u32,
    /// Its fence.
    pub claim: ClaimId,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Why it failed.
    pub error: Option<String>,
    /// What the pipeline had to say about it.
    pub summary: Option<serde_json::Value>,
    /// The commit it published or confirmed.
    pub commit: Option<String>,
    /// When it was first to run.
    pub queued_at: SystemTime,
    /// When it was claimed.
    pub started_at: SystemTime,
    /// When it was settled or published.
    pub ended_at: SystemTime,
    /// Its own trace.
    pub traceparent: Option<String>,
}

impl Attempt {
    /// A person took the job out: nothing follows.
    #[must_use]
    pub fn was_taken_out(&self) -> bool {
        self.outcome == AttemptOutcome::Cancelled && self.error.is_none()
    }
}

/// Whose attempts to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptFilter {
    /// Of all repositories.
    All,
    /// Of one job.
    Job(JobId),
    /// Of all refreshes of one repository.
    Refreshes(RepositoryId),
}

/// Which attempts of the history to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Only of these repositories; `None` lists those of all.
    pub repositories: Option<Vec<RepositoryId>>,
    /// Only those that ended by an error or a crash.
    pub failed: bool,
    /// None that found nothing new.
    pub changed: bool,
    /// Only those that ended at most so long ago.
    pub since: Option<Duration>,
}
