//! SIGHUP: the configuration is read again, and what of it has changed is told. The process goes on with what it was
//! started with.

use tokio::signal::unix::Signal;
use warmer_serve::Health;

use crate::config::Given;
use crate::output::printable_line;
use crate::service_manager::ServiceManager;

/// Answers every SIGHUP; never comes back.
pub(super) async fn answer(mut hangup: Signal, given: Given, health: Health, manager: ServiceManager) {
    while hangup.recv().await.is_some() {
        // A manager that hears of the end of a reload takes the process for started.
        let is_started = health.is_started();
        if is_started {
            manager.reloading();
        }
        tell_changes(&given);
        if is_started {
            manager.reloaded();
        }
    }
}

fn tell_changes(given: &Given) {
    match given.changes() {
        Ok(keys) if keys.is_empty() => tracing::info!("SIGHUP: the configuration is what it was at the start"),
        Ok(keys) => {
            let keys = keys.join(", ");
            tracing::warn!("SIGHUP: the configuration has changed, and counts from the next start on: {keys}");
        }
        Err(problems) => {
            let problems = problems.to_string();
            let problems = printable_line(&problems);
            tracing::warn!("SIGHUP: the configuration could not be loaded now, and a restart would fail: {problems}");
        }
    }
}
