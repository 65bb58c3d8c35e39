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

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ractor::{Actor, ActorRef};
use tokio::sync::watch;
use warmer_store::ClaimId;
use warmer_supervision::{Abandoned, Breaker, Child, LeftBehind, Line, Mailbox, Strategy, Tree};

use crate::batch::{Claimed, Finished, Listed};
use crate::claimer::{Claimer, ClaimerMessage};
use crate::embedder::Embedder;
use crate::fatal::Fatal;
use crate::fetcher::Fetcher;
use crate::filler::Filler;
use crate::hasher::Hasher;
use crate::hold::Hold;
use crate::lease::Lease;
use crate::ledger::Ledger;
use crate::live::Live;
use crate::mailboxes::Mailboxes;
use crate::measurements::Sums;
use crate::observer::Observer;
use crate::pause::Pause;
use crate::places::Places;
use crate::registration::Registered;
use crate::rescuer::{Rescuer, Rescues};
use crate::running::Running;
use crate::scheduler::Scheduler;
use crate::selection::Selection;
use crate::session::Session;
use crate::settings::Settings;
use crate::single_flight::SingleFlight;
use crate::slots::Slots;
use crate::stage::{Frame, Framed, StageWork};
use crate::storer::Storer;
use crate::tools::Tools;
use crate::tuner::Tuner;
use crate::upkeep::Upkeep;

