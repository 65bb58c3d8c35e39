//! Filler: reads the texts of served entries that have no vector, page by page, and hands them on.
//!
//! takes    [`Lacking`], one per fill.
//! gives    [`Embed::Texts`]; the last batch carries the fill's first part.
//! keeps    nothing. The page that it reads is the fence: none comes once the claim is not ours.
//! on crash the fill goes back at once; what was stored stays.

use std::collections::BTreeSet;

use warmer_content::{Artifact, ArtifactKey, TextKey};
use warmer_store::{Enqueue, Lane, Page, SHARD_TEXTS};
use warmer_supervision::{Crash, Mailbox, Wait};
use warmer_traces::names;

use crate::batch::{BATCH_BYTES, BATCH_TEXTS, Embed, Lacking, Texts, Wanted};
use crate::ending::Ending;
use crate::hold::Hold;
use crate::isolation::Isolation;
use crate::lease::Lease;
use crate::places::Places;
use crate::stage::{Run, StageWork, Stop};
use crate::tools::Tools;

/// Artifacts of one page: 0.08 ms for the database, and a batch or two of texts.
const PAGE: u32 = 32;

/// Texts of one batch while a fork is filled, too: a vector is seen by others only once its whole batch is stored. Of
/// 2,000 texts two instances made 128 twice with batches of 128, and 5 with these.
const BATCH_TEXTS_CONTESTED: usize = 16;

/// The Filler pool's work.
pub(crate) struct Filler {
    /// The Embedder pool.
    pub next: Mailbox<Embed>,
    /// The cache.
    pub tools: Tools,
    /// The batches that bulk fills may have in the stages behind at the same time.
    pub room: Places,
    /// How long a child process may go on.
    pub lease: Lease,
    /// Whether this process makes any vectors at all, for now.
    pub hold: Hold,
}

impl StageWork for Filler {
    type Message = Lacking;
    type State = ();
    /// The last of the texts.
    type Done = Texts;

    fn state(&self) {}

    /// A child process gets the order to end first, and has a moment.
    fn ends_by_itself(&self, lacking: &Lacking) -> bool {
        self.tools.isolation(lacking.part.ticket()).is_some()
    }

    async fn work(&self, (): &mut (), lacking: &mut Lacking, run: &Run<'_>) -> Result<Texts, Stop> {
        let ticket = run.ticket;
        if let Some(isolation) = self.tools.isolation(ticket) {
            return Err(run.elsewhere(self.isolate(run, isolation)).await.into());
        }
        let mut batch = Texts::of(lacking.part.split());
        let (mut after, mut found) = (None, 0);
        loop {
            let page = self.tools.store.lacking(ticket.claim.id, after.as_ref(), PAGE);
            let page = run.database(names::DB_LACKING, page).await?;
            let Page { artifacts, last, contested } = page.map_err(|why| Ending::Cancelled(why.to_string()))?;
            let contested = contested && self.tools.store.is_shared();
            let texts_max = if contested { BATCH_TEXTS_CONTESTED } else { BATCH_TEXTS };
            let keys: Vec<ArtifactKey> = artifacts.iter().map(|lacking| lacking.artifact).collect();
            let mut stored = run.database(names::DB_READ, self.tools.store.artifacts(&keys)).await?;
            for lacking in artifacts {
                let lacks = lacking.texts.len();
                let texts = stored.remove(&lacking.artifact).map(|artifact| wanted(&artifact, lacking.texts));
                // One that has not the texts that it was stored with is as damaged as one that does not read.
                let Some(texts) = texts.filter(|texts| texts.len() == lacks) else {
                    self.unreadable(run, lacking.artifact).await?;
                    continue;
                };
                found += lacks as u64;
                batch = self.add(batch, (lacking.artifact, texts), texts_max, run).await?;
            }
            match last {
                Some(last) if found < fill_texts_max(run) => after = Some(last),
                _ => return Ok(batch),
            }
        }
    }

