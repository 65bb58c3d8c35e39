//! A stage's pool: workers on a ractor factory, each crash of one of them subject to a restart policy.
//!
//! On a crash the message and its permit are dropped first; then the worker sits out its delay, still counted as busy,
//! and only then dies and is replaced. (A delay in `pre_start` stops the whole pool, one in `post_start` holds a
//! message.) Beyond the policy the worker stops its pool with a reason: siblings finish what they hold, queued messages
//! are dropped, and the line starts a new pool behind the same mailbox.

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use ractor::factory::queues::DefaultQueue;
use ractor::factory::routing::QueuerRouting;
use ractor::factory::{
    self, DiscardHandler, DiscardReason, DiscardSettings, Factory, FactoryArguments, Job, WorkerId, worker_builder,
};
use ractor::{Actor, ActorCell, ActorProcessingErr, SpawnErr};

use crate::mailbox::{Envelope, Load, Mailbox, Pool};
use crate::occupancy::{Activity, Seat, Wait};
use crate::panic::panic_text;
use crate::permit::Permit;
use crate::restart_policy::{Decision, RestartLimits, RestartPolicy};
use crate::restarts::{Level, restarted, started};

/// How long the siblings of the worker that gave its pool up may go on. A hung one would else hold the pool, and with
/// it the stage, for ever.
const GIVE_UP_GRACE: Duration = Duration::from_secs(30);

/// One message as a worker receives it.
#[derive(Debug)]
pub struct Delivery<M> {
    /// The message.
    pub message: M,
    /// When it was handed to the pool.
    pub queued: Instant,
    /// Its permit, given back on drop; keep it until the next stage has taken the result.
    pub permit: Permit<M>,
    /// The worker, which is busy now, and says itself what it waits for.
    pub seat: Seat,
}

/// Why a worker is to be replaced. What goes wrong with a job is not a crash: that is a value in the job's outcome.
#[derive(Debug)]
pub struct Crash(pub Box<dyn Error + Send + Sync>);

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Crash {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// One resource's work. Made once and shared by all workers of the stage, whatever pool they belong to.
pub trait Work: Send + Sync + 'static {
    /// What the stage takes.
    type Message: Load;
    /// What a worker keeps from message to message; a worker that crashed is replaced by one with a new state.
    type State: Send + 'static;

    /// A new worker's state. Cheap: whatever can fail (a connection, a model) is opened at the first message.
    fn state(&self) -> Self::State;

    /// Does the work on one message. An error or a panic costs this message and the worker.
    fn handle(
        &self,
        state: &mut Self::State,
        delivery: Delivery<Self::Message>,
    ) -> impl Future<Output = Result<(), Crash>> + Send;

    /// Called after each crash, when its message has been dropped.
    fn crashed(&self, _mailbox: &Mailbox<Self::Message>) {}

    /// Called when a new pool sits behind the mailbox after the one before died, with all that was queued in it.
    fn restarted(&self, _mailbox: &Mailbox<Self::Message>) {}
}

/// Starts a pool under the supervisor and attaches it to the mailbox.
pub(crate) async fn start<W: Work>(
    work: Arc<W>,
    mailbox: Mailbox<W::Message>,
    restarts: RestartLimits,
    supervisor: ActorCell,
) -> Result<ActorCell, SpawnErr> {
    let workers = mailbox.limits().pool_size();
    let policy = Arc::new(RestartPolicy::new(restarts));
    let make = {
        let mailbox = mailbox.clone();
        move |_| (Worker { work: work.clone(), mailbox: mailbox.clone(), policy: policy.clone() }, ())
    };
    let arguments = FactoryArguments {
        worker_builder: Box::new(worker_builder(make)),
        num_initial_workers: workers,
        router: QueuerRouting::default(),
        queue: DefaultQueue::default(),
        discard_handler: Some(Arc::new(DropQueued)),
        discard_settings: DiscardSettings::None,
        dead_mans_switch: None,
        capacity_controller: None,
        lifecycle_hooks: None,
        stats: None,
    };
    let (pool, _ended) = Actor::spawn_linked(None, Factory::default(), arguments, supervisor).await?;
    let cell = pool.get_cell();
    started(mailbox.name(), Level::Worker);
    mailbox.attach(pool, workers);
    Ok(cell)
}

/// Does nothing, but has to be there: without a discard handler a stopped factory keeps its queue, boxed in the event
/// to its supervisor.
struct DropQueued;

impl<M: Load> DiscardHandler<(), Envelope<M>> for DropQueued {
    fn discard(&self, _: DiscardReason, _: &mut Job<(), Envelope<M>>) {}
}

/// One worker.
struct Worker<W: Work> {
    work: Arc<W>,
    mailbox: Mailbox<W::Message>,
    policy: Arc<RestartPolicy>,
}

/// What a worker keeps.
struct Kept<W: Work> {
    seat: Seat,
    /// Made at the first message, under the same guard as the work: a failing `pre_start` would stop the pool.
    state: Option<W::State>,
}

impl<W: Work> factory::Worker for Worker<W> {
    /// One key for all: a `handle` that returned another key than its message's would leave the worker busy for ever,
    /// silently.
    type Key = ();
    type Message = Envelope<W::Message>;
    type Arguments = ();
    type State = Kept<W>;

    async fn pre_start(&self, _: WorkerId, _: &Pool<W::Message>, (): ()) -> Result<Self::State, ActorProcessingErr> {
        Ok(Kept { seat: Seat::take(self.mailbox.occupancy()), state: None })
    }

    async fn handle(
        &self,
        _: WorkerId,
        pool: &Pool<W::Message>,
        job: Job<(), Self::Message>,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        state.seat.begin(job.msg.message.class());
        let Some(crash) = self.work_on(job.msg, state).await else {
            state.seat.turn(Activity::Starved);
            return Ok(());
        };
        state.seat.turn(Activity::Blocked(Wait::Restart));
        let stage = self.mailbox.name();
        match self.policy.died() {
            Decision::Restart(delay) => {
                restarted(stage, Level::Worker);
                let delay_ms = delay.as_millis() as u64;
                tracing::warn!(stage, error = %crash, delay_ms, "a worker crashed; replacing it after a delay");
                guard(stage, || self.work.crashed(&self.mailbox));
                self.policy.wait(delay, self.mailbox.closing()).await;
            }
            Decision::GiveUp => {
                tracing::error!(stage, error = %crash, "too many workers crashed; stopping the pool");
                pool.stop(Some(format!("too many workers of the {stage} pool crashed, the last one of: {crash}")));
                pool.kill_after(GIVE_UP_GRACE);
                guard(stage, || self.work.crashed(&self.mailbox));
            }
        }
        Err(crash.0)
    }
}

impl<W: Work> Worker<W> {
    /// The future owns the message: whichever way it ends, message and permit are dropped when this returns.
    async fn work_on(&self, envelope: Envelope<W::Message>, Kept { seat, state }: &mut Kept<W>) -> Option<Crash> {
        let Envelope { message, queued, mut permit } = envelope;
        permit.unqueue();
        self.mailbox.taken(queued);
        let delivery = Delivery { message, queued: queued.into_std(), permit, seat: seat.clone() };
        let work = async { self.work.handle(state.get_or_insert_with(|| self.work.state()), delivery).await };
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(done) => done.err(),
            Err(panic) => Some(Crash(panic_text(&*panic).into())),
        }
    }
}

/// Calls a stage's hook; its panic must not cost more than the hook.
pub(crate) fn guard(stage: &'static str, hook: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(hook)) {
        tracing::error!(stage, error = panic_text(&*panic), "the stage panicked while it recovered from a crash");
    }
}
