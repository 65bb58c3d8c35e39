//! What the workers of a pool do with their time: each moment of each worker is one [`Activity`], and is measured as
//! that.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What a message, or the worker that has it, waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wait {
    /// A worker: the message is in its stage's mailbox.
    Mailbox,
    /// Room in the mailbox of the next stage.
    NextStage,
    /// The lease.
    Lease,
    /// Whoever works on the parts of a message one by one, together with those of others.
    Session,
    /// A database.
    Database,
    /// Who is asked over a network, but no database.
    Remote,
    /// Refreshes, which go first.
    Refresh,
    /// The delay after a crash.
    Restart,
}

impl Wait {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Mailbox,
        Self::NextStage,
        Self::Lease,
        Self::Session,
        Self::Database,
        Self::Remote,
        Self::Refresh,
        Self::Restart,
    ];

    /// As output and metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::NextStage => "next_stage",
            Self::Lease => "lease",
            Self::Session => "session",
            Self::Database => "database",
            Self::Remote => "remote",
            Self::Refresh => "refresh",
            Self::Restart => "restart",
        }
    }
}

/// What a worker does at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It has no message.
    Starved,
    /// It works.
    Busy,
    /// It has a message, and waits: it is blocked.
    Blocked(Wait),
}

const KINDS: usize = 2 + Wait::ALL.len();

/// Classes of messages that are told apart: see [`Load::class`](crate::Load::class).
pub const CLASSES: usize = 2;

impl Activity {
    fn index(self) -> usize {
        match self {
            Self::Starved => 0,
            Self::Busy => 1,
            Self::Blocked(wait) => 2 + wait as usize,
        }
    }
}

/// How long the workers of a pool, all together, have been at what. Sums only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupied {
    /// Workers that are there now.
    pub workers: usize,
    /// Without a message.
    pub starved: Duration,
    /// At work.
    pub busy: Duration,
    blocked: [Duration; Wait::ALL.len()],
    classes: [Spent; CLASSES],
}

/// How long they have had messages of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// At work.
    pub busy: Duration,
    blocked: [Duration; Wait::ALL.len()],
}

impl Spent {
    /// Waiting for this.
    #[must_use]
    pub fn blocked_by(&self, wait: Wait) -> Duration {
        self.blocked[wait as usize]
    }

    fn since(&self, earlier: &Self) -> Self {
        Self {
            busy: self.busy.saturating_sub(earlier.busy),
            blocked: std::array::from_fn(|at| self.blocked[at].saturating_sub(earlier.blocked[at])),
        }
    }
}

impl Occupied {
    /// With a message, and waiting for this.
    #[must_use]
    pub fn blocked_by(&self, wait: Wait) -> Duration {
        self.blocked[wait as usize]
    }

    /// With a message, and waiting for anything.
    #[must_use]
    pub fn blocked(&self) -> Duration {
        self.blocked.iter().sum()
    }

    /// With a message of this class; of all classes together it is what is told without one.
    #[must_use]
    pub fn of_class(&self, class: usize) -> Spent {
        self.classes[class.min(CLASSES - 1)]
    }

    /// What was added since an earlier measurement of the same pool.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            workers: self.workers,
            starved: self.starved.saturating_sub(earlier.starved),
            busy: self.busy.saturating_sub(earlier.busy),
            blocked: std::array::from_fn(|at| self.blocked[at].saturating_sub(earlier.blocked[at])),
            classes: std::array::from_fn(|at| self.classes[at].since(&earlier.classes[at])),
        }
    }
}

/// Measures the workers of one stage, whatever pool they belong to.
#[derive(Debug)]
pub(crate) struct Occupancy(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    until: Instant,
    workers: [[u32; KINDS]; CLASSES],
    spent: [[Duration; KINDS]; CLASSES],
}

impl Occupancy {
    pub(crate) fn new() -> Arc<Self> {
        let (workers, spent) = ([[0; KINDS]; CLASSES], [[Duration::ZERO; KINDS]; CLASSES]);
        Arc::new(Self(Mutex::new(Inner { until: Instant::now(), workers, spent })))
    }

