//! One worker's way to have git's work done: a process of the same binary, which is started when it is first needed.

use warmer_git::{Request, Turn};
use warmer_supervision::child::{Child, Program};

use crate::request::{Execution, NoAnswer, Process, Thread};

/// What a worker of the Fetcher has git's work done by.
#[derive(Debug)]
pub(crate) struct GitWorker {
    /// What is started; `None`: threads of this process do it.
    program: Option<Program>,
    process: Option<Child>,
}

impl GitWorker {
    pub(crate) fn new(program: Option<Program>) -> Self {
        Self { program, process: None }
    }

    /// Begins a request. Dropping what it gives ends the request, and the process that does it; `turn` goes only then.
    pub(crate) async fn begin(&mut self, request: Request, turn: Option<Turn>) -> Result<Execution, NoAnswer> {
        let Some(program) = &self.program else { return Ok(Execution::Thread(Thread::begin(request, turn))) };
        let gone = |error: &dyn std::fmt::Display| NoAnswer::Gone(format!("git's process: {error}"));
        let message = request.to_bytes().map_err(|error| gone(&error))?;
        let idle = self.process.take();
        let was_idle = idle.is_some();
        let mut process = Box::new(Process::new(idle, turn));
        if process.give(&message).await {
            return Ok(Execution::Process(process));
        }
        if was_idle {
            process.died().await;
        }
        let heard = |line: &str| tracing::warn!("git's process says: {}", line.escape_debug());
        process.replace(program.start(heard).map_err(|error| gone(&format!("cannot be started: {error}")))?);
        if process.give(&message).await { Ok(Execution::Process(process)) } else { Err(process.died().await) }
    }

    /// Takes the process back after the last answer; gives the turn.
    pub(crate) async fn end(&mut self, execution: Execution) -> Result<Option<Turn>, NoAnswer> {
        let (process, turn) = execution.end().await?;
        self.process = process;
        Ok(turn)
    }

    /// Takes over what another worker has, unless it has a process itself.
    pub(crate) fn take_over(&mut self, other: Self) {
        if self.process.is_none() {
            *self = other;
        }
    }
}
