//! A supervisor over children in order: it starts them, starts them again when they end, and fails upward when they end
//! too often.
//!
//! Every end of a child counts, also an orderly one, unless its [`Closing`] was given: an actor that nobody asked to
//! stop is missed. What fails upward is a failure to the supervisor above, which counts it against its own limits; the
//! root's shows in [`Root::ended`](crate::Root::ended).

use futures::future::BoxFuture;
use ractor::{ActorCell, SpawnErr};

use crate::breaker::Breaker;
use crate::closing::Closing;
use crate::restart_policy::RestartLimits;

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
    /// `start` spawns the actor linked to the supervisor it is given. It is awaited by that supervisor, which hears
    /// nothing meanwhile: whatever
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
    pub(crate) restarts: RestartLimits,
    pub(crate) breaker: Option<Breaker>,
    pub(crate) children: Vec<Child>,
}

impl Tree {
    /// A tree without children.
    #[must_use]
    pub fn new(name: &'static str, strategy: Strategy, restarts: RestartLimits) -> Self {
        Self { name, strategy, restarts, breaker: None, children: vec![] }
    }

    /// Children that end too often are started again after a pause, and nothing fails upward.
    #[must_use]
    pub fn pausing(mut self, breaker: Breaker) -> Self {
        self.breaker = Some(breaker);
        self
    }

    /// Adds a child after those before: started after them, stopped before them.
    #[must_use]
    pub fn child(mut self, child: Child) -> Self {
        self.children.push(child);
        self
    }
}
