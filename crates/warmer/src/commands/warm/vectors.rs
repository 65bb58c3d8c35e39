//! The second half of a warm: the vectors of what is served, made here or by whoever is faster.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use warmer_content::Recipe;
use warmer_pipeline::{Event, Running, Selection};
use warmer_store::{
    FillRequest, GenerationState, JobFilter, JobId, JobKind, JobState, RepositoryId, Store, StoreError,
};

use super::answers::{Answers, Asked, Hold};
use super::end::{Ended, interrupted};
use crate::output;
use crate::signals::Signals;

/// How often coverage is read.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Fills that so many looks in a row found put off do not come for now.
const LOOKS_PUT_OFF: u32 = 3;

/// How far the vectors of one repository are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filling {
    /// The remote.
    pub(super) remote: String,
    /// Texts that lacked a vector when that was first looked for.
    pub(super) total: u64,
    /// Those that lack one still.
    pub(super) missing: u64,
    /// Texts that were embedded here.
    pub(super) embedded: u64,
}

/// How far all of them are, for whoever draws it. A clone is the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Fillings(Arc<Mutex<BTreeMap<RepositoryId, Filling>>>);

impl Fillings {
    /// Those that are under way.
    pub(super) fn open(&self) -> Vec<(RepositoryId, Filling)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|(_, filling)| filling.missing > 0).map(|(id, filling)| (*id, filling.clone())).collect()
    }

    fn note(&self, id: RepositoryId, asked: &Asked, missing: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let filling = all.entry(id).or_default();
        filling.remote = asked.remote.clone().unwrap_or_default();
        (filling.total, filling.missing) = (filling.total.max(missing), missing);
        filling.embedded = asked.fills.iter().map(|ticket| ticket.counters.embedded.get()).sum();
    }
}

/// What the vectors are made by, and where it is seen how far they are.
pub(super) struct Vectors<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) recipe: Recipe,
    pub(super) scope: &'a Selection,
    pub(super) fillings: &'a Fillings,
}

impl Vectors<'_> {
    /// Waits until nothing that was served lacks a vector, or none comes for now.
    pub(super) async fn until_complete(
        &self,
        running: &Running,
        events: &mut UnboundedReceiver<Event>,
        answers: &mut Answers,
    ) -> anyhow::Result<Ended> {
        let served: Vec<RepositoryId> =
            answers.0.iter().filter(|asked| asked.is_served()).filter_map(|asked| asked.repository).collect();
        if served.is_empty() {
            return Ok(Ended::Settled);
        }
        if self.store.generation_state(self.recipe).await? == Some(GenerationState::Retired) {
            // A command left it: nobody makes its vectors.
            return Ok(Ended::Settled);
        }
        let (mut signals, mut polls) = (Signals::listen()?, tokio::time::interval(POLL_INTERVAL));
        let mut asked_for = false;
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => { answers.record(event); continue }
                    None => anyhow::bail!("the pipeline ended before its fills did"),
                },
                why = running.failed() => anyhow::bail!("the pipeline gave up: {why}"),
                exit = signals.next() => return Ok(interrupted(answers, exit)),
                _ = polls.tick() => {}
            }
            let looked = async {
                if !asked_for {
                    // An earlier one may have been put off, or taken out.
                    self.store.seed(self.recipe, Some(&served), u32::MAX).await?;
                    let request = FillRequest { repositories: Some(&served), force: true, limit: u32::MAX };
                    self.store.enqueue_fills(self.recipe.embedding, request).await?;
                    asked_for = true;
                }
                self.look(answers).await
            };
            match looked.await {
                Ok(true) => return Ok(Ended::Settled),
                Ok(false) => running.wake(),
                Err(error) if error.is_temporary() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads how far all are, and which fills there are to take; whether nothing is left to wait for.
    async fn look(&self, answers: &mut Answers) -> Result<bool, StoreError> {
        let mut jobs = vec![];
        let mut is_settled = true;
        for asked in answers.0.iter_mut().filter(|asked| asked.is_served()) {
            let Some(id) = asked.repository else { continue };
            let found = self.store.coverage_under(id, self.recipe).await?.unwrap_or_default();
            self.fillings.note(id, asked, found.missing);
            if found.missing > 0 && asked.hold.is_none() {
                let fills = fills(self.store, id).await?;
                // One that was lost is put back with its reason too, and taken again at once.
                asked.put_off = if fills.hold.is_some() { asked.put_off + 1 } else { 0 };
                asked.hold = fills.hold.filter(|_| asked.put_off >= LOOKS_PUT_OFF);
                jobs.extend(fills.jobs);
            }
            asked.coverage = Some(found);
            is_settled &= asked.is_settled();
        }
        self.scope.name(jobs);
        Ok(is_settled)
    }
}

struct Fills {
    jobs: Vec<JobId>,
    hold: Option<Hold>,
}

/// The fills of a repository. Where none runs and none may, or there is none, it says why.
async fn fills(store: &dyn Store, repository: RepositoryId) -> Result<Fills, StoreError> {
    let filter = JobFilter { repository: Some(repository), kind: Some(JobKind::Fill), ..JobFilter::default() };
    let jobs = store.jobs(&filter).await?;
    let waits = |job: &warmer_store::Job| job.state == JobState::Queued && job.last_error.is_some();
    let all_wait = jobs.iter().all(waits);
    let why = match jobs.first() {
        Some(job) => job.last_error.clone().unwrap_or_default(),
        None => "its fill was taken out of the queue".to_owned(),
    };
    let hold = all_wait.then_some(Hold { why, unfit: false });
    Ok(Fills { jobs: jobs.iter().map(|job| job.id).collect(), hold })
}

/// Which repositories can be searched by words from now on, while their vectors are made: a line each.
pub(super) fn served(answers: &Answers) -> Vec<String> {
    let warmed = |asked: &&Asked| asked.answer.as_ref().is_some_and(|answer| answer.verdict == "warmed");
    let line = |asked: &Asked| {
        let name = asked.remote.as_deref().map(|remote| warmer_query::short_name(remote, None)).unwrap_or_default();
        format!("{name}: served after {}", output::duration(asked.took.unwrap_or_default()))
    };
    answers.0.iter().filter(warmed).map(line).collect()
}
