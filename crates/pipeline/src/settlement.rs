//! Settlements: what is written in the queue for each ending of an attempt.

use std::time::Duration;

use warmer_store::Settlement;

use crate::backoff::jittered;
use crate::ending::Ending;

/// How long a host is left alone that asked for patience and did not say for how long: twice as long as the longest
/// limit that hosts are known to have for such answers, a minute, and up to as much more.
const PATIENCE: Duration = Duration::from_secs(120);

/// However long a host says: the limits of GitHub and GitLab end within an hour.
const PATIENCE_MOST: Duration = Duration::from_hours(1);

/// No job is put off for longer than that or `retry_most`.
pub(crate) const PUT_OFF_MAX: Duration = Duration::from_hours(2);

/// What a settlement depends on beside the ending.
pub(crate) struct Attempt {
    /// The backoff after a temporary error.
    pub backoff: Duration,
    /// How long a job that waits for a slot steps back.
    pub step_back: Duration,
    /// It stored something new.
    pub progressed: bool,
}

/// What is written for an ending; `None`: a publication has written all there is.
pub(crate) fn of(ending: &Ending, attempt: &Attempt) -> Option<Settlement> {
    let (after, progressed) = (attempt.backoff, attempt.progressed);
    let error = ending.why().unwrap_or_default().to_owned();
    Some(match ending {
        Ending::Published(_) => return None,
        Ending::Fresh => Settlement::Fresh,
        Ending::Filled => Settlement::Filled,
        Ending::Deferred => Settlement::Deferred { after: attempt.step_back },
        Ending::Retry(_) | Ending::Gone(_) => Settlement::Retry { after, error, progressed },
        Ending::Stuck(_) => Settlement::Stuck { after, error },
        // These attempts do not count: the repository can do nothing about other processes, nor about its host's
        // limits.
        Ending::Busy(_) => Settlement::Retry { after, error, progressed: true },
        Ending::Later(_, wanted) => {
            let after = jittered(wanted.unwrap_or(PATIENCE).min(PATIENCE_MOST));
            Settlement::Retry { after, error, progressed: true }
        }
        Ending::Refused(otherwise) => Settlement::Refused { error, otherwise: Box::new(of(otherwise, attempt)?) },
        Ending::Dead(_) => Settlement::Dead { error },
        Ending::Unfit(_) => Settlement::Unfit { after, error },
        Ending::Held { lasts, unfit, .. } => Settlement::Held { lasts: *lasts, error, unfit: *unfit },
        Ending::Crashed(_) => Settlement::Crashed { error },
        Ending::Lost(_) => Settlement::Lost { error, progressed },
        Ending::Cancelled(_) => Settlement::Cancelled { error },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ending::PublishedFiles;

    const BACKOFF: Duration = Duration::from_secs(7);
    const STEP_BACK: Duration = Duration::from_secs(3);

    fn settlement(ending: &Ending, progressed: bool) -> Option<Settlement> {
        let attempt = Attempt { backoff: BACKOFF, step_back: STEP_BACK, progressed };
        of(ending, &attempt)
    }

    fn why() -> String {
        "why".to_owned()
    }

    #[test]
    fn every_ending_but_a_publication_has_a_settlement_of_its_name() {
        let retry = |progressed| Settlement::Retry { after: BACKOFF, error: why(), progressed };
        for (ending, expected) in [
            (Ending::Published(PublishedFiles::default()), None),
            (Ending::Fresh, Some(Settlement::Fresh)),
            (Ending::Filled, Some(Settlement::Filled)),
            (Ending::Deferred, Some(Settlement::Deferred { after: STEP_BACK })),
            (Ending::Retry(why()), Some(retry(false))),
            (Ending::Gone(why()), Some(retry(false))),
            (Ending::Stuck(why()), Some(Settlement::Stuck { after: BACKOFF, error: why() })),
            (Ending::Busy(why()), Some(retry(true))),
            (Ending::Dead(why()), Some(Settlement::Dead { error: why() })),
            (Ending::Unfit(why()), Some(Settlement::Unfit { after: BACKOFF, error: why() })),
            (
                Ending::Held { why: why(), lasts: STEP_BACK, unfit: true },
                Some(Settlement::Held { lasts: STEP_BACK, error: why(), unfit: true }),
            ),
            (Ending::Crashed(why()), Some(Settlement::Crashed { error: why() })),
            (Ending::Lost(why()), Some(Settlement::Lost { error: why(), progressed: false })),
            (Ending::Cancelled(why()), Some(Settlement::Cancelled { error: why() })),
        ] {
            assert_eq!(settlement(&ending, false), expected, "{ending:?}");
        }
    }

    #[test]
    fn an_attempt_that_stored_something_new_does_not_count() {
        for ending in [Ending::Retry(why()), Ending::Gone(why())] {
            assert!(matches!(settlement(&ending, true), Some(Settlement::Retry { progressed: true, .. })));
        }
        assert!(matches!(settlement(&Ending::Lost(why()), true), Some(Settlement::Lost { progressed: true, .. })));
    }

    #[test]
    fn a_host_is_left_alone_for_as_long_as_it_says_within_an_hour() {
        let hours = |hours| Duration::from_hours(hours);
        for (wanted, least) in [(None, PATIENCE), (Some(hours(24)), hours(1)), (Some(BACKOFF), BACKOFF)] {
            let Some(Settlement::Retry { after, progressed: true, .. }) =
                settlement(&Ending::Later(why(), wanted), false)
            else {
                panic!("it does not count")
            };
            assert!((least..=2 * least).contains(&after), "wanted {wanted:?}: {after:?}");
            assert!(after <= PUT_OFF_MAX);
        }
    }

    #[test]
    fn a_refusal_carries_how_it_ends_where_nobody_is_left() {
        let refused = settlement(&Ending::refused(Ending::Dead(why())), false);
        let otherwise = Box::new(Settlement::Dead { error: why() });
        assert_eq!(refused, Some(Settlement::Refused { error: why(), otherwise }));
        assert_eq!(Ending::refused(Ending::Unfit(why())).why(), Some("why"));
    }
}
