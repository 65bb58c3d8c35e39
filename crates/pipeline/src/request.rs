//! One request to git, as it is done: by a worker process, which can be killed, or by a thread of this process.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use warmer_git::{Request, Response, Turn};
use warmer_supervision::child::{Child, Death};
use warmer_supervision::{Outcome, blocking, frame};

/// What a worker process may keep from one request to the next, in bytes: what a large fetch leaves in its heap would
/// count against the next one.
const KEPT_MAX: u64 = 64 << 20;

/// Without an end: who waits for the thread has a deadline.
const FOREVER: Duration = Duration::from_hours(24 * 365);

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// Whoever did it took more memory than it may.
    OutOfMemory,
    /// Whoever did it is gone, for this reason.
    Gone(String),
}

impl NoAnswer {
    /// It answers what was not asked.
    pub(crate) fn out_of_turn() -> Self {
        Self::Gone("git's process gave another answer than was asked for".to_owned())
    }
}

/// A request under way.
pub(crate) enum Execution {
    Process(Box<Process>),
    Thread(Thread),
}

impl Execution {
    /// The next answer.
    pub(crate) async fn next(&mut self) -> Result<Response, NoAnswer> {
        match self {
            Self::Process(process) => process.next().await,
            Self::Thread(thread) => thread.next().await,
        }
    }

    /// After the last answer: gives the process back, where it may do another request, and the turn.
    pub(crate) async fn end(self) -> Result<(Option<Child>, Option<Turn>), NoAnswer> {
        match self {
            Self::Process(process) => Ok(process.end()),
            Self::Thread(mut thread) => thread.end().await.map(|turn| (None, turn)),
        }
    }

    /// Ends it before its last answer, and waits until whoever does it is gone.
    pub(crate) async fn give_up(self) {
        if let Self::Process(mut process) = self {
            process.died().await;
        }
    }
}

/// A request in the worker process. The turn of a killed one is given back once the process is gone.
pub(crate) struct Process {
    child: Option<Child>,
    turn: Option<Turn>,
    /// It ended with an error: a program that it started may be left.
    failed: bool,
}

impl Process {
    /// In this process, where there is one.
    pub(crate) fn new(child: Option<Child>, turn: Option<Turn>) -> Self {
        Self { child, turn, failed: false }
    }

    /// Gives the request to the process there is. False: it is gone, as one may be that was idle.
    pub(crate) async fn give(&mut self, request: &[u8]) -> bool {
        let Some(child) = &mut self.child else { return false };
        frame::send(&mut child.to, request).await.is_ok()
    }

    /// Another process, in place of the one that is gone.
    pub(crate) fn replace(&mut self, child: Child) {
        self.child = Some(child);
    }

    async fn next(&mut self) -> Result<Response, NoAnswer> {
        let Some(child) = &mut self.child else { return Err(NoAnswer::Gone("git's process is gone".to_owned())) };
        match frame::receive(&mut child.from).await {
            Ok(Some(message)) => {
                let answer = Response::from_bytes(&message);
                self.failed = matches!(
                    answer,
                    Ok(Response::Tip(Err(_)) | Response::Fetched(Err(_)) | Response::Listed(Err(_))) | Err(_)
                );
                answer.map_err(|error| NoAnswer::Gone(format!("git's process: {error}")))
            }
            Ok(None) | Err(_) => Err(self.died().await),
        }
    }

    /// Waits for the end of the process, which it brings about.
    pub(crate) async fn died(&mut self) -> NoAnswer {
        let death = match self.child.take() {
            Some(child) => child.end().await,
            None => Death::Undying,
        };
        match death {
            Death::OutOfMemory => NoAnswer::OutOfMemory,
            death => NoAnswer::Gone(format!("git's process {death}")),
        }
    }

    fn end(mut self) -> (Option<Child>, Option<Turn>) {
        let child = self.child.take();
        // Dropped here, it is killed, and the next request has a new one.
        let kept = child.filter(|child| !self.failed && anonymous_memory(child.id()) < KEPT_MAX);
        (kept, self.turn.take())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let (child, turn) = (self.child.take(), self.turn.take());
        if let (Some(child), Ok(runtime)) = (child, Handle::try_current()) {
            runtime.spawn(async move {
                child.end().await;
                drop(turn);
            });
        }
    }
}

/// The anonymous memory of a process, in bytes; 0 where the system does not say.
fn anonymous_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// A request on a thread of this process.
pub(crate) struct Thread {
    answers: mpsc::Receiver<Response>,
    task: JoinHandle<Outcome<Option<Turn>>>,
}

impl Thread {
    pub(crate) fn begin(request: Request, turn: Option<Turn>) -> Self {
        let (give, answers) = mpsc::channel(1);
        let work = move |stop: &AtomicBool| {
            request.run(stop, &|answer| match give.blocking_send(answer) {
                Ok(()) => std::ops::ControlFlow::Continue(()),
                Err(_) => std::ops::ControlFlow::Break(()),
            });
            turn
        };
        Self { answers, task: warmer_supervision::spawn("git request", blocking(FOREVER, Arc::default(), work)) }
    }

    async fn next(&mut self) -> Result<Response, NoAnswer> {
        match self.answers.recv().await {
            Some(answer) => Ok(answer),
            None => match self.end().await {
                Err(none) => Err(none),
                Ok(_) => Err(NoAnswer::Gone("git ended without an answer".to_owned())),
            },
        }
    }

    async fn end(&mut self) -> Result<Option<Turn>, NoAnswer> {
        match (&mut self.task).await {
            Ok(Outcome::Done(turn)) => Ok(turn),
            Ok(Outcome::Panicked(what)) => Err(NoAnswer::Gone(format!("git panicked: {what}"))),
            _ => Err(NoAnswer::Gone("git's thread was stopped".to_owned())),
        }
    }
}

impl Drop for Thread {
    /// What is dropped with the task raises the thread's stop flag.
    fn drop(&mut self) {
        self.task.abort();
    }
}
