//! A stage whose messages say what is to become of them, and tell what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use warmer_supervision::{Crash, Delivery, Limits, Line, Load, Mailbox, Receiver, RestartLimits, Root, Work};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Never gives up, and restarts at once.
pub(crate) const TOLERANT: RestartLimits =
    RestartLimits { intensity: 1_000, period: SECOND, first_delay: Duration::ZERO, most_delay: Duration::ZERO };

/// Gives up at the third death in a minute.
pub(crate) const STRICT: RestartLimits = RestartLimits {
    intensity: 2,
    period: Duration::from_secs(60),
    first_delay: SECOND,
    most_delay: Duration::from_secs(4),
};

/// What is to become of a message.
#[derive(Clone)]
pub(crate) enum Order {
    Pass,
    Panic,
    Fail,
    Hang,
    /// Passes when the test adds a permit.
    Hold(Arc<Semaphore>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Report {
    Done(u64),
    Lost(u64),
}

/// Reports `Lost` when it is dropped before its end, as a part does.
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) order: Order,
    pub(crate) bytes: u64,
    tell: Option<mpsc::UnboundedSender<Report>>,
}

impl Message {
    fn finish(mut self) {
        let tell = self.tell.take().expect("a message ends once");
        let _ = tell.send(Report::Done(self.id));
    }

    /// Refused to its sender: nothing to report.
    pub(crate) fn forget(mut self) {
        self.tell = None;
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        if let Some(tell) = self.tell.take() {
            let _ = tell.send(Report::Lost(self.id));
        }
    }
}

impl Load for Message {
    fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// What a stage has seen.
#[derive(Default)]
pub(crate) struct Counts {
    /// Worker states made.
    pub(crate) states: AtomicUsize,
    /// Messages taken into work.
    pub(crate) begun: AtomicUsize,
    pub(crate) crashed: AtomicUsize,
    pub(crate) restarted: AtomicUsize,
    pub(crate) in_work: AtomicUsize,
}

pub(crate) struct Script {
    pub(crate) counts: Arc<Counts>,
    next: Option<Mailbox<Message>>,
    hooks_panic: bool,
}

impl Work for Script {
    type Message = Message;
    type State = usize;

    fn state(&self) -> usize {
        self.counts.states.fetch_add(1, SeqCst)
    }

    async fn handle(&self, _: &mut usize, delivery: Delivery<Message>) -> Result<(), Crash> {
        self.counts.begun.fetch_add(1, SeqCst);
        self.counts.in_work.fetch_add(1, SeqCst);
        let Delivery { message, permit, .. } = delivery;
        match message.order.clone() {
            Order::Pass => {}
            Order::Panic => panic!("boom"),
            Order::Fail => return Err(std::io::Error::other("no luck").into()),
            Order::Hang => std::future::pending().await,
            Order::Hold(permits) => permits.acquire().await.expect("never closed").forget(),
        }
        self.counts.in_work.fetch_sub(1, SeqCst);
        match &self.next {
            None => message.finish(),
            // A message that is refused reports itself lost.
            Some(next) => drop(next.send(message).await),
        }
        drop(permit);
        Ok(())
    }

    fn crashed(&self, _: &Mailbox<Message>) {
        self.counts.crashed.fetch_add(1, SeqCst);
        assert!(!self.hooks_panic, "a hook's panic");
    }

    fn restarted(&self, _: &Mailbox<Message>) {
        self.counts.restarted.fetch_add(1, SeqCst);
        assert!(!self.hooks_panic, "a hook's panic");
    }
}

/// Makes messages and hears of them.
pub(crate) struct Post {
    tell: mpsc::UnboundedSender<Report>,
    heard: mpsc::UnboundedReceiver<Report>,
}

impl Post {
    pub(crate) fn new() -> Self {
        let (tell, heard) = mpsc::unbounded_channel();
        Self { tell, heard }
    }

    /// A message of one byte.
    pub(crate) fn message(&self, id: u64, order: Order) -> Message {
        self.sized(id, order, 1)
    }

    pub(crate) fn sized(&self, id: u64, order: Order, bytes: u64) -> Message {
        Message { id, order, bytes, tell: Some(self.tell.clone()) }
    }

    /// The next report; a missing one fails the test after an hour of the paused clock.
    pub(crate) async fn next(&mut self) -> Report {
        let next = tokio::time::timeout(Duration::from_secs(3_600), self.heard.recv());
        next.await.expect("a report is missing").expect("the post holds a sender")
    }

    /// The next `count` reports, sorted.
    pub(crate) async fn reports(&mut self, count: usize) -> Vec<Report> {
        let mut reports = vec![];
        for _ in 0..count {
            reports.push(self.next().await);
        }
        reports.sort();
        reports
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.heard.is_empty()
    }
}

/// A stage that is not running yet.
pub(crate) struct Stage {
    pub(crate) mailbox: Mailbox<Message>,
    pub(crate) receiver: Receiver<Message>,
    pub(crate) work: Arc<Script>,
    pub(crate) counts: Arc<Counts>,
}

pub(crate) fn stage(name: &'static str, workers: usize, mailbox: usize, next: Option<&Mailbox<Message>>) -> Stage {
    let (mailbox, receiver) = Mailbox::new(name, Limits { workers, mailbox, mailbox_bytes: 1_000 });
    let counts = Arc::new(Counts::default());
    let work = Arc::new(Script { counts: counts.clone(), next: next.cloned(), hooks_panic: name == "clumsy" });
    Stage { mailbox, receiver, work, counts }
}

/// One stage, running under a line that is the root.
pub(crate) struct Running {
    pub(crate) mailbox: Mailbox<Message>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) line: Line,
    pub(crate) root: Root,
}

pub(crate) async fn run(stage: Stage, workers: RestartLimits, pools: RestartLimits) -> Running {
    let Stage { mailbox, receiver, work, counts } = stage;
    let line = Line::builder("line", pools).stage(work, receiver, workers).build();
    let root = line.tree().start().await.expect("a pool that opens nothing starts");
    Running { mailbox, counts, line, root }
}

/// Lets everything that can run do so, until the condition holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..100_000 {
        if condition() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("never came to pass: {what}");
}
