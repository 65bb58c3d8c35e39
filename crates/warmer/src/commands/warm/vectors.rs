//! The second half of a warm: the vectors of what is served, made here or by whoever is faster.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use warmer_content::Recipe;
use warmer_pipeline::Held;
use warmer_store::{
    ClaimFilter, ClaimId, FillRequest, Fills, GenerationState, Job, JobFilter, JobId, JobKind, JobState, RepositoryId,
    Store, StoreError,
};

use super::answers::{Answers, Asked, Hold};
use crate::output;

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
pub(crate) struct Fillings(Arc<Mutex<BTreeMap<RepositoryId, Filling>>>);

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

/// Where it is seen how far the vectors are.
pub(super) struct Vectors<'a> {
    pub(super) store: &'a dyn Store,
    /// What of it is asked for vectors.
    pub(super) fills: &'a dyn Fills,
    pub(super) recipe: Recipe,
    pub(super) fillings: &'a Fillings,
    /// Why none can be made here: then others make them, or nobody.
    pub(super) missing: Option<String>,
}

impl Vectors<'_> {
    /// Asks for the fills of what began to be served, and reads how far all are and which fills there are to take. What
    /// a database that does not answer for now kept from it the next look does.
    /// `held`: why this process makes none for now.
    pub(super) async fn look(&self, answers: &mut Answers, held: Option<&Held>) -> Result<(), StoreError> {
        let looked = async {
            self.ask(answers).await?;
            for asked in answers.0.iter_mut().filter(|asked| asked.fills_asked) {
                if !asked.is_complete() {
                    self.read(asked, held).await?;
                } else if !asked.fills_elsewhere.is_empty() {
                    let run = self.run_elsewhere(asked).await?;
                    asked.fills_elsewhere.retain(|claim| run.contains(claim));
                }
            }
            self.give_up(answers).await
        };
        match looked.await {
            Err(error) if StoreError::is_temporary(&error) => Ok(()),
            done => done,
        }
    }

    /// Asks once for each repository: a fill of an earlier run may have been put off, or taken out.
    async fn ask(&self, answers: &mut Answers) -> Result<(), StoreError> {
        let new = |asked: &&mut Asked| asked.is_served() && !asked.fills_asked && !asked.is_left;
        let mut served: Vec<_> = answers.0.iter_mut().filter(new).collect();
        let repositories: Vec<_> = served.iter().filter_map(|asked| asked.repository).collect();
        if repositories.is_empty() {
            return Ok(());
        }
        if self.store.generation_state(self.recipe).await? == Some(GenerationState::Retired) {
            // A command left it: nobody makes its vectors.
            served.iter_mut().for_each(|asked| asked.is_left = true);
            return Ok(());
        }
        self.fills.seed(self.recipe, Some(&repositories), u32::MAX).await?;
        let request = FillRequest { repositories: Some(&repositories), force: true, limit: u32::MAX };
        self.fills.enqueue_fills(self.recipe.embedding, request).await?;
        served.iter_mut().for_each(|asked| asked.fills_asked = true);
        Ok(())
    }

    async fn read(&self, asked: &mut Asked, held: Option<&Held>) -> Result<(), StoreError> {
        let Some(id) = asked.repository else { return Ok(()) };
        let found = self.fills.coverage_under(id, self.recipe).await?.unwrap_or_default();
        self.fillings.note(id, asked, found.missing);
        if asked.coverage.is_none() {
            asked.lacked_first = found.missing;
        }
        if found.missing == 0 {
            asked.fills_elsewhere = self.run_elsewhere(asked).await?;
            asked.complete_seen = Some(asked.age());
        } else {
            asked.lack_seen = Some(asked.age());
        }
        asked.fill_jobs = vec![];
        if found.missing > 0 {
            let fills = self.fills(id, held).await?;
            // One that was lost is put back with its reason too, and taken again at once.
            asked.put_off = if fills.hold.is_some() { asked.put_off + 1 } else { 0 };
            if asked.hold.is_none() {
                asked.hold = fills.hold.filter(|_| asked.put_off >= LOOKS_PUT_OFF);
            }
            asked.fill_jobs = fills.jobs;
        }
        asked.coverage = Some(found);
        Ok(())
    }
}

