//! Settling: how the end of a job's work becomes a row of the queue, and an event for whoever listens.

use std::collections::HashSet;
use std::sync::Arc;

use warmer_store::{AttemptFilter, AttemptOutcome, ClaimId, RepositoryId, Settled, Store, StoreError};
use warmer_traces::names;

use crate::backoff::{after_attempt, jittered};
use crate::ending::{Ending, PublishedFiles};
use crate::fatal::Fatal;
use crate::live::Live;
use crate::observer::{Ended, Observer};
use crate::settings::Settings;
use crate::settlement::{self, Attempt};
use crate::summary;
use crate::ticket::{Report, Ticket};

/// A settlement that the database does not take is tried this often, about a second apart, before it is given up; the
/// row then stays `running` until it is given back.
const TRIES: u32 = 30;

/// Refusals that are remembered as logged; beyond it all are logged again.
const LOGGED_MAX: usize = 10_000;

/// Settles every ending that is not a publication.
pub(crate) struct Settler {
    store: Arc<dyn Store>,
    settings: Live<Settings>,
    observer: Observer,
    fatal: Fatal,
    unsettled: Vec<Unsettled>,
    /// Refusals that were logged, by repository and reason.
    logged: HashSet<(RepositoryId, String)>,
}

/// A report that the database did not take.
pub(crate) struct Unsettled {
    /// It.
    pub report: Report,
    /// How often it was tried.
    tries: u32,
}

impl From<Report> for Unsettled {
    fn from(report: Report) -> Self {
        Self { report, tries: 0 }
    }
}

impl Settler {
    /// Nothing to settle yet.
    pub(crate) fn new(store: Arc<dyn Store>, settings: Live<Settings>, observer: Observer, fatal: Fatal) -> Self {
        Self { store, settings, observer, fatal, unsettled: vec![], logged: HashSet::new() }
    }

    /// The reports that the database did not take, to be given to [`Self::settle`] again.
    pub(crate) fn unsettled(&mut self) -> Vec<Unsettled> {
        std::mem::take(&mut self.unsettled)
    }

    /// Settles one job. Gives its claim once nothing is left to do.
    pub(crate) async fn settle(&mut self, unsettled: Unsettled) -> Option<ClaimId> {
        let ended = match self.settled(&unsettled.report).await {
            Ok(ended) => ended,
            Err(error) => self.not_taken(unsettled, &error)?,
        };
        log(&ended, self.was_logged(&ended));
        let claim = ended.ticket.claim.id;
        self.observer.ended(ended);
        Some(claim)
    }

    /// The database did not take it: it is tried again, or given up.
    fn not_taken(&mut self, Unsettled { report, tries }: Unsettled, error: &StoreError) -> Option<Ended> {
        if tries < TRIES && error.is_temporary() {
            tracing::warn!(%error, "cannot settle the job; retrying every second");
            self.unsettled.push(Unsettled { report, tries: tries + 1 });
            return None;
        }
        tracing::error!(%error, "cannot settle the job; its row goes back to the queue later");
        self.fatal.judge(error);
        Some(ended(&report.ticket, AttemptOutcome::Unfit, Some(error.to_string())))
    }

    /// A refusal is logged once for each reason, not at every try.
    fn was_logged(&mut self, ended: &Ended) -> bool {
        if ended.outcome != AttemptOutcome::Refused {
            return false;
        }
        if self.logged.len() >= LOGGED_MAX {
            self.logged.clear();
        }
        let why = ended.error.clone().unwrap_or_default();
        !self.logged.insert((ended.ticket.claim.repository.id, why))
    }

    async fn settled(&self, Report { ticket, ending }: &Report) -> Result<Ended, StoreError> {
        let claimer = &self.settings.now().claimer;
        let attempt = Attempt {
            backoff: after_attempt(ticket.claim.attempt, claimer.retry_first, claimer.retry_most),
            step_back: jittered(claimer.poll),
            progressed: ticket.counters.new_rows.get() > 0,
        };
        let Some(settlement) = settlement::of(ending, &attempt) else {
            let files = if let Ending::Published(files) = ending { *files } else { PublishedFiles::default() };
            return Ok(Ended { files, ..ended(ticket, AttemptOutcome::Warmed, None) });
        };
        let summary = summary::of_ended(ticket, ending);
        let settled = self.store.settle(ticket.claim.id, settlement, Some(&summary));
        let Some(settled) = self.observer.database_of(ticket, names::DB_SETTLE, settled).await? else {
            return self.recognise(ticket).await;
        };
        self.mark_stale(ticket, ending, &settled).await;
        let Settled { outcome, error, given_up } = settled;
        // What a person took out has no reason in the history; here it is known.
        let error = error.or_else(|| ending.why().map(str::to_owned));
        Ok(Ended { given_up, ..ended(ticket, outcome, error) })
    }

