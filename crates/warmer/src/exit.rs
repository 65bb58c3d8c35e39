//! How the process ends: the exit codes are part of the contract (sysexits where there is one).

use std::process::ExitCode;

use warmer_embedding::{EmbedError, ModelError};
use warmer_store::{StoreError, StoreErrorKind};

use crate::config::Problems;
use crate::output::Closed;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done.
    Done,
    /// 1: it failed, and trying again will not help; or `doctor` found something missing.
    Failed,
    /// 69: something needed is not there: the model, the runtime, room on the disk.
    Unavailable,
    /// 75: a temporary failure; try again later: a remote or a database that does not answer, a file that another
    /// process warms into.
    Temporary,
    /// 78: the configuration is wrong.
    Config,
    /// 130: ended by Ctrl-C (128 + SIGINT): `warm` by the first, which keeps what is stored, `run` by the second.
    Interrupted,
    /// 143: as above, by SIGTERM (128 + 15).
    Terminated,
}

impl Exit {
    /// The number. 2 (usage) is given by the parser of the arguments.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Unavailable => 69,
            Self::Temporary => 75,
            Self::Config => 78,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// Ends the process here and now: nothing is handed back or written.
    #[expect(clippy::disallowed_methods, reason = "the end of the program: a thread that is stuck must not hold it")]
    pub(crate) fn now(self) -> ! {
        std::process::exit(self.code().into())
    }

    /// The exit of a command that failed with this error.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if error.is::<Closed>() {
            return Self::Done;
        }
        if error.is::<Problems>() {
            return Self::Config;
        }
        if error.is::<Unavailable>() || error.is::<ModelError>() {
            return Self::Unavailable;
        }
        match error.downcast_ref() {
            Some(EmbedError::Unfit(_)) => return Self::Unavailable,
            Some(EmbedError::Retry { .. }) => return Self::Temporary,
            _ => {}
        }
        match error.downcast_ref::<StoreError>().map(StoreError::kind) {
            Some(StoreErrorKind::Busy | StoreErrorKind::Locked) => Self::Temporary,
            Some(StoreErrorKind::Full) => Self::Unavailable,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Something needed is not there; the sentence says what, and how to get it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unavailable(pub(crate) String);
