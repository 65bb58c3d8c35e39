//! How `warmer run` comes to its end: until when it works, what it still answers then, and what it hands back.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::bail;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;
use warmer_pipeline::{Event, Running, Tools};
use warmer_serve::Health;

use crate::database;
use crate::exit::Exit;
use crate::output::duration;
use crate::service_manager::ServiceManager;
use crate::signals::Signals;

/// What ends a running pipeline.
pub(super) struct Ending<'a> {
    pub(super) signals: Signals,
    pub(super) running: &'a Running,
    pub(super) events: UnboundedReceiver<Event>,
    pub(super) tools: &'a Tools,
}

impl Ending<'_> {
    /// Returns at the first signal; what it would be the exit of.
    ///
    /// # Errors
    /// When the pipeline gave up.
    pub(super) async fn until_told(&mut self) -> anyhow::Result<Exit> {
        tokio::select! {
            exit = self.signals.next() => Ok(exit),
            why = self.running.failed() => bail!("the pipeline gave up: {why}"),
            // Beside the others: a database that is silent must not keep a signal from being heard.
            never = note_served(&mut self.events, self.tools) => match never {},
        }
    }

    /// Works on, and answers, while those who send requests find another instance to send them to. A second signal ends
    /// the process at once.
    ///
    /// # Errors
    /// When the pipeline gave up meanwhile.
    pub(super) async fn drain(&mut self, delay: Duration) -> anyhow::Result<()> {
        tracing::info!("draining: not ready any more; requests are served for {} more", duration(delay));
        match timeout(delay, self.until_told()).await {
            Ok(Ok(exit)) => exit.now(),
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(()),
        }
    }
}

/// From now on the process is not ready, and its service manager knows that it ends.
pub(super) fn announce(health: &Health, manager: &ServiceManager) {
    health.drain();
    manager.stopping();
}

/// Searches use the fleet's recipe once nothing that is served is left behind by it.
async fn note_served(events: &mut UnboundedReceiver<Event>, tools: &Tools) -> Infallible {
    let mut active = false;
    while let Some(event) = events.recv().await {
        let good = matches!(event, Event::Ended(ended) if ended.is_good());
        if !tools.fleet.makes_ours() {
            // The fleet may come round to it later.
            active = false;
        } else if good && !active {
            match tools.store.activate_when_covered(tools.recipe).await {
                Ok(done) => {
                    active = done;
                    if done {
                        tracing::info!("searches use the model of this instance");
                    }
                }
                Err(error) => tracing::warn!("cannot activate the recipe yet: {error}"),
            }
        }
    }
    std::future::pending().await
}

/// Hands everything back, or ends at once at another signal.
pub(super) async fn stop(grace: Duration, signals: &mut Signals, running: Running, tools: &Tools) {
    let open = running.ledger.count().open();
    tracing::info!(open, "stopping: no more jobs are taken; open jobs have {} to end", duration(grace));
    let stopped = async {
        running.stop(grace).await;
        database::leave(tools.store.as_ref(), tools.identity.get()).await;
    };
    tokio::select! {
        () = stopped => tracing::info!("stopped"),
        exit = signals.next() => exit.now(),
    }
}
