//! The line: the pools of all stages, one for one, and their drain from the first stage to the last.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use futures::future::BoxFuture;
use ractor::{ActorCell, SpawnErr};

use crate::breaker::Breaker;
use crate::closing::Closing;
use crate::mailbox::{Mailbox, Receiver};
use crate::pool::{self, Work, guard};
use crate::restart_policy::RestartLimits;
use crate::supervisor::KILL_GRACE;
use crate::tree::{Child, Strategy, Tree};

/// How one stage came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainEnd {
    /// The pool ended by itself: it had worked off what was inside, or had already died.
    Drained,
    /// The deadline came first. What was inside has been dropped.
    Killed,
}

/// The report of one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// The stage.
    pub stage: &'static str,
    /// How it ended.
    pub end: DrainEnd,
}

/// Collects the stages in the order of the messages' way.
pub struct LineBuilder {
    name: &'static str,
    policy: RestartLimits,
    breaker: Option<Breaker>,
    stages: Vec<Arc<dyn Stage>>,
}

impl LineBuilder {
    /// Adds the next stage: its work, the receiver of its mailbox (which also has its name and the number of workers),
    /// and the restarts of its workers. How often its pool may die is up to the line.
    #[must_use]
    pub fn stage<W: Work>(mut self, work: Arc<W>, receiver: Receiver<W::Message>, workers: RestartLimits) -> Self {
        self.stages.push(Arc::new(PoolStage {
            work,
            mailbox: receiver.mailbox,
            policy: workers,
            started: AtomicBool::new(false),
        }));
        self
    }

    /// Pools that die too often are started again after a pause, and nothing fails upward.
    #[must_use]
    pub fn pausing(mut self, breaker: Breaker) -> Self {
        self.breaker = Some(breaker);
        self
    }

    /// The line of these stages; nothing is started yet.
    #[must_use]
    pub fn build(self) -> Line {
        let Self { name, policy, breaker, stages } = self;
        Line { name, policy, breaker, stages: stages.into() }
    }
}

/// The stages of a pipeline. A clone is the same line: one in the tree above, which starts it (again), one in the hands
/// of whoever drains it.
#[derive(Clone)]
pub struct Line {
    name: &'static str,
    policy: RestartLimits,
    breaker: Option<Breaker>,
    stages: Arc<[Arc<dyn Stage>]>,
}

impl Line {
    /// A line of this name whose pools may be restarted by this policy.
    #[must_use]
    pub fn builder(name: &'static str, policy: RestartLimits) -> LineBuilder {
        LineBuilder { name, policy, breaker: None, stages: vec![] }
    }

    /// The line as a child of the tree above.
    #[must_use]
    pub fn child(&self) -> Child {
        let line = self.clone();
        Child::new(self.name, move |supervisor| line.tree().start_under(supervisor))
    }

    /// The supervisor of the pools: started from the last stage back, so that whoever sends has somebody to send to.
    #[must_use]
    pub fn tree(&self) -> Tree {
        let tree = Tree::new(self.name, Strategy::OneForOne, self.policy);
        let tree = match &self.breaker {
            Some(breaker) => tree.pausing(breaker.clone()),
            None => tree,
        };
        self.stages.iter().rev().fold(tree, |tree, stage| {
            let start = {
                let stage = stage.clone();
                move |supervisor| stage.clone().start(supervisor)
            };
            tree.child(Child::new(stage.name(), start).until(stage.closing().clone()))
        })
    }

    /// Ends the stages one after the other, from the first: closes the mailbox, lets the pool finish what is inside,
    /// and kills it if that takes longer than `deadline`. A stage whose turn has not come works on, and is restarted if
    /// it dies.
    pub async fn drain(&self, deadline: Duration) -> Vec<Drained> {
        let mut report = Vec::with_capacity(self.stages.len());
        for stage in self.stages.iter() {
            report.push(Drained { stage: stage.name(), end: stage.drain(deadline).await });
        }
        report
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.stages.iter().map(|stage| stage.name())).finish()
    }
}

/// A stage whatever its messages are.
trait Stage: Send + Sync {
    fn name(&self) -> &'static str;
    fn closing(&self) -> &Closing;
    fn start(self: Arc<Self>, supervisor: ActorCell) -> BoxFuture<'static, Result<ActorCell, SpawnErr>>;
    fn drain(&self, deadline: Duration) -> BoxFuture<'_, DrainEnd>;
}

struct PoolStage<W: Work> {
    work: Arc<W>,
    mailbox: Mailbox<W::Message>,
    policy: RestartLimits,
    /// Whether there has been a pool before.
    started: AtomicBool,
}

impl<W: Work> Stage for PoolStage<W> {
    fn name(&self) -> &'static str {
        self.mailbox.name()
    }

    fn closing(&self) -> &Closing {
        self.mailbox.closing()
    }

    fn start(self: Arc<Self>, supervisor: ActorCell) -> BoxFuture<'static, Result<ActorCell, SpawnErr>> {
        Box::pin(async move {
            let cell = pool::start(self.work.clone(), self.mailbox.clone(), self.policy, supervisor).await?;
            if self.started.swap(true, SeqCst) {
                guard(self.name(), || self.work.restarted(&self.mailbox));
            }
            Ok(cell)
        })
    }

    fn drain(&self, deadline: Duration) -> BoxFuture<'_, DrainEnd> {
        Box::pin(async move {
            self.mailbox.close();
            let Some(pool) = self.mailbox.pool() else {
                return DrainEnd::Drained;
            };
            // Refused by a pool that is ending anyway.
            let _ = pool.drain_requests();
            if pool.wait(Some(deadline)).await.is_ok() {
                return DrainEnd::Drained;
            }
            let workers = pool.get_children();
            let deadline_ms = deadline.as_millis() as u64;
            tracing::warn!(stage = self.name(), deadline_ms, "the stage did not drain in time; killing its pool");
            // `stop` would wait for the hung worker for ever. A worker that never awaits cannot be killed either: the
            // wait is bounded.
            let _ = pool.kill_and_wait(Some(KILL_GRACE)).await;
            for worker in workers {
                let _ = worker.wait(Some(KILL_GRACE)).await;
            }
            DrainEnd::Killed
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Crash, Delivery, Limits, Load};

    struct Idle;

    impl Load for () {
        fn bytes(&self) -> u64 {
            0
        }
    }

    impl Work for Idle {
        type Message = ();
        type State = ();

        fn state(&self) {}

        async fn handle(&self, (): &mut (), _: Delivery<()>) -> Result<(), Crash> {
            Ok(())
        }
    }

    #[test]
    fn pools_are_started_from_the_last_stage_back() {
        let limits = Limits { workers: 1, mailbox: 1, mailbox_bytes: 1 };
        let policy = RestartLimits {
            intensity: 0,
            period: Duration::ZERO,
            first_delay: Duration::ZERO,
            most_delay: Duration::ZERO,
        };
        let line = ["fetcher", "hasher", "storer"].into_iter().fold(Line::builder("line", policy), |line, name| {
            let (_, receiver) = Mailbox::new(name, limits);
            line.stage(Arc::new(Idle), receiver, policy)
        });
        let order: Vec<_> = line.build().tree().children.iter().map(|child| child.name).collect();
        assert_eq!(order, ["storer", "hasher", "fetcher"]);
    }
}
