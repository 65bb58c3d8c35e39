//! The queue: what is to be done, who does it, and how it ended.
//!
//! Of each key of work at most one job is queued and one running: for a refresh that is its repository, for a fill also
//! its generation, lane and shard. Whatever else is asked for is folded into the queued one. A refresh never waits for
//! a fill, nor a fill for a refresh.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use uuid::Uuid;
use warmer_content::{ChunkingId, EmbeddingId};
use warmer_traces::TraceContext;

use crate::error::StoreError;
use crate::job::{
    Attempt, AttemptFilter, AttemptOutcome, Claim, ClaimId, HistoryFilter, InstanceId, Job, JobFilter, JobId, JobKind,
};
use crate::repository::RepositoryId;
use crate::status::{Schedule, Status};

/// How a job is put in the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enqueue {
    /// Lower is earlier; each step is worth five minutes of waiting. Held within -100 and 100.
    pub rank: i32,
    /// From now until it may run. Folding into a queued job keeps the earlier time.
    pub delay: Duration,
    /// Everything is checked again; sticks to the queued job until it ran.
    pub full: bool,
    /// The trace of who asks, where that is another process; here it is the span that is current.
    pub trace: Option<TraceContext>,
    /// A person or a new ref asks: shortens a backoff, and runs though the repository is paused, dead or quarantined.
    pub force: bool,
    /// Only this instance may claim it: what it names is on that machine. The last request on a queued job decides; one
    /// without a pin takes it away.
    pub pinned: Option<InstanceId>,
}

/// Where it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// The queued job.
    pub job: JobId,
    /// It was queued already, and the request was folded into it.
    pub merged: bool,
}

/// What an instance can take now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimFilter {
    /// Only of this kind.
    pub kind: JobKind,
    /// Of fills only those for this embedding, which the instance can produce; `None` takes any.
    pub embedding: Option<EmbeddingId>,
    /// Of fills only those of the lane *new*.
    pub new_only: bool,
    /// Only these jobs; `None` takes any.
    pub only: Option<Vec<JobId>>,
    /// A slot is held: jobs marked heavy may be taken.
    pub heavy: bool,
    /// A job whose instance died and that waits for a slot goes before: while one is due, nothing is taken.
    pub yields: bool,
}

/// Which jobs an instance claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Any.
    Any,
    /// Only those that it asked for itself.
    Own,
}

/// How an attempt ended that published nothing: one for each [`AttemptOutcome`] but `Warmed`.
///
/// No ending of a fill touches its repository, and none is for good: what is said of attempts that count, of dead and
/// of quarantine is about refreshes. A fill that ends *dead*, *stuck* or *crashed* ends as after a temporary error, and
/// one that is *refused* as its `otherwise` says.
#[derive(Clone, Debug, PartialEq)]
pub enum Settlement {
    /// Nothing had changed: what is served is current as of now. Not for a fill.
    Fresh,
    /// A fill came to its end: all of its shard is done, or as much as one fill does. Where something of it still lacks
    /// vectors the job goes back, at once. Not for a refresh.
    Filled,
    /// A temporary error: again after a while; dead when the attempts are used up.
    Retry {
        /// The backoff.
        after: Duration,
        /// Why.
        error: String,
        /// It stored something new, and so does not count.
        progressed: bool,
    },
    /// Its git work did not stop and was killed: again after a while, as after a temporary error; the third time in a
    /// row the repository is in quarantine.
    Stuck {
        /// The backoff.
        after: Duration,
        /// What it was.
        error: String,
    },
    /// The process cannot do it, and the repository can do nothing about that: again after a while. Does not count.
    Unfit {
        /// The backoff.
        after: Duration,
        /// What is wrong with the process.
        error: String,
    },
    /// A fill whose provider cannot embed here: at once, for others; the coverage says until when this process makes no
    /// vectors. Does not count. Of a refresh it is as `Unfit`.
    Held {
        /// For so long.
        lasts: Duration,
        /// What the provider said.
        error: String,
        /// It can embed nothing in this process; else not now.
        unfit: bool,
    },
    /// No slot was free: again after a while, and then only by who holds a slot. Does not count.
    Deferred {
        /// Jittered by the caller.
        after: Duration,
    },
    /// Handed back unharmed, at shutdown or because no ledger knows it: at once. Does not count.
    Cancelled {
        /// Why.
        error: String,
    },
    /// A worker died with a part of it: at once; dead when the attempts are used up.
    Lost {
        /// Why.
        error: String,
        /// It stored something new, and so does not count.
        progressed: bool,
    },
    /// No further attempt can help: the repository is dead until a forced job ends well.
    Dead {
        /// Why.
        error: String,
    },
    /// The child process that ran it, and nothing else, died: at once, in another; after so many the repository is in
    /// quarantine. For a process that lives to say so: of those that do not, nobody knows what they died of.
    Crashed {
        /// How it died.
        error: String,
    },
    /// This instance lacks what it takes: a token, a right, a program, a model. At once for every other that takes any
    /// job, and does not count; while the refusal stands, this instance claims no job of the repository.
    Refused {
        /// What is missing.
        error: String,
        /// How the attempt ends where no live instance is left that could: with the reasons of all that refused.
        otherwise: Box<Self>,
    },
}

