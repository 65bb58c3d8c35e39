//! The actor behind a [`Tree`]: hears of its children's ends and brings them back in the order that the strategy asks
//! for.

use std::time::Duration;

use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use tokio::sync::watch;

use crate::breaker::Breaker;
use crate::pulse::SupervisorMessage;
use crate::restart_policy::{Decision, RestartPolicy};
use crate::restarts::{Level, restarted, started};
use crate::root::{Ended, Root};
use crate::tree::{Child, Strategy, Tree};

/// How long a child that is asked to stop may finish what it is doing; then it is killed.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// How long to wait for a killed actor: it is gone at its next await, unless it never awaits.
pub(crate) const KILL_GRACE: Duration = Duration::from_secs(1);

/// The actor.
pub(crate) struct Supervisor;

pub(crate) struct SupervisorState {
    name: &'static str,
    strategy: Strategy,
    policy: RestartPolicy,
    breaker: Option<Breaker>,
    branches: Vec<Branch>,
    report: watch::Sender<Option<Ended>>,
}

struct Branch {
    child: Child,
    state: ChildState,
}

enum ChildState {
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

impl Tree {
    /// Starts the supervisor and its children with nothing above it.
    ///
    /// # Errors
    /// When a child cannot be started; those before it are stopped.
    pub async fn start(self) -> Result<Root, SpawnErr> {
        let (report, ended) = watch::channel(None);
        let (supervisor, task) = Actor::spawn(None, Supervisor, (self, report)).await?;
        Ok(Root { supervisor, task, ended })
    }

    /// Starts the supervisor and its children under another supervisor.
    ///
    /// # Errors
    /// When a child cannot be started; those before it are stopped.
    pub async fn start_under(self, supervisor: ActorCell) -> Result<ActorCell, SpawnErr> {
        let (report, _) = watch::channel(None);
        let (supervisor, _task) = Actor::spawn_linked(None, Supervisor, (self, report), supervisor).await?;
        Ok(supervisor.get_cell())
    }
}

impl Actor for Supervisor {
    type Msg = SupervisorMessage;
    type State = SupervisorState;
    type Arguments = (Tree, watch::Sender<Option<Ended>>);

    async fn pre_start(
        &self,
        myself: ActorRef<SupervisorMessage>,
        (tree, report): Self::Arguments,
    ) -> Result<SupervisorState, ActorProcessingErr> {
        let Tree { name, strategy, restarts, breaker, children } = tree;
        let mut branches = Vec::with_capacity(children.len());
        for child in children {
            let cell = (child.start)(myself.get_cell()).await?;
            started(child.name, Level::Actor);
            branches.push(Branch { child, state: ChildState::Up(cell) });
        }
        Ok(SupervisorState { name, strategy, policy: RestartPolicy::new(restarts), breaker, branches, report })
    }

    async fn handle(
        &self,
        myself: ActorRef<SupervisorMessage>,
        message: SupervisorMessage,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SupervisorMessage::Due(index) => {
                state.branches[index].state = ChildState::Ready;
                state.settle(&myself).await
            }
            SupervisorMessage::Ping(reply) => {
                // Who asked may have stopped waiting.
                reply.send(()).ok();
                Ok(())
            }
        }
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<SupervisorMessage>,
        event: SupervisionEvent,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        let (id, how) = match &event {
            SupervisionEvent::ActorTerminated(cell, _, None) => (cell.get_id(), "stopped".to_owned()),
            SupervisionEvent::ActorTerminated(cell, _, Some(reason)) => (cell.get_id(), format!("stopped: {reason}")),
            SupervisionEvent::ActorFailed(cell, error) => (cell.get_id(), format!("failed: {error}")),
            _ => return Ok(()),
        };
        // The event owns the child's last state, and everything that is still in it.
        drop(event);
        state.ended(&myself, id, how)?;
        state.settle(&myself).await
    }

    async fn post_stop(
        &self,
        _: ActorRef<SupervisorMessage>,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        for branch in state.branches.iter().rev() {
            if let ChildState::Up(cell) | ChildState::Leaving(cell) = &branch.state {
                cell.stop(None);
                if cell.wait(Some(STOP_GRACE)).await.is_err() {
                    tracing::warn!(
                        tree = state.name,
                        child = branch.child.name,
                        "the child did not stop in time; killing it"
                    );
                    // It need not be gone: there is nothing more that could be done to it.
                    let _ = cell.kill_and_wait(Some(KILL_GRACE)).await;
                }
            }
        }
        state.report.send_replace(Some(Ended::Stopped));
        Ok(())
    }
}

