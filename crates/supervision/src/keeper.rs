//! The actor behind a [`Tree`]: hears of its children's ends and brings them back in the order that the strategy asks for.

use std::time::Duration;

use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::watch;

use crate::tree::{Child, Ended, Strategy, Tree};
use crate::{Governor, Ruling};

/// How long a child that is asked to stop may finish what it is doing; then it is killed.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// How long to wait for a killed actor: it is gone at its next await, unless it never awaits.
pub(crate) const KILL_GRACE: Duration = Duration::from_secs(1);

/// The actor.
pub(crate) struct Keeper;

/// The delay before the start of a child is over.
pub(crate) struct Due(usize);

pub(crate) struct Kept {
    name: &'static str,
    strategy: Strategy,
    governor: Governor,
    branches: Vec<Branch>,
    report: watch::Sender<Option<Ended>>,
}

struct Branch {
    child: Child,
    standing: Standing,
}

enum Standing {
    Up(ActorCell),
    /// Asked to stop, because one before it died.
    Leaving(ActorCell),
    /// Ended; its delay is running.
    Waiting,
    /// To be started as soon as all that must be up before it is.
    Ready,
    /// Ended for good.
    Closed,
}

/// A supervisor that has used up its policy, or whose child could not be started.
#[derive(Debug, thiserror::Error)]
#[error("{tree} gave up restarting its {child}, which {last}")]
struct GaveUp {
    tree: &'static str,
    child: &'static str,
    last: String,
}

impl Actor for Keeper {
    type Msg = Due;
    type State = Kept;
    type Arguments = (Tree, watch::Sender<Option<Ended>>);

    async fn pre_start(
        &self,
        myself: ActorRef<Due>,
        (tree, report): Self::Arguments,
    ) -> Result<Kept, ActorProcessingErr> {
        let Tree { name, strategy, policy, children } = tree;
        let mut branches = Vec::with_capacity(children.len());
        for child in children {
            let cell = (child.start)(myself.get_cell()).await?;
            branches.push(Branch { child, standing: Standing::Up(cell) });
        }
        Ok(Kept { name, strategy, governor: Governor::new(policy), branches, report })
    }

    async fn handle(&self, myself: ActorRef<Due>, Due(index): Due, kept: &mut Kept) -> Result<(), ActorProcessingErr> {
        kept.branches[index].standing = Standing::Ready;
        kept.settle(&myself).await
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Due>,
        event: SupervisionEvent,
        kept: &mut Kept,
    ) -> Result<(), ActorProcessingErr> {
        let (id, how) = match &event {
            SupervisionEvent::ActorTerminated(cell, _, None) => (cell.get_id(), "stopped".to_owned()),
            SupervisionEvent::ActorTerminated(cell, _, Some(reason)) => (cell.get_id(), format!("stopped: {reason}")),
            SupervisionEvent::ActorFailed(cell, error) => (cell.get_id(), format!("failed: {error}")),
            _ => return Ok(()),
        };
        // The event owns the child's last state, and everything that is still in it.
        drop(event);
        kept.ended(&myself, id, how)?;
        kept.settle(&myself).await
    }

    async fn post_stop(&self, _: ActorRef<Due>, kept: &mut Kept) -> Result<(), ActorProcessingErr> {
        for branch in kept.branches.iter().rev() {
            if let Standing::Up(cell) | Standing::Leaving(cell) = &branch.standing {
                cell.stop(None);
                if cell.wait(Some(STOP_GRACE)).await.is_err() {
                    tracing::warn!(tree = kept.name, child = branch.child.name, "did not stop in time and is killed");
                    // It need not be gone: there is nothing more that could be done to it.
                    let _ = cell.kill_and_wait(Some(KILL_GRACE)).await;
                }
            }
        }
        kept.report.send_replace(Some(Ended::Stopped));
        Ok(())
    }
}

impl Kept {
    /// Notes the end of a child.
    fn ended(&mut self, myself: &ActorRef<Due>, id: ActorId, how: String) -> Result<(), ActorProcessingErr> {
        let standing = |branch: &Branch| match &branch.standing {
            Standing::Up(cell) | Standing::Leaving(cell) => cell.get_id() == id,
            Standing::Waiting | Standing::Ready | Standing::Closed => false,
        };
        let Some(index) = self.branches.iter().position(standing) else {
            return Ok(());
        };
        let branch = &mut self.branches[index];
        if matches!(branch.standing, Standing::Leaving(_)) {
            branch.standing = Standing::Ready;
            return Ok(());
        }
        self.restart_later(myself, index, how)
    }

    /// Brings the children into the order that the strategy asks for, as far as that goes without waiting.
    async fn settle(&mut self, myself: &ActorRef<Due>) -> Result<(), ActorProcessingErr> {
        if self.strategy == Strategy::RestForOne && !self.take_down_rest() {
            return Ok(());
        }
        for index in 0..self.branches.len() {
            let branch = &mut self.branches[index];
            match branch.standing {
                Standing::Ready if branch.child.closing.is_given() => branch.standing = Standing::Closed,
                Standing::Ready => match (branch.child.start)(myself.get_cell()).await {
                    Ok(cell) => {
                        tracing::info!(tree = self.name, child = branch.child.name, "started again");
                        branch.standing = Standing::Up(cell);
                    }
                    Err(error) => {
                        let how = format!("could not be started: {error}");
                        self.restart_later(myself, index, how)?;
                    }
                },
                _ => {}
            }
            if self.strategy == Strategy::RestForOne && matches!(self.branches[index].standing, Standing::Waiting) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Stops what comes after the first child that is down, one by one from the last; true when nothing is left to stop.
    fn take_down_rest(&mut self) -> bool {
        let down = |branch: &Branch| matches!(branch.standing, Standing::Waiting | Standing::Ready);
        let Some(first) = self.branches.iter().position(down) else {
            return true;
        };
        for branch in self.branches[first..].iter_mut().rev() {
            match &branch.standing {
                Standing::Leaving(_) => return false,
                Standing::Up(cell) => {
                    cell.stop(Some(format!("one before it in {} died", self.name)));
                    ractor::time::kill_after(STOP_GRACE, cell.clone());
                    branch.standing = Standing::Leaving(cell.clone());
                    return false;
                }
                Standing::Waiting | Standing::Ready | Standing::Closed => {}
            }
        }
        true
    }

    fn restart_later(&mut self, myself: &ActorRef<Due>, index: usize, how: String) -> Result<(), ActorProcessingErr> {
        let Branch { child, standing } = &mut self.branches[index];
        if child.closing.is_given() {
            *standing = Standing::Closed;
            return Ok(());
        }
        match self.governor.died() {
            Ruling::Restart(delay) => {
                tracing::warn!(
                    tree = self.name,
                    child = child.name,
                    how,
                    ?delay,
                    "a child ended and will be started again"
                );
                *standing = Standing::Waiting;
                // Not a sleep: a supervisor that sleeps hears nothing from its other children.
                myself.send_after(delay, move || Due(index));
                Ok(())
            }
            Ruling::GiveUp => {
                let gave_up = GaveUp { tree: self.name, child: child.name, last: how };
                tracing::error!(error = %gave_up, "too many restarts");
                self.report.send_replace(Some(Ended::Failed(gave_up.to_string())));
                Err(gave_up.into())
            }
        }
    }
}
