//! A job in a child process of its own, as the child sees it: the line of stages and one ticket, without a claimer.
//!
//! It has no instance, no session and no locks of its own, and takes nothing out of the queue: it writes under the
//! claim that its parent holds, for as long as the parent's lease goes, and reports how it ended.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::interval;
use warmer_store::{Claim, ClaimId};
use warmer_supervision::{Strategy, Tree, frame, inside};
use warmer_traces::names;

use crate::batch::{Claimed, Lacking};
use crate::ending::Ending;
use crate::lease::Lease;
use crate::ledger::Ledger;
use crate::live::Live;
use crate::mailboxes::Mailboxes;
use crate::message::{FromChild, Order, ToChild, read, written};
use crate::observer::Observer;
use crate::settings::Settings;
use crate::slots::{Slot, Slots};
use crate::stage::Frame;
use crate::ticket::{Report, Ticket};
use crate::told::ToTell;
use crate::tools::Tools;
use crate::tree::{Stages, stages};

/// How often the parent hears what was done.
const TELL: Duration = Duration::from_secs(1);

/// The process that started this one.
pub struct Parent {
    orders: mpsc::UnboundedReceiver<ToChild>,
    out: Out,
    to_tell: Arc<ToTell>,
}

/// The pipe to the parent.
#[derive(Clone)]
struct Out(Arc<Mutex<File>>);

impl Out {
    fn tell(&self, message: &FromChild) -> io::Result<()> {
        let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        frame::write(&mut *pipe, &written(message)?)
    }
}

impl Parent {
    /// Reads the first message from stdin.
    ///
    /// # Errors
    /// When there is none: this process was not started by a pipeline.
    pub fn order() -> io::Result<Order> {
        let message = frame::read(&mut io::stdin().lock())?;
        read(
            &message
                .ok_or_else(|| io::Error::other("this command is started by `warmer` itself, with a job to run"))?,
        )
    }

    /// Hears the parent from now on, on a thread; when it is gone this process ends at once. Stdout is what the parent
    /// hears.
    ///
    /// # Errors
    /// When the system has no thread or no file left.
    #[expect(
        clippy::disallowed_methods,
        reason = "a bound would let the settling wait for who listens; each job sends a handful"
    )]
    pub fn hear() -> io::Result<Self> {
        let out = Out(Arc::new(Mutex::new(File::from(io::stdout().as_fd().try_clone_to_owned()?))));
        let (give, orders) = mpsc::unbounded_channel();
        let ours = out.clone();
        std::thread::Builder::new().name("parent".to_owned()).spawn(move || {
            // A job that is done needs no orders; the end of stdin still ends the process.
            let heard = inside::serve(|message, _| {
                give.send(read(&message)?).ok();
                Ok(())
            });
            if let Err(error) = heard {
                // Nobody could end it any more, and it would not know until when it may work.
                let ending = Ending::Unfit(format!("the job's own process cannot hear us: {error}"));
                let (figures, timeline, told) = (vec![], Box::default(), vec![]);
                ours.tell(&FromChild::Ended { figures, timeline, told, ending }).ok();
                std::process::exit(0);
            }
        })?;
        Ok(Self { orders, out, to_tell: Arc::default() })
    }

    /// Tells how the job ended; the last word.
    ///
    /// # Errors
    /// When the parent does not hear any more.
    pub fn tell_end(&self, ticket: Option<&Ticket>, ending: Ending) -> io::Result<()> {
        let figures = ticket.map(|ticket| ticket.counters.figures()).unwrap_or_default();
        let timeline = ticket.map(|ticket| Box::new(ticket.timeline())).unwrap_or_default();
        self.out.tell(&FromChild::Ended { figures, timeline, told: self.to_tell.take(), ending })
    }
}