    /// Nobody finds what is served any more: neither this instance nor, where it refused, any other.
    async fn mark_stale(&self, ticket: &Ticket, ending: &Ending, settled: &Settled) {
        let ending = if let Ending::Refused(otherwise) = ending { otherwise } else { ending };
        let Ending::Gone(why) = ending else { return };
        let marked = self.store.mark_stale(ticket.claim.repository.id, why);
        if settled.outcome != AttemptOutcome::Refused
            && let Err(error) = self.observer.database(names::DB_STALE, marked).await
        {
            tracing::warn!(%error, "cannot mark the repository as stale, though it is gone at its source");
        }
    }

    /// The claim is no longer running: its own publication may have been what ended it.
    async fn recognise(&self, ticket: &Arc<Ticket>) -> Result<Ended, StoreError> {
        let attempts = self.store.attempts(AttemptFilter::Job(ticket.claim.job), 100);
        let attempts = self.observer.database(names::DB_ATTEMPTS, attempts).await?;
        let own = attempts.iter().find(|attempt| attempt.claim == ticket.claim.id).map(|attempt| attempt.outcome);
        Ok(match own {
            Some(outcome @ (AttemptOutcome::Warmed | AttemptOutcome::Fresh | AttemptOutcome::Filled)) => {
                ended(ticket, outcome, None)
            }
            _ => ended(ticket, AttemptOutcome::Cancelled, Some("the claim was lost".to_owned())),
        })
    }
}

fn ended(ticket: &Arc<Ticket>, outcome: AttemptOutcome, error: Option<String>) -> Ended {
    Ended { ticket: ticket.clone(), outcome, error, given_up: false, files: PublishedFiles::default() }
}

