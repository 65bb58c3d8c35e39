//! Blocking code under a deadline and a stop flag.
//!
//! An aborted future cannot stop a thread; a flag can, if the code looks at it. A thread that does not is left behind
//! and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};
use tracing::{Instrument as _, Span};

use crate::abandoned::{Abandoned, LeftBehind};
use crate::panic::panic_text;
use crate::task::spawn;

/// How long blocking code may take. A bare [`Duration`] is a deadline with the usual grace.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    /// The stop flag is raised after this time.
    pub after: Duration,
    /// The thread counts as abandoned when it still runs this long after the flag.
    pub grace: Duration,
}

impl Deadline {
    /// Parsing stopped 56 ms after its flag at worst, a fetch stops at its next read: two seconds are for a machine
    /// under load.
    pub const GRACE: Duration = Duration::from_secs(2);
}

impl From<Duration> for Deadline {
    fn from(after: Duration) -> Self {
        Self { after, grace: Self::GRACE }
    }
}

/// How blocking code ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// In time.
    Done(T),
    /// The deadline came, the code obeyed the flag and returned this within the grace; it may be half a result.
    Stopped(T),
    /// It panicked with this text.
    Panicked(String),
    /// The deadline came and no end: the thread runs on and is counted as [`Abandoned`], or no thread was ever free to
    /// start it.
    Late,
}

/// Runs `work` on a blocking thread. `stop` is raised at the deadline, and when the returned future is dropped before
/// its end; it is not touched otherwise, so the caller may raise it too.
///
/// The closure must own nothing that has to report when it is dropped: a thread that will not stop keeps what it owns.
#[expect(clippy::disallowed_methods, reason = "this is what the others are to use")]
pub async fn blocking<T, F>(deadline: impl Into<Deadline>, stop: Arc<AtomicBool>, work: F) -> Outcome<T>
where
    T: Send + 'static,
    F: FnOnce(&AtomicBool) -> T + Send + 'static,
{
    let deadline = deadline.into();
    let claimed = Arc::new(AtomicBool::new(false));
    let span = Span::current();
    let thread = tokio::task::spawn_blocking({
        let (claimed, stop) = (claimed.clone(), stop.clone());
        // A closure that finds itself given up before it began has nothing to do.
        move || (!claimed.swap(true, SeqCst)).then(|| span.in_scope(|| work(&stop)))
    });
    let stop = Box::new(move || stop.store(true, SeqCst));
    Running { thread: Some(thread), claimed, stop, grace: deadline.grace, left: None }.end_within(deadline.after).await
}

/// Runs an asynchronous `call` as a task of its own. `stop` is called at the deadline, and when the returned future is
/// dropped before its end; a call that ends only after the grace counts as [`Abandoned`] until then, for it may hold a
/// thread.
pub async fn call<T, F>(deadline: impl Into<Deadline>, stop: impl Fn() + Send + 'static, call: F) -> Outcome<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    called((Span::current(), None), deadline.into(), Box::new(stop), call).await
}

/// The same in this span, whichever is current; one that ends only after the grace counts as left behind by a part of
/// the process, and not as [`Abandoned`].
pub async fn call_counted<T, F>(
    (span, left): (Span, &LeftBehind),
    deadline: impl Into<Deadline>,
    stop: impl Fn() + Send + 'static,
    call: F,
) -> Outcome<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    called((span, Some(left.clone())), deadline.into(), Box::new(stop), call).await
}

#[expect(clippy::disallowed_methods, reason = "a panic of the task is the outcome")]
async fn called<T, F>(
    (span, left): (Span, Option<LeftBehind>),
    deadline: Deadline,
    stop: Box<dyn Fn() + Send>,
    call: F,
) -> Outcome<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let task = tokio::spawn(async { Some(call.await) }.instrument(span));
    let claimed = Arc::new(AtomicBool::new(true));
    Running { thread: Some(task), claimed, stop, grace: deadline.grace, left }.end_within(deadline.after).await
}

type Thread<T> = JoinHandle<Option<T>>;
type ThreadEnd<T> = Result<Option<T>, JoinError>;

fn outcome<T>(result: ThreadEnd<T>, ended: impl FnOnce(T) -> Outcome<T>) -> Outcome<T> {
    match result.map_err(JoinError::try_into_panic) {
        Ok(Some(value)) => ended(value),
        Err(Ok(panic)) => Outcome::Panicked(panic_text(&*panic)),
        // Given up before it began, or cancelled by a runtime that shuts down.
        Ok(None) | Err(Err(_)) => Outcome::Late,
    }
}

/// Stops the thread when the caller goes away, however it goes away, and counts it if it will not stop.
struct Running<T: Send + 'static> {
    /// `None` once its end is known or somebody else's business.
    thread: Option<Thread<T>>,
    /// Set by the thread when it begins or by the caller when it gives up: whoever is first decides.
    claimed: Arc<AtomicBool>,
    stop: Box<dyn Fn() + Send>,
    grace: Duration,
    /// Who counts it if it will not stop; else it counts for the whole process.
    left: Option<LeftBehind>,
}

impl<T: Send + 'static> Running<T> {
    /// The end within this time, or what comes of it within the grace after that.
    async fn end_within(mut self, time: Duration) -> Outcome<T> {
        if let Some(result) = self.wait(time).await {
            return outcome(result, Outcome::Done);
        }
        (self.stop)();
        if self.is_unclaimed() {
            self.thread = None;
            return Outcome::Late;
        }
        if let Some(result) = self.wait(self.grace).await {
            return outcome(result, Outcome::Stopped);
        }
        if let Some(thread) = self.thread.take() {
            left_behind(thread, self.left.take());
        }
        Outcome::Late
    }

    /// Whether the thread never began; it never will.
    fn is_unclaimed(&self) -> bool {
        !self.claimed.swap(true, SeqCst)
    }

    async fn wait(&mut self, time: Duration) -> Option<ThreadEnd<T>> {
        let thread = self.thread.as_mut()?;
        let result = tokio::time::timeout(time, thread).await.ok()?;
        self.thread = None;
        Some(result)
    }
}

impl<T: Send + 'static> Drop for Running<T> {
    fn drop(&mut self) {
        let Some(mut thread) = self.thread.take() else {
            return;
        };
        (self.stop)();
        let began = !self.is_unclaimed();
        let (grace, left) = (self.grace, self.left.take());
        // Without a runtime the process is at its end, and there is nobody left to count for.
        if let (true, Ok(runtime)) = (began, Handle::try_current()) {
            runtime.spawn(async move {
                if tokio::time::timeout(grace, &mut thread).await.is_err() {
                    left_behind(thread, left);
                }
            });
        }
    }
}

/// Counts a thread until it ends; what it ends with comes too late for anybody.
fn left_behind<T: Send + 'static>(thread: Thread<T>, left: Option<LeftBehind>) {
    left.as_ref().map_or_else(Abandoned::add, LeftBehind::add);
    spawn("abandoned thread", async move {
        let _ = thread.await;
        left.as_ref().map_or_else(Abandoned::remove, LeftBehind::remove);
    });
}
