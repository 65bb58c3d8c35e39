//! The Claimer's audit: what has gone on for too long, and whether queue and ledger say the same.

use std::time::Duration;

use warmer_settings::duration;
use warmer_store::{ClaimId, JobId, Running, Settlement};
use warmer_traces::names;

use crate::claimer::{Claimer, State};
use crate::ending::Ending;

/// How long parked work waits for the next heartbeat that succeeds.
const RESUME_WAIT: Duration = Duration::from_secs(60);

impl Claimer {
    /// Stalled jobs are ended, and all jobs when no heartbeat has succeeded for too long; settlements that failed are
    /// tried again.
    pub(crate) async fn look_after(&self, state: &mut State) {
        if self.lease.gone_for() > RESUME_WAIT {
            let why = format!("the database was silent for {}: others may have the jobs by now", duration(RESUME_WAIT));
            self.ledger.end_all(&Ending::Cancelled(why));
        }
        let stall = self.settings.now().claimer.stall;
        for ticket in self.ledger.tickets() {
            if ticket.idle() > stall && !ticket.is_over() && self.lease.is_good() {
                ticket.end(Ending::Lost(format!("nothing of the job finished for {}", duration(stall))));
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
        let withdrawn = self.tools.store.withdraw_refusals(self.tools.identity.get());
        match self.observer.database(names::DB_WITHDRAW, withdrawn).await {
            Ok(withdrawn) => {
                tracing::info!(withdrawn, "a token file changed; retrying what was refused for want of one");
            }
            Err(error) => tracing::warn!(%error, "cannot take back what was refused; it is retried within ten minutes"),
        }
    }

    /// Compares the rows that run under this instance with the ledger: a claim whose acknowledgement was lost, or of a
    /// Claimer that died, is given back; a job that a person took out is ended.
    pub(crate) async fn compare(&self) {
        let running = self.tools.store.running(self.tools.identity.get());
        let running = match self.observer.database(names::DB_RUNNING, running).await {
            Ok(running) => running,
            Err(error) => {
                tracing::warn!(%error, "cannot compare the running jobs with the ledger");
                return self.fatal.judge(&error);
            }
        };
        for Running { job: JobId(job), claim, cancel } in running {
            match self.ledger.ticket(claim) {
                Some(ticket) if cancel => {
                    if !ticket.is_over() {
                        tracing::info!("cancelling job {job}");
                    }
                    ticket.end(Ending::Cancelled("a person cancelled it".to_owned()));
                }
                Some(_) => {}
                None => self.give_back(job, claim).await,
            }
        }
    }

    /// It runs under this instance, and no ledger knows it.
    async fn give_back(&self, job: i64, claim: ClaimId) {
        let error = "the ledger of its instance did not have the job".to_owned();
        let settled = self.tools.store.settle(claim, Settlement::Cancelled { error }, None);
        match self.observer.database(names::DB_SETTLE, settled).await {
            Ok(_) => tracing::info!(job.id = job, "gave back a job that was in no ledger"),
            Err(error) => tracing::warn!(job.id = job, %error, "cannot give back a job that is in no ledger"),
        }
    }
}
