//! Brings the index that searches look in up to date when a repository was published: behind the jobs, one repository
//! at a time, so that no job waits for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use warmer_pipeline::{Event, Listener};
use warmer_query::Snapshots;
use warmer_store::{AttemptOutcome, RepositoryId, Store};

use crate::context::Context;

/// Publications that wait. What is beyond them is indexed by the search that asks for it.
const WAITING_MAX: usize = 1024;

/// A publication; `None` after the last.
type Heard = Option<RepositoryId>;

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
        if self.give.send(None).await.is_ok() {
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
        if let Event::Ended(ended) = event
            && matches!(ended.outcome, AttemptOutcome::Warmed | AttemptOutcome::Filled)
        {
            // Where too many wait already the next search does it.
            let _ = self.0.try_send(Some(ended.ticket.claim.repository.id));
        }
    }
}

async fn index(mut published: mpsc::Receiver<Heard>, store: Arc<dyn Store>, snapshots: Snapshots) {
    while let Some(Some(first)) = published.recv().await {
        let (mut waiting, mut is_last) = (BTreeSet::from([first]), false);
        while let Ok(another) = published.try_recv() {
            is_last |= another.is_none();
            waiting.extend(another);
        }
        for repository in waiting {
            if let Err(error) = snapshots.refresh(&*store, repository).await {
                tracing::debug!(repository = repository.0, %error, "not indexed: the next search does it");
            }
        }
        if is_last {
            break;
        }
    }
}
