//! Storer: writes what is finished at once, stages entries; the part that completes a refresh publishes.
//!
//! takes    [`Finished`]: files of a refresh, or the vectors of a fill.
//! gives    the ending.
//! keeps    nothing.
//! on crash the batch is lost and its job goes back; storing twice is storing once (W-3).

use std::collections::BTreeMap;

use warmer_content::SkipReason;
use warmer_store::{Extracted, Filled, Outcome, Publication, Published, PublishedTexts, Put, StagedEntry};
use warmer_supervision::{Crash, Load as _};
use warmer_traces::names;

use crate::batch::{Files, Finished, Texts};
use crate::ending::{Ending, PublishedFiles};
use crate::faults::Edge;
use crate::observer::Event;
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
    type Message = Finished;
    type State = ();
    type Done = ();

    fn state(&self) {}

    async fn work(&self, (): &mut (), finished: &mut Finished, run: &Run<'_>) -> Result<(), Stop> {
        run.holds(finished.items(), finished.bytes());
        match finished {
            Finished::Files(files) => self.store_files(files, run).await,
            Finished::Texts(texts) => self.store_vectors(texts, run).await,
        }
    }

    async fn hand_on(&self, finished: Finished, (): (), run: &Run<'_>) -> Result<(), Crash> {
        let (part, fills) = match finished {
            Finished::Files(files) => (files.part, false),
            Finished::Texts(texts) => (texts.part, true),
        };
        let Some(publish) = part.finish() else { return Ok(()) };
        if fills {
            run.close();
            let ending = publish.ticket().filled();
            publish.done(ending);
            return Ok(());
        }
        run.wait_for_lease().await;
        let ending = self.publish(&publish, run).await;
        run.close();
        publish.done(ending);
        Ok(())
    }
}

impl Storer {
    /// Artifacts first: an interrupted job keeps them.
    async fn store_files(&self, files: &Files, run: &Run<'_>) -> Result<(), Stop> {
        let Files { part, entries, artifacts, symbols, blobs } = files;
        let ticket = part.ticket();
        if !(artifacts.is_empty() && blobs.is_empty()) {
            let (chunking, rules) = (self.tools.recipe.chunking, ticket.rules.digest());
            let put = Put { chunking, rules, artifacts, blobs, symbols: Extracted::of(symbols) };
            let put = run.database(names::DB_PUT, self.tools.store.put(put)).await?;
            if !ticket.is_unreached() {
                ticket.counters.new_rows.add(put.artifacts_new);
            }
        }
        if !entries.is_empty() {
            let staged = self.tools.store.stage(ticket.claim.id, entries);
            if !run.database(names::DB_STAGE, staged).await? {
                return Err(Ending::Cancelled("the claim is no longer ours".to_owned()).into());
            }
            ticket.counters.stored.add(entries.len() as u64);
            tell_skipped(entries, run);
        }
        Ok(())
    }

    /// Vectors count from the moment they are stored, whoever asked for them.
    async fn store_vectors(&self, texts: &Texts, run: &Run<'_>) -> Result<(), Stop> {
        let Texts { part, vectors, failed, artifacts, .. } = texts;
        let filled = Filled { embedding: self.tools.recipe.embedding, vectors, failed, artifacts };
        let new = run.database(names::DB_PUT_VECTORS, self.tools.store.put_vectors(filled)).await?;
        part.ticket().counters.new_rows.add(new);
        part.ticket().counters.failed.add(failed.len() as u64);
        Ok(())
    }

    /// One transaction: compare-and-set from the base of the diff, the staged rows applied, every key checked.
    async fn publish(&self, publish: &Publish, run: &Run<'_>) -> Ending {
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
            cut_anew: target.unreached.is_some(),
            patience: *self.tools.patience.now(),
            fills: self.tools.fills,
            summary: summary::of(ticket),
            traceparent: None,
        };
        self.tools.faults.publication(Edge::Before).await;
        let published = run.database(names::DB_PUBLISH, self.tools.store.publish(&publication)).await;
        self.tools.faults.publication(Edge::After).await;
        match published {
            Ok(Published::Done { indexed, removed, texts, .. }) => {
                if let Some(PublishedTexts { lacking, failed }) = texts {
                    let counters = &ticket.counters;
                    counters.hopeless.set(failed);
                    counters.spared.set(counters.chunks.get().saturating_sub(lacking + failed));
                }
                match target.unreached {
                    None => Ending::Published(PublishedFiles { indexed, removed }),
                    Some(ending) => {
                        tracing::info!(
                            files = indexed,
                            "its remote is out of reach: what is served was cut anew from what is stored"
                        );
                        ending
                    }
                }
            }
            Ok(Published::Stale) => Ending::Cancelled("the claim was lost before the publication".to_owned()),
            Ok(Published::Moved) => Ending::Lost("another publication came first".to_owned()),
            Ok(Published::Incomplete { missing }) => {
                Ending::Lost(format!("{missing} stored keys were collected before the publication"))
            }
            Err(error) => Ending::from(&error),
        }
    }
}

/// Says how many of these entries are of files that are skipped, by the reason.
fn tell_skipped(entries: &[StagedEntry], run: &Run<'_>) {
    let mut skipped = BTreeMap::<SkipReason, u64>::new();
    for entry in entries {
        if let Outcome::Skip(reason) = entry.outcome {
            *skipped.entry(reason).or_default() += 1;
        }
    }
    skipped.into_iter().for_each(|(reason, files)| run.tell(&Event::Skipped(reason, files)));
}