    async fn hand_on(&self, Lacking { part }: Lacking, rest: Texts, run: &Run<'_>) -> Result<(), Crash> {
        if rest.missing.is_empty() {
            // The first part is still out: this one brings no right.
            drop(rest.part.finish());
        } else {
            self.pass(rest, run).await?;
        }
        // Nothing lacked a vector, or all that did is stored already.
        if let Some(last) = part.finish() {
            run.close();
            let ending = last.ticket().filled();
            last.done(ending);
        }
        Ok(())
    }
}

impl Filler {
    /// The whole fill in a child process, which is one part. What holds the child holds this process.
    async fn isolate(&self, run: &Run<'_>, isolation: &Isolation) -> Ending {
        let ticket = run.ticket;
        let traceparent = self.tools.tracer.traceparent(&ticket.span);
        let ending = isolation.run(run.told(), (self.tools.recipe, self.tools.fills), traceparent, &self.lease).await;
        if let Ending::Held { why, lasts, unfit } = &ending {
            self.hold.begin(why, *unfit, *lasts);
        }
        ending
    }

    /// Puts the texts of an artifact into the batch; full ones are passed on.
    async fn add(
        &self,
        mut batch: Texts,
        (artifact, texts): (ArtifactKey, Vec<Wanted>),
        texts_max: usize,
        run: &Run<'_>,
    ) -> Result<Texts, Stop> {
        let mut bytes = batch.text_bytes();
        for wanted in texts {
            let more = wanted.text.len() as u64;
            if batch.missing.len() >= texts_max || (bytes > 0 && bytes + more > BATCH_BYTES) {
                let following = Texts::of(batch.part.split());
                self.pass(std::mem::replace(&mut batch, following), run).await?;
                bytes = 0;
            }
            bytes += more;
            batch.missing.push(wanted);
            if batch.artifacts.last() != Some(&artifact) {
                batch.artifacts.push(artifact);
            }
        }
        Ok(batch)
    }

    async fn pass(&self, mut batch: Texts, run: &Run<'_>) -> Result<(), Crash> {
        if is_bulk(run) {
            batch.room = Some(run.wait(Wait::NextStage, self.room.take()).await);
        }
        run.ticket.counters.wanted.add(batch.missing.len() as u64);
        run.holds(batch.missing.len() as u64, batch.text_bytes());
        run.send(&self.next, Embed::Texts(batch)).await
    }

    /// Passed over: its repository is read again from git, which makes the artifact anew.
    async fn unreadable(&self, run: &Run<'_>, artifact: ArtifactKey) -> Result<(), Stop> {
        tracing::warn!(%artifact, "a stored artifact cannot be read; a full refresh of its repository makes it again");
        run.ticket.leave(format!(
            "the stored artifact {artifact} cannot be read: a full refresh is queued, which makes it again"
        ));
        let how = Enqueue { full: true, ..Enqueue::default() };
        run.database(names::DB_ENQUEUE, self.tools.store.enqueue(run.ticket.claim.repository.id, how)).await?;
        Ok(())
    }
}

/// Who has more to make goes back behind what else is due. What is bulk keeps nobody waiting, and is read on: a
/// provider that is fast would be without work between two fills.
fn fill_texts_max(run: &Run<'_>) -> u64 {
    if is_bulk(run) { 8 * SHARD_TEXTS } else { SHARD_TEXTS }
}

fn is_bulk(run: &Run<'_>) -> bool {
    run.ticket.claim.fill.as_ref().is_some_and(|fill| fill.lane == Lane::Bulk)
}

/// Those of the artifact's texts that lack a vector.
fn wanted(artifact: &Artifact, lacks: Vec<TextKey>) -> Vec<Wanted> {
    let mut lacks: BTreeSet<_> = lacks.into_iter().collect();
    let chunks = artifact.chunks.iter().filter(|chunk| lacks.remove(&chunk.key));
    chunks
        .map(|chunk| Wanted { key: chunk.key, text: artifact.embedded_text(chunk).into(), size: chunk.size })
        .collect()
}

#[cfg(test)]
mod tests;
