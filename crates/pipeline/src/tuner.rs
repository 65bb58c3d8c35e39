//! The tuner: puts other settings in force while the pipeline runs.

use std::sync::Arc;

use ractor::ActorRef;
use tokio::sync::watch;

use crate::claimer::ClaimerMessage;
use crate::counters::Stage;
use crate::live::Live;
use crate::mailboxes::Mailboxes;
use crate::places::Places;
use crate::settings::Settings;
use crate::slots::Slots;
use crate::tools::Tools;

/// Changes what a pipeline goes by. A clone is about the same pipeline.
#[derive(Clone)]
pub struct Tuner {
    pub(crate) settings: Live<Settings>,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) slots: Slots,
    pub(crate) room: Places,
    pub(crate) tools: Tools,
    pub(crate) claimer: watch::Receiver<Option<ActorRef<ClaimerMessage>>>,
}

impl Tuner {
    /// What it goes by now.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.now()
    }

    /// Goes by other settings from now on, under load: sizes of pools and mailboxes, permits, deadlines, pauses and
    /// schedules. Nothing that is in work is lost: a worker too many ends what it has in hand, and a message too many
    /// keeps others out until it has left. What a pipeline is built of stays as it was (restarts, whether it
    /// schedules and keeps up).
    pub fn tune(&self, next: Settings) {
        let before = self.settings.now();
        let next = Settings {
            supervision: before.supervision.clone(),
            scheduler: before.scheduler.as_ref().and(next.scheduler),
            upkeep: before.upkeep.as_ref().and(next.upkeep),
            abandoned_max: before.abandoned_max,
            self_fencing: before.self_fencing,
            ..next
        };
        let patience = self.tools.patience.now().saturating_sub(before.file_time()).saturating_add(next.file_time());
        self.tools.patience.replace(patience);
        self.tools.fleet.change(next.claimer.slots, &next.windows);
        self.slots.set_jobs(next.jobs());
        self.room.set(next.bulk_batches());
        let limits = next.limits();
        self.settings.replace(next);
        self.mailboxes.resize(limits);
        self.tools.provider.keep_for(limits[Stage::Embedder as usize].workers);
        self.wake();
    }

    /// There may be something to claim: look now.
    pub(crate) fn wake(&self) {
        if let Some(claimer) = &*self.claimer.borrow() {
            // A Claimer that just died has a successor, which looks by itself.
            claimer.cast(ClaimerMessage::Wake).ok();
        }
    }
}
