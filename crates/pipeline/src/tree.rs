//! The whole supervision tree on one screen.
//!
//! ```text
//! root            rest_for_one; few restarts, then the process exits non-zero
//! ├── claimer     claims, ledger, settling
//! │   └── session heartbeat and slots
//! ├── line        one_for_one: storer, hasher, fetcher (started from the storer back)
//! ├── fills       one_for_one: embedder, filler; over its intensity it pauses, and the process lives (W-15)
//! ├── scheduler   puts due repositories in the queue; not beside a single warm
//! ├── rescuer     returns the jobs of dead instances
//! └── upkeep      collects and verifies, one instance for all; not beside a single warm
//! ```

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ractor::{Actor, ActorRef};
use tokio::sync::{Semaphore, watch};
use warmer_store::{ClaimId, Store};
use warmer_supervision::{Abandoned, Breaker, Child, Drained, Ended, LeftBehind, Line, Mailbox, Root, Strategy, Tree};

use crate::batch::{Claimed, Finished, Listed};
use crate::claimer::{Claimer, ClaimerMessage};
use crate::embedder::Embedder;
use crate::ending::Ending;
use crate::fatal::Fatal;
use crate::fetcher::Fetcher;
use crate::filler::Filler;
use crate::hasher::Hasher;
use crate::hold::{Held, Hold};
use crate::lease::Lease;
use crate::ledger::Ledger;
pub use crate::mailboxes::Mailboxes;
use crate::measurements::{Measurements, Sums};
use crate::observer::Observer;
use crate::pause::Pause;
use crate::registration::Registered;
use crate::rescuer::{Rescuer, Rescues};
use crate::scheduler::Scheduler;
use crate::selection::Selection;
use crate::session::Session;
use crate::settings::Settings;
use crate::settlement::PUT_OFF_MAX;
use crate::single_flight::SingleFlight;
use crate::slots::Slots;
use crate::stage::{Frame, Framed, StageWork};
use crate::storer::Storer;
use crate::tools::Tools;
use crate::upkeep::Upkeep;
use crate::vitals::Vitals;

/// For how long fills are paused that die too often, at first and at most.
const FILLS_PAUSE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_mins(10));

/// How long hung workers are waited for once every job is settled or given up.
const DRAIN: Duration = Duration::from_secs(2);

/// A running pipeline.
pub struct Running {
    /// Open jobs.
    pub ledger: Ledger,
    /// The stages' doors.
    pub mailboxes: Mailboxes,
    root: Root,
    line: Line,
    fills: Line,
    hold: Hold,
    left: LeftBehind,
    store: Arc<dyn Store>,
    sums: Arc<Sums>,
    claimer: watch::Receiver<Option<ActorRef<ClaimerMessage>>>,
    closed: Arc<AtomicBool>,
    lease: Lease,
    leaving: watch::Sender<bool>,
    fatal: Fatal,
}

