//! The fault injection of the chaos suite, in builds with the feature `chaos` alone: a ledger outside of the database,
//! deaths at named points, files that do harm, work that takes its time.
//!
//! | variable | value |
//! |---|---|
//! | `WARMER_CHAOS_LEDGER` | a file: every process appends a line for each thing that happens to it |
//! | `WARMER_CHAOS_KILL` | `POINT:N`: `kill -9` of itself at the N-th passing of a point: see [`Point`] |
//! | `WARMER_CHAOS_PACE` | `STAGE:MILLISECONDS,…`: so much longer does each message of a stage take |
//! | `WARMER_CHAOS_EMBEDDER` | `ILLNESS:FILE`: so the embedder is, as long as the file is there: see [`Unwell`] |
//! | `WARMER_CHAOS_UNFENCED` | `1`: work goes on past the lease; only the database's fence is left |
//!
//! There is no variable for the clock: no time that this process reads reaches the database, so that only another
//! clock under the whole process (`faketime`) can show anything.

mod injector;
mod kill;
mod ledger;
mod pace;
mod poison;
mod unwell;

use std::sync::Arc;

use warmer_pipeline::{Listener, Settings, Tools};

use crate::environment::Environment;
use injector::Injector;
use ledger::Ledger;

/// The same tools with the faults injected; as they were where no variable asks for any.
///
/// # Errors
/// When a variable does not read, or the ledger cannot be written to.
pub(crate) fn open(mut tools: Tools, environment: &Environment) -> anyhow::Result<Tools> {
    if let Some(ledger) = Ledger::of(environment, tools.identity.clone())? {
        ledger.started();
        let injector = Arc::new(Injector::new(ledger, tools.tracer.clone(), environment)?);
        tools.faults = injector.clone();
        tools.tracer = injector;
        if let Some(unwell) = injector::unwell(environment)? {
            tools.provider = unwell.before(tools.provider);
        }
    }
    Ok(tools)
}

/// The same in a process that runs one job for another, which has written down that it was claimed.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_in_child(mut tools: Tools, environment: &Environment) -> anyhow::Result<Tools> {
    if let Some(ledger) = Ledger::of(environment, tools.identity.clone())? {
        tools.faults = Arc::new(Injector::in_child(ledger, tools.tracer.clone(), environment)?);
    }
    Ok(tools)
}

/// The same settings, with the lease or without.
pub(crate) fn settings(mut settings: Settings, environment: &Environment) -> Settings {
    settings.self_fencing = !environment.flag("WARMER_CHAOS_UNFENCED");
    settings
}

/// These listeners, and the ledger where there is one: it is written to before anybody else is told.
///
/// # Errors
/// When the ledger cannot be written to.
pub(crate) fn with_ledger(
    mut listeners: Vec<Arc<dyn Listener>>,
    tools: &Tools,
    environment: &Environment,
) -> anyhow::Result<Vec<Arc<dyn Listener>>> {
    if let Some(ledger) = Ledger::of(environment, tools.identity.clone())? {
        listeners.insert(0, Arc::new(ledger));
    }
    Ok(listeners)
}