    /// Up to now.
    pub(crate) fn occupied(&self) -> Occupied {
        let mut inner = self.lock();
        inner.advance();
        let workers = inner.workers.iter().flatten().sum::<u32>() as usize;
        let mut all = Occupied { workers, ..Occupied::default() };
        for (class, [starved, busy, blocked @ ..]) in inner.spent.into_iter().enumerate() {
            all.starved += starved;
            all.busy += busy;
            all.blocked.iter_mut().zip(blocked).for_each(|(sum, time)| *sum += time);
            all.classes[class] = Spent { busy, blocked };
        }
        all
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn advance(&mut self) {
        let now = Instant::now();
        let time = now.saturating_duration_since(self.until);
        self.until = now;
        for (spent, workers) in self.spent.iter_mut().flatten().zip(self.workers.iter().flatten()) {
            *spent += time * *workers;
        }
    }
}

/// What a worker does, with a message of which class; without one, of the class that it had last.
type Doing = (usize, Activity);

/// One worker, as it is measured: it says what it turns to. The last clone that is dropped takes it out.
#[derive(Clone)]
pub struct Seat(Option<Arc<Taken>>);

struct Taken {
    occupancy: Arc<Occupancy>,
    now: Mutex<Doing>,
}

impl Seat {
    /// Of a worker that is measured by nobody.
    #[must_use]
    pub fn unmeasured() -> Self {
        Self(None)
    }

    /// Of a new worker, which has no message yet.
    pub(crate) fn take(occupancy: &Arc<Occupancy>) -> Self {
        let mut inner = occupancy.lock();
        inner.advance();
        inner.workers[0][Activity::Starved.index()] += 1;
        drop(inner);
        Self(Some(Arc::new(Taken { occupancy: occupancy.clone(), now: Mutex::new((0, Activity::Starved)) })))
    }

    /// From now on the worker does this.
    pub fn turn(&self, to: Activity) {
        self.change(|(class, _)| (class, to));
    }

    /// It has a message of this class now, and works on it.
    pub(crate) fn begin(&self, class: usize) {
        self.change(|_| (class.min(CLASSES - 1), Activity::Busy));
    }

    fn change(&self, to: impl FnOnce(Doing) -> Doing) {
        let Some(taken) = &self.0 else { return };
        let mut now = taken.now.lock().unwrap_or_else(PoisonError::into_inner);
        let (from, to) = (*now, to(*now));
        *now = to;
        if from != to {
            let mut inner = taken.occupancy.lock();
            inner.advance();
            inner.workers[from.0][from.1.index()] -= 1;
            inner.workers[to.0][to.1.index()] += 1;
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let (class, activity) = *self.now.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut inner = self.occupancy.lock();
        inner.advance();
        inner.workers[class][activity.index()] -= 1;
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Seat" } else { "Seat(unmeasured)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole time of the workers, of which `begun` and `until` are the ends.
    fn all(occupied: &Occupied) -> Duration {
        occupied.starved + occupied.busy + occupied.blocked()
    }

    #[test]
    fn each_moment_of_each_worker_is_measured_as_what_it_does() {
        let occupancy = Occupancy::new();
        let began = Instant::now();
        let (one, two) = (Seat::take(&occupancy), Seat::take(&occupancy));
        one.turn(Activity::Busy);
        two.turn(Activity::Busy);
        two.turn(Activity::Blocked(Wait::Database));
        let clone = two.clone();
        drop(two);
        while began.elapsed() < Duration::from_millis(2) {}
        let occupied = occupancy.occupied();
        assert_eq!(occupied.workers, 2, "a clone is the same worker");
        assert!(all(&occupied) <= began.elapsed() * 2 && all(&occupied) >= Duration::from_millis(3), "{occupied:?}");
        assert!(occupied.busy >= Duration::from_millis(1), "{occupied:?}");
        assert_eq!(occupied.blocked(), occupied.blocked_by(Wait::Database));
        clone.begin(1);
        one.begin(0);
        let again = Instant::now();
        while again.elapsed() < Duration::from_millis(2) {}
        let told_apart = occupancy.occupied();
        let [zero, second] = [0, 1].map(|class| told_apart.of_class(class));
        assert!(second.busy >= Duration::from_millis(1), "{told_apart:?}");
        assert_eq!(second.blocked_by(Wait::Database), Duration::ZERO, "it waited with a message of the first class");
        assert_eq!(zero.busy + second.busy, told_apart.busy);
        drop((one, clone));
        let gone = occupancy.occupied();
        let later = occupancy.occupied();
        assert_eq!((gone.workers, later.since(&gone)), (0, Occupied::default()), "nobody is there any more");
    }
}
