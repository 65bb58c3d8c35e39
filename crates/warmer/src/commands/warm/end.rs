//! How a warm ends: with all that was asked for, or by a signal.

use super::answers::{Answer, Answers};
use crate::exit::Exit;
use crate::output;

/// How the work ended.
pub(super) enum Ended {
    /// Nothing is left to wait for.
    Settled,
    /// By a signal.
    Early(Exit),
}

/// Tells so; whatever had no answer yet is answered by that.
pub(super) fn interrupted(answers: &mut Answers, exit: Exit) -> Ended {
    output::note("interrupted: what was stored stays; the next run goes on from there");
    answers.fill(&Answer::interrupted());
    Ended::Early(exit)
}
