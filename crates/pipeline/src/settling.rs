//! Settling: how the end of a job's work becomes a row of the queue, and a verdict for whoever waits.

use std::collections::HashSet;
use std::time::Duration;

use warmer_store::{AttemptFilter, AttemptOutcome, ClaimId, RepositoryId, Settled, Settlement, StoreError};

use crate::backoff::{after_attempt, jittered};
use crate::fatal::Fatal;
use crate::outcome::{NO_PLACE, Outcomes, Verdict};
use crate::settings::ClaimerSettings;
use crate::summary;
use crate::ticket::{Alone, Ending, PublishedFiles, Report, Ticket};
use crate::tools::Tools;

/// A settlement that the database does not take is tried this often, about a second apart, before it is given up; the
/// row then stays `running` until it is given back.
const TRIES: u32 = 30;

/// How long a host is left alone that asked for patience and did not say for how long: twice as long as the longest limit
/// that hosts are known to have for such answers, a minute, and up to as much more.
const PATIENCE: Duration = Duration::from_secs(120);

/// However long a host says: the limits of GitHub and GitLab end within an hour.
const PATIENCE_MOST: Duration = Duration::from_hours(1);

/// No job is put off for longer than that or `retry_most`.
pub(crate) const PUT_OFF_MAX: Duration = Duration::from_hours(2);

/// Refusals that are remembered as told; beyond it all are told again.
const TOLD_MAX: usize = 10_000;

/// Settles every ending that is not a publication.
pub(crate) struct Settler {
    tools: Tools,
    settings: ClaimerSettings,
    outcomes: Outcomes,
    fatal: Fatal,
    unsettled: Vec<(Report, u32)>,
    tries: u32,
    /// Refusals that were told, by repository and reason.
    told: HashSet<(RepositoryId, String)>,
}

