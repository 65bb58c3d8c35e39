//! Hasher: skips with a reason, leaves known content unread; reads, hashes and chunks the rest.
//!
//! takes    [`Listed`] files as the Fetcher found them.
//! gives    [`Embed::Batch`] with the texts that have no vector yet.
//! keeps    nothing: open handles on a mirror go with the reader of their job, else an idle worker would keep it
//! locked.
//! on crash the batch is lost and its job goes back; one bad file costs that file only (W-7).

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use tracing::{Span, info_span};
use warmer_content::{Artifact, ArtifactKey, Content, SkipReason, TextKey};
use warmer_git::Reader;
use warmer_store::{BlobKey, Known};
use warmer_supervision::{Crash, Deadline, Mailbox, Outcome as Ran, blocking};

use crate::batch::{BATCH_BYTES, Embed, Listed, Wanted};
use crate::batcher::{DigestedFile, cut};
use crate::digest::{self, Chunked, Read};
use crate::ending::Ending;
use crate::file::{File, Unchunked, sort};
use crate::part::Part;
use crate::stage::{Run, StageWork, Stop};
use crate::ticket::Ticket;
use crate::tools::Tools;

/// The Hasher pool's work.
pub(crate) struct Hasher {
    /// The Embedder pool.
    pub next: Mailbox<Embed>,
    /// The cache, the rules, the chunker and the tokenizer.
    pub tools: Tools,
    /// How long one file may take.
    pub deadline: Deadline,
}

impl StageWork for Hasher {
    type Message = Listed;
    type State = ();
    /// The last of the files.
    type Done = Vec<DigestedFile>;

    fn state(&self) {}

    fn span(&self, parent: &Span, listed: &Listed) -> Span {
        info_span!(parent: parent, "stage hash", files = listed.changes.len())
    }

    /// Digests the files and passes them on, about a mebibyte of text at a time; gives the last of them.
    async fn work(&self, (): &mut (), listed: &mut Listed, run: &mut Run<'_>) -> Result<Vec<DigestedFile>, Stop> {
        let ticket = run.ticket;
        let (mut done, open) = sort(&ticket.rules, std::mem::take(&mut listed.changes));
        let unread = self.look_up(ticket, open, &mut done).await?;
        let (mut group, mut bytes) = (vec![], 0);
        for file in unread {
            let no_reader = || Crash("a batch with files came without a reader".into());
            let reader = listed.reader.as_ref().ok_or_else(no_reader)?;
            match self.read(ticket, reader, file).await? {
                Ok(unchunked) => {
                    bytes += unchunked.content.text.len() as u64;
                    group.push(unchunked);
                }
                Err(skipped) => done.push(skipped),
            }
            if bytes >= BATCH_BYTES {
                done.extend(self.chunk(ticket, std::mem::take(&mut group)).await?);
                bytes = 0;
                self.pass(listed.part.split(), std::mem::take(&mut done), run).await?;
            }
        }
        done.extend(self.chunk(ticket, group).await?);
        Ok(done)
    }

    async fn hand_on(&self, listed: Listed, rest: Vec<DigestedFile>, run: &mut Run<'_>) -> Result<(), Crash> {
        self.pass(listed.part, rest, run).await
    }
}

impl Hasher {
    /// Leaves unread what the cache knows by oid; gives the rest. Known is trusted only where the mirror has the blob:
    /// every listed blob came with the commit, so what is missing shows when the first unknown one is read.
    async fn look_up(&self, ticket: &Ticket, open: Vec<File>, done: &mut Vec<DigestedFile>) -> Result<Vec<File>, Stop> {
        if open.is_empty() {
            return Ok(open);
        }
        let keys: Vec<BlobKey> = open.iter().map(File::key).collect();
        let (recipe, rules) = (self.tools.recipe, ticket.rules.digest());
        let known = self.tools.store.known(&keys, recipe.chunking, rules).await?;
        let mut unread = vec![];
        for (file, known) in open.into_iter().zip(known) {
            match known {
                None => unread.push(file),
                Some(Known::Skip(reason)) => done.push(file.skipped(reason, false)),
                Some(Known::Artifact { key, .. }) => match self.known_artifact(ticket, key).await? {
                    Some(missing) => done.push(file.indexed(key, None, missing)),
                    None => unread.push(file),
                },
            }
        }
        Ok(unread)
    }

