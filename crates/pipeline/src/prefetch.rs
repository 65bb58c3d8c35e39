//! Prefetch: what the check of a job will want to know is asked while the database is still opened.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use warmer_git::{Options, Remote, Request, Response};

use crate::git_worker::GitWorker;
use crate::request::NoAnswer;

/// An answer that nobody needed by then is of yesterday.
const FRESH: Duration = Duration::from_secs(2);

/// A question that was asked ahead. Dropped, it ends whoever still asks.
#[derive(Debug)]
pub(crate) struct Prefetched {
    remote: Remote,
    reference: Option<String>,
    asked: Instant,
    answer: Option<JoinHandle<(GitWorker, Result<Response, NoAnswer>)>>,
}

impl Prefetched {
    /// Asks now.
    pub(crate) fn ask(mut worker: GitWorker, remote: &Remote, reference: Option<&str>, options: Options) -> Self {
        let request = Request::ask(remote, reference, options);
        let answer = warmer_supervision::spawn("prefetch", async move {
            let answer = ask(&mut worker, request).await;
            (worker, answer)
        });
        let (remote, reference) = (remote.clone(), reference.map(str::to_owned));
        Self { remote, reference, asked: Instant::now(), answer: Some(answer) }
    }

    /// Whether the answer is still worth something.
    pub(crate) fn is_fresh(&self) -> bool {
        self.asked.elapsed() < FRESH
    }

    /// Whether it is this question.
    pub(crate) fn is_of(&self, remote: &Remote, reference: Option<&str>) -> bool {
        self.remote == *remote && self.reference.as_deref() == reference
    }

    /// The answer; `worker` takes over who gave it.
    pub(crate) async fn answer(mut self, worker: &mut GitWorker) -> Option<Result<Response, NoAnswer>> {
        let (theirs, answer) = self.answer.as_mut()?.await.ok()?;
        self.answer = None;
        worker.take_over(theirs);
        Some(answer)
    }
}

impl Drop for Prefetched {
    fn drop(&mut self) {
        if let Some(answer) = &self.answer {
            answer.abort();
        }
    }
}

/// A request with one answer.
pub(crate) async fn ask(worker: &mut GitWorker, request: Request) -> Result<Response, NoAnswer> {
    let mut execution = worker.begin(request, None).await?;
    let answer = execution.next().await?;
    worker.end(execution).await?;
    Ok(answer)
}
