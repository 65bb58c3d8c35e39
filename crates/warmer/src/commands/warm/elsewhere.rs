//! Jobs whose end the pipeline here does not report: another instance works on them or took them before us, or a person
//! took them out. Their state is polled, and their verdict is read from the history.

use std::collections::HashMap;

use warmer_store::{
    Attempt, AttemptFilter, AttemptOutcome, ClaimId, InstanceId, Job, JobFilter, JobId, JobKind, JobState,
    RepositoryId, Store, StoreError,
};

use super::answers::{Answer, Answers, Asked};
use crate::output;

/// Attempts that are read: more than a job can have between two polls.
const ATTEMPTS: u32 = 20;

/// What the queue knows about a job.
pub(super) struct Snapshot {
    /// Its row; `None` once it is finished or folded into another.
    job: Option<Job>,
    /// Its attempts, the latest first; where it left none, those of later jobs of its repository.
    attempts: Vec<Attempt>,
    /// The job that waits for its repository now, with its latest attempt.
    queued: Option<(JobId, Option<ClaimId>)>,
}

/// The latest attempt that a job had.
pub(super) async fn latest(store: &dyn Store, job: JobId) -> Result<Option<ClaimId>, StoreError> {
    Ok(store.attempts(AttemptFilter::Job(job), 1).await?.first().map(|attempt| attempt.claim))
}

/// Reads every job without an answer that this process does not work on.
pub(super) async fn snapshots(store: &dyn Store, answers: &Answers) -> Result<HashMap<JobId, Snapshot>, StoreError> {
    let mut snapshots = HashMap::new();
    for asked in answers.0.iter().filter(|asked| asked.answer.is_none() && !asked.open) {
        let Some((id, repository)) = asked.job.zip(asked.repository) else { continue };
        // The row first: one that is gone has all its attempts in the history.
        let job = store.job(id).await?;
        let mut attempts = store.attempts(AttemptFilter::Job(id), ATTEMPTS).await?;
        let mut queued = None;
        if job.is_none() {
            if attempts.is_empty() {
                attempts = after(store, id, repository).await?;
            }
            let filter = JobFilter {
                kind: Some(JobKind::Refresh),
                state: Some(JobState::Queued),
                repository: Some(repository),
                limit: 1,
                ..JobFilter::default()
            };
            if let Some(next) = store.jobs(&filter).await?.first() {
                queued = Some((next.id, latest(store, next.id).await?));
            }
        }
        snapshots.insert(id, Snapshot { job, attempts, queued });
    }
    Ok(snapshots)
}

/// What a job whose attempts are gone came to: who did not look for ten minutes, in a machine that slept say, missed a
/// check that found nothing new, and finds the later one that took its place in the history.
async fn after(store: &dyn Store, job: JobId, repository: RepositoryId) -> Result<Vec<Attempt>, StoreError> {
    let mut attempts = store.attempts(AttemptFilter::Refreshes(repository), ATTEMPTS).await?;
    attempts.retain(|attempt| attempt.job > job);
    Ok(attempts)
}

impl Answers {
    /// Takes in what was read. What the pipeline reported meanwhile must have been recorded before.
    pub(super) fn apply(&mut self, snapshots: &HashMap<JobId, Snapshot>, ours: InstanceId) {
        for asked in self.0.iter_mut().filter(|asked| asked.answer.is_none()) {
            if let Some(snapshot) = asked.job.and_then(|job| snapshots.get(&job)) {
                asked.apply(snapshot, ours);
            }
        }
    }
}

impl Asked {
    fn apply(&mut self, snapshot: &Snapshot, ours: InstanceId) {
        if self.open {
            return;
        }
        // Of an attempt of ours the pipeline reported the end, but for one: that nothing follows because a person wants
        // so.
        let reported = |attempt: &Attempt| {
            self.attempts.iter().any(|ticket| ticket.claim.id == attempt.claim) && !attempt.was_taken_out()
        };
        let new =
            snapshot.attempts.iter().take_while(|attempt| Some(attempt.claim) != self.before && !reported(attempt));
        self.answer = new.into_iter().find_map(Answer::elsewhere);
        match (&self.answer, &snapshot.job, snapshot.queued) {
            (Some(_), ..) => self.took = Some(self.age()),
            (None, Some(job), _) => self.announce(job, ours),
            (None, None, Some((job, before))) => (self.job, self.before) = (Some(job), before),
            (None, None, None) => {
                self.answer = Some(Answer::failed("retry", "the job is no longer in the queue".to_owned()));
            }
        }
    }

    /// Says once that another instance has the job.
    fn announce(&mut self, job: &Job, ours: InstanceId) {
        let other = job.instance.filter(|instance| *instance != ours);
        if let (Some(instance), false) = (other, self.announced) {
            self.announced = true;
            output::note(&format!("job {} runs on another instance ({}): waiting for it", job.id.0, instance.0));
        }
    }
}