impl SupervisorState {
    /// Notes the end of a child.
    fn ended(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        id: ActorId,
        how: String,
    ) -> Result<(), ActorProcessingErr> {
        let state = |branch: &Branch| match &branch.state {
            ChildState::Up(cell) | ChildState::Leaving(cell) => cell.get_id() == id,
            ChildState::Waiting | ChildState::Ready | ChildState::Closed => false,
        };
        let Some(index) = self.branches.iter().position(state) else {
            return Ok(());
        };
        let branch = &mut self.branches[index];
        if matches!(branch.state, ChildState::Leaving(_)) {
            branch.state = ChildState::Ready;
            return Ok(());
        }
        self.restart_later(myself, index, how)
    }

    /// Brings the children into the order that the strategy asks for, as far as that goes without waiting.
    async fn settle(&mut self, myself: &ActorRef<SupervisorMessage>) -> Result<(), ActorProcessingErr> {
        if self.strategy == Strategy::RestForOne && !self.take_down_rest() {
            return Ok(());
        }
        for index in 0..self.branches.len() {
            let branch = &mut self.branches[index];
            match branch.state {
                ChildState::Ready if branch.child.closing.is_given() => branch.state = ChildState::Closed,
                ChildState::Ready => match (branch.child.start)(myself.get_cell()).await {
                    Ok(cell) => {
                        tracing::info!(tree = self.name, child = branch.child.name, "the child was restarted");
                        branch.state = ChildState::Up(cell);
                    }
                    Err(error) => {
                        let how = format!("could not be started: {error}");
                        self.restart_later(myself, index, how)?;
                    }
                },
                _ => {}
            }
            if self.strategy == Strategy::RestForOne && matches!(self.branches[index].state, ChildState::Waiting) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Stops what comes after the first child that is down, one by one from the last; true when nothing is left to
    /// stop.
    fn take_down_rest(&mut self) -> bool {
        let down = |branch: &Branch| matches!(branch.state, ChildState::Waiting | ChildState::Ready);
        let Some(first) = self.branches.iter().position(down) else {
            return true;
        };
        for branch in self.branches[first..].iter_mut().rev() {
            match &branch.state {
                ChildState::Leaving(_) => return false,
                ChildState::Up(cell) => {
                    cell.stop(Some(format!("a child before it in {} ended", self.name)));
                    ractor::time::kill_after(STOP_GRACE, cell.clone());
                    branch.state = ChildState::Leaving(cell.clone());
                    return false;
                }
                ChildState::Waiting | ChildState::Ready | ChildState::Closed => {}
            }
        }
        true
    }

    fn restart_later(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        index: usize,
        how: String,
    ) -> Result<(), ActorProcessingErr> {
        let Branch { child, state } = &mut self.branches[index];
        if child.closing.is_given() {
            *state = ChildState::Closed;
            return Ok(());
        }
        restarted(child.name, Level::Actor);
        let delay = match (self.policy.died(), &self.breaker) {
            (Decision::Restart(delay), _) => {
                let delay_ms = delay.as_millis() as u64;
                tracing::warn!(
                    tree = self.name,
                    child = child.name,
                    how,
                    delay_ms,
                    "the child ended; restarting it after a delay"
                );
                delay
            }
            (Decision::GiveUp, Some(breaker)) => {
                let pause = breaker.open();
                let pause_seconds = pause.as_secs();
                tracing::error!(
                    tree = self.name,
                    child = child.name,
                    how,
                    pause_seconds,
                    "too many restarts; pausing this part, all others go on"
                );
                pause
            }
            (Decision::GiveUp, None) => {
                let gave_up = GaveUp { tree: self.name, child: child.name, last: how };
                tracing::error!(error = %gave_up, "too many restarts; giving up");
                self.report.send_replace(Some(Ended::Failed(gave_up.to_string())));
                return Err(gave_up.into());
            }
        };
        *state = ChildState::Waiting;
        // Not a sleep: a supervisor that sleeps hears nothing from its other children.
        myself.send_after(delay, move || SupervisorMessage::Due(index));
        Ok(())
    }
}
