//! Hasher: skips with a reason, leaves known content unread; reads, hashes and chunks the rest.
//!
//! takes    [`Listed`] files as the Fetcher found them.
//! gives    [`Embed::Batch`] with the texts that have no vector yet.
//! keeps    nothing: open handles on a mirror go with the reader of their job, else an idle worker would keep it locked.
//! on crash the batch is lost and its job goes back; one bad file costs that file only (W-7).

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use tracing::{Instrument, info_span};
use warmer_content::{Artifact, ArtifactKey, Content, Leash, SkipReason, TextKey};
use warmer_git::{Change, Reader};
use warmer_store::{BlobKey, Known, StoreError};
use warmer_supervision::{Crash, Deadline, Delivery, Mailbox, Outcome as Ran, Work, blocking};

use crate::batch::{BATCH_BYTES, Embed, Listed, Wanted};
use crate::cutter::{DigestedFile, cut};
use crate::digest::{self, Read};
use crate::faults::Edge;
use crate::file::{File, Unchunked, sort};
use crate::storer::ending_of;
use crate::tally::Stage;
use crate::ticket::{Alone, Ending, Part, Ticket};
use crate::tools::Tools;
use crate::trust::Trust;

/// The Hasher pool's work.
pub(crate) struct Hasher {
    /// The Embedder pool.
    pub next: Mailbox<Embed>,
    /// The cache, the rules, the chunker and the tokenizer.
    pub tools: Tools,
    /// How long one file may take.
    pub deadline: Deadline,
    /// Who may work.
    pub trust: Trust,
}

/// Why a batch is not worked to its end.
enum Stop {
    /// The job ends so.
    End(Ending),
    /// The worker dies.
    Crash(Crash),
}

impl<E: Into<Crash>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Crash(error.into())
    }
}

/// An error of the store ends the job as it does in the Storer: no worker is to blame for it.
fn stored<T>(answer: Result<T, StoreError>) -> Result<T, Stop> {
    answer.map_err(|error| Stop::End(ending_of(&error)))
}

impl Work for Hasher {
    type Message = Listed;
    type State = ();

    fn state(&self) {}

    async fn handle(&self, (): &mut (), delivery: Delivery<Listed>) -> Result<(), Crash> {
        let Delivery { message: Listed { part, changes, reader }, queued, permit } = delivery;
        let ticket = part.ticket().clone();
        ticket.tally.waited(Stage::Hasher, queued.elapsed());
        let span = info_span!(parent: &ticket.span, "stage hash", files = changes.len());
        let worked = async {
            self.trust.hold().await;
            self.tools.faults.at(Stage::Hasher, Edge::Before).await?;
            let rest = match self.digest(&part, changes, reader).await {
                Ok(rest) => rest,
                Err(Stop::End(ending)) => {
                    part.end(ending);
                    return Ok(());
                }
                Err(Stop::Crash(crash)) => return Err(crash),
            };
            self.tools.faults.at(Stage::Hasher, Edge::After).await?;
            self.pass(part, rest).await
        };
        tokio::select! {
            ended = worked.instrument(span) => ended?,
            () = ticket.over() => {}
        }
        drop(permit);
        Ok(())
    }
}

impl Hasher {
    /// Digests the files and passes them on, about a mebibyte of text at a time; gives the last of them.
    async fn digest(
        &self,
        part: &Part,
        changes: Vec<Change>,
        reader: Option<Reader>,
    ) -> Result<Vec<DigestedFile>, Stop> {
        let ticket = part.ticket().clone();
        let mut began = Instant::now();
        let (mut done, open) = sort(&ticket.rules, changes);
        let unread = self.look_up(&ticket, open, &mut done).await?;
        let (mut group, mut bytes) = (vec![], 0);
        for file in unread {
            let reader = reader.as_ref().ok_or_else(|| Crash("a batch with files came without a reader".into()))?;
            match self.read(&ticket, reader, file).await? {
                Ok(unchunked) => {
                    bytes += unchunked.content.text.len() as u64;
                    group.push(unchunked);
                }
                Err(skipped) => done.push(skipped),
            }
            if bytes >= BATCH_BYTES {
                done.extend(self.chunk(&ticket, std::mem::take(&mut group)).await?);
                bytes = 0;
                ticket.tally.worked(Stage::Hasher, began.elapsed());
                self.pass(part.split(), std::mem::take(&mut done)).await?;
                began = Instant::now();
            }
        }
        done.extend(self.chunk(&ticket, group).await?);
        ticket.tally.worked(Stage::Hasher, began.elapsed());
        Ok(done)
    }

