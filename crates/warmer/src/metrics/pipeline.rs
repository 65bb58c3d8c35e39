//! What a running pipeline holds and has summed, as it is observed.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::KeyValue;
use warmer_pipeline::{Measurements, Measuring, Stage};
use warmer_supervision::Wait;

use super::events::{STAGES, of_kind};
use super::instruments::{Instruments, To};
use super::names::{self, Name};

/// Whom to ask: nobody before the pipeline runs, and what it came to once it has ended. A clone asks the same.
#[derive(Clone, Default)]
pub(super) struct Source(Arc<Mutex<State>>);

#[derive(Default)]
enum State {
    #[default]
    Before,
    Runs(Measuring),
    Over(Box<Measurements>),
}

impl Source {
    /// From now on this.
    pub(super) fn runs(&self, measuring: Measuring) {
        self.set(State::Runs(measuring));
    }

    /// The pipeline is over: what it came to is told on, and what it held is let go of.
    pub(super) fn over(&self) {
        if let Some(last) = self.now() {
            self.set(State::Over(Box::new(last)));
        }
    }

    fn now(&self) -> Option<Measurements> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Before => None,
            State::Runs(measuring) => Some(measuring.now()),
            State::Over(last) => Some((**last).clone()),
        }
    }

    fn set(&self, state: State) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

/// How one metric is read from what is measured.
type Read<T> = fn(&Measurements, To<'_, T>);

struct Observing<'a> {
    of: &'a Instruments,
    source: &'a Source,
}

impl Observing<'_> {
    fn reader<T: 'static>(&self, read: Read<T>) -> impl Fn(To<'_, T>) + Send + Sync + 'static {
        let source = self.source.clone();
        move |to| {
            if let Some(now) = source.now() {
                read(&now, to);
            }
        }
    }

    fn gauge(&self, name: &Name, read: Read<u64>) {
        self.of.gauge(name, self.reader(read));
    }

    fn sum(&self, name: &Name, read: Read<u64>) {
        self.of.sum(name, self.reader(read));
    }

    fn time(&self, name: &Name, read: Read<f64>) {
        self.of.time(name, self.reader(read));
    }
}

/// Observes all of it.
pub(super) fn observe(of: &Instruments, source: &Source) {
    let observing = Observing { of, source };
    jobs(&observing);
    stages(&observing);
    provider(&observing);
    store(&observing);
    instance(&observing);
}

fn jobs(of: &Observing<'_>) {
    fn by_kind(to: To<'_, u64>, refreshes: usize, fills: usize) {
        to.observe(refreshes as u64, &[KeyValue::new("kind", "refresh")]);
        to.observe(fills as u64, &[KeyValue::new("kind", "fill")]);
    }
    of.gauge(&names::JOBS_RUNNING, |now, to| by_kind(to, now.claims.refreshes, now.claims.fills));
    of.gauge(&names::JOBS_LIMIT, |now, to| by_kind(to, now.limits.refreshes, now.limits.fills));
    of.sum(&names::JOBS_RESCUED, |now, to| to.observe(now.totals.jobs_rescued, &[]));
}