impl Vectors<'_> {
    /// The fills of a repository that other instances run.
    async fn run_elsewhere(&self, asked: &Asked) -> Result<Vec<ClaimId>, StoreError> {
        if !self.store.is_shared() {
            return Ok(vec![]);
        }
        let (kind, state) = (Some(JobKind::Fill), Some(JobState::Running));
        let of = JobFilter { repository: asked.repository, kind, state, ..JobFilter::default() };
        let ours = |claim: &ClaimId| asked.fills.iter().any(|ticket| ticket.claim.id == *claim);
        Ok(self.store.jobs(&of).await?.iter().filter_map(|job| job.claim).filter(|claim| !ours(claim)).collect())
    }
}

struct Queued {
    jobs: Vec<JobId>,
    hold: Option<Hold>,
}

impl Vectors<'_> {
    /// The fills of a repository. Where none runs and none may, or there is none, it says why.
    async fn fills(&self, repository: RepositoryId, held: Option<&Held>) -> Result<Queued, StoreError> {
        let kind = Some(JobKind::Fill);
        let of = JobFilter { repository: Some(repository), kind, ..JobFilter::default() };
        let jobs = self.store.jobs(&of).await?;
        let waits = |job: &Job| job.state == JobState::Queued && (held.is_some() || job.last_error.is_some());
        let (all_wait, first) = (jobs.iter().all(waits), jobs.first());
        let why = first.map(|job| job.last_error.clone().or_else(|| held.map(|held| held.why.to_string())));
        let jobs: Vec<_> = jobs.iter().map(|job| job.id).collect();
        let may_run = all_wait && held.is_none() && self.missing.is_none() && self.is_due(&jobs).await?;
        let hold = (all_wait && !may_run).then(|| Hold {
            why: why.map_or_else(|| "its fill was taken out of the queue".to_owned(), Option::unwrap_or_default),
            unfit: held.is_some_and(|held| held.unfit),
        });
        Ok(Queued { jobs, hold })
    }

    /// Whether one of these may be taken here now: another instance put it back for want of a provider, say.
    async fn is_due(&self, jobs: &[JobId]) -> Result<bool, StoreError> {
        let (embedding, only) = (Some(self.recipe.embedding), Some(jobs.to_vec()));
        let filter = ClaimFilter { kind: JobKind::Fill, embedding, only, ..ClaimFilter::default() };
        Ok(self.store.next_due(None, &filter).await?.is_some_and(|due| due.is_zero()))
    }

    /// Whether another instance makes the vectors of this recipe.
    async fn others_fill(&self) -> Result<bool, StoreError> {
        Ok(self.store.status().await?.instances.iter().any(|instance| instance.fills(self.recipe.embedding)))
    }

    /// Where none can be made here, nor by another instance, nothing is waited for.
    async fn give_up(&self, answers: &mut Answers) -> Result<(), StoreError> {
        let Some(why) = self.missing.as_ref() else { return Ok(()) };
        let lacks = |asked: &&mut Asked| asked.hold.is_none() && asked.coverage.as_ref().is_some_and(|c| c.missing > 0);
        let lacking: Vec<_> = answers.0.iter_mut().filter(lacks).collect();
        if lacking.is_empty() || self.others_fill().await? {
            return Ok(());
        }
        let missing = |asked: &&mut Asked| asked.coverage.as_ref().map_or(0, |coverage| coverage.missing);
        let texts = lacking.iter().map(missing).sum();
        let stay = if texts == 1 { "stays" } else { "stay" };
        output::note(&format!("{} {stay} without a vector: {why}", output::counted(texts, "text")));
        lacking.into_iter().for_each(|asked| asked.hold = Some(Hold { why: why.clone(), unfit: true }));
        Ok(())
    }
}

/// Which repositories can be searched by words from now on, while their vectors are made: a line for each that no call
/// before told of.
pub(super) fn newly_served(answers: &mut Answers) -> Vec<String> {
    let is_new = |asked: &&mut Asked| {
        !asked.served_told && asked.answer.as_ref().is_some_and(|answer| answer.verdict == "warmed")
    };
    let line = |asked: &mut Asked| {
        asked.served_told = true;
        format!("{}: served after {}", name(asked), output::duration(asked.took.unwrap_or_default()))
    };
    answers.0.iter_mut().filter(is_new).map(line).collect()
}

