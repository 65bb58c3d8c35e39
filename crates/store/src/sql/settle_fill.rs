//! How fills end: none for good, and none that touches its repository.
//!
//! A fill reads what is stored and asks the provider. What goes wrong says nothing about the repository, which others
//! refresh meanwhile: its state, its schedule and what is held against it stay as they are.

use std::time::Duration;

use super::attempt::{Back, Ending, Running};
use super::{Connection, lack, odd};
use crate::job::AttemptOutcome;
use crate::queue::{Settled, Settlement};

/// How long a fill is left alone that ended as only a refresh should: nobody said for how long.
const AGAIN: Duration = Duration::from_mins(10);

/// How the attempt of a fill ends that is settled so; `None`: it cannot end so.
pub(super) fn outcome(how: &Settlement) -> Option<AttemptOutcome> {
    Some(match how {
        Settlement::Filled => AttemptOutcome::Filled,
        Settlement::Retry { .. } | Settlement::Stuck { .. } | Settlement::Dead { .. } | Settlement::Crashed { .. } => {
            AttemptOutcome::Retry
        }
        Settlement::Unfit { .. } | Settlement::Held { unfit: true, .. } => AttemptOutcome::Unfit,
        Settlement::Held { .. } => AttemptOutcome::Retry,
        Settlement::Lost { .. } => AttemptOutcome::Lost,
        Settlement::Deferred { .. } => AttemptOutcome::Deferred,
        Settlement::Cancelled { .. } => AttemptOutcome::Cancelled,
        Settlement::Refused { otherwise, .. } => return outcome(otherwise),
        Settlement::Fresh => return None,
    })
}

pub(super) async fn ended<C: Connection>(tx: &mut C, run: &Running, how: &Settlement) -> sqlx::Result<Settled> {
    let outcome = outcome(how).ok_or_else(|| odd("a fill does not end fresh"))?;
    let (after, error) = match how {
        Settlement::Filled => return filled(tx, run).await,
        Settlement::Refused { otherwise, .. } => return Box::pin(ended(tx, run, otherwise)).await,
        Settlement::Fresh => (Duration::ZERO, None),
        Settlement::Retry { after, error, .. }
        | Settlement::Unfit { after, error }
        | Settlement::Stuck { after, error } => (*after, Some(error.as_str())),
        Settlement::Held { error, .. } => (Duration::ZERO, Some(error.as_str())),
        Settlement::Dead { error } => (AGAIN, Some(error.as_str())),
        // Without the text that it died of the next attempt goes on at once.
        Settlement::Crashed { error } if run.blame_text(tx).await? => (Duration::ZERO, Some(error.as_str())),
        Settlement::Crashed { error } => (AGAIN, Some(error.as_str())),
        Settlement::Lost { error, .. } | Settlement::Cancelled { error } => (Duration::ZERO, Some(error.as_str())),
        Settlement::Deferred { after } => (*after, None),
    };
    if run.cancel {
        return taken_out(tx, run).await;
    }
    // What was handed back unharmed is not in backoff, and says nothing.
    let why = error.filter(|_| outcome != AttemptOutcome::Cancelled);
    if why.is_some() {
        let hold = if let Settlement::Held { lasts, .. } = how { Some(*lasts) } else { None };
        lack::ended(tx, (run.repository, run.generation), why, hold).await?;
    }
    run.record(tx, outcome, Ending { error, ..Ending::default() }).await?;
    run.put_back(tx, Back { after, error: why, ..Back::of(run) }).await?;
    Ok(Settled::of(outcome, error))
}

/// The coverage's row first: a publication that brings more has it until it is visible, and its fill in the queue.
async fn filled<C: Connection>(tx: &mut C, run: &Running) -> sqlx::Result<Settled> {
    lack::ended(tx, (run.repository, run.generation), None, None).await?;
    let remains = lack::remains(tx, (run.repository, run.generation), (run.lane, run.shard)).await?;
    run.record(tx, AttemptOutcome::Filled, Ending::default()).await?;
    if remains {
        run.put_back(tx, Back { crashes: 0, ..Back::of(run) }).await?;
    } else {
        run.finish(tx).await?;
    }
    Ok(Settled::of(AttemptOutcome::Filled, None))
}

/// A person took it out.
pub(super) async fn taken_out<C: Connection>(tx: &mut C, run: &Running) -> sqlx::Result<Settled> {
    run.record(tx, AttemptOutcome::Cancelled, Ending::default()).await?;
    run.finish(tx).await?;
    Ok(Settled::of(AttemptOutcome::Cancelled, None))
}