/// The one place that logs how a job ended.
fn log(ended: &Ended, known: bool) {
    let (ticket, outcome) = (&ended.ticket, ended.outcome.as_str());
    ticket.span.record(names::OUTCOME, outcome);
    let job = ticket.claim.job.0;
    let took_ms = ticket.age().as_millis() as u64;
    let error = ended.error.as_deref();
    match (ended.outcome, error) {
        (AttemptOutcome::Warmed | AttemptOutcome::Fresh | AttemptOutcome::Filled, _) => {
            tracing::info!(job.id = job, outcome, took_ms, "job ended");
        }
        // It waits for its turn, or for another instance as it did before: nothing went wrong that is news.
        (AttemptOutcome::Deferred, _) => tracing::debug!(job.id = job, outcome, took_ms, "job ended"),
        (_, why) if known => tracing::debug!(job.id = job, outcome, took_ms, why, "job ended"),
        (_, error) => {
            tracing::warn!(job.id = job, outcome, given_up = ended.given_up, took_ms, error, "job ended");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use warmer_store::{RepositoryState, Settlement, StoreErrorKind};

    use super::*;
    use crate::counters::Stage;
    use crate::open_step::OpenStep;
    use crate::stopwatch::Doing;
    use crate::testing::{Bench, ended, report};

    #[tokio::test]
    async fn a_report_that_first_fails_late_in_an_outage_is_tried_as_often_as_any_other() {
        let bench = Bench::new().await;
        let ((mut settler, _events), outage) = (bench.settler(), StoreError::new(StoreErrorKind::Busy, "an outage"));
        let (early, late) = (report(Ending::Fresh), report(Ending::Fresh));
        let late_claim = late.ticket.claim.id;
        assert!(settler.not_taken(early.into(), &outage).is_none());
        let mut given_up = vec![];
        let mut late = Some(late);
        for second in 1..=2 * TRIES {
            let mut due = settler.unsettled();
            if second == TRIES - 2 {
                due.extend(late.take().map(Unsettled::from));
            }
            for unsettled in due {
                given_up.extend(settler.not_taken(unsettled, &outage).map(|ended| (ended.ticket.claim.id, second)));
            }
        }
        let [(_, first), (claim, second)] = given_up[..] else { panic!("both are given up: {given_up:?}") };
        assert_eq!((first, claim, second), (TRIES, late_claim, 2 * TRIES - 2), "each after {TRIES} more tries");
    }

    #[tokio::test]
    async fn every_ending_is_told_as_the_history_has_it_with_what_its_stages_did() {
        let bench = Bench::new().await;
        let (mut settler, mut events) = bench.settler();
        let why = || "why".to_owned();
        for (remote, ending, outcome) in [
            ("/fresh", Ending::Fresh, AttemptOutcome::Fresh),
            ("/deferred", Ending::Deferred, AttemptOutcome::Deferred),
            ("/retry", Ending::Retry(why()), AttemptOutcome::Retry),
            ("/gone", Ending::Gone(why()), AttemptOutcome::Retry),
            ("/stuck", Ending::Stuck(why()), AttemptOutcome::Stuck),
            ("/busy", Ending::Busy(why()), AttemptOutcome::Retry),
            ("/later", Ending::Later(why(), None), AttemptOutcome::Retry),
            ("/dead", Ending::Dead(why()), AttemptOutcome::Dead),
            ("/unfit", Ending::Unfit(why()), AttemptOutcome::Unfit),
            ("/held", Ending::Held { why: why(), lasts: Duration::ZERO, unfit: false }, AttemptOutcome::Unfit),
            ("/crashed", Ending::Crashed(why()), AttemptOutcome::Crashed),
            ("/lost", Ending::Lost(why()), AttemptOutcome::Lost),
            ("/cancelled", Ending::Cancelled(why()), AttemptOutcome::Cancelled),
            ("/refused", Ending::refused(Ending::Dead(why())), AttemptOutcome::Dead),
        ] {
            let report = bench.report(remote, ending).await;
            let (ticket, observer) = (report.ticket.clone(), Observer::default());
            drop(OpenStep::begin(&observer, &ticket, Stage::Fetcher, Instant::now(), Doing::Work));
            let _goes_on = OpenStep::begin(&observer, &ticket, Stage::Hasher, Instant::now(), Doing::Work);
            let claim = &ticket.claim;
            assert_eq!(settler.settle(report.into()).await, Some(claim.id));
            let told = ended(&mut events);
            let history = bench.store.attempts(AttemptFilter::Job(claim.job), 1).await.expect("a history");
            assert_eq!((told.outcome, history[0].outcome), (outcome, outcome), "{remote}");
            assert_eq!(told.error, history[0].error, "{remote}");
            assert_eq!(told.given_up, outcome == AttemptOutcome::Dead, "{remote}");
            let stages = history[0].summary.as_ref().expect("it says what was done")["stages"].clone();
            let stages: Vec<_> = stages.as_object().expect("by their names").keys().cloned().collect();
            assert_eq!(stages, ["fetcher", "hasher"], "{remote}");
            bench.store.remove_repository(claim.repository.id).await.expect("nothing of it is left for the next");
        }
    }

    #[tokio::test]
    async fn what_is_gone_at_its_source_is_marked_stale() {
        let bench = Bench::new().await;
        let (mut settler, _events) = bench.settler();
        let report = bench.report("/gone", Ending::refused(Ending::Gone("not found".to_owned()))).await;
        let repository = report.ticket.claim.repository.id;
        settler.settle(report.into()).await;
        assert_eq!(bench.state(repository).await, (RepositoryState::Active, true), "it may come back");
    }

    #[tokio::test]
    async fn the_last_attempt_is_told_as_given_up_with_its_reason() {
        let bench = Bench::new().await;
        let (mut settler, mut events) = bench.settler();
        for last in [false, true] {
            let report = bench.report("/a", Ending::Retry("no route".to_owned())).await;
            let repository = report.ticket.claim.repository.id;
            settler.settle(report.into()).await;
            let told = ended(&mut events);
            assert_eq!((told.given_up, told.error.as_deref()), (last, Some("no route")));
            assert_eq!(bench.state(repository).await.0 == RepositoryState::Dead, last);
        }
    }

    #[tokio::test]
    async fn a_claim_that_others_took_is_told_as_cancelled_and_changes_nothing() {
        let bench = Bench::new().await;
        let (mut settler, mut events) = bench.settler();
        let report = bench.report("/a", Ending::Dead("too late".to_owned())).await;
        let claim = report.ticket.claim.clone();
        let handed_back = Settlement::Cancelled { error: "declared dead".to_owned() };
        bench.store.settle(claim.id, handed_back, None).await.expect("it runs");
        settler.settle(report.into()).await;
        let told = ended(&mut events);
        assert_eq!((told.outcome, told.error.as_deref()), (AttemptOutcome::Cancelled, Some("the claim was lost")));
        assert_eq!(bench.state(claim.repository.id).await.0, RepositoryState::Active);
    }

    #[tokio::test]
    async fn a_publication_is_told_with_its_files_and_settles_nothing() {
        let bench = Bench::new().await;
        let (mut settler, mut events) = bench.settler();
        let files = PublishedFiles { indexed: 3, removed: 1 };
        let report = bench.report("/a", Ending::Published(files)).await;
        let job = report.ticket.claim.job;
        settler.settle(report.into()).await;
        let told = ended(&mut events);
        assert_eq!((told.outcome, told.files), (AttemptOutcome::Warmed, files));
        assert!(
            bench.store.job(job).await.expect("a queue").is_some(),
            "the publication has finished the row, or will"
        );
    }
}
