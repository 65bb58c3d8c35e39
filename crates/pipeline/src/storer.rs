//! Storer: writes what is finished at once, stages entries; the part that completes the job publishes.
//!
//! takes    [`Batch`] with all its vectors.
//! gives    the ending.
//! keeps    nothing.
//! on crash the batch is lost and its job goes back; storing twice is storing once (W-3).

use tracing::{Instrument, Span, info_span};
use warmer_store::{Extracted, Filled, Publication, Published, Put};
use warmer_supervision::Crash;

use crate::batch::Batch;
use crate::ending::{Ending, PublishedFiles};
use crate::faults::Edge;
use crate::part::Publish;
use crate::stage::{Run, StageWork, Stop};
use crate::summary;
use crate::tools::Tools;

/// The Storer pool's work.
pub(crate) struct Storer {
    /// The cache and the queue.
    pub tools: Tools,
}

impl StageWork for Storer {
    type Message = Batch;
    type State = ();
    type Done = ();

    fn state(&self) {}

    fn span(&self, parent: &Span, batch: &Batch) -> Span {
        info_span!(parent: parent, "stage store", vectors = batch.vectors.len())
    }

    /// Vectors and artifacts first: an interrupted job keeps them.
    async fn work(&self, (): &mut (), batch: &mut Batch, _: &mut Run<'_>) -> Result<(), Stop> {
        let Batch { part, entries, artifacts, symbols, blobs, vectors, .. } = batch;
        let ticket = part.ticket();
        if !(vectors.is_empty() && artifacts.is_empty() && blobs.is_empty()) {
            let (recipe, rules) = (self.tools.recipe, ticket.rules.digest());
            let put = Put { chunking: recipe.chunking, rules, artifacts, blobs, symbols: Extracted::of(symbols) };
            let new = self.tools.store.put(put).await?;
            let filled = Filled { embedding: recipe.embedding, vectors, failed: &[], artifacts: &[] };
            let vectors_new = self.tools.store.put_vectors(filled).await?;
            ticket.counters.new_rows.add(vectors_new + new.artifacts_new);
        }
        if !entries.is_empty() {
            if !self.tools.store.stage(ticket.claim.id, entries).await? {
                return Err(Ending::Cancelled("the claim is no longer ours".to_owned()).into());
            }
            ticket.counters.stored.add(entries.len() as u64);
        }
        Ok(())
    }

    async fn hand_on(&self, batch: Batch, (): (), run: &mut Run<'_>) -> Result<(), Crash> {
        let Some(publish) = batch.part.finish() else { return Ok(()) };
        run.wait_for_lease().await;
        let ending = self.publish(&publish).instrument(info_span!("publish")).await;
        run.lap();
        publish.done(ending);
        Ok(())
    }
}

impl Storer {
    /// One transaction: compare-and-set from the base of the diff, the staged rows applied, every key checked.
    async fn publish(&self, publish: &Publish) -> Ending {
        let ticket = publish.ticket();
        let Some(target) = ticket.target() else {
            return Ending::Lost("the job came to its end before its commit was known".to_owned());
        };
        let publication = Publication {
            claim: ticket.claim.id,
            base: ticket.claim.served_under(target.served.recipe.chunking).map(|state| state.served.clone()),
            served: target.served,
            committed_at: target.committed_at,
            complete: target.complete,
            patience: self.tools.patience,
            summary: summary::of(ticket),
            traceparent: None,
        };
        let embedding = self.tools.recipe.embedding;
        let failed = Filled { embedding, vectors: &[], failed: &ticket.failed_texts(), artifacts: &[] };
        if let Err(error) = self.tools.store.put_vectors(failed).await {
            return Ending::from(&error);
        }
        self.tools.faults.publication(Edge::Before).await;
        let published = self.tools.store.publish(&publication).await;
        self.tools.faults.publication(Edge::After).await;
        match published {
            Ok(Published::Done { indexed, removed, .. }) => Ending::Published(PublishedFiles { indexed, removed }),
            Ok(Published::Stale) => Ending::Cancelled("the claim was lost before the publication".to_owned()),
            Ok(Published::Moved) => Ending::Lost("another publication came first".to_owned()),
            Ok(Published::Incomplete { missing }) => {
                Ending::Lost(format!("{missing} stored keys were collected before the publication"))
            }
            Err(error) => Ending::from(&error),
        }
    }
}