    /// Leaves unread what the cache knows by oid; gives the rest. Known is trusted only where the mirror has the blob:
    /// every listed blob came with the commit, so what is missing shows when the first unknown one is read.
    async fn look_up(&self, ticket: &Ticket, open: Vec<File>, done: &mut Vec<DigestedFile>) -> Result<Vec<File>, Stop> {
        if open.is_empty() {
            return Ok(open);
        }
        let keys: Vec<BlobKey> = open.iter().map(File::key).collect();
        let (recipe, rules) = (self.tools.recipe, ticket.rules.digest());
        let known = stored(self.tools.store.known(&keys, recipe.chunking, rules, recipe.embedding).await)?;
        let mut unread = vec![];
        for (file, known) in open.into_iter().zip(known) {
            match known {
                None => unread.push(file),
                Some(Known::Skip(reason)) => done.push(file.skipped(reason, false)),
                Some(Known::Artifact { key, chunks, missing, .. }) => {
                    match self.known_artifact(ticket, key, chunks, &missing).await? {
                        Some(missing) => done.push(file.indexed(key, None, missing)),
                        None => unread.push(file),
                    }
                }
            }
        }
        Ok(unread)
    }

    /// The texts that a known artifact lacks vectors for; `None` when the artifact cannot be read after all.
    async fn known_artifact(
        &self,
        ticket: &Ticket,
        key: ArtifactKey,
        chunks: u32,
        lacks: &[TextKey],
    ) -> Result<Option<Vec<Wanted>>, Stop> {
        let mut missing = vec![];
        if !lacks.is_empty() {
            let Some(artifact) = stored(self.tools.store.artifact(key).await)? else { return Ok(None) };
            missing = wanted(&Arc::new(artifact), &mut lacks.iter().copied().collect());
        }
        ticket.tally.chunks.add(u64::from(chunks));
        ticket.tally.reused.add(u64::from(chunks).saturating_sub(missing.len() as u64));
        Ok(Some(missing))
    }

    /// Reads one file on a blocking thread. The inner `Err` is a file that is skipped.
    async fn read(
        &self,
        ticket: &Ticket,
        reader: &Reader,
        file: File,
    ) -> Result<Result<Unchunked, DigestedFile>, Stop> {
        let (reader, rules, chunking) = (reader.clone(), ticket.rules.clone(), self.tools.recipe.chunking);
        let (oid, hint) = (file.oid, file.hint);
        let work = move |_: &AtomicBool| digest::read(&reader.blobs()?, &oid, hint, &rules, chunking);
        let read = match blocking(self.deadline, Arc::default(), work).await {
            Ran::Done(read) => read,
            Ran::Panicked(_) => return Ok(Err(file.skipped(SkipReason::Panicked, false))),
            Ran::Stopped(_) | Ran::Late => return Ok(Err(file.skipped(SkipReason::TooSlow, false))),
        };
        match read {
            Ok(Read::Skip(reason)) => Ok(Err(file.skipped(reason, true))),
            Ok(Read::Text { content, key }) => {
                ticket.tally.read.add(1);
                ticket.tally.bytes.add(content.text.len() as u64);
                Ok(Ok(Unchunked { file, content, key }))
            }
            Err(error) => Err(Stop::End(Ending::Lost(error.to_string()))),
        }
    }