/// An attempt that was settled, now or by an earlier call whose acknowledgement was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// How it ended, as the history has it: where the attempts are used up, or nobody is left that could, not as it was
    /// asked.
    pub outcome: AttemptOutcome,
    /// Why, as the history has it.
    pub error: Option<String>,
    /// It was the last attempt there was: the repository is dead, or in quarantine.
    pub given_up: bool,
}

/// The right to do heavy work, one of N in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlotToken(pub Uuid);

/// What an instance leaves to others, because it lacks something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Whose jobs.
    pub repository: RepositoryId,
    /// Who does not take them.
    pub instance: InstanceId,
    /// What it lacks.
    pub reason: String,
    /// Since when.
    pub at: SystemTime,
}

/// What one page of the schedule came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scheduled {
    /// Repositories that got a job.
    pub enqueued: u32,
    /// Where the next page begins; `None`: this one was the last.
    pub last: Option<RepositoryId>,
    /// Until the next of this page is due, those left out that have a job; `None`: none of it ever is.
    pub next: Option<Duration>,
}

/// What became of a wish to take a job out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// It was queued, and is gone; the history says so.
    Removed,
    /// It runs: its owner hears of it by [`Queue::running`].
    Asked,
    /// There is no such job (any more).
    Unknown,
}

/// An instance that died, and whose jobs went back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rescued {
    /// So many jobs.
    pub jobs: u64,
    /// The machine it ran on; empty where it named none.
    pub host: String,
    /// Its process there.
    pub pid: u32,
}

/// A job that an instance is believed to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// The job.
    pub job: JobId,
    /// The fence of its attempt.
    pub claim: ClaimId,
    /// It is to end: a person took it out.
    pub cancel: bool,
}