    /// The texts that a known artifact lacks vectors for; `None` when the artifact cannot be read after all.
    async fn known_artifact(&self, ticket: &Ticket, key: ArtifactKey) -> Result<Option<Vec<Wanted>>, Stop> {
        let Some(artifact) = self.tools.store.artifact(key).await? else { return Ok(None) };
        let texts = keys_of(&artifact);
        let lacks = self.tools.store.missing_vectors(self.tools.recipe.embedding, &texts).await?;
        let missing = wanted(&Arc::new(artifact), &mut lacks.into_iter().collect());
        ticket.counters.chunks.add(texts.len() as u64);
        ticket.counters.reused.add((texts.len() - missing.len()) as u64);
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
        let (oid, hint) = (file.oid, file.language_hint);
        let work = move |_: &AtomicBool| digest::read(&reader.blobs()?, &oid, hint, &rules, chunking);
        let read = match blocking(self.deadline, Arc::default(), work).await {
            Ran::Done(read) => read,
            Ran::Panicked(_) => return Ok(Err(file.skipped(SkipReason::Panicked, false))),
            Ran::Stopped(_) | Ran::Late => return Ok(Err(file.skipped(SkipReason::TooSlow, false))),
        };
        match read {
            Ok(Read::Skip(reason)) => Ok(Err(file.skipped(reason, true))),
            Ok(Read::Text { content, key }) => {
                ticket.counters.read.add(1);
                ticket.counters.bytes.add(content.text.len() as u64);
                Ok(Ok(Unchunked { file, content, key }))
            }
            Err(error) => Err(Ending::Lost(error.to_string()).into()),
        }
    }

    /// Chunks what no artifact is known for, and finds out which texts have no vector.
    async fn chunk(&self, ticket: &Ticket, group: Vec<Unchunked>) -> Result<Vec<DigestedFile>, Stop> {
        let keys: Vec<ArtifactKey> = group.iter().map(|text| text.key).collect();
        let known = self.tools.store.known_artifacts(&keys).await?;
        let mut done = vec![];
        for (Unchunked { file, content, key }, known) in group.into_iter().zip(known) {
            if let Some(Known::Artifact { key, .. }) = known
                && let Some(missing) = self.known_artifact(ticket, key).await?
            {
                done.push(file.indexed(key, None, missing));
                continue;
            }
            done.push(match self.chunk_one(file.path.clone(), content).await? {
                Ok(Chunked { artifact, symbols }) => {
                    let symbols = symbols.map(|symbols| (key, symbols));
                    DigestedFile { symbols, ..file.indexed(key, Some((key, artifact)), vec![]) }
                }
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
        let missing = self.tools.store.missing_vectors(self.tools.recipe.embedding, &keys).await?;
        let mut missing: HashSet<_> = missing.into_iter().collect();
        for file in files {
            if let Some(artifact) = chunks(file) {
                file.missing = wanted(&artifact, &mut missing);
                ticket.counters.chunks.add(artifact.chunks.len() as u64);
                ticket.counters.reused.add((artifact.chunks.len() - file.missing.len()) as u64);
            }
        }
        Ok(())
    }

    /// Chunks one text on a blocking thread. The inner `Err` is why the file is skipped.
    async fn chunk_one(&self, path: String, content: Content) -> Result<Result<Chunked, SkipReason>, Stop> {
        let (model, chunker) = (self.tools.model.clone(), self.tools.chunker.clone());
        // Of this file alone: raised at its deadline, it must not stop the next one. A job that is over drops this
        // call.
        let stop = Arc::<AtomicBool>::default();
        let until = Instant::now() + self.deadline.after;
        let deadline = warmer_content::Deadline { until, cancelled: stop.clone() };
        let faults = self.tools.faults.clone();
        let work = move |_: &AtomicBool| {
            faults.file(&path);
            let tokens = model.tokenizer()?;
            Ok(digest::chunk(content, &chunker, &tokens, &deadline))
        };
        match blocking(self.deadline, stop, work).await {
            Ran::Done(Ok(chunked)) => Ok(chunked),
            Ran::Done(Err(error)) => {
                let error: warmer_embedding::ModelError = error;
                Err(Ending::refused(Ending::Unfit(error.to_string())).into())
            }
            Ran::Panicked(_) => Ok(Err(SkipReason::Panicked)),
            Ran::Stopped(_) | Ran::Late => Ok(Err(SkipReason::TooSlow)),
        }
    }

    async fn pass(&self, part: Part, files: Vec<DigestedFile>, run: &mut Run<'_>) -> Result<(), Crash> {
        for batch in cut(part, files) {
            run.ticket.counters.wanted.add(batch.missing.len() as u64);
            run.send(&self.next, Embed::Batch(batch)).await?;
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