    /// Chunks what no artifact is known for, and finds out which texts have no vector.
    async fn chunk(&self, ticket: &Ticket, group: Vec<Unchunked>) -> Result<Vec<DigestedFile>, Stop> {
        let embedding = self.tools.recipe.embedding;
        let keys: Vec<ArtifactKey> = group.iter().map(|text| text.key).collect();
        let known = stored(self.tools.store.known_artifacts(&keys, embedding).await)?;
        let mut done = vec![];
        for (Unchunked { file, content, key }, known) in group.into_iter().zip(known) {
            if let Some(Known::Artifact { key, chunks, missing, .. }) = known
                && let Some(missing) = self.known_artifact(ticket, key, chunks, &missing).await?
            {
                done.push(file.indexed(key, None, missing));
                continue;
            }
            done.push(match self.chunk_one(file.path.clone(), content).await? {
                Ok(artifact) => file.indexed(key, Some((key, artifact)), vec![]),
                Err(reason) => file.skipped(reason, false),
            });
        }
        self.find_missing(ticket, &mut done).await?;
        Ok(done)
    }

    /// Fills in which texts of the new artifacts have no vector, each once.
    async fn find_missing(&self, ticket: &Ticket, files: &mut [DigestedFile]) -> Result<(), Stop> {
        let chunks = |file: &DigestedFile| file.artifact.as_ref().map(|(_, artifact)| artifact.clone());
        let keys: Vec<_> = files.iter().filter_map(chunks).flat_map(|a| keys_of(&a)).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let missing = stored(self.tools.store.missing_vectors(self.tools.recipe.embedding, &keys).await)?;
        let mut missing: HashSet<_> = missing.into_iter().collect();
        for file in files {
            if let Some(artifact) = chunks(file) {
                file.missing = wanted(&artifact, &mut missing);
                ticket.tally.chunks.add(artifact.chunks.len() as u64);
                ticket.tally.reused.add((artifact.chunks.len() - file.missing.len()) as u64);
            }
        }
        Ok(())
    }

    /// Chunks one text on a blocking thread. The inner `Err` is why the file is skipped.
    async fn chunk_one(&self, path: String, content: Content) -> Result<Result<Arc<Artifact>, SkipReason>, Stop> {
        let (model, chunker) = (self.tools.model.clone(), self.tools.chunker.clone());
        // Of this file alone: raised at its deadline, it must not stop the next one. A job that is over drops this call.
        let stop = Arc::<AtomicBool>::default();
        let leash = Leash { until: Instant::now() + self.deadline.after, stop: stop.clone() };
        let faults = self.tools.faults.clone();
        let work = move |_: &AtomicBool| {
            faults.file(&path);
            let tokens = model.tokenizer()?;
            Ok(digest::chunk(content, &chunker, &tokens, &leash))
        };
        match blocking(self.deadline, stop, work).await {
            Ran::Done(Ok(chunked)) => Ok(chunked),
            Ran::Done(Err(error)) => {
                let error: warmer_embedding::ModelError = error;
                Err(Stop::End(Ending::Refused(error.to_string(), Alone::Unfit)))
            }
            Ran::Panicked(_) => Ok(Err(SkipReason::Panicked)),
            Ran::Stopped(_) | Ran::Late => Ok(Err(SkipReason::TooSlow)),
        }
    }

    async fn pass(&self, part: Part, files: Vec<DigestedFile>) -> Result<(), Crash> {
        let ticket = part.ticket().clone();
        for batch in cut(part, files) {
            ticket.tally.wanted.add(batch.missing.len() as u64);
            let began = Instant::now();
            self.next.send(Embed::Batch(batch)).await?;
            ticket.tally.waited(Stage::Embedder, began.elapsed());
        }
        Ok(())
    }
}

fn keys_of(artifact: &Artifact) -> Vec<TextKey> {
    artifact.chunks.iter().map(|chunk| chunk.key).collect()
}

/// The artifact's chunks among `missing`, which they leave: a text is wanted once.
fn wanted(artifact: &Arc<Artifact>, missing: &mut HashSet<TextKey>) -> Vec<Wanted> {
    let chunks = artifact.chunks.iter().enumerate();
    chunks
        .filter(|(_, chunk)| missing.remove(&chunk.key))
        .map(|(number, chunk)| Wanted { key: chunk.key, chunk: number, artifact: artifact.clone() })
        .collect()
}
