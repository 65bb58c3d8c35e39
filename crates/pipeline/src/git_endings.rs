//! What git's work came to, as the end of a job.

use std::fmt::Display;
use std::time::Duration;

use warmer_git::{ErrorKind, GitError, Remedy, Remote};
use warmer_settings::duration;

use crate::ending::Ending;
use crate::request::NoAnswer;
use crate::ticket::Ticket;

/// A fetch from which nothing came for so long does not deliver any more.
pub(crate) const DELIVERING: Duration = Duration::from_secs(60);

/// How often the deadline of a fetch may double.
const DOUBLINGS_MAX: u32 = 4;

/// How long this fetch may take: twice as long with each attempt that failed before it, so that a slow link is fetched
/// from in the end.
pub(crate) fn patience(deadline: Duration, ticket: &Ticket) -> Duration {
    let failed = ticket.claim.attempt.saturating_sub(1).saturating_add(ticket.claim.repository.failures);
    deadline.saturating_mul(1 << failed.min(DOUBLINGS_MAX))
}

/// The link is slow, and nothing else is wrong.
pub(crate) fn slow(remote: &Remote, most: Duration, bytes: u64) -> Ending {
    Ending::Retry(format!(
        "{remote} was still sending after {}, all the time that this attempt had (fetcher.deadline); {bytes} bytes had \
         come. The next one has twice the time, up to 16 times fetcher.deadline",
        duration(most)
    ))
}

pub(crate) fn stuck(remote: impl Display, most: Duration) -> Ending {
    Ending::Stuck(format!("{remote} did not answer within {} (fetcher.deadline)", duration(most)))
}

/// Whoever did git's work is gone.
pub(crate) fn cut_off(remote: impl Display, none: NoAnswer) -> Ending {
    match none {
        NoAnswer::OutOfMemory => Ending::Stuck(format!(
            "git's work for {remote} took more memory than it may (git.memory_max): raise that limit, or leave it out"
        )),
        NoAnswer::Gone(why) => Ending::Lost(format!("{why}, in the work for {remote}")),
    }
}

/// What an error of git means for the job.
pub(crate) fn ending_of(error: &GitError) -> Ending {
    match error.kind() {
        ErrorKind::Interrupted => Ending::Cancelled(error.to_string()),
        ErrorKind::Busy => Ending::Busy(error.to_string()),
        // The repository can do nothing about this machine.
        ErrorKind::Local => Ending::refused(Ending::Unfit(error.to_string())),
        _ => match error.remedy() {
            Remedy::Retry => Ending::Retry(error.to_string()),
            Remedy::Later(after) => Ending::Later(error.to_string(), after),
            Remedy::Elsewhere => Ending::refused(Ending::Dead(error.to_string())),
            Remedy::Never => Ending::Dead(error.to_string()),
        },
    }
}
