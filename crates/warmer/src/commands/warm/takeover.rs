//! What other instances gave up, for want of a model or a credential say, this process takes over and tries once.

use warmer_store::{Enqueue, InstanceId, Store, StoreError};

use super::answers::Answers;
use super::elsewhere;
use crate::output::{self, printable_line};

/// Puts what another instance gave up in the queue again, for this one alone.
pub(super) async fn take_over(
    store: &dyn Store,
    answers: &mut Answers,
    ours: InstanceId,
    full: bool,
) -> Result<(), StoreError> {
    for asked in &mut answers.0 {
        let given_up = asked.answer.as_ref().filter(|answer| answer.elsewhere && answer.verdict == "dead");
        let (Some(answer), Some(repository), false) = (given_up, asked.repository, asked.tried_itself()) else {
            continue;
        };
        let why = answer.error.clone().unwrap_or_default();
        output::note(&format!("another instance gave up: {}; this one tries", printable_line(&why)));
        let how = Enqueue { full, force: true, pinned: Some(ours), ..Enqueue::default() };
        let job = store.enqueue(repository, how).await?.job;
        (asked.job, asked.before) = (Some(job), elsewhere::latest(store, job).await?);
        (asked.answer, asked.taken_over) = (None, true);
    }
    Ok(())
}
