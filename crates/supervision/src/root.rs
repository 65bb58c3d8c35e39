//! A supervisor with nothing above it, as its owner sees it.

use ractor::ActorRef;
use ractor::concurrency::JoinHandle;
use tokio::sync::watch;

use crate::pulse::{Pulse, SupervisorMessage};

/// How a root came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Stopped,
    /// It gave up, for this reason: the process should exit, and not with zero.
    Failed(String),
}

/// A running supervisor with nothing above it.
#[derive(Debug)]
pub struct Root {
    pub(crate) supervisor: ActorRef<SupervisorMessage>,
    pub(crate) task: JoinHandle<()>,
    pub(crate) ended: watch::Receiver<Option<Ended>>,
}

impl Root {
    /// By which others see whether it still answers.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        Pulse::of(self.supervisor.clone())
    }

    /// Returns when the root has ended; may be asked again, and dropped while it waits.
    pub async fn ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        let ended = ended.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone());
        ended.unwrap_or_else(|| Ended::Failed("the root of the supervision tree panicked or was killed".to_owned()))
    }

    /// Stops the children from the last to the first, then the root; a child that takes longer than 5 s is killed.
    pub async fn stop(self) -> Ended {
        self.supervisor.stop(None);
        // It ends with the task; how, is in `ended`.
        let _ = self.task.await;
        let last = self.ended.borrow().clone();
        last.unwrap_or_else(|| Ended::Failed("the root of the supervision tree was killed".to_owned()))
    }
}
