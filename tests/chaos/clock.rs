//! The one clock, and waiting for what will be true.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(10);

/// Microseconds of the wall clock since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Microseconds as seconds.
pub(super) fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}

/// Looks until there is an answer, at most for so long.
pub(super) fn wait<T>(most: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + most;
    loop {
        let found = look();
        if found.is_some() || Instant::now() >= until {
            return found;
        }
        std::thread::sleep(LOOK);
    }
}

/// Lets time pass: the length of a fault, or the load between two.
pub(super) fn pass(time: Duration) {
    std::thread::sleep(time);
}
