//! Who measures a pipeline from outside, whenever it is asked, and for as long as it likes.

use std::sync::Arc;

use warmer_store::Store;
use warmer_supervision::{Abandoned, Breaker, LeftBehind};

use crate::hold::Hold;
use crate::lease::Lease;
use crate::ledger::Ledger;
use crate::live::Live;
use crate::mailboxes::Mailboxes;
use crate::measurements::{Limited, Measurements, Sums};
use crate::settings::Settings;
use crate::slots::Slots;

/// Measures. A clone measures the same pipeline. Nothing here waits: neither for a database nor for a worker.
#[derive(Clone)]
pub struct Measuring {
    pub(crate) sums: Arc<Sums>,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) ledger: Ledger,
    pub(crate) left: LeftBehind,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) settings: Live<Settings>,
    pub(crate) slots: Slots,
    pub(crate) hold: Hold,
    pub(crate) lease: Lease,
    pub(crate) fills_breaker: Breaker,
}

impl Measuring {
    /// What is held now, and what was done since the start.
    #[must_use]
    pub fn now(&self) -> Measurements {
        let settings = self.settings.now();
        Measurements {
            totals: self.sums.totals(),
            stages: self.mailboxes.gauges(),
            workers: self.mailboxes.occupied(),
            claims: self.ledger.count(),
            limits: Limited {
                stages: settings.limits(),
                refreshes: settings.claimer.concurrency,
                fills: settings.fill.concurrency,
            },
            short_of: self.slots.short_of(),
            fills_held: self.hold.now().is_some(),
            fills_paused: self.fills_breaker.is_open(),
            parts_parked: self.lease.parked(),
            abandoned_threads: Abandoned::count() + self.left.count(),
            store: self.store.counters(),
            connections: self.store.connections(),
        }
    }
}
