//! The Claimer's audit: what has gone on for too long, and whether queue and ledger say the same.

use std::time::Duration;

use warmer_store::{JobId, Running, Settlement};

use crate::claimer::{Claimer, State};
use crate::ticket::Ending;

/// How long parked work waits for the session to be heard again.
const RESUME_WAIT: Duration = Duration::from_secs(60);

impl Claimer {
    /// Stalled jobs are ended, and all jobs when the session has been silent for too long; settlements that failed are
    /// tried again.
    pub(crate) async fn look_after(&self, state: &mut State) {
        if self.trust.gone_for() > RESUME_WAIT {
            let why = format!("the session was not heard for {RESUME_WAIT:?}: others may have the jobs by now");
            self.ledger.end_all(&Ending::Cancelled(why));
        }
        for ticket in self.ledger.tickets() {
            if ticket.idle() > self.settings.stall && !ticket.is_over() && self.trust.is_good() {
                ticket.end(Ending::Lost(format!("nothing of the job finished for {:?}", self.settings.stall)));
            }
        }
        for report in state.settler.unsettled() {
            self.settle(state, report).await;
        }
    }

    /// What was refused for want of a token is taken again once that is renewed.
    pub(crate) async fn renew(&self, state: &mut State) {
        if !state.tokens.changed(&self.tools.mirrors).await {
            return;
        }
        match self.tools.store.withdraw_refusals(self.tools.identity.get()).await {
            Ok(withdrawn) => {
                tracing::info!(withdrawn, "a file that holds a token changed: what was refused is tried again");
            }
            Err(error) => tracing::warn!(%error, "what was refused could not be taken back; it is in ten minutes"),
        }
    }

    /// Compares the rows that run under this instance with the ledger: a claim whose acknowledgement was lost, or of a
    /// Claimer that died, is given back; a job that a person took out is ended.
    pub(crate) async fn compare(&self) {
        let running = match self.tools.store.running(self.tools.identity.get()).await {
            Ok(running) => running,
            Err(error) => {
                tracing::warn!(%error, "the running rows could not be compared with the ledger");
                return self.fatal.judge(&error);
            }
        };
        for Running { job: JobId(job), claim, cancel } in running {
            match self.ledger.ticket(claim) {
                Some(ticket) if cancel => ticket.end(Ending::Cancelled("a person took the job out".to_owned())),
                Some(_) => {}
                None => match self.tools.store.settle(claim, Settlement::Return).await {
                    Ok(_) => tracing::info!(job.id = job, "gave back a job that was in no ledger"),
                    Err(error) => tracing::warn!(job.id = job, %error, "a job in no ledger could not be given back"),
                },
            }
        }
    }
}