/// Runs the job of this order to its end, and tells the parent.
///
/// # Errors
/// When the parent does not hear any more.
pub async fn work(order: &Order, mut tools: Tools, mut settings: Settings, mut parent: Parent) -> io::Result<()> {
    let observer = Observer::of(vec![parent.to_tell.clone()]);
    let claim = match observer.database(names::DB_CLAIMED, tools.store.claimed(ClaimId(order.claim))).await {
        Ok(Some(claim)) => claim,
        Ok(None) => return parent.tell_end(None, Ending::Cancelled("the claim was lost".to_owned())),
        Err(error) => return parent.tell_end(None, Ending::from(&error)),
    };
    if let Some(ending) = changed(order, &tools, &claim) {
        return parent.tell_end(None, ending);
    }
    (tools.recipe, tools.fills) = (order.recipe, order.fills);
    let trying = claim.fill.is_some().then_some(claim.id);
    if trying.is_some() {
        // Of several texts in hand nobody could tell which was to blame.
        settings.embedder.workers = 1;
    }
    let lease = Lease::new(settings.self_fencing);
    let settings = Live::new(settings);
    let ledger = Ledger::default();
    let frame = Frame { lease: lease.clone(), faults: tools.faults.clone(), observer };
    let Stages { mailboxes, line, fills, .. } = stages(&settings, &tools, &frame, (&Slots::new(1), &ledger), trying);
    let tree = Tree::new("child", Strategy::OneForOne, settings.now().supervision.line()).child(line.child());
    let started = if trying.is_some() { tree.child(fills.child()) } else { tree }.start().await;
    let root = match started {
        Ok(root) => root,
        Err(error) => return parent.tell_end(None, Ending::Lost(format!("an actor could not be started: {error}"))),
    };
    let (ticket, mut reports) = open(&tools, claim, &ledger, &mailboxes).await;
    let (began, mut ticks) = (Instant::now(), interval(TELL));
    let ending = loop {
        tokio::select! {
            Some(Report { ending, .. }) = reports.recv() => break ending,
            Some(order) = parent.orders.recv() => match order {
                ToChild::Lease { from, time } => lease.extend(began + from + time),
                ToChild::End => ticket.end(Ending::Cancelled("the parent wants the job to end".to_owned())),
            },
            _ = ticks.tick() => {
                let progressed = ticket.idle() <= TELL;
                let (figures, timeline) = (ticket.counters.figures(), Box::new(ticket.timeline()));
                let (at, told) = (began.elapsed(), parent.to_tell.take());
                parent.out.tell(&FromChild::Goes { at, figures, timeline, told, progressed })?;
            }
            ended = root.ended() => break Ending::Lost(format!("the stages gave up: {ended:?}")),
        }
    };
    parent.tell_end(Some(&ticket), ending)
}

/// Why this process would not make what its parent means. A refresh only names the model.
fn changed(order: &Order, tools: &Tools, claim: &Claim) -> Option<Ending> {
    let same_model = claim.fill.is_none() || order.recipe.embedding == tools.recipe.embedding;
    let same = order.recipe.chunking == tools.recipe.chunking && same_model;
    (!same).then(|| Ending::Unfit("the model changed since this instance started: start it anew".to_owned()))
}

/// Opens the ticket and sends its first part on its way. The parent's slot is its own.
#[expect(
    clippy::disallowed_methods,
    reason = "a bound would let the settling wait for who listens; each job sends a handful"
)]
async fn open(
    tools: &Tools,
    claim: Claim,
    ledger: &Ledger,
    mailboxes: &Mailboxes,
) -> (Arc<Ticket>, mpsc::UnboundedReceiver<Report>) {
    let (span, _) = tools.tracer.attempt(&claim);
    let (give, reports) = mpsc::unbounded_channel();
    // Who waits for it is gone only with the process.
    let (ticket, part) = tools.open(claim, span, Arc::new(move |report| drop(give.send(report))));
    ledger.open(ticket.clone());
    ledger.hold_slot(ticket.claim.id, Slot::of_parent());
    // A pool that just died drops the message, and its part reports.
    match &ticket.claim.fill {
        None => mailboxes.fetcher.send(Claimed { part }).await.ok(),
        Some(_) => mailboxes.filler.send(Lacking { part }).await.ok(),
    };
    (ticket, reports)
}
