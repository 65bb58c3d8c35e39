//! The only door into a stage, and the seat behind it where the stage's pool sits.
//!
//! ractor's mailboxes are unbounded, so the bound is in front: a sender takes a place before it sends, the place travels in the message. The
//! intake outlives its pool: when the pool dies, the messages queued in it are dropped (their owners notice by `Drop`), senders wait, and go
//! on when the next pool is seated.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use ractor::factory::{FactoryMessage, FactoryRef};
use ractor::{ActorStatus, MessagingErr};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::gate::Gate;
use crate::{Closed, Closing, Gauges, Held, Limits};

/// What a stage's messages are.
pub trait Load: Send + 'static {
    /// The size that counts against [`Limits::mailbox_bytes`]. Asked once, when the message is sent.
    fn bytes(&self) -> u64;
}

/// A message on its way through a pool.
pub(crate) struct Envelope<M> {
    pub(crate) message: M,
    pub(crate) queued: Instant,
    pub(crate) place: Held,
}

pub(crate) type Pool<M> = FactoryRef<(), Envelope<M>>;

/// A message that was not taken; the sender has it back.
#[derive(thiserror::Error)]
pub enum Refused<M> {
    /// The intake was closed.
    #[error("the stage is closed and takes no more messages")]
    Closed(M),
    /// No pool sits behind the intake just now. Only [`Intake::send_reserved`] says so; [`Intake::send`] waits for the next pool.
    #[error("the pool of the stage is down and will be started again")]
    PoolGone(M),
}

impl<M> Refused<M> {
    /// The message.
    pub fn into_message(self) -> M {
        match self {
            Self::Closed(message) | Self::PoolGone(message) => message,
        }
    }
}

impl<M> fmt::Debug for Refused<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Refused::Closed",
            Self::PoolGone(_) => "Refused::PoolGone",
        })
    }
}

/// A place taken before there is a message for it. Dropping it gives it back.
#[must_use = "dropping a place gives it back"]
pub struct Place<M> {
    held: Held,
    message: PhantomData<fn(M)>,
}

impl<M> Place<M> {
    fn new(held: Held) -> Self {
        Self { held, message: PhantomData }
    }
}

/// The only door into a stage. A clone is the same door.
pub struct Intake<M: Load>(Arc<Door<M>>);

struct Door<M: Load> {
    name: &'static str,
    gate: Arc<Gate>,
    seat: watch::Sender<Seat<M>>,
    closing: Closing,
}

/// A message is dispatched under the seat's read lock, and `close` takes its write lock: no message follows the drain request into a pool,
/// where it would be discarded without a word.
struct Seat<M: Load> {
    pool: Option<Pool<M>>,
    closed: bool,
}

impl<M: Load> Seat<M> {
    fn running(&self) -> Option<&Pool<M>> {
        self.pool.as_ref().filter(|pool| pool.get_status() < ActorStatus::Draining)
    }

    fn dispatch(&self, envelope: Envelope<M>) -> Result<(), Refused<Envelope<M>>> {
        if self.closed {
            return Err(Refused::Closed(envelope));
        }
        let Some(pool) = &self.pool else {
            return Err(Refused::PoolGone(envelope));
        };
        pool.dispatch((), envelope).map_err(|error| match *error {
            MessagingErr::SendErr(FactoryMessage::Dispatch(job)) => Refused::PoolGone(job.msg),
            other => unreachable!("a typed reference to a local pool hands a refused message back, not {other}"),
        })
    }
}

/// Where the keeper of a stage puts its pools. There is one per intake, so one keeper.
pub struct PoolSeat<M: Load> {
    pub(crate) intake: Intake<M>,
}

impl<M: Load> Intake<M> {
    /// A door without a pool behind it yet: senders wait until the line has started one.
    #[must_use]
    pub fn new(name: &'static str, limits: Limits) -> (Self, PoolSeat<M>) {
        let (gate, seat) = (Gate::new(limits), watch::Sender::new(Seat { pool: None, closed: false }));
        let intake = Self(Arc::new(Door { name, gate, seat, closing: Closing::new() }));
        (intake.clone(), PoolSeat { intake })
    }

