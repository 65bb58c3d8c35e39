//! The bounded mailbox of a stage, and the receiver behind it to which the stage's pool is attached.
//!
//! ractor's mailboxes are unbounded, so the bound is in front: a sender takes a permit before it sends, and the permit
//! travels in the message. The mailbox outlives its pool: when the pool dies, the messages queued in it are dropped
//! (their owners notice by `Drop`); senders wait, and go on when the next pool is attached.

use std::fmt;
use std::sync::Arc;

use ractor::factory::{FactoryMessage, FactoryRef};
use ractor::{ActorStatus, MessagingErr};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::capacity::{Capacity, Closed, Gauges, Limits};
use crate::closing::Closing;
use crate::occupancy::{Occupancy, Occupied};
use crate::permit::Permit;

/// What a stage's messages are.
pub trait Load: Send + 'static {
    /// The size that counts against [`Limits::mailbox_bytes`]. Asked once, when the message is sent.
    fn bytes(&self) -> u64;

    /// Which class of messages it is of, where those of a stage are told apart: below [`CLASSES`](crate::CLASSES).
    fn class(&self) -> usize {
        0
    }
}

/// A message on its way through a pool.
pub(crate) struct Envelope<M> {
    pub(crate) message: M,
    pub(crate) queued: Instant,
    pub(crate) permit: Permit<M>,
}

impl<M> Envelope<M> {
    /// From now on it waits for a worker.
    fn of(message: M, mut permit: Permit<M>) -> Self {
        permit.queue();
        Self { message, queued: Instant::now(), permit }
    }
}

pub(crate) type Pool<M> = FactoryRef<(), Envelope<M>>;

/// A message that was not taken; the sender has it back.
#[derive(thiserror::Error)]
pub enum Refused<M> {
    /// The mailbox was closed.
    #[error("the stage is closed and takes no more messages")]
    Closed(M),
    /// No pool sits behind the mailbox just now. Only [`Mailbox::send_reserved`] says so; [`Mailbox::send`] waits for
    /// the next pool.
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

/// The only way into a stage. A clone is the same mailbox.
pub struct Mailbox<M: Load>(Arc<Inner<M>>);

struct Inner<M: Load> {
    name: &'static str,
    capacity: Arc<Capacity>,
    occupancy: Arc<Occupancy>,
    attached: watch::Sender<Attached<M>>,
    closing: Closing,
}

/// A message is dispatched under the read lock of this, and `close` takes the write lock: no message follows the drain
/// request into a pool, where it would be discarded silently.
struct Attached<M: Load> {
    pool: Option<Pool<M>>,
    closed: bool,
}

impl<M: Load> Attached<M> {
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

/// The other end of a mailbox, to which the stage's pools are attached, one after the other. There is one per mailbox.
pub struct Receiver<M: Load> {
    pub(crate) mailbox: Mailbox<M>,
}

impl<M: Load> Mailbox<M> {
    /// A mailbox without a pool behind it yet: senders wait until the line has started one.
    #[must_use]
    pub fn new(name: &'static str, limits: Limits) -> (Self, Receiver<M>) {
        let attached = watch::Sender::new(Attached { pool: None, closed: false });
        let (capacity, occupancy) = (Capacity::new(limits), Occupancy::new());
        let mailbox = Self(Arc::new(Inner { name, capacity, occupancy, attached, closing: Closing::new() }));
        (mailbox.clone(), Receiver { mailbox })
    }

    /// The stage's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.0.capacity.limits()
    }

    /// Waits for a permit (its bytes do not matter) while a pool is there to use it.
    ///
    /// # Errors
    /// [`Closed`] when the mailbox is, or becomes, closed.
    pub async fn reserve(&self) -> Result<Permit<M>, Closed> {
        let permit = Permit::acquire(&self.0.capacity, None).await?;
        let mut attached = self.0.attached.subscribe();
        let usable = attached.wait_for(|attached| attached.closed || attached.running().is_some());
        if usable.await.expect("the sender is held by self").closed { Err(Closed) } else { Ok(permit) }
    }

    /// A permit if there is one now, ahead of those that wait; `None` also while the pool is down and after a close.
    #[must_use]
    pub fn try_reserve(&self) -> Option<Permit<M>> {
        self.0.attached.borrow().running()?;
        Permit::try_acquire(&self.0.capacity, None).ok().flatten()
    }

