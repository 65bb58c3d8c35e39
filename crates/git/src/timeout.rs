//! Looking at a file system that may not answer: never longer than a person waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a look may take. A disk that sleeps needs some seconds.
const TIMEOUT: Duration = Duration::from_secs(4);

/// How long once one look timed out: of the paths of a configuration all may lie behind the same file server.
const SHORT_TIMEOUT: Duration = Duration::from_millis(200);

static TIMED_OUT: AtomicBool = AtomicBool::new(false);

/// What `look` finds, or `None` where it does not come back in time. The thread that looks then waits on, for as long
/// as what it waits for: there is one for each path that a person or a configuration names.
pub(crate) fn with_timeout<T: Send + 'static>(look: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (give, found) = mpsc::sync_channel(1);
    // Who asked may be gone.
    thread::Builder::new().name("look".to_owned()).spawn(move || give.send(look()).ok()).ok()?;
    let timeout = if TIMED_OUT.load(Ordering::Relaxed) { SHORT_TIMEOUT } else { TIMEOUT };
    let found = found.recv_timeout(timeout).ok();
    TIMED_OUT.store(found.is_none(), Ordering::Relaxed);
    found
}
