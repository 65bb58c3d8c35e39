//! From arguments to jobs in the queue.

use std::sync::Arc;

use anyhow::Context as _;
use warmer_git::{Mirrors, Remote};
use warmer_pipeline::{GitWorkers, Selection};
use warmer_store::{Enqueue, InstanceId, Store};

use super::answers::{Answer, Answers};
use super::elsewhere;

/// Reads the arguments. What is no repository gets its answer at once; the others go on.
///
/// # Errors
/// When the current directory cannot be read.
pub(super) fn parse(arguments: &[String], reference: Option<&str>) -> anyhow::Result<Answers> {
    let here = std::env::current_dir().context("the current directory cannot be read: go to one that is there")?;
    let mut answers = Answers::default();
    for argument in arguments {
        match Remote::parse(argument, &here) {
            Ok(remote) => answers.expect(&remote, reference),
            Err(error) => answers.refuse(error.to_string(), reference),
        }
    }
    Ok(answers)
}

/// Asks those remotes that are checked first while the database is opened.
pub(super) fn prefetch(git: &Arc<GitWorkers>, mirrors: &Mirrors, answers: &Answers, most: usize) {
    for (remote, reference) in answers.unanswered().into_iter().take(most) {
        if let Ok(remote) = Remote::from_url(&remote) {
            git.prefetch(&remote, reference.as_deref(), mirrors.options());
        }
    }
}

/// Puts one job for each repository in the queue: an interrupted one that is still queued is taken up.
///
/// `shared` is this instance where others work on the same queue: a path leads to the same repository on this machine
/// only, so its job is pinned.
pub(super) async fn enqueue(
    store: &dyn Store,
    answers: &mut Answers,
    full: bool,
    shared: Option<InstanceId>,
) -> anyhow::Result<Selection> {
    let mut jobs = vec![];
    for (remote, reference) in answers.unanswered() {
        let location = Remote::from_url(&remote)?.location().to_string();
        let repository = store.add_repository_at(&remote, &location, reference.as_deref()).await?;
        if repository.remote != remote {
            let known = &repository.remote;
            tracing::warn!("{remote} is followed as {known}, and fetched so; `warmer repos add` changes that");
        }
        let pinned = shared.filter(|_| remote.starts_with("file://"));
        if full {
            store.try_failed_again(repository.id).await?;
        }
        let how = Enqueue { full, force: true, pinned, ..Enqueue::default() };
        let enqueued = store.enqueue(repository.id, how).await?;
        let before = elsewhere::latest(store, enqueued.job).await?;
        answers.bind(&remote, enqueued.job, &repository, before);
        jobs.push(enqueued.job);
    }
    Ok(Selection::only(jobs))
}

impl Answer {
    /// The answer of a job that the user did not wait for.
    pub(super) fn interrupted() -> Self {
        Self::failed("retry", "interrupted".to_owned())
    }
}