    /// Waits for a permit and for room for the message's bytes, then for a pool, and hands the message over.
    /// Dropping the future while it waits drops the message.
    ///
    /// # Errors
    /// [`Refused::Closed`] with the message when the mailbox is, or becomes, closed.
    pub async fn send(&self, message: M) -> Result<(), Refused<M>> {
        let Ok(permit) = Permit::acquire(&self.0.capacity, Some(message.bytes())).await else {
            return Err(Refused::Closed(message));
        };
        // Subscribed before the first try, so that a pool attached after it is seen.
        let mut attached = self.0.attached.subscribe();
        let mut envelope = Envelope::of(message, permit);
        loop {
            let refused = attached.borrow_and_update().dispatch(envelope);
            match refused {
                Ok(()) => return Ok(()),
                Err(Refused::Closed(back)) => return Err(Refused::Closed(back.message)),
                Err(Refused::PoolGone(back)) => envelope = back,
            }
            attached.changed().await.expect("the sender is held by self");
        }
    }

    /// Hands a message over with a reserved permit, without waiting: its bytes are counted, but may exceed the bound by
    /// this one message. Only for messages of a few bytes.
    ///
    /// # Errors
    /// [`Refused`] with the message when the mailbox is closed or its pool is down; the permit is given back.
    pub fn send_reserved(&self, mut permit: Permit<M>, message: M) -> Result<(), Refused<M>> {
        permit.add_bytes(message.bytes());
        let envelope = Envelope::of(message, permit);
        self.0.attached.borrow().dispatch(envelope).map_err(|refused| match refused {
            Refused::Closed(back) => Refused::Closed(back.message),
            Refused::PoolGone(back) => Refused::PoolGone(back.message),
        })
    }

    /// Hands over a message that takes no permit: a notification of no size that there may be work the stage keeps
    /// elsewhere. It must get in when every permit is taken, because what it tells of may be what frees them. Dropped
    /// while no pool is there: [`Work::restarted`](crate::Work::restarted) is the time to notify again.
    pub fn notify(&self, notification: M) {
        let envelope = Envelope::of(notification, Permit::free());
        drop(self.0.attached.borrow().dispatch(envelope));
    }

    /// Puts other limits in force at once, for the pool as well. What is inside over a smaller bound stays, and keeps
    /// others out until enough has left.
    pub fn resize(&self, limits: Limits) {
        let attached = self.0.attached.borrow();
        // The mailbox grows before its pool and shrinks after it: there is never a worker more than permits.
        let growing = limits.pool_size() >= self.limits().pool_size();
        if growing {
            self.0.capacity.resize(limits);
        }
        if let Some(pool) = attached.running() {
            // A pool that dies just now is started again with the new number.
            let _ = pool.adjust_worker_pool(limits.pool_size());
        }
        if !growing {
            self.0.capacity.resize(limits);
        }
    }

    /// Refuses waiting and later senders; what is inside stays inside, and a pool that ends from now on is not started
    /// again.
    pub fn close(&self) {
        self.0.attached.send_modify(|attached| attached.closed = true);
        self.0.capacity.close();
        self.0.closing.give();
    }

    /// What the stage holds and how long it lets others wait.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        self.0.capacity.gauges()
    }

    /// What the workers of the stage have done with their time.
    #[must_use]
    pub fn occupied(&self) -> Occupied {
        self.0.occupancy.occupied()
    }

    pub(crate) fn occupancy(&self) -> &Arc<Occupancy> {
        &self.0.occupancy
    }

    pub(crate) fn closing(&self) -> &Closing {
        &self.0.closing
    }

    /// A worker took a message that was queued at this time.
    pub(crate) fn taken(&self, queued: Instant) {
        self.0.capacity.taken(queued.elapsed());
    }

    pub(crate) fn pool(&self) -> Option<Pool<M>> {
        self.0.attached.borrow().pool.clone()
    }

    /// Puts a pool that was started with `workers` workers behind the mailbox, after a dead one.
    pub(crate) fn attach(&self, pool: Pool<M>, workers: usize) {
        self.0.attached.send_modify(|attached| {
            if attached.closed {
                // Nobody will send to it, and the drain that closed the mailbox may have looked for a pool before.
                pool.stop(None);
            }
            let wanted = self.limits().pool_size();
            if wanted != workers {
                let _ = pool.adjust_worker_pool(wanted);
            }
            attached.pool = Some(pool);
        });
    }
}

impl<M: Load> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: Load> fmt::Debug for Mailbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox")
            .field("name", &self.0.name)
            .field("gauges", &self.0.capacity.gauges())
            .finish_non_exhaustive()
    }
}
