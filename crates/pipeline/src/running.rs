//! A pipeline that runs: what is held in it, how it is tuned, and its end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use warmer_store::Store;
use warmer_supervision::{Abandoned, Breaker, Drained, Ended, LeftBehind, Line, Root};

use crate::claimer::ClaimerMessage;
use crate::ending::Ending;
use crate::fatal::Fatal;
use crate::hold::{Held, Hold};
use crate::lease::Lease;
use crate::ledger::Ledger;
use crate::mailboxes::Mailboxes;
use crate::measurements::{Measurements, Sums};
use crate::measuring::Measuring;
use crate::pause::Pause;
use crate::sampler::Sampler;
use crate::tuner::Tuner;
use crate::vitals::Vitals;

/// How long hung workers are waited for once every job is settled or given up.
const DRAIN: Duration = Duration::from_secs(2);

/// A running pipeline.
pub struct Running {
    /// Open jobs.
    pub ledger: Ledger,
    /// The stages' doors.
    pub mailboxes: Mailboxes,
    pub(crate) root: Root,
    pub(crate) line: Line,
    pub(crate) fills: Line,
    pub(crate) fills_breaker: Breaker,
    pub(crate) hold: Hold,
    pub(crate) pause: Arc<Pause>,
    pub(crate) left: LeftBehind,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sums: Arc<Sums>,
    pub(crate) closed: Arc<AtomicBool>,
    pub(crate) lease: Lease,
    pub(crate) leaving: watch::Sender<bool>,
    pub(crate) fatal: Fatal,
    pub(crate) tuner: Tuner,
}

impl Running {
    /// What is held now, and what was done since the start.
    #[must_use]
    pub fn measurements(&self) -> Measurements {
        self.measuring().now()
    }

    /// Who measures it, from now on.
    #[must_use]
    pub fn measuring(&self) -> Measuring {
        Measuring {
            sums: self.sums.clone(),
            mailboxes: self.mailboxes.clone(),
            ledger: self.ledger.clone(),
            left: self.left.clone(),
            store: self.store.clone(),
            settings: self.tuner.settings.clone(),
            slots: self.tuner.slots.clone(),
            hold: self.hold.clone(),
            lease: self.lease.clone(),
            fills_breaker: self.fills_breaker.clone(),
        }
    }

    /// Who tells what it does, from now on.
    #[must_use]
    pub fn sampler(&self) -> Sampler {
        Sampler {
            mailboxes: self.mailboxes.clone(),
            ledger: self.ledger.clone(),
            sums: self.sums.clone(),
            hold: self.hold.clone(),
            pause: self.pause.clone(),
            slots: self.tuner.slots.clone(),
            settings: self.tuner.settings.clone(),
            samples: VecDeque::new(),
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

    /// Who tunes it.
    #[must_use]
    pub fn tuner(&self) -> Tuner {
        self.tuner.clone()
    }

    /// There may be something to claim: look now.
    pub fn wake(&self) {
        self.tuner.wake();
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
        let claimer = self.tuner.claimer.borrow().clone();
        if let Some(claimer) = claimer
            && let Err(error) = ractor::call_t!(claimer, ClaimerMessage::Close, DRAIN.as_millis() as u64)
        {
            tracing::warn!(%error, "the Claimer does not answer; what it claims now goes back to the queue later");
        }
    }
}