/// For how long fills are paused that die too often, at first and at most.
const FILLS_PAUSE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_mins(10));

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
    let (slots, sums) = (Slots::new(settings.jobs()), Arc::new(Sums::default()));
    let observer = observer.and(sums.clone());
    let (ledger, rescues) = (Ledger::new(observer.clone()), Rescues::default());
    let lease = Lease::new(settings.self_fencing);
    let fatal = Fatal::default();
    let (supervision, schedules) = (settings.supervision.root(), settings.scheduler.is_some());
    let (keeps_up, settings) = (settings.upkeep.is_some(), Live::new(settings));
    let session = Session {
        store: tools.store.clone(),
        identity: tools.identity.clone(),
        takes: selection.takes(),
        settings: settings.clone(),
        fleet: tools.fleet.clone(),
        lease: lease.clone(),
        ledger: ledger.clone(),
        rescues: rescues.clone(),
        first: Arc::new(Mutex::new(Some(registered.0))),
        fatal: fatal.clone(),
        observer: observer.clone(),
    };
    let frame = Frame { lease: lease.clone(), faults: tools.faults.clone(), observer: observer.clone() };
    let Stages { mailboxes, line, fills, fills_breaker, hold, pause, left, room } =
        stages(&settings, &tools, &frame, (&slots, &ledger), None);
    let rescuer = Rescuer { store: tools.store.clone(), rescues, observer: observer.clone() };
    let scheduler = schedules.then(|| Scheduler {
        store: tools.store.clone(),
        settings: settings.clone(),
        lease: lease.clone(),
        fatal: fatal.clone(),
        recipe: tools.recipe,
        fleet: tools.fleet.clone(),
        observer: observer.clone(),
    });
    let leaving = watch::Sender::new(false);
    let upkeep = keeps_up.then(|| Upkeep {
        store: tools.store.clone(),
        identity: tools.identity.clone(),
        settings: settings.clone(),
        lease: lease.clone(),
        leaving: leaving.subscribe(),
        recipe: tools.recipe,
        observer: observer.clone(),
    });
    let (closed, store) = (Arc::<AtomicBool>::default(), tools.store.clone());
    let claimer = Claimer {
        tools: tools.clone(),
        session,
        lease: lease.clone(),
        fetcher: mailboxes.fetcher.clone(),
        filler: mailboxes.filler.clone(),
        ledger: ledger.clone(),
        slots: slots.clone(),
        selection,
        observer,
        settings: settings.clone(),
        hold: hold.clone(),
        closed: closed.clone(),
        fatal: fatal.clone(),
    };
    let (seat, claimer_seat) = watch::channel(None);
    let mut root = Tree::new("root", Strategy::RestForOne, supervision)
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
    let tuner = Tuner { settings, mailboxes: mailboxes.clone(), slots, room, tools, claimer: claimer_seat };
    Ok(Running {
        ledger,
        mailboxes,
        root,
        line,
        fills,
        fills_breaker,
        hold,
        pause,
        left,
        store,
        sums,
        closed,
        lease,
        leaving,
        fatal,
        tuner,
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
    /// Whether that part is paused.
    pub(crate) fills_breaker: Breaker,
    /// Whether fills are claimed.
    pub(crate) hold: Hold,
    /// Whether the provider is left alone.
    pub(crate) pause: Arc<Pause>,
    /// Calls of the provider that do not end.
    pub(crate) left: LeftBehind,
    /// For the batches of bulk fills.
    pub(crate) room: Places,
}

/// All stages in the same frame; nothing is started yet. `trying`: as [`Embedder::trying`].
pub(crate) fn stages(
    settings: &Live<Settings>,
    tools: &Tools,
    frame: &Frame,
    (slots, ledger): (&Slots, &Ledger),
    trying: Option<ClaimId>,
) -> Stages {
    let Refreshes { line, fetcher, hasher, storer } =
        refreshes(settings, tools, frame, (slots, ledger), Storer { tools: tools.clone() });
    let now = settings.now();
    let (filler, filler_receiver) = Mailbox::new("filler", now.fill.limits());
    let (embedder, embedder_receiver) = Mailbox::new("embedder", now.embedder.limits());
    let mailboxes = Mailboxes { fetcher, hasher, filler, embedder, storer };
    let (workers, room) = (now.supervision.workers(), Places::new(now.bulk_batches()));
    let (hold, pause, left) = (Hold::new(settings.clone()), Arc::<Pause>::default(), LeftBehind::default());
    let fill = Filler {
        next: mailboxes.embedder.clone(),
        tools: tools.clone(),
        room: room.clone(),
        lease: frame.lease.clone(),
        hold: hold.clone(),
    };
    let embed = Embedder {
        next: mailboxes.storer.clone(),
        own: mailboxes.embedder.clone(),
        tools: tools.clone(),
        ledger: ledger.clone(),
        flight: SingleFlight::remembering(now.embedder.recent),
        looks: Arc::default(),
        pause: pause.clone(),
        hold: hold.clone(),
        left: left.clone(),
        left_max: now.abandoned_max,
        trying,
        settings: settings.clone(),
        frame: frame.clone(),
    };
    let fills_breaker = Breaker::new(FILLS_PAUSE.0, FILLS_PAUSE.1);
    let fills = Line::builder("fills", now.supervision.line())
        .pausing(fills_breaker.clone())
        .stage(framed(fill, frame), filler_receiver, workers)
        .stage(Arc::new(embed), embedder_receiver, workers)
        .build();
    Stages { mailboxes, line, fills, fills_breaker, hold, pause, left, room }
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
    settings: &Live<Settings>,
    tools: &Tools,
    frame: &Frame,
    (slots, ledger): (&Slots, &Ledger),
    last: S,
) -> Refreshes {
    let now = settings.now();
    let (fetcher, fetcher_receiver) = Mailbox::new("fetcher", now.fetcher.limits());
    let (hasher, hasher_receiver) = Mailbox::new("hasher", now.hasher.limits());
    let (storer, storer_receiver) = Mailbox::new("storer", now.storer.limits());
    let workers = now.supervision.workers();
    let fetch = Fetcher {
        next: hasher.clone(),
        tools: tools.clone(),
        slots: slots.clone(),
        ledger: ledger.clone(),
        lease: frame.lease.clone(),
        settings: settings.clone(),
    };
    let hash = Hasher { next: storer.clone(), tools: tools.clone(), settings: settings.clone() };
    let line = Line::builder("line", now.supervision.line())
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