    /// The stage's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.0.gate.limits()
    }

    /// Waits for a place (its bytes do not matter) while a pool is there to use it.
    ///
    /// # Errors
    /// [`Closed`] when the intake is, or becomes, closed.
    pub async fn reserve(&self) -> Result<Place<M>, Closed> {
        let held = self.0.gate.enter(None).await?;
        let mut seat = self.0.seat.subscribe();
        let seat =
            seat.wait_for(|seat| seat.closed || seat.running().is_some()).await.expect("the sender is held by self");
        if seat.closed { Err(Closed) } else { Ok(Place::new(held)) }
    }

    /// A place if there is one now, ahead of those that wait; `None` also while the pool is down and after a close.
    #[must_use]
    pub fn try_reserve(&self) -> Option<Place<M>> {
        self.0.seat.borrow().running()?;
        self.0.gate.try_enter(None).ok().flatten().map(Place::new)
    }

    /// Waits for a place and for room for the message's bytes, then for a pool, and hands the message over.
    /// Dropping the future while it waits drops the message.
    ///
    /// # Errors
    /// [`Refused::Closed`] with the message when the intake is, or becomes, closed.
    pub async fn send(&self, message: M) -> Result<(), Refused<M>> {
        let Ok(place) = self.0.gate.enter(Some(message.bytes())).await else {
            return Err(Refused::Closed(message));
        };
        // Subscribed before the first try, so that a pool seated after it is seen.
        let mut seat = self.0.seat.subscribe();
        let mut envelope = Envelope { message, queued: Instant::now(), place };
        loop {
            let refused = seat.borrow_and_update().dispatch(envelope);
            match refused {
                Ok(()) => return Ok(()),
                Err(Refused::Closed(back)) => return Err(Refused::Closed(back.message)),
                Err(Refused::PoolGone(back)) => envelope = back,
            }
            seat.changed().await.expect("the sender is held by self");
        }
    }

    /// Hands a message over into a reserved place, without waiting: its bytes are counted, but may exceed the bound by this one message.
    /// Only for messages of a few bytes.
    ///
    /// # Errors
    /// [`Refused`] with the message when the intake is closed or its pool is down; the place is given back.
    pub fn send_reserved(&self, place: Place<M>, message: M) -> Result<(), Refused<M>> {
        let mut place = place.held;
        place.weigh(message.bytes());
        let envelope = Envelope { message, queued: Instant::now(), place };
        self.0.seat.borrow().dispatch(envelope).map_err(|refused| match refused {
            Refused::Closed(back) => Refused::Closed(back.message),
            Refused::PoolGone(back) => Refused::PoolGone(back.message),
        })
    }

    /// Hands over a message that takes no place: a hint of no size that there may be work the stage keeps elsewhere. It must get in when every
    /// place is taken, because what it hints at may be what frees them. Dropped while no pool is there: [`Work::restarted`](crate::Work::restarted)
    /// is the time to hint again.
    pub fn poke(&self, hint: M) {
        let envelope = Envelope { message: hint, queued: Instant::now(), place: Held::free() };
        drop(self.0.seat.borrow().dispatch(envelope));
    }

    /// Puts other limits in force at once, for the pool as well. What is inside over a smaller bound stays, and keeps others out
    /// until enough has left.
    pub fn resize(&self, limits: Limits) {
        let seat = self.0.seat.borrow();
        // The intake grows before its pool and shrinks after it: there is never a worker more than places.
        let growing = limits.pool_size() >= self.limits().pool_size();
        if growing {
            self.0.gate.resize(limits);
        }
        if let Some(pool) = seat.running() {
            // A pool that dies just now is started again with the new number.
            let _ = pool.adjust_worker_pool(limits.pool_size());
        }
        if !growing {
            self.0.gate.resize(limits);
        }
    }

    /// Refuses waiting and later senders; what is inside stays inside, and a pool that ends from now on is not started again.
    pub fn close(&self) {
        self.0.seat.send_modify(|seat| seat.closed = true);
        self.0.gate.close();
        self.0.closing.give();
    }

    /// What the stage holds and how long it lets others wait.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        self.0.gate.gauges()
    }

    pub(crate) fn closing(&self) -> &Closing {
        &self.0.closing
    }

    /// A worker took a message that was queued at this time.
    pub(crate) fn taken(&self, queued: Instant) {
        self.0.gate.taken(queued.elapsed());
    }

    pub(crate) fn pool(&self) -> Option<Pool<M>> {
        self.0.seat.borrow().pool.clone()
    }

    /// Puts a pool that was started with `workers` workers behind the intake, in place of a dead one.
    pub(crate) fn seat(&self, pool: Pool<M>, workers: usize) {
        self.0.seat.send_modify(|seat| {
            if seat.closed {
                // Nobody will send to it, and the drain that closed the intake may have looked for a pool before.
                pool.stop(None);
            }
            let wanted = self.limits().pool_size();
            if wanted != workers {
                let _ = pool.adjust_worker_pool(wanted);
            }
            seat.pool = Some(pool);
        });
    }
}

impl<M: Load> Clone for Intake<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: Load> fmt::Debug for Intake<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake")
            .field("name", &self.0.name)
            .field("gauges", &self.0.gate.gauges())
            .finish_non_exhaustive()
    }
}