/// What is to be done, who does it, and how it ended.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Puts a job in the queue, or folds the request into the one that is queued. While one runs, exactly one
    /// follow-up waits. Without `force` a backoff is not shortened.
    ///
    /// # Errors
    /// Also when the repository is not known, or the instance it is to be pinned to ended: nobody would ever take it.
    async fn enqueue(&self, repository: RepositoryId, how: Enqueue) -> Result<Enqueued, StoreError>;

    /// Puts what is due by its policy in the queue: one page of at most `limit` repositories behind `after`, by id.
    /// Due is an active or dead repository without a job whose interval has passed since it was last tried, or whose
    /// moment by the calendar has come; one that never was tried is due at once. Jobs by the calendar begin up to
    /// `spread` later, each repository's by as much each time: many have the same moment. Several instances may do so
    /// at the same time.
    async fn enqueue_due(
        &self,
        after: Option<RepositoryId>,
        limit: u32,
        spread: Duration,
    ) -> Result<Scheduled, StoreError>;

    /// Puts in the queue what a change of the chunking left behind: repositories that are dead, stale or without a
    /// schedule, are not cut by this one, which the fleet cuts by, and were not tried since it does; but not a path
    /// without a schedule in a database of many machines, which means another repository on each. At most `limit`;
    /// gives how many. They stand behind pushes, and cut anew from what is stored what cannot be fetched.
    async fn enqueue_left(&self, chunking: ChunkingId, limit: u32) -> Result<u64, StoreError>;

    /// Sets right what a clock left behind that ran ahead: a stored moment of the future counts as now. Tells of it,
    /// and gives the number of rows; no caller puts a job off for longer than `put_off_max`.
    async fn end_future(&self, put_off_max: Duration) -> Result<u64, StoreError>;

    /// Takes a job out: a queued one at once, a running one when its owner hears of it. An attempt of such a job that
    /// would put it back ends it instead; one that ends fresh, dead or published ends as ever.
    async fn cancel(&self, job: JobId) -> Result<Cancel, StoreError>;

    /// Makes this process known. Before it no claim succeeds. When one that takes any job joins, what is dead for want
    /// of an instance that could is due, once.
    async fn register(
        &self,
        instance: InstanceId,
        capacity: u32,
        version: &str,
        takes: Takes,
    ) -> Result<(), StoreError>;

    /// The process ends in order; queued jobs that only it may take are taken out.
    async fn retire(&self, instance: InstanceId) -> Result<(), StoreError>;

    /// Takes the first job of the kind by `due` (when it is to run, plus five minutes per rank) that is not held back:
    /// by a running job of its key, by the repository's state unless forced, by a missing slot, or by a pin to another
    /// instance. Before all of them, whatever their rank, refreshes whose instance died. Counts the attempt. A fill is
    /// also held back by its generation, unless that is active or building; of the repository's states only *paused*
    /// does.
    /// `None` also for an instance that is not registered or dead.
    async fn claim(&self, instance: InstanceId, filter: &ClaimFilter) -> Result<Option<Claim>, StoreError>;

    /// The attempt that runs under this claim, without the trace before it; `None`: the claim was lost.
    async fn claimed(&self, claim: ClaimId) -> Result<Option<Claim>, StoreError>;

    /// Keeps the trace of the running attempt, for the history and for the attempt after. False: the claim was lost.
    async fn note_trace(&self, claim: ClaimId, traceparent: &str) -> Result<bool, StoreError>;

    /// How long until the next job of the filter's kind, embedding and list is due, among those no running job and no
    /// state holds back; zero if one is due now, which also one is that waits for a slot. Pinned jobs count only among
    /// `filter.only`, and what `instance` refused does not count. `None`: nothing is queued.
    async fn next_due(
        &self,
        instance: Option<InstanceId>,
        filter: &ClaimFilter,
    ) -> Result<Option<Duration>, StoreError>;

    /// The same of both kinds in one question, for who has nothing to do: of refreshes, and of fills of this embedding,
    /// if there is one.
    async fn next_due_of_all(
        &self,
        instance: InstanceId,
        only: Option<&[JobId]>,
        embedding: Option<EmbeddingId>,
    ) -> Result<Option<Duration>, StoreError>;

    /// Ends an attempt that publishes nothing. The staged rows of the claim are dropped. A job that goes back takes
    /// a follow-up that was queued meanwhile into itself, and keeps its own row; one that a person took out ends
    /// instead. The history keeps `summary`, which is what the pipeline has to say about the attempt, however it ended;
    /// `None`: it knows nothing. Gives `None` where the claim was lost: nothing changed, and it was counted.
    async fn settle(
        &self,
        claim: ClaimId,
        how: Settlement,
        summary: Option<&serde_json::Value>,
    ) -> Result<Option<Settled>, StoreError>;

    /// The refusals that stand, of one repository or of all; the oldest first.
    async fn refusals(&self, repository: Option<RepositoryId>) -> Result<Vec<Refusal>, StoreError>;

    /// Takes back what this instance refused: what it lacked may be there now. As when one joins, what is dead for want
    /// of an instance that could is due, once. The number of refusals.
    async fn withdraw_refusals(&self, instance: InstanceId) -> Result<u64, StoreError>;

    /// What the queue believes this instance is doing: rows in no ledger are to be settled as
    /// [`Settlement::Cancelled`].
    async fn running(&self, instance: InstanceId) -> Result<Vec<Running>, StoreError>;

    /// Jobs in the order in which they would be taken, running ones first.
    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<Job>, StoreError>;

    /// One job; `None` once it is finished, or folded into the row that went back.
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError>;

    /// The history, latest first.
    async fn attempts(&self, of: AttemptFilter, limit: u32) -> Result<Vec<Attempt>, StoreError>;

    /// The history as it is filtered, by when the attempts ended, latest first.
    async fn history(&self, filter: &HistoryFilter, limit: u32) -> Result<Vec<Attempt>, StoreError>;

    /// The figures of `warmer status`.
    async fn status(&self) -> Result<Status, StoreError> {
        self.status_of(None).await
    }

    /// The same, counting only what is about these repositories; instances and slots are everybody's.
    async fn status_of(&self, repositories: Option<&[RepositoryId]>) -> Result<Status, StoreError>;

    /// When each repository is checked.
    async fn schedules(&self) -> Result<Vec<Schedule>, StoreError>;
}
