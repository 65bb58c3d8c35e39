//! What an exporter loses: told where it begins and where it is over, and nothing in between. A collector that is away
//! for a night is two lines of the log.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Nothing was lost for so long: it is over. An exporter that loses every other batch is not told of by each.
const QUIET: Duration = Duration::from_mins(1);

/// What was lost since that began, if anything is.
#[derive(Debug, Default)]
pub(crate) struct Losses(Mutex<Option<Outage>>);

#[derive(Debug)]
struct Outage {
    lost: u64,
    /// Of those, what was told where it began.
    told: u64,
    began: Instant,
    last: Instant,
    why: String,
}

impl Losses {
    /// So many are lost now. Why, where that begins and is to be told.
    pub(crate) fn lose(&self, more: u64, why: impl FnOnce() -> String) -> Option<String> {
        self.lose_at(Instant::now(), more, why)
    }

    fn lose_at(&self, now: Instant, more: u64, why: impl FnOnce() -> String) -> Option<String> {
        let mut outage = self.lock();
        if let Some(outage) = &mut *outage {
            outage.lost += more;
            outage.last = now;
            return None;
        }
        let why = why();
        *outage = Some(Outage { lost: more, told: more, began: now, last: now, why: why.clone() });
        Some(why)
    }

    /// All goes well now. How many were lost, and for how long, where that is over and is to be told.
    pub(crate) fn well(&self) -> Option<(u64, Duration)> {
        self.well_at(Instant::now())
    }

    fn well_at(&self, now: Instant) -> Option<(u64, Duration)> {
        let over = self.lock().take_if(|outage| now.duration_since(outage.last) >= QUIET)?;
        Some((over.lost, over.last.duration_since(over.began)))
    }

    /// How many were lost since that began, and why, where it goes on and not all of it is told.
    pub(crate) fn untold(&self) -> Option<(u64, String)> {
        let outage = self.lock();
        let outage = outage.as_ref().filter(|outage| outage.lost > outage.told)?;
        Some((outage.lost, outage.why.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Outage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_where_it_begins_and_where_it_is_over() {
        let (losses, start) = (Losses::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let lose = |seconds, more| losses.lose_at(at(seconds), more, || format!("reason {seconds}"));
        assert_eq!(losses.well_at(start), None, "nothing was lost");
        assert_eq!(lose(0, 3).as_deref(), Some("reason 0"));
        assert_eq!(losses.untold(), None, "it is told");
        // Hours of it, with an export that comes through now and then.
        for hour in 1..9 {
            assert_eq!(lose(hour * 3600, 10), None);
            assert_eq!(losses.well_at(at(hour * 3600 + 59)), None);
        }
        assert_eq!(losses.untold(), Some((83, "reason 0".to_owned())));
        let end = 8 * 3600 + 60;
        assert_eq!(losses.well_at(at(end)), Some((83, Duration::from_hours(8))));
        assert_eq!((losses.well_at(at(end + 60)), losses.untold()), (None, None), "it is told once");
        assert_eq!(lose(end + 61, 1).as_deref(), Some(&*format!("reason {}", end + 61)), "another");
    }
}