impl Answer {
    /// How another instance's attempt ended; `None` where another attempt follows by itself.
    fn elsewhere(attempt: &Attempt) -> Option<Self> {
        let error = || attempt.error.clone().unwrap_or_else(|| format!("the attempt ended {}", attempt.outcome));
        let answer = match attempt.outcome {
            AttemptOutcome::Warmed => Self::good("warmed", Default::default()),
            AttemptOutcome::Fresh => Self::good("fresh", Default::default()),
            AttemptOutcome::Retry | AttemptOutcome::Stuck | AttemptOutcome::Unfit => Self::failed("retry", error()),
            AttemptOutcome::Cancelled if attempt.was_taken_out() => Self::failed("retry", error()),
            AttemptOutcome::Dead => Self::failed("dead", error()),
            // Nobody asked for a fill.
            AttemptOutcome::Filled
            | AttemptOutcome::Lost
            | AttemptOutcome::Crashed
            | AttemptOutcome::Deferred
            | AttemptOutcome::Refused
            | AttemptOutcome::Cancelled => return None,
        };
        Some(Self { elsewhere: true, ..answer })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use warmer_store::{Cache as _, ClaimFilter, Collect, Enqueue, Queue as _, Role, Settlement, Sqlite};

    use super::*;

    const REMOTE: &str = "https://git.example.com/a";

    /// A job that was asked for, and another instance that may take it.
    struct Rig {
        _folder: tempfile::TempDir,
        store: Sqlite,
        answers: Answers,
        other: InstanceId,
    }

    impl Rig {
        /// Asks for a repository after an attempt on it failed.
        async fn after_a_failure() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Sqlite::open(&folder.path().join("w.sqlite"), Role::Pipeline).await.unwrap();
            let (other, mut answers) = (InstanceId::random(), Answers::default());
            store.register(other, 1, "1", warmer_store::Takes::Any).await.unwrap();
            let repository = warmer_store::Catalogue::add_repository(&store, REMOTE, None).await.unwrap();
            let how = Enqueue { force: true, ..Enqueue::default() };
            store.enqueue(repository.id, how.clone()).await.unwrap();
            let mut rig = Self { _folder: folder, store, answers: Answers::default(), other };
            rig.settle(failure("before")).await;
            answers.expect(&warmer_git::Remote::from_url(REMOTE).unwrap(), None);
            let job = rig.store.enqueue(repository.id, how).await.unwrap().job;
            answers.bind(REMOTE, job, &repository, latest(&rig.store, job).await.unwrap());
            rig.answers = answers;
            rig
        }

        /// The other instance takes the job and ends it.
        async fn settle(&mut self, how: Settlement) {
            let claim = self.store.claim(self.other, &ClaimFilter::default()).await.unwrap().unwrap();
            self.store.settle(claim.id, how, None).await.unwrap();
        }

        /// The verdict after a poll, and its error.
        async fn answer(&mut self) -> Option<(&'static str, Option<String>)> {
            let snapshots = snapshots(&self.store, &self.answers).await.unwrap();
            self.answers.apply(&snapshots, InstanceId::random());
            self.answers.0[0].answer.clone().map(|answer| (answer.verdict, answer.error))
        }
    }

    fn failure(error: &str) -> Settlement {
        Settlement::Retry { after: Duration::ZERO, error: error.to_owned(), progressed: false }
    }

    #[tokio::test]
    async fn another_instances_verdict_is_ours() {
        let mut rig = Rig::after_a_failure().await;
        assert_eq!(rig.answer().await, None, "what was before is no answer");
        rig.settle(Settlement::Cancelled { error: "the process is shutting down".into() }).await;
        assert_eq!(rig.answer().await, None, "what was handed back goes on");
        rig.settle(Settlement::Fresh).await;
        assert_eq!(rig.answer().await, Some(("fresh", None)));
        assert!(!rig.answers.any_served(), "by the recipe of another");
    }

    #[tokio::test]
    async fn another_instances_failure_is_ours() {
        let mut rig = Rig::after_a_failure().await;
        rig.settle(failure("no route")).await;
        assert_eq!(rig.answer().await, Some(("retry", Some("no route".to_owned()))));
    }

    #[tokio::test]
    async fn a_check_that_is_no_longer_in_the_history_is_answered_by_a_later_one() {
        let mut rig = Rig::after_a_failure().await;
        rig.settle(Settlement::Fresh).await;
        let all = Collect { history_age: Duration::ZERO, ..Collect::default() };
        rig.store.collect(&all).await.unwrap();
        let repository = rig.answers.0[0].repository.unwrap();
        rig.store.enqueue(repository, Enqueue::default()).await.unwrap();
        rig.settle(Settlement::Fresh).await;
        assert_eq!(rig.answer().await, Some(("fresh", None)));
    }

    #[tokio::test]
    async fn a_job_that_was_taken_out_is_not_waited_for() {
        let mut rig = Rig::after_a_failure().await;
        let job = rig.answers.0[0].job.unwrap();
        rig.store.cancel(job).await.unwrap();
        assert!(matches!(rig.answer().await, Some(("retry", Some(_)))));
    }
}
