//! Settling: how the end of a job's work becomes a row of the queue, and a verdict for whoever waits.

use warmer_store::{AttemptFilter, AttemptOutcome, ClaimId, Settled, Settlement, StoreError};

use crate::backoff::{after_attempt, jittered};
use crate::outcome::{NO_PLACE, Outcomes, Verdict};
use crate::settings::ClaimerSettings;
use crate::summary;
use crate::ticket::{Ending, PublishedFiles, Report, Ticket};
use crate::tools::Tools;

/// A settlement that the database does not take is tried this often, about a second apart, before it is given up; the
/// row then stays `running` until it is given back.
const TRIES: u32 = 30;

/// Settles every ending that is not a publication.
pub(crate) struct Settler {
    tools: Tools,
    settings: ClaimerSettings,
    outcomes: Outcomes,
    unsettled: Vec<(Report, u32)>,
    tries: u32,
}

impl Settler {
    /// Nothing to settle yet.
    pub(crate) fn new(tools: Tools, settings: ClaimerSettings, outcomes: Outcomes) -> Self {
        Self { tools, settings, outcomes, unsettled: vec![], tries: 0 }
    }

    /// The reports that the database did not take, to be given to [`Self::settle`] again.
    pub(crate) fn unsettled(&mut self) -> Vec<Report> {
        self.tries = self.unsettled.iter().map(|(_, tries)| *tries).max().unwrap_or(0);
        std::mem::take(&mut self.unsettled).into_iter().map(|(report, _)| report).collect()
    }

    /// Settles one job. Gives its claim once nothing is left to do.
    pub(crate) async fn settle(&mut self, report: Report) -> Option<ClaimId> {
        let claim = report.ticket.claim.id;
        let verdict = match self.settled(&report).await {
            Ok(verdict) => verdict,
            Err(error) if self.tries < TRIES && error.is_temporary() => {
                tracing::warn!(%error, "a job could not be settled yet");
                self.unsettled.push((report, self.tries + 1));
                return None;
            }
            Err(error) => {
                tracing::error!(%error, "a job could not be settled; its row is given back later");
                Verdict::Unfit(error.to_string())
            }
        };
        log(&report.ticket, &verdict);
        self.outcomes.ended(report.ticket, verdict);
        Some(claim)
    }

    async fn settled(&self, report: &Report) -> Result<Verdict, StoreError> {
        let ticket = &report.ticket;
        let (settlement, verdict) = self.meaning(ticket, &report.ending);
        let Some(settlement) = settlement else { return Ok(verdict) };
        let last_error = error_of(&report.ending);
        match self.tools.store.settle(ticket.claim.id, settlement).await? {
            Settled::Done => Ok(verdict),
            Settled::Dead => Ok(Verdict::Dead(last_error)),
            Settled::Stale => self.recognise(ticket).await,
        }
    }

    /// What is written for an ending, and what is told. A publication has written all there is.
    fn meaning(&self, ticket: &Ticket, ending: &Ending) -> (Option<Settlement>, Verdict) {
        let progressed = ticket.tally.new_rows.get() > 0;
        let after = after_attempt(ticket.claim.attempt, self.settings.retry_first, self.settings.retry_most);
        let (settlement, verdict) = match ending.clone() {
            Ending::Published(files) => return (None, Verdict::Warmed(files)),
            Ending::Fresh => (Settlement::Fresh { summary: summary::of(ticket) }, Verdict::Fresh),
            Ending::Heavy => {
                let after = jittered(self.settings.poll);
                (Settlement::Heavy { after }, Verdict::Again(NO_PLACE.to_owned()))
            }
            Ending::Retry(error) => {
                (Settlement::Retry { after, error: error.clone(), progressed }, Verdict::Retry(error))
            }
            // These attempts do not count: the repository can do nothing about other processes, nor about this one.
            Ending::Busy(error) => {
                (Settlement::Retry { after, error: error.clone(), progressed: true }, Verdict::Retry(error))
            }
            Ending::Unfit(error) => {
                (Settlement::Retry { after, error: error.clone(), progressed: true }, Verdict::Unfit(error))
            }
            Ending::Dead(error) => (Settlement::Dead { error: error.clone() }, Verdict::Dead(error)),
            Ending::Lost(error) => (Settlement::Lost { error: error.clone(), progressed }, Verdict::Again(error)),
            Ending::Cancelled(why) => (Settlement::Return, Verdict::Returned(why)),
        };
        (Some(settlement), verdict)
    }

    /// The claim is no longer running: its own publication may have been what ended it.
    async fn recognise(&self, ticket: &Ticket) -> Result<Verdict, StoreError> {
        let attempts = self.tools.store.attempts(AttemptFilter::Job(ticket.claim.job), 100).await?;
        let own = attempts.iter().find(|attempt| attempt.claim == ticket.claim.id).map(|attempt| attempt.outcome);
        Ok(match own {
            Some(AttemptOutcome::Warmed) => Verdict::Warmed(PublishedFiles::default()),
            Some(AttemptOutcome::Fresh) => Verdict::Fresh,
            _ => Verdict::Returned("the claim was lost".to_owned()),
        })
    }
}

fn error_of(ending: &Ending) -> String {
    match ending {
        Ending::Retry(error)
        | Ending::Busy(error)
        | Ending::Dead(error)
        | Ending::Unfit(error)
        | Ending::Lost(error)
        | Ending::Cancelled(error) => error.clone(),
        Ending::Fresh | Ending::Published(_) | Ending::Heavy => String::new(),
    }
}

/// The one place that logs how a job ended.
fn log(ticket: &Ticket, verdict: &Verdict) {
    let (word, error) = match verdict {
        Verdict::Fresh => ("fresh", None),
        Verdict::Warmed(_) => ("warmed", None),
        Verdict::Again(why) => ("again", Some(why)),
        Verdict::Retry(error) => ("retry", Some(error)),
        Verdict::Dead(error) => ("dead", Some(error)),
        Verdict::Unfit(error) => ("unfit", Some(error)),
        Verdict::Returned(why) => ("returned", Some(why)),
    };
    ticket.span.record("verdict", word);
    let (job, seconds) = (ticket.claim.job.0, ticket.age().as_secs_f64());
    match error {
        // It waits for its turn: nothing went wrong.
        Some(why) if why == NO_PLACE => tracing::debug!(job.id = job, verdict = word, seconds, why, "job ended"),
        None => tracing::info!(job.id = job, verdict = word, seconds, "job ended"),
        Some(error) => {
            ticket.span.record("otel.status_code", "ERROR");
            tracing::warn!(job.id = job, verdict = word, seconds, error, "job ended");
        }
    }
}