fn stages(of: &Observing<'_>) {
    /// One value for each stage.
    fn each(to: To<'_, u64>, value: impl Fn(usize) -> u64) {
        for stage in Stage::ALL {
            to.observe(value(stage as usize), &[of_stage(stage)]);
        }
    }
    of.gauge(&names::STAGE_WORKERS, |now, to| each(to, |at| now.workers[at].workers as u64));
    of.gauge(&names::STAGE_MAILBOX_MESSAGES, |now, to| each(to, |at| now.stages[at].inside as u64));
    of.gauge(&names::STAGE_MAILBOX_MESSAGES_LIMIT, |now, to| each(to, |at| now.limits.stages[at].permits() as u64));
    of.gauge(&names::STAGE_MAILBOX_SIZE, |now, to| each(to, |at| now.stages[at].bytes));
    of.gauge(&names::STAGE_MAILBOX_SIZE_LIMIT, |now, to| each(to, |at| now.limits.stages[at].mailbox_bytes));
    of.time(&names::STAGE_WORKER_TIME, |now, to| {
        for stage in Stage::ALL {
            let occupied = &now.workers[stage as usize];
            let state = |state| KeyValue::new("state", state);
            to.observe(occupied.starved.as_secs_f64(), &[of_stage(stage), state("starved")]);
            for (kind, _) in STAGES.into_iter().filter(|(_, stages)| stages.contains(&stage)) {
                let spent = occupied.of_class(kind as usize);
                to.observe(spent.busy.as_secs_f64(), &[of_stage(stage), of_kind(kind), state("busy")]);
                // In a mailbox is a message, and no worker.
                for wait in Wait::ALL.into_iter().filter(|wait| *wait != Wait::Mailbox) {
                    let labels =
                        [of_stage(stage), of_kind(kind), state("blocked"), KeyValue::new("wait", wait.as_str())];
                    to.observe(spent.blocked_by(wait).as_secs_f64(), &labels);
                }
            }
        }
    });
    of.gauge(&names::PARTS_PARKED, |now, to| to.observe(now.parts_parked as u64, &[]));
}

fn provider(of: &Observing<'_>) {
    of.gauge(&names::PROVIDER_AWAY, |now, to| to.observe(now.totals.provider.away.into(), &[]));
    of.sum(&names::PROVIDER_PAUSES, |now, to| to.observe(now.totals.provider.pauses, &[]));
    of.sum(&names::PROVIDER_OUTAGES, |now, to| to.observe(now.totals.provider.outages, &[]));
    of.time(&names::PROVIDER_OUTAGE_TIME, |now, to| to.observe(now.totals.provider.outage_time.as_secs_f64(), &[]));
    of.gauge(&names::FILLS_HELD, |now, to| to.observe(now.fills_held.into(), &[]));
    of.gauge(&names::FILLS_PAUSED, |now, to| to.observe(now.fills_paused.into(), &[]));
}

fn store(of: &Observing<'_>) {
    const POOL: &str = "db.client.connection.pool.name";
    of.gauge(&names::DB_CLIENT_CONNECTION_COUNT, |now, to| {
        for (state, connections) in [("idle", now.connections.idle), ("used", now.connections.used)] {
            let state = KeyValue::new("db.client.connection.state", state);
            to.observe(connections.into(), &[KeyValue::new(POOL, "store"), state]);
        }
    });
    of.gauge(&names::DB_CLIENT_CONNECTION_MAX, |now, to| {
        to.observe(now.connections.most.into(), &[KeyValue::new(POOL, "store")]);
    });
    of.sum(&names::STORE_STALE_FINISHES, |now, to| to.observe(now.store.stale_finishes, &[]));
    of.sum(&names::STORE_UNREADABLE_ARTIFACTS, |now, to| to.observe(now.store.unreadable_artifacts, &[]));
    of.sum(&names::HEARTBEATS_FAILED, |now, to| to.observe(now.totals.heartbeats_failed, &[]));
}

fn instance(of: &Observing<'_>) {
    of.gauge(&names::SLOTS_HELD, |now, to| to.observe(now.totals.slots_held, &[]));
    of.gauge(&names::SLOTS_LACKING, |now, to| {
        for lack in ["slots", "permits"] {
            to.observe((now.short_of == Some(lack)).into(), &[KeyValue::new("lack", lack)]);
        }
    });
    of.sum(&names::SLOTS_STARVED, |now, to| to.observe(now.totals.starved, &[]));
    of.gauge(&names::THREADS_ABANDONED, |now, to| to.observe(now.abandoned_threads as u64, &[]));
}

fn of_stage(stage: Stage) -> KeyValue {
    KeyValue::new("stage", stage.as_str())
}
