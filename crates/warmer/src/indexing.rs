//! Brings the index that searches look in up to date once a repository was published and has its vectors: behind the
//! jobs, one repository at a time, so that no job waits for it.
//!
//! A publication whose vectors are still to come is not indexed before they are there, or do not come for now: each
//! part of them would be a segment of its own. A search meanwhile indexes what there is.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use warmer_pipeline::{Event, Listener};
use warmer_query::Snapshots;
use warmer_store::{AttemptOutcome, RepositoryId, Store};

use crate::context::Context;

/// Ends of jobs that wait. What is beyond them is indexed by the search that asks for it.
const WAITING_MAX: usize = 1024;

/// What the work behind the jobs is told.
#[derive(Clone, Copy, Debug)]
enum Heard {
    /// Something was published, or got vectors.
    More(RepositoryId),
    /// Its vectors do not come for now.
    Hold(RepositoryId),
    /// Nothing comes behind this.
    Last,
}

/// The work behind the jobs.
pub(crate) struct Indexing {
    task: JoinHandle<()>,
    give: mpsc::Sender<Heard>,
}

/// Who hears of publications, and the work that follows from them.
pub(crate) fn begin(context: &Context, store: Arc<dyn Store>) -> (Arc<dyn Listener>, Indexing) {
    let (give, take) = mpsc::channel(WAITING_MAX);
    let task = warmer_supervision::spawn("indexing", index(take, store, snapshots(context)));
    (Arc::new(Published(give.clone())), Indexing { task, give })
}

/// The indexes of this machine.
pub(crate) fn snapshots(context: &Context) -> Snapshots {
    Snapshots::new(context.config.search.segment_files(context.paths.segments.clone()))
}

impl Indexing {
    /// Returns when all is indexed that was published before.
    pub(crate) async fn done(mut self) {
        if self.give.send(Heard::Last).await.is_ok() {
            // A panic was logged where it happened; what it left the next search does.
            let _ = (&mut self.task).await;
        }
    }
}

impl Drop for Indexing {
    /// What is not indexed by now the next search does.
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Published(mpsc::Sender<Heard>);

impl Listener for Published {
    fn on_event(&self, event: &Event) {
        let Event::Ended(ended) = event else { return };
        let repository = ended.ticket.claim.repository.id;
        let heard = match ended.outcome {
            AttemptOutcome::Warmed | AttemptOutcome::Filled => Heard::More(repository),
            AttemptOutcome::Retry | AttemptOutcome::Unfit if ended.ticket.claim.fill.is_some() => {
                Heard::Hold(repository)
            }
            _ => return,
        };
        // Where too many wait already the next search does it.
        let _ = self.0.try_send(heard);
    }
}

async fn index(mut heard: mpsc::Receiver<Heard>, store: Arc<dyn Store>, snapshots: Snapshots) {
    let index = async |repository: RepositoryId| {
        if let Err(error) = snapshots.refresh(&*store, repository).await {
            tracing::debug!(repository = repository.0, %error, "not indexed: the next search does it");
        }
    };
    // Those whose vectors are still to come.
    let mut incomplete = BTreeSet::new();
    while let Some(first) = heard.recv().await {
        let (mut more, mut hold, mut is_last) = (BTreeSet::new(), BTreeSet::new(), false);
        for heard in std::iter::once(first).chain(std::iter::from_fn(|| heard.try_recv().ok())) {
            match heard {
                Heard::More(repository) => drop(more.insert(repository)),
                Heard::Hold(repository) => drop(hold.insert(repository)),
                Heard::Last => is_last = true,
            }
        }
        incomplete.extend(&more);
        for repository in more {
            if is_complete(&*store, repository).await {
                incomplete.remove(&repository);
                index(repository).await;
            }
        }
        // Once for a publication, however often its fills are tried.
        let without: Vec<_> = incomplete.iter().copied().filter(|one| is_last || hold.contains(one)).collect();
        for repository in without {
            incomplete.remove(&repository);
            index(repository).await;
        }
        if is_last {
            break;
        }
    }
}

/// Whether it lacks no vector of those that searches use. Where the store does not say, it is asked for what there is.
async fn is_complete(store: &dyn Store, repository: RepositoryId) -> bool {
    let coverage = store.coverage(Some(&[repository])).await;
    coverage.map_or(true, |mut all| all.remove(&repository).is_none_or(|coverage| coverage.complete()))
}
