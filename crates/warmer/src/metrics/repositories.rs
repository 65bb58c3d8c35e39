//! How old what is served of each repository is, where that is asked for (`metrics.per_repository`): of a bounded
//! number of them, for each is a label.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use opentelemetry::KeyValue;
use warmer_pipeline::Ended;
use warmer_settings::redacted;
use warmer_store::{JobKind, Repository, RepositoryId};

use super::instruments::{Instruments, To};
use super::names;
use crate::output::printable_line;

/// The most repositories that are told of; those that were refreshed last.
const REPOSITORIES_MAX: usize = 100;
/// Letters of a remote or a ref.
const LETTERS_MAX: usize = 200;

/// Repositories that this process refreshed.
#[derive(Debug, Default)]
pub(super) struct Repositories(Mutex<Vec<Refreshed>>);

#[derive(Debug)]
struct Refreshed {
    id: RepositoryId,
    label: String,
    at: Instant,
}

impl Repositories {
    /// An attempt ended.
    pub(super) fn ended(&self, ended: &Ended) {
        if ended.is_good() && ended.ticket.kind() == JobKind::Refresh {
            self.refreshed(&ended.ticket.claim.repository);
        }
    }

    fn refreshed(&self, repository: &Repository) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|refreshed| refreshed.id != repository.id);
        if all.len() >= REPOSITORIES_MAX {
            all.remove(0);
        }
        all.push(Refreshed { id: repository.id, label: label(repository), at: Instant::now() });
    }

    fn observe(&self, to: To<'_, f64>) {
        for refreshed in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let label = KeyValue::new("repository", refreshed.label.clone());
            to.observe(refreshed.at.elapsed().as_secs_f64(), &[label]);
        }
    }
}

/// Tells of them from now on.
pub(super) fn observe(of: &Instruments, repositories: &Arc<Repositories>) {
    let repositories = repositories.clone();
    of.share(&names::REPOSITORY_AGE, move |to| repositories.observe(to));
}

/// The remote, and the ref behind a `#` where one is set.
fn label(repository: &Repository) -> String {
    let shown = |text: &str| bounded(&printable_line(text));
    let remote = shown(&redacted(&repository.remote));
    match &repository.reference {
        Some(reference) => format!("{remote}#{}", shown(reference)),
        None => remote,
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(LETTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hundred_are_kept_and_each_once() {
        let repositories = Repositories::default();
        for number in (0..=100).chain([50]) {
            repositories.refreshed(&Repository::new(RepositoryId(number), &format!("https://h/{number}"), None));
        }
        let all = repositories.0.lock().unwrap();
        let labels: Vec<_> = all.iter().map(|refreshed| refreshed.label.as_str()).collect();
        assert_eq!((labels.len(), labels[0], labels[99]), (100, "https://h/1", "https://h/50"));
        assert_eq!(labels.iter().filter(|label| **label == "https://h/50").count(), 1);
    }

    #[test]
    fn what_a_remote_is_called_is_escaped_and_bounded_and_has_no_password() {
        let of = |remote: &str, reference| label(&Repository::new(RepositoryId(1), remote, reference));
        assert_eq!(of("https://h/app.git", Some("main")), "https://h/app.git#main");
        assert!(!of("https://u:hunter2@h/app.git", None).contains("hunter2"));
        assert!(!of("/srv/a\u{1b}[31m\nb", None).contains(['\u{1b}', '\n']));
        assert!(of(&format!("/{}", "x".repeat(9_000)), Some(&"y".repeat(9_000))).len() <= 401);
    }
}
