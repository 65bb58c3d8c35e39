//! Faults at the edges of the stages.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use async_trait::async_trait;
use tokio::sync::{Notify, Semaphore};
use warmer_pipeline::{Edge, Faults, Stage};
use warmer_supervision::Crash;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The worker gets an error and dies.
    Error,
    /// The worker panics.
    Panic,
    /// Nothing happens any more.
    Stall,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Error, Self::Panic, Self::Stall];
}

/// One fault at one edge of one stage, a number of times.
#[derive(Debug)]
pub struct At {
    stage: Stage,
    edge: Edge,
    kind: Kind,
    /// Passes of this edge before the first fault.
    after: usize,
    times: usize,
    passed: AtomicUsize,
    /// How often it happened.
    pub fired: AtomicUsize,
}

impl At {
    /// The fault happens at the first `times` passes.
    #[must_use]
    pub fn new(stage: Stage, edge: Edge, kind: Kind, times: usize) -> Self {
        Self { stage, edge, kind, after: 0, times, passed: AtomicUsize::new(0), fired: AtomicUsize::new(0) }
    }

    /// It lets so many pass first.
    #[must_use]
    pub fn after(mut self, passes: usize) -> Self {
        self.after = passes;
        self
    }
}

#[async_trait]
impl Faults for At {
    async fn at(&self, stage: Stage, edge: Edge) -> Result<(), Crash> {
        if (stage, edge) != (self.stage, self.edge) {
            return Ok(());
        }
        let pass = self.passed.fetch_add(1, SeqCst);
        if pass < self.after || pass >= self.after + self.times {
            return Ok(());
        }
        self.fired.fetch_add(1, SeqCst);
        match self.kind {
            Kind::Error => Err(Crash("a fault of the test".into())),
            Kind::Panic => panic!("a fault of the test"),
            Kind::Stall => std::future::pending().await,
        }
    }
}

/// Holds a stage at one edge until it is let go; tells how many are held.
#[derive(Debug)]
pub struct Hold {
    stage: Stage,
    edge: Edge,
    gate: Semaphore,
    held: AtomicUsize,
    arrived: Notify,
}

impl Hold {
    /// Everybody is held.
    #[must_use]
    pub fn new(stage: Stage, edge: Edge) -> Self {
        let (gate, held, arrived) = (Semaphore::new(0), AtomicUsize::new(0), Notify::new());
        Self { stage, edge, gate, held, arrived }
    }

    /// Returns when so many have been held.
    pub async fn reached(&self, count: usize) {
        loop {
            let arrival = self.arrived.notified();
            if self.held.load(SeqCst) >= count {
                return;
            }
            arrival.await;
        }
    }

    /// Lets one go, of those that are held or come.
    pub fn pass(&self) {
        self.gate.add_permits(1);
    }

    /// Lets everybody go, from now on.
    pub fn release(&self) {
        self.gate.close();
    }
}

#[async_trait]
impl Faults for Hold {
    async fn at(&self, stage: Stage, edge: Edge) -> Result<(), Crash> {
        if (stage, edge) == (self.stage, self.edge) && !self.gate.is_closed() {
            self.held.fetch_add(1, SeqCst);
            self.arrived.notify_waiters();
            // An error where the gate is closed; what was acquired is not for the next one.
            if let Ok(permit) = self.gate.acquire().await {
                permit.forget();
            }
        }
        Ok(())
    }
}
