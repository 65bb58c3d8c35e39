//! Questions that were asked ahead: the answer travels while whoever needs it still prepares.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::{GitError, Options, Remote, Tip, tip};

/// An answer that nobody needed by then is of yesterday.
const FRESH: Duration = Duration::from_secs(2);

/// Each question is answered once.
#[derive(Default)]
pub(crate) struct Ahead(Mutex<Vec<Question>>);

struct Question {
    remote: Remote,
    reference: Option<String>,
    asked: Instant,
    answer: JoinHandle<Result<Tip, GitError>>,
}

impl Ahead {
    pub(crate) fn ask(&self, remote: &Remote, reference: Option<&str>, options: &Arc<Options>) {
        let (remote, reference, options) = (remote.clone(), reference.map(str::to_owned), options.clone());
        let answer = thread::Builder::new().name("ask-ahead".to_owned()).spawn({
            let (remote, reference) = (remote.clone(), reference.clone());
            move || tip::ask(&remote, &options, reference.as_deref())
        });
        // Without a thread nothing is asked ahead, and that is all.
        if let Ok(answer) = answer {
            let question = Question { remote, reference, asked: Instant::now(), answer };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(question);
        }
    }

    /// The answer, waited for; `None` where nobody asked in time.
    pub(crate) fn answer(&self, remote: &Remote, reference: Option<&str>) -> Option<Result<Tip, GitError>> {
        let question = {
            let mut questions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            questions.retain(|question| question.asked.elapsed() < FRESH);
            let asked = |question: &Question| question.remote == *remote && question.reference.as_deref() == reference;
            let at = questions.iter().position(asked)?;
            questions.swap_remove(at)
        };
        question.answer.join().ok()
    }
}