/// Why a pipeline did not start.
#[derive(Debug, thiserror::Error)]
#[error("an actor could not be started: {0}")]
pub struct StartError(#[from] ractor::SpawnErr);

/// Starts the tree of a process that is known.
///
/// # Errors
/// When an actor cannot be started.
pub async fn start(
    registered: Registered,
    tools: Tools,
    settings: Settings,
    selection: Selection,
    observer: Observer,
) -> Result<Running, StartError> {
    Abandoned::allow(settings.abandoned_max);
    // A Fetcher that lists a large repository waits for the stages behind it, however many jobs may be in flight.
    let jobs = settings.claimer.concurrency.min(settings.fetcher.workers);
    let (slots, sums) = (Slots::new(jobs), Arc::new(Sums::default()));
    let observer = observer.and(sums.clone());
    let (ledger, rescues) = (Ledger::new(observer.clone()), Rescues::default());
    let lease = Lease::new(settings.self_fencing);
    let fatal = Fatal::default();
    let capacity = u32::try_from(settings.claimer.concurrency).unwrap_or(u32::MAX);
    let session = Session {
        store: tools.store.clone(),
        identity: tools.identity.clone(),
        capacity,
        takes: selection.takes(),
        slots: settings.claimer.slots,
        fleet: tools.fleet.clone(),
        lease: lease.clone(),
        ledger: ledger.clone(),
        rescues: rescues.clone(),
        first: Arc::new(Mutex::new(Some(registered.0))),
        fatal: fatal.clone(),
        observer: observer.clone(),
    };
    let frame = Frame { lease: lease.clone(), faults: tools.faults.clone(), observer: observer.clone() };
    let Stages { mailboxes, line, fills, hold, left } = stages(&settings, &tools, &frame, (&slots, &ledger), None);
    let put_off_max = settings.claimer.retry_most.max(PUT_OFF_MAX);
    let rescuer = Rescuer { store: tools.store.clone(), rescues, observer: observer.clone() };
    let scheduler = settings.scheduler.map(|schedule| Scheduler {
        store: tools.store.clone(),
        schedule,
        lease: lease.clone(),
        fatal: fatal.clone(),
        put_off_max,
        recipe: tools.recipe,
        fleet: tools.fleet.clone(),
    });
    let leaving = watch::Sender::new(false);
    let upkeep = settings.upkeep.map(|gc| Upkeep {
        store: tools.store.clone(),
        identity: tools.identity.clone(),
        gc,
        lease: lease.clone(),
        leaving: leaving.subscribe(),
        recipe: tools.recipe,
    });
    let (closed, store) = (Arc::<AtomicBool>::default(), tools.store.clone());
    let claimer = Claimer {
        tools,
        session,
        lease: lease.clone(),
        fetcher: mailboxes.fetcher.clone(),
        filler: mailboxes.filler.clone(),
        ledger: ledger.clone(),
        slots,
        selection,
        observer,
        settings: settings.claimer,
        fill: settings.fill,
        hold: hold.clone(),
        closed: closed.clone(),
        fatal: fatal.clone(),
    };
    let (seat, claimer_seat) = watch::channel(None);
    let mut root = Tree::new("root", Strategy::RestForOne, settings.supervision.root())
        .child(claimer_child(claimer, seat))
        .child(line.child())
        .child(fills.child());
    if let Some(scheduler) = scheduler {
        root = root.child(child("scheduler", scheduler));
    }
    root = root.child(child("rescuer", rescuer));
    if let Some(upkeep) = upkeep {
        root = root.child(child("upkeep", upkeep));
    }
    let root = root.start().await?;
    Ok(Running {
        ledger,
        mailboxes,
        root,
        line,
        fills,
        hold,
        left,
        store,
        sums,
        claimer: claimer_seat,
        closed,
        lease,
        leaving,
        fatal,
    })
}

/// The stages with their doors, in two parts of the tree.
pub(crate) struct Stages {
    /// The doors.
    pub(crate) mailboxes: Mailboxes,
    /// What a refresh goes through, and the Storer of both.
    pub(crate) line: Line,
    /// What a fill goes through before that.
    pub(crate) fills: Line,
    /// Whether fills are claimed.
    pub(crate) hold: Hold,
    /// Calls of the provider that do not end.
    pub(crate) left: LeftBehind,
}

/// All stages in the same frame; nothing is started yet. `trying`: as [`Embedder::trying`].
pub(crate) fn stages(
    settings: &Settings,
    tools: &Tools,
    frame: &Frame,
    (slots, ledger): (&Slots, &Ledger),
    trying: Option<ClaimId>,
) -> Stages {
    let Refreshes { line, fetcher, hasher, storer } =
        refreshes(settings, tools, frame, (slots, ledger), Storer { tools: tools.clone() });
    let (filler, filler_receiver) = Mailbox::new("filler", settings.fill.limits());
    let (embedder, embedder_receiver) = Mailbox::new("embedder", settings.embedder.limits());
    let mailboxes = Mailboxes { fetcher, hasher, filler, embedder, storer };
    let workers = settings.supervision.workers();
    // A quarter of the batches is kept for what was just published.
    let room = (settings.embedder.mailbox * 3 / 4).max(1);
    let (hold, left) = (Hold::new(&settings.claimer), LeftBehind::default());
    let fill = Filler {
        next: mailboxes.embedder.clone(),
        tools: tools.clone(),
        room: Arc::new(Semaphore::new(room)),
        lease: frame.lease.clone(),
        hold: hold.clone(),
    };
    let embed = Embedder {
        next: mailboxes.storer.clone(),
        own: mailboxes.embedder.clone(),
        tools: tools.clone(),
        flight: SingleFlight::remembering(settings.embedder.recent),
        looks: Arc::default(),
        pause: Arc::<Pause>::default(),
        hold: hold.clone(),
        left: left.clone(),
        left_max: settings.abandoned_max,
        trying,
        deadline: settings.embedder.text_deadline.into(),
        frame: frame.clone(),
    };
    let fills = Line::builder("fills", settings.supervision.line())
        .pausing(Breaker::new(FILLS_PAUSE.0, FILLS_PAUSE.1))
        .stage(framed(fill, frame), filler_receiver, workers)
        .stage(Arc::new(embed), embedder_receiver, workers)
        .build();
    Stages { mailboxes, line, fills, hold, left }
}

/// What a refresh goes through, with its doors.
pub(crate) struct Refreshes {
    /// The stages.
    pub(crate) line: Line,
    /// In front of the Fetcher.
    pub(crate) fetcher: Mailbox<Claimed>,
    /// In front of the Hasher.
    pub(crate) hasher: Mailbox<Listed>,
    /// In front of the last stage.
    pub(crate) storer: Mailbox<Finished>,
}

/// The stages of a refresh; the last is the Storer, or what stands in its place.
pub(crate) fn refreshes<S: StageWork<Message = Finished>>(
    settings: &Settings,
    tools: &Tools,
    frame: &Frame,
    (slots, ledger): (&Slots, &Ledger),
    last: S,
) -> Refreshes {
    let (fetcher, fetcher_receiver) = Mailbox::new("fetcher", settings.fetcher.limits());
    let (hasher, hasher_receiver) = Mailbox::new("hasher", settings.hasher.limits());
    let (storer, storer_receiver) = Mailbox::new("storer", settings.storer.limits());
    let workers = settings.supervision.workers();
    let fetch = Fetcher {
        next: hasher.clone(),
        tools: tools.clone(),
        slots: slots.clone(),
        ledger: ledger.clone(),
        lease: frame.lease.clone(),
        deadline: settings.fetcher.deadline.into(),
    };
    let hash = Hasher { next: storer.clone(), tools: tools.clone(), deadline: settings.hasher.file_deadline.into() };
    let line = Line::builder("line", settings.supervision.line())
        .stage(framed(fetch, frame), fetcher_receiver, workers)
        .stage(framed(hash, frame), hasher_receiver, workers)
        .stage(framed(last, frame), storer_receiver, workers)
        .build();
    Refreshes { line, fetcher, hasher, storer }
}

fn framed<S>(stage: S, frame: &Frame) -> Arc<Framed<S>> {
    Arc::new(Framed { stage, frame: frame.clone() })
}

fn claimer_child(claimer: Claimer, seat: watch::Sender<Option<ActorRef<ClaimerMessage>>>) -> Child {
    Child::new("claimer", move |supervisor| {
        let (claimer, seat) = (claimer.clone(), seat.clone());
        async move {
            let (actor, _) = Actor::spawn_linked(None, claimer, (), supervisor).await?;
            seat.send_replace(Some(actor.clone()));
            Ok(actor.get_cell())
        }
    })
}

/// A child that starts from a clone of this actor each time.
fn child<A: Actor<Arguments = ()> + Clone + Sync>(name: &'static str, actor: A) -> Child {
    Child::new(name, move |supervisor| {
        let actor = actor.clone();
        async move { Ok(Actor::spawn_linked(None, actor, (), supervisor).await?.0.get_cell()) }
    })
}

impl Running {
    /// What is held now, and what was done since the start.
    #[must_use]
    pub fn measurements(&self) -> Measurements {
        Measurements {
            totals: self.sums.totals(),
            stages: self.mailboxes.gauges(),
            workers: self.mailboxes.occupied(),
            claims: self.ledger.count(),
            abandoned_threads: Abandoned::count() + self.left.count(),
            store: self.store.counters(),
        }
    }

    /// How it is, for who asks from outside.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        Vitals::new(self.root.pulse(), self.lease.clone(), self.closed.clone())
    }

    /// Why this process makes no vectors for now; `None`: it does.
    #[must_use]
    pub fn held(&self) -> Option<Held> {
        self.hold.now()
    }

    /// There may be something to claim: look now.
    pub fn wake(&self) {
        if let Some(claimer) = &*self.claimer.borrow() {
            // A Claimer that just died has a successor, which looks by itself.
            claimer.cast(ClaimerMessage::Wake).ok();
        }
    }

    /// Returns when the pipeline has given up, with the reason: the process should exit non-zero.
    pub async fn failed(&self) -> String {
        tokio::select! {
            ended = self.root.ended() => match ended {
                Ended::Failed(why) => why,
                Ended::Stopped => "the pipeline was stopped".to_owned(),
            },
            why = self.fatal.raised() => why,
            () = Abandoned::exceeded() => "too many threads would not stop".to_owned(),
        }
    }

    /// Stops claiming, lets open jobs come to their end for `grace`, hands the rest back, and ends the tree.
    pub async fn stop(self, grace: Duration) -> Vec<Drained> {
        self.close().await;
        if tokio::time::timeout(grace, self.ledger.empty()).await.is_err() {
            self.ledger.end_all(&Ending::Cancelled("the process is shutting down".to_owned()));
            // A part in the hand of a hung worker stays out; its row is given back by whoever starts next.
            let _ = tokio::time::timeout(DRAIN, self.ledger.empty()).await;
        }
        let mut drained = self.fills.drain(DRAIN).await;
        drained.extend(self.line.drain(DRAIN).await);
        let _ = tokio::time::timeout(DRAIN, self.ledger.empty()).await;
        let measurements = self.measurements();
        self.root.stop().await;
        tracing::debug!(?measurements, "the pipeline stopped");
        drained
    }

    /// Returns when nothing more is claimed and the ledger knows all that was.
    async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.leaving.send_replace(true);
        let claimer = self.claimer.borrow().clone();
        if let Some(claimer) = claimer
            && let Err(error) = ractor::call_t!(claimer, ClaimerMessage::Close, DRAIN.as_millis() as u64)
        {
            tracing::warn!(%error, "the Claimer does not answer; what it claims now goes back to the queue later");
        }
    }
}
