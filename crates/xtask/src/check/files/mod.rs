//! The files for deploying (config/systemd, config/kubernetes, config/compose.yaml): each is read by a program that
//! knows its format, and each of those has to refuse a mistake, so that it is known to look.

mod compose;
mod kubernetes;
mod systemd;
mod validators;
mod verdict;

use super::counts::Counts;
use super::missing::lacking;
use crate::console::say;
use validators::Validators;

/// Runs all of them.
pub(super) fn check() -> Counts {
    let counts = systemd::check();
    match Validators::of_this_machine() {
        Ok(validators) => counts + kubernetes::check(&validators) + compose::check(&validators),
        Err(error) => {
            say(&format!("{error:#}"));
            counts + lacking(&format!("python3 {} with pip", validators::PYTHON_MIN))
        }
    }
}
