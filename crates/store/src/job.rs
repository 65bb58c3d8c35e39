//! A job, the claim on it, and the history of its attempts.

use std::time::{Duration, SystemTime};

use uuid::Uuid;
use warmer_content::ChunkingId;

use crate::repository::{Repository, RepositoryId, RepositoryState, ServedState};
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

/// The right of one instance to work on a job, until it is settled, published or lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub job: JobId,
    /// The fence.
    pub id: ClaimId,
    /// What is to be brought up to its ref, as it stood at the claim.
    pub repository: Repository,
    /// What it serves under each chunking, the last published first; while one takes the place of another, more than
    /// what is shown.
    pub states: Vec<ServedState>,
    /// Counted from 1; attempts that do not count (cancelled, deferred, progressed) are not in it.
    pub attempt: u32,
    /// It went back for want of a slot, and was claimed by an instance that held one.
    pub heavy: bool,
    /// Everything is to be checked again.
    pub full: bool,
    /// Processes that died while they ran it.
    pub crashes: u32,
    /// The trace of what queued it.
    pub traceparent: Option<String>,
    /// The trace of the attempt before.
    pub previous: Option<String>,
    /// From when it was to run to the claim.
    pub waited: Duration,
}

/// So many processes may die while they run a job before it gets a process of its own: most die for another reason, by
/// `kill -9` or with their machine, and then say nothing about the job.
pub const CRASHES_SHARED_MAX: u32 = 2;

impl Claim {
    /// What the repository serves under this chunking.
    #[must_use]
    pub fn served_under(&self, chunking: ChunkingId) -> Option<&ServedState> {
        self.states.iter().find(|state| state.served.recipe.chunking == chunking)
    }

    /// What it serves under this chunking, if nothing was published under another one since: only that was looked at
    /// whenever it was checked.
    #[must_use]
    pub fn current_under(&self, chunking: ChunkingId) -> Option<&ServedState> {
        self.states.first().filter(|state| state.served.recipe.chunking == chunking)
    }

    /// Whether it is to run in a child process of its own: too many processes died while they ran it, or its repository
    /// is in quarantine for that and a person asks for it anyway.
    #[must_use]
    pub fn runs_in_child(&self) -> bool {
        self.crashes >= CRASHES_SHARED_MAX || self.repository.state == RepositoryState::Quarantined
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
    /// What it brings up to date.
    pub repository: RepositoryId,
    /// The repository's remote.
    pub remote: String,
    /// The repository's ref.
    pub reference: Option<String>,
    /// Queued or running.
    pub state: JobState,
    /// Needs a slot.
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
        /// Without a reason: a person took the job out. With one: its instance handed it back unharmed, at a shutdown
        /// say; queued again, and does not count.
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
    /// When it was to run.
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
    /// Of all jobs of one repository.
    Repository(RepositoryId),
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
