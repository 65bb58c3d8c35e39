//! A supervisor over children in order: it starts them, starts them again when they end, and fails upward when they end too often.
//!
//! Every end of a child counts, also an orderly one, unless its [`Closing`] was given: an actor that nobody asked to stop is missed.
//! What fails upward is a failure to the supervisor above, which holds it to its own policy; the root's shows in [`Root::ended`].

use futures::future::BoxFuture;
use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorCell, SpawnErr};
use tokio::sync::watch;

use crate::keeper::Keeper;
use crate::{Closing, RestartPolicy};

/// Which children start again when one has died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// That one.
    OneForOne,
    /// That one and all after it, which are stopped from the last to the first before it is started.
    RestForOne,
}

pub(crate) type Start = Box<dyn Fn(ActorCell) -> BoxFuture<'static, Result<ActorCell, SpawnErr>> + Send + Sync>;

/// One child: how to start it, as often as need be.
pub struct Child {
    pub(crate) name: &'static str,
    pub(crate) closing: Closing,
    pub(crate) start: Start,
}

impl Child {
    /// `start` spawns the actor linked to the supervisor it is given. It is awaited by that supervisor, which hears nothing meanwhile: whatever
    /// takes long belongs into the child.
    pub fn new<F, Fut>(name: &'static str, start: F) -> Self
    where
        F: Fn(ActorCell) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<ActorCell, SpawnErr>> + Send + 'static,
    {
        Self { name, closing: Closing::new(), start: Box::new(move |supervisor| Box::pin(start(supervisor))) }
    }

    /// Once this is given, an end of the child is final and counts for nothing.
    #[must_use]
    pub fn until(mut self, closing: Closing) -> Self {
        self.closing = closing;
        self
    }
}

/// What a supervisor is to hold, before it is started.
pub struct Tree {
    pub(crate) name: &'static str,
    pub(crate) strategy: Strategy,
    pub(crate) policy: RestartPolicy,
    pub(crate) children: Vec<Child>,
}

impl Tree {
    /// A tree without children.
    #[must_use]
    pub fn new(name: &'static str, strategy: Strategy, policy: RestartPolicy) -> Self {
        Self { name, strategy, policy, children: vec![] }
    }

    /// Adds a child after those before: started after them, stopped before them.
    #[must_use]
    pub fn child(mut self, child: Child) -> Self {
        self.children.push(child);
        self
    }

    /// Starts the supervisor and its children with nothing above it.
    ///
    /// # Errors
    /// When a child cannot be started; those before it are stopped.
    pub async fn start(self) -> Result<Root, SpawnErr> {
        let (report, ended) = watch::channel(None);
        let (keeper, task) = Actor::spawn(None, Keeper, (self, report)).await?;
        Ok(Root { cell: keeper.get_cell(), task, ended })
    }

    /// Starts the supervisor and its children under another supervisor.
    ///
    /// # Errors
    /// When a child cannot be started; those before it are stopped.
    pub async fn start_under(self, supervisor: ActorCell) -> Result<ActorCell, SpawnErr> {
        let (report, _) = watch::channel(None);
        let (keeper, _task) = Actor::spawn_linked(None, Keeper, (self, report), supervisor).await?;
        Ok(keeper.get_cell())
    }
}

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
    cell: ActorCell,
    task: JoinHandle<()>,
    ended: watch::Receiver<Option<Ended>>,
}

impl Root {
    /// Returns when the root has ended; may be asked again, and dropped while it waits.
    pub async fn ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        let ended = ended.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone());
        ended.unwrap_or_else(|| Ended::Failed("the root of the supervision tree panicked or was killed".to_owned()))
    }

    /// Stops the children from the last to the first, then the root; a child that takes longer than 5 s is killed.
    pub async fn stop(self) -> Ended {
        self.cell.stop(None);
        // It ends with the task; how, is in `ended`.
        let _ = self.task.await;
        let last = self.ended.borrow().clone();
        last.unwrap_or_else(|| Ended::Failed("the root of the supervision tree was killed".to_owned()))
    }
}
