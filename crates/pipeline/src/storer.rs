//! Storer: writes what is finished at once, stages entries; the part that completes the job publishes.
//!
//! takes    [`Batch`] with all its vectors.
//! gives    the verdict.
//! keeps    nothing.
//! on crash the batch is lost and its job goes back; storing twice is storing once (W-3).

use std::time::Instant;

use tracing::{Instrument, info_span};
use warmer_store::{Publication, Published, Put, StoreError};
use warmer_supervision::{Crash, Delivery, Work};

use crate::batch::Batch;
use crate::faults::Edge;
use crate::summary;
use crate::tally::Stage;
use crate::ticket::{Ending, Publish, PublishedFiles, Ticket};
use crate::tools::Tools;
use crate::trust::Trust;

/// The Storer pool's work.
pub(crate) struct Storer {
    /// The cache and the queue.
    pub tools: Tools,
    /// Who may work.
    pub trust: Trust,
}

impl Work for Storer {
    type Message = Batch;
    type State = ();

    fn state(&self) {}

    async fn handle(&self, (): &mut (), delivery: Delivery<Batch>) -> Result<(), Crash> {
        let Delivery { message: batch, queued, permit } = delivery;
        let ticket = batch.part.ticket().clone();
        ticket.tally.waited(Stage::Storer, queued.elapsed());
        let span = info_span!(parent: &ticket.span, "stage store", vectors = batch.vectors.len());
        let trusted = async {
            self.trust.hold().await;
            self.settle(batch).await
        };
        tokio::select! {
            ended = trusted.instrument(span) => ended?,
            () = ticket.over() => {}
        }
        drop(permit);
        Ok(())
    }
}

impl Storer {
    async fn settle(&self, batch: Batch) -> Result<(), Crash> {
        self.tools.faults.at(Stage::Storer, Edge::Before).await?;
        let ticket = batch.part.ticket().clone();
        let began = Instant::now();
        let stored = self.store(&batch).await;
        ticket.tally.worked(Stage::Storer, began.elapsed());
        if let Err(error) = stored {
            batch.part.end(ending_of(&error));
            return Ok(());
        }
        self.tools.faults.at(Stage::Storer, Edge::After).await?;
        let Some(publish) = batch.part.finish() else { return Ok(()) };
        self.trust.hold().await;
        let began = Instant::now();
        let span = info_span!("publish");
        let ending = self.publish(&publish, &ticket).instrument(span).await;
        ticket.tally.worked(Stage::Storer, began.elapsed());
        publish.done(ending);
        Ok(())
    }

    /// Vectors and artifacts first: an interrupted job keeps them.
    async fn store(&self, batch: &Batch) -> Result<(), StoreError> {
        let Batch { part, entries, artifacts, blobs, vectors, .. } = batch;
        let ticket = part.ticket();
        if !(vectors.is_empty() && artifacts.is_empty() && blobs.is_empty()) {
            let (recipe, rules) = (self.tools.recipe, ticket.rules.digest());
            let put = Put { embedding: recipe.embedding, chunking: recipe.chunking, rules, vectors, artifacts, blobs };
            let new = self.tools.store.put(put).await?;
            ticket.tally.new_rows.add(new.vectors_new + new.artifacts_new);
        }
        if !entries.is_empty() {
            if !self.tools.store.stage(ticket.claim.id, entries).await? {
                ticket.end(Ending::Cancelled("the claim is no longer ours".to_owned()));
            }
            ticket.tally.stored.add(entries.len() as u64);
        }
        Ok(())
    }

    /// One transaction: compare-and-set from the base of the diff, the staged rows applied, every key checked.
    async fn publish(&self, publish: &Publish, ticket: &Ticket) -> Ending {
        let Some(target) = publish.ticket().target() else {
            return Ending::Lost("the job came to its end before its commit was known".to_owned());
        };
        let publication = Publication {
            claim: ticket.claim.id,
            base: ticket.claim.repository.served.clone(),
            served: target.served,
            committed_at: target.committed_at,
            complete: target.complete,
            failed: ticket.failed_texts(),
            patience: self.tools.patience,
            summary: summary::of(ticket),
            traceparent: None,
        };
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
            Err(error) => ending_of(&error),
        }
    }
}

/// What an error of the store means for the job. A full disk or a damaged file is this process' matter; anything else may
/// pass.
pub(crate) fn ending_of(error: &StoreError) -> Ending {
    use warmer_store::StoreErrorKind::{Busy, Gone};
    match error.kind() {
        Busy | Gone => Ending::Lost(error.to_string()),
        _ => Ending::Unfit(error.to_string()),
    }
}