/// Which of them have all their vectors from now on, whoever made them: a line for each that no call before told of.
pub(super) fn newly_complete(answers: &mut Answers) -> Vec<String> {
    let line = |asked: &mut Asked| {
        let after = asked.complete_after().filter(|_| !asked.complete_told)?;
        asked.complete_told = true;
        Some(format!("{}: vectors complete after {}", name(asked), output::duration(after)))
    };
    answers.0.iter_mut().filter_map(line).collect()
}

fn name(asked: &Asked) -> String {
    asked.remote.as_deref().map(|remote| warmer_query::short_name(remote, None)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use warmer_content::{ChunkingId, Digest, EmbeddingId, TextKey};
    use warmer_git::Remote;
    use warmer_store::{
        After, Catalogue as _, Coverage, Enqueue, Filled, Page, Queue as _, Role, Sqlite, StoreErrorKind, Unwanted,
    };

    use super::super::answers::Answer;
    use super::*;

    const REMOTE: &str = "https://git.example.com/a";

    /// A database that does not take the first request for fills, and has every vector.
    #[derive(Default)]
    struct BusyOnce(AtomicUsize);

    #[async_trait]
    impl Fills for BusyOnce {
        async fn lacking(&self, _: ClaimId, _: Option<&After>, _: u32) -> Result<Result<Page, Unwanted>, StoreError> {
            unreachable!("who waits claims nothing")
        }

        async fn put_vectors(&self, _: Filled<'_>) -> Result<u64, StoreError> {
            unreachable!("who waits makes nothing")
        }

        async fn failed_texts(&self, _: EmbeddingId, _: &[TextKey]) -> Result<Vec<TextKey>, StoreError> {
            unreachable!("who waits asks for no text")
        }

        async fn try_failed_again(&self, _: RepositoryId) -> Result<u64, StoreError> {
            unreachable!("who waits tries nothing again")
        }

        async fn coverage(&self, _: Option<&[RepositoryId]>) -> Result<HashMap<RepositoryId, Coverage>, StoreError> {
            unreachable!("it is asked under the recipe of the run")
        }

        async fn coverage_under(&self, _: RepositoryId, _: Recipe) -> Result<Option<Coverage>, StoreError> {
            Ok(Some(Coverage::default()))
        }

        async fn try_text(&self, _: ClaimId, _: Option<TextKey>) -> Result<bool, StoreError> {
            unreachable!("who waits makes nothing")
        }

        async fn seed(&self, _: Recipe, _: Option<&[RepositoryId]>, _: u32) -> Result<u64, StoreError> {
            Ok(0)
        }

        async fn enqueue_fills(&self, _: EmbeddingId, request: FillRequest<'_>) -> Result<u64, StoreError> {
            assert!(request.force && request.repositories.is_some_and(|all| all.len() == 1));
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0 => Err(StoreError::new(StoreErrorKind::Busy, "the database is busy")),
                _ => Ok(1),
            }
        }
    }

    #[tokio::test]
    async fn a_request_for_fills_that_the_database_did_not_take_is_made_again_and_then_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("w.sqlite"), Role::Pipeline).await.unwrap();
        let repository = store.add_repository(REMOTE, None).await.unwrap();
        let job = store.enqueue(repository.id, Enqueue::default()).await.unwrap().job;
        let mut answers = Answers::default();
        answers.expect(&Remote::from_url(REMOTE).unwrap(), None);
        answers.bind(REMOTE, job, &repository, None);
        answers.0[0].answer = Some(Answer::good("warmed", Default::default()));
        let digest = Digest::of(b"made");
        let recipe = Recipe { embedding: EmbeddingId(digest), chunking: ChunkingId(digest) };
        let (fills, fillings) = (BusyOnce::default(), Fillings::default());
        let vectors = Vectors { store: &store, fills: &fills, recipe, fillings: &fillings, missing: None };
        vectors.look(&mut answers, None).await.unwrap();
        assert!(!answers.all_settled(), "nobody has asked for its vectors yet");
        for _ in 0..3 {
            vectors.look(&mut answers, None).await.unwrap();
            assert!(answers.all_settled());
        }
        assert_eq!(fills.0.load(Ordering::Relaxed), 2);
    }
}
