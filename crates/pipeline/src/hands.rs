//! Who does git's work for the Fetcher: one process of the same binary for each of its workers, which can be killed.
//!
//! What a thread leaks, a process does not: a remote that never ends, a file system that hangs and a pattern that takes
//! for ever cost their attempt and nothing else. The parent keeps the mirror's lock, and reads blobs itself.

use std::fs;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use warmer_git::{Options, Remote, Request, Response, Turn};
use warmer_supervision::child::{Child, Death, Program};
use warmer_supervision::{Outcome, blocking, frame, inside};

/// What a worker process may keep from one request to the next, in bytes: what a large fetch leaves in its heap would count
/// against the next one.
const KEPT_MAX: u64 = 64 << 20;

/// An answer that nobody needed by then is of yesterday.
const FRESH: Duration = Duration::from_secs(2);

/// Without an end: who waits for the thread has a deadline.
const FOREVER: Duration = Duration::from_hours(24 * 365);

/// How git's work is done, for all workers of the Fetcher.
#[derive(Debug)]
pub struct GitHands {
    program: Option<Program>,
    ahead: Mutex<Vec<Ahead>>,
}

impl GitHands {
    /// By processes of this program, which [`serve_git`] when they are started.
    #[must_use]
    pub fn processes(program: Program) -> Self {
        Self { program: Some(program), ahead: Mutex::default() }
    }

    /// By threads of this process, which cannot be killed: for tests, whose program is another.
    #[must_use]
    pub fn threads() -> Self {
        Self { program: None, ahead: Mutex::default() }
    }

    /// Asks now what the check of a job will want to know within the next two seconds: the round trip then costs no time of
    /// its own. Errors are told to who asks.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn ask_ahead(self: &Arc<Self>, remote: &Remote, reference: Option<&str>, options: Options) {
        let (request, mut hand) = (Request::ask(remote, reference, options), Hand::new(self.clone()));
        let answer = warmer_supervision::spawn("prefetch", async move {
            let answer = match hand.begin(request, None).await {
                Ok(mut doing) => match doing.next().await {
                    Ok(answer) => doing.end(&mut hand).await.map(|_| answer),
                    Err(none) => Err(none),
                },
                Err(none) => Err(none),
            };
            (hand, answer)
        });
        let (remote, reference) = (remote.clone(), reference.map(str::to_owned));
        self.ahead().push(Ahead { remote, reference, asked: Instant::now(), answer: Some(answer) });
    }

    /// What was asked ahead, if it was: once.
    pub(crate) fn asked(&self, remote: &Remote, reference: Option<&str>) -> Option<Ahead> {
        let mut ahead = self.ahead();
        ahead.retain(|question| question.asked.elapsed() < FRESH);
        let mine = |question: &Ahead| question.remote == *remote && question.reference.as_deref() == reference;
        let at = ahead.iter().position(mine)?;
        Some(ahead.swap_remove(at))
    }

    fn ahead(&self) -> std::sync::MutexGuard<'_, Vec<Ahead>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that was asked ahead. Dropped, it ends whoever still asks.
#[derive(Debug)]
pub(crate) struct Ahead {
    remote: Remote,
    reference: Option<String>,
    asked: Instant,
    answer: Option<JoinHandle<(Hand, Result<Response, NoAnswer>)>>,
}

impl Ahead {
    /// The answer; `hand` takes over who gave it.
    pub(crate) async fn answer(mut self, hand: &mut Hand) -> Option<Result<Response, NoAnswer>> {
        let (theirs, answer) = self.answer.as_mut()?.await.ok()?;
        self.answer = None;
        if hand.worker.is_none() {
            *hand = theirs;
        }
        Some(answer)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if let Some(answer) = &self.answer {
            answer.abort();
        }
    }
}

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

/// One worker's way to have git's work done. The process is started when it is first needed.
#[derive(Debug)]
pub(crate) struct Hand {
    hands: Arc<GitHands>,
    worker: Option<Child>,
}

impl Hand {
    pub(crate) fn new(hands: Arc<GitHands>) -> Self {
        Self { hands, worker: None }
    }

    /// Begins a request. Dropping what it gives ends the request, and the process that does it; `turn` goes only then.
    pub(crate) async fn begin(&mut self, request: Request, turn: Option<Turn>) -> Result<Doing, NoAnswer> {
        let Some(program) = &self.hands.program else { return Ok(Doing::Thread(Thread::begin(request, turn))) };
        let gone = |error: &dyn std::fmt::Display| NoAnswer::Gone(format!("git's process: {error}"));
        let message = request.to_bytes().map_err(|error| gone(&error))?;
        let mut doing = Box::new(Process { child: self.worker.take(), turn, failed: false });
        if let Some(child) = &mut doing.child {
            // One that was idle may have been killed meanwhile.
            if frame::send(&mut child.to, &message).await.is_ok() {
                return Ok(Doing::Process(doing));
            }
            doing.died().await;
        }
        let heard = |line: &str| tracing::warn!("git's process says: {}", line.escape_debug());
        let started = program.start(heard).map_err(|error| gone(&format!("cannot be started: {error}")))?;
        let child = doing.child.insert(started);
        match frame::send(&mut child.to, &message).await {
            Ok(()) => Ok(Doing::Process(doing)),
            Err(_) => Err(doing.died().await),
        }
    }
}

/// A request that somebody does.
pub(crate) enum Doing {
    Process(Box<Process>),
    Thread(Thread),
}

impl Doing {
    /// The next answer.
    pub(crate) async fn next(&mut self) -> Result<Response, NoAnswer> {
        match self {
            Self::Process(process) => process.next().await,
            Self::Thread(thread) => thread.next().await,
        }
    }

    /// Gives back the hand after the last answer, and the turn.
    pub(crate) async fn end(self, hand: &mut Hand) -> Result<Option<Turn>, NoAnswer> {
        match self {
            Self::Process(process) => Ok(process.end(hand)),
            Self::Thread(mut thread) => thread.end().await,
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
    async fn died(&mut self) -> NoAnswer {
        let death = match self.child.take() {
            Some(child) => child.end().await,
            None => Death::Undying,
        };
        match death {
            Death::OutOfMemory => NoAnswer::OutOfMemory,
            death => NoAnswer::Gone(format!("git's process {death}")),
        }
    }

    fn end(mut self, hand: &mut Hand) -> Option<Turn> {
        let child = self.child.take();
        // Dropped here, it is killed, and the next request has a new one.
        hand.worker = child.filter(|child| !self.failed && anonymous_memory(child.id()) < KEPT_MAX);
        self.turn.take()
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
    fn begin(request: Request, turn: Option<Turn>) -> Self {
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

/// Does git's requests in this process, which its parent talks to, until the parent is gone; then it ends, with all it
/// started. It may take so many bytes of memory.
///
/// # Errors
/// When the parent cannot be answered, or says what is no request.
pub fn serve_git(memory_bytes: u64) -> std::io::Result<()> {
    inside::limit_memory(memory_bytes)?;
    inside::die_first();
    inside::serve(|message, reply| {
        let request = Request::from_bytes(&message).map_err(std::io::Error::other)?;
        request.run_alone(&|answer| match answer.to_bytes().map(|answer| reply(&answer)) {
            Ok(Ok(())) => std::ops::ControlFlow::Continue(()),
            _ => std::ops::ControlFlow::Break(()),
        });
        Ok(())
    })
}
