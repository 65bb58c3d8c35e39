//! How old what is served of each repository is, where that is asked for (`metrics.per_repository`): of a bounded
//! number of them, for each is a label.

use std::sync::{Mutex, PoisonError};
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
pub(super) fn observe(of: &Instruments, repositories: &std::sync::Arc<Repositories>) {
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
