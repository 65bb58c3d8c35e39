//! The one watch of an attempt: steps that are open, and the timeline of those that are not.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use warmer_supervision::Wait;

use crate::call::Call;
use crate::counters::Stage;
use crate::kept::Kept;
use crate::timeline::{SlowFile, Step, Timeline};

/// What the time of a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// The stage works.
    Work,
    /// It waits.
    Wait(Wait),
    /// Others work on it, and say how long ([`OpenStep::worked`]).
    Elsewhere,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    zero: Instant,
    /// The same moment by the clock on the wall.
    pub(crate) began: SystemTime,
    kept: Kept,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    open: BTreeMap<u64, Live>,
    closed: Timeline,
    child: Option<(Duration, Timeline)>,
}

/// A step, with what it does since when.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) step: Step,
    doing: Doing,
    since: Duration,
}

impl Live {
    pub(crate) fn turn(&mut self, now: Duration, to: Doing) {
        let time = now.saturating_sub(self.since);
        match self.doing {
            Doing::Work => self.step.work += time,
            Doing::Wait(wait) => self.step.waits.add(wait, time),
            Doing::Elsewhere => {}
        }
        (self.since, self.doing, self.step.ended) = (now, to, now);
    }

    /// As if it ended now.
    fn ended(&self, now: Duration) -> Step {
        let mut copy = Self { step: self.step.clone(), ..*self };
        copy.turn(now, copy.doing);
        copy.step
    }
}

impl Stopwatch {
    /// Runs from now on, and keeps so much.
    pub(crate) fn start(kept: Kept) -> Self {
        let inner = Inner { closed: Timeline::of(kept), ..Inner::default() };
        Self { zero: Instant::now(), began: SystemTime::now(), kept, inner: Mutex::new(inner) }
    }

    /// Since the start.
    pub(crate) fn age(&self) -> Duration {
        self.zero.elapsed()
    }

    /// How far after the start this moment was.
    pub(crate) fn at(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.zero)
    }

    /// All so far: a step that is open counts as far as it is.
    pub(crate) fn timeline(&self) -> Timeline {
        let (now, inner) = (self.age(), self.lock());
        let mut timeline = inner.closed.clone();
        inner.open.values().for_each(|live| timeline.add(live.ended(now)));
        if let Some((later, child)) = &inner.child {
            timeline.add_all(child, *later);
        }
        timeline.age = now;
        timeline
    }

    /// What the job's own process, which began then, has done so far.
    pub(crate) fn adopt(&self, began: Instant, child: Timeline) {
        self.lock().child = Some((self.at(began), child));
    }

    /// A file was cut.
    pub(crate) fn file(&self, path: &str, took: Duration) {
        let files = &mut self.lock().closed.files;
        files.seen += 1;
        if files.keeps(took) {
            files.keep(SlowFile { path: path.to_owned(), took });
        }
    }

    /// Nothing of the job runs any more.
    pub(crate) fn reported(&self) {
        let now = self.age();
        self.lock().closed.reported.get_or_insert(now);
    }

    /// A call that belongs to no batch ended.
    pub(crate) fn called(&self, call: Call) {
        self.lock().closed.calls.push(call);
    }

    /// A step begins; gives its number.
    pub(crate) fn open(&self, stage: Stage, arrived: Instant, doing: Doing) -> u64 {
        let (arrived, now) = (self.at(arrived), self.age());
        let mut inner = self.lock();
        let id = inner.next;
        inner.next += 1;
        inner.open.insert(id, Live { step: Step::of(stage, arrived, now, self.kept.calls), doing, since: now });
        id
    }

    /// Changes a step that is open.
    pub(crate) fn on<T>(&self, id: u64, change: impl FnOnce(&mut Live, Duration) -> T) -> Option<T> {
        let now = self.age();
        self.lock().open.get_mut(&id).map(|live| change(live, now))
    }

    /// A step ends; `None`: it has before.
    pub(crate) fn close(&self, id: u64) -> Option<Step> {
        let now = self.age();
        let mut inner = self.lock();
        let step = inner.open.remove(&id)?.ended(now);
        inner.closed.add(step.clone());
        Some(step)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
