//! Questions that were asked ahead: the answer travels while whoever needs it still prepares.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::lease::lock;
use crate::meter::TICK;
use crate::{GitError, Options, Remote, Tip, mirrors, tip};

/// An answer that nobody needed by then is of yesterday.
const FRESH: Duration = Duration::from_secs(2);

/// Each question is answered once.
#[derive(Default)]
pub(crate) struct Ahead(Mutex<Vec<Question>>);

struct Question {
    remote: Remote,
    reference: Option<String>,
    asked: Instant,
    answer: Receiver<Result<Tip, GitError>>,
    stop: Arc<AtomicBool>,
}

impl Drop for Question {
    /// Nobody wants the answer any more, if it is not there yet.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Ahead {
    pub(crate) fn ask(&self, remote: &Remote, reference: Option<&str>, options: &Arc<Options>) {
        let (remote, reference, options) = (remote.clone(), reference.map(str::to_owned), options.clone());
        let ((give, answer), stop) = (mpsc::sync_channel(1), Arc::<AtomicBool>::default());
        let thread = thread::Builder::new().name("ask-ahead".to_owned()).spawn({
            let (remote, reference, stop) = (remote.clone(), reference.clone(), stop.clone());
            // Who asked may be gone.
            move || give.send(tip::ask(&remote, &options, reference.as_deref(), &stop)).ok()
        });
        // Without a thread nothing is asked ahead, and that is all.
        if thread.is_ok() {
            lock(&self.0).push(Question { remote, reference, asked: Instant::now(), answer, stop });
        }
    }

    /// The answer, waited for until `stop`; `None` where nobody asked in time.
    pub(crate) fn answer(
        &self,
        remote: &Remote,
        reference: Option<&str>,
        stop: &AtomicBool,
    ) -> Option<Result<Tip, GitError>> {
        let question = {
            let mut questions = lock(&self.0);
            questions.retain(|question| question.asked.elapsed() < FRESH);
            let asked = |question: &Question| question.remote == *remote && question.reference.as_deref() == reference;
            let at = questions.iter().position(asked)?;
            questions.swap_remove(at)
        };
        loop {
            match question.answer.recv_timeout(TICK) {
                Ok(answer) => return Some(answer),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if stop.load(Ordering::Relaxed) => {
                    return Some(Err(mirrors::interrupted(remote)));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}