impl Settler {
    /// Nothing to settle yet.
    pub(crate) fn new(tools: Tools, settings: ClaimerSettings, outcomes: Outcomes, fatal: Fatal) -> Self {
        Self { tools, settings, outcomes, fatal, unsettled: vec![], tries: 0, told: HashSet::new() }
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
                self.fatal.judge(&error);
                Verdict::Unfit(error.to_string())
            }
        };
        let told = self.was_told(&report.ticket, &verdict);
        log(&report.ticket, &verdict, told);
        self.outcomes.ended(report.ticket, verdict);
        Some(claim)
    }

    /// A refusal is told once for each reason, not at every try.
    fn was_told(&mut self, ticket: &Ticket, verdict: &Verdict) -> bool {
        let Verdict::Refused(why) = verdict else { return false };
        if self.told.len() >= TOLD_MAX {
            self.told.clear();
        }
        !self.told.insert((ticket.claim.repository.id, why.clone()))
    }

    async fn settled(&self, report: &Report) -> Result<Verdict, StoreError> {
        let ticket = &report.ticket;
        let (settlement, verdict) = self.meaning(ticket, &report.ending);
        let Some(settlement) = settlement else { return Ok(verdict) };
        let settled = self.tools.store.settle(ticket.claim.id, settlement).await?;
        if matches!(report.ending, Ending::Refused(_, Alone::Gone)) && settled == Settled::Done {
            self.mark_stale(ticket, &error_of(&report.ending)).await;
        }
        match settled {
            Settled::Done => Ok(verdict),
            Settled::Refused => Ok(Verdict::Refused(error_of(&report.ending))),
            Settled::Dead => Ok(Verdict::Dead(self.why_dead(report).await)),
            Settled::Stale => self.recognise(ticket).await,
        }
    }

    /// Nobody finds what is served any more.
    async fn mark_stale(&self, ticket: &Ticket, why: &str) {
        if let Err(error) = self.tools.store.mark_stale(ticket.claim.repository.id, why).await {
            tracing::warn!(%error, "a repository that is gone could not be marked");
        }
    }

    /// Of what every instance refused, the reasons of all.
    async fn why_dead(&self, report: &Report) -> String {
        let (own, claim) = (error_of(&report.ending), &report.ticket.claim);
        if !matches!(report.ending, Ending::Refused(..)) {
            return own;
        }
        let attempts = self.tools.store.attempts(AttemptFilter::Job(claim.job), 1).await.unwrap_or_default();
        attempts.into_iter().find(|attempt| attempt.claim == claim.id).and_then(|attempt| attempt.error).unwrap_or(own)
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
            Ending::Stuck(error) => (Settlement::Stuck { after, error: error.clone() }, Verdict::Retry(error)),
            // These attempts do not count: the repository can do nothing about other processes, nor about this one.
            Ending::Busy(error) => {
                (Settlement::Retry { after, error: error.clone(), progressed: true }, Verdict::Retry(error))
            }
            Ending::Later(error, told) => {
                let after = jittered(told.unwrap_or(PATIENCE).min(PATIENCE_MOST));
                (Settlement::Retry { after, error: error.clone(), progressed: true }, Verdict::Retry(error))
            }
            Ending::Refused(error, alone) => {
                let (otherwise, verdict) = self.alone(&error, alone, after, progressed);
                (Settlement::Refused { error, otherwise: Box::new(otherwise) }, verdict)
            }
            Ending::Unfit(error) => {
                (Settlement::Retry { after, error: error.clone(), progressed: true }, Verdict::Unfit(error))
            }
            Ending::Dead(error) => (Settlement::Dead { error: error.clone() }, Verdict::Dead(error)),
            Ending::Crashed(error) => (Settlement::Crashed { error: error.clone() }, Verdict::Again(error)),
            Ending::Lost(error) => (Settlement::Lost { error: error.clone(), progressed }, Verdict::Again(error)),
            Ending::Cancelled(why) => (Settlement::Return, Verdict::Returned(why)),
        };
        (Some(settlement), verdict)
    }

    /// What a refusal comes to where nobody else could do better, and what is told then.
    fn alone(&self, error: &str, alone: Alone, after: Duration, progressed: bool) -> (Settlement, Verdict) {
        let error = error.to_owned();
        match alone {
            Alone::Dead => (Settlement::Dead { error: error.clone() }, Verdict::Dead(error)),
            Alone::Gone => (Settlement::Retry { after, error: error.clone(), progressed }, Verdict::Retry(error)),
            Alone::Unfit => {
                (Settlement::Retry { after, error: error.clone(), progressed: true }, Verdict::Unfit(error))
            }
        }
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
        | Ending::Stuck(error)
        | Ending::Busy(error)
        | Ending::Later(error, _)
        | Ending::Refused(error, _)
        | Ending::Dead(error)
        | Ending::Unfit(error)
        | Ending::Crashed(error)
        | Ending::Lost(error)
        | Ending::Cancelled(error) => error.clone(),
        Ending::Fresh | Ending::Published(_) | Ending::Heavy => String::new(),
    }
}

/// The one place that logs how a job ended.
fn log(ticket: &Ticket, verdict: &Verdict, told: bool) {
    let (word, error) = match verdict {
        Verdict::Fresh => ("fresh", None),
        Verdict::Warmed(_) => ("warmed", None),
        Verdict::Again(why) => ("again", Some(why)),
        Verdict::Retry(error) => ("retry", Some(error)),
        Verdict::Dead(error) => ("dead", Some(error)),
        Verdict::Unfit(error) => ("unfit", Some(error)),
        Verdict::Refused(why) => ("refused", Some(why)),
        Verdict::Returned(why) => ("returned", Some(why)),
    };
    ticket.span.record("verdict", word);
    let (job, seconds) = (ticket.claim.job.0, ticket.age().as_secs_f64());
    match error {
        // It waits for its turn, or for another instance as it did before: nothing went wrong that is news.
        Some(why) if told || why == NO_PLACE => {
            tracing::debug!(job.id = job, verdict = word, seconds, why, "job ended");
        }
        None => tracing::info!(job.id = job, verdict = word, seconds, "job ended"),
        Some(error) => {
            ticket.span.record("otel.status_code", "ERROR");
            tracing::warn!(job.id = job, verdict = word, seconds, error, "job ended");
        }
    }
}
