//! Hasher: skips with a reason, leaves known content unread; reads, hashes and chunks the rest.
//!
//! takes    [`Listed`] files as the Fetcher found them.
//! gives    [`Finished::Files`].
//! keeps    nothing: open handles on a mirror go with the reader of their job, else an idle worker would keep it
//! locked.
//! on crash the batch is lost and its job goes back; one bad file costs that file only (W-7).

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use warmer_content::{ArtifactKey, Content, SkipReason};
use warmer_git::Reader;
use warmer_store::{BlobKey, Known};
use warmer_supervision::{Crash, Deadline, Mailbox, Outcome as Ran, blocking};
use warmer_traces::names;

use crate::batch::{BATCH_BYTES, Finished, Listed};
use crate::batcher::{DigestedFile, cut};
use crate::digest::{self, Chunked, Read};
use crate::ending::Ending;
use crate::file::{File, Unchunked, sort};
use crate::live::Live;
use crate::part::Part;
use crate::settings::Settings;
use crate::stage::{Run, StageWork, Stop};
use crate::ticket::Ticket;
use crate::tools::Tools;

/// The Hasher pool's work.
pub(crate) struct Hasher {
    /// The Storer pool.
    pub next: Mailbox<Finished>,
    /// The cache, the rules and the chunker.
    pub tools: Tools,
    /// How long one file may take.
    pub settings: Live<Settings>,
}

impl StageWork for Hasher {
    type Message = Listed;
    type State = ();
    /// The last of the files.
    type Done = Vec<DigestedFile>;

    fn state(&self) {}

    /// Digests the files and passes them on, about a mebibyte of text at a time; gives the last of them.
    async fn work(&self, (): &mut (), listed: &mut Listed, run: &Run<'_>) -> Result<Vec<DigestedFile>, Stop> {
        let ticket = run.ticket;
        if !listed.stored.is_empty() {
            return self.cut_anew(listed, run).await;
        }
        let (mut done, open) = sort(&ticket.rules, std::mem::take(&mut listed.changes));
        run.holds((done.len() + open.len()) as u64, 0);
        let unread = self.look_up(run, open, &mut done).await?;
        let (mut group, mut bytes) = (vec![], 0);
        for file in unread {
            let no_reader = || Crash("a batch with files came without a reader".into());
            let reader = listed.reader.as_ref().ok_or_else(no_reader)?;
            match self.read(ticket, reader, file).await? {
                Ok(unchunked) => {
                    bytes += unchunked.content.text.len() as u64;
                    run.holds(0, unchunked.content.text.len() as u64);
                    group.push(unchunked);
                }
                Err(skipped) => done.push(skipped),
            }
            if bytes >= BATCH_BYTES {
                done.extend(self.chunk(run, std::mem::take(&mut group)).await?);
                bytes = 0;
                self.pass(listed.part.split(), std::mem::take(&mut done), run).await?;
            }
        }
        done.extend(self.chunk(run, group).await?);
        Ok(done)
    }

    async fn hand_on(&self, listed: Listed, rest: Vec<DigestedFile>, run: &Run<'_>) -> Result<(), Crash> {
        self.pass(listed.part, rest, run).await
    }
}

impl Hasher {
    pub(crate) fn deadline(&self) -> Deadline {
        self.settings.now().hasher.file_deadline.into()
    }

    /// Leaves unread what the cache knows by oid; gives the rest. Known is trusted only where the mirror has the blob:
    /// every listed blob came with the commit, so what is missing shows when the first unknown one is read.
    async fn look_up(&self, run: &Run<'_>, open: Vec<File>, done: &mut Vec<DigestedFile>) -> Result<Vec<File>, Stop> {
        let ticket = run.ticket;
        if open.is_empty() {
            return Ok(open);
        }
        let keys: Vec<BlobKey> = open.iter().map(File::key).collect();
        let known = self.tools.store.known(&keys, self.tools.recipe.chunking, ticket.rules.digest());
        let known = run.database(names::DB_BLOBS, known).await?;
        let known = self.trusted(run, known).await?;
        let mut unread = vec![];
        for (file, known) in open.into_iter().zip(known) {
            match known {
                None => unread.push(file),
                Some(Known::Skip(reason)) => done.push(file.skipped(reason, false)),
                Some(Known::Artifact { key, chunks, .. }) => {
                    ticket.counters.chunks.add(u64::from(chunks));
                    done.push(file.indexed(key, None));
                }
            }
        }
        Ok(unread)
    }

    /// Of what is known all, but where everything is checked again: then not the artifacts that do not read, or hold
    /// something else, so that they are made anew. Otherwise none is read here: who finds a damaged one asks for such a
    /// check.
    async fn trusted(&self, run: &Run<'_>, mut known: Vec<Option<Known>>) -> Result<Vec<Option<Known>>, Stop> {
        if run.ticket.claim.full {
            let keys = known.iter().flatten().filter_map(|known| match known {
                Known::Artifact { key, .. } => Some(*key),
                Known::Skip(_) => None,
            });
            let keys: Vec<_> = keys.collect();
            let stored = run.database(names::DB_READ, self.tools.store.artifacts(&keys)).await?;
            let chunking = self.tools.recipe.chunking;
            let reads = |known: &Known| match known {
                Known::Artifact { key, .. } => stored.get(key).is_some_and(|stored| stored.is_of(chunking, *key)),
                Known::Skip(_) => true,
            };
            known = known.into_iter().map(|known| known.filter(reads)).collect();
        }
        Ok(known)
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
        let read = match blocking(self.deadline(), Arc::default(), work).await {
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

    /// Chunks what no artifact is known for.
    pub(crate) async fn chunk(&self, run: &Run<'_>, group: Vec<Unchunked>) -> Result<Vec<DigestedFile>, Stop> {
        if group.is_empty() {
            return Ok(vec![]);
        }
        let ticket = run.ticket;
        let keys: Vec<ArtifactKey> = group.iter().map(|text| text.key).collect();
        let known = run.database(names::DB_ARTIFACTS, self.tools.store.known_artifacts(&keys)).await?;
        let known = self.trusted(run, known).await?;
        let mut done = vec![];
        for (Unchunked { file, content, key }, known) in group.into_iter().zip(known) {
            if let Some(Known::Artifact { key, chunks, .. }) = known {
                ticket.counters.chunks.add(u64::from(chunks));
                done.push(file.indexed(key, None));
                continue;
            }
            let began = Instant::now();
            let chunked = self.chunk_one(file.path.clone(), content).await;
            ticket.watch.file(&file.path, began.elapsed());
            done.push(match chunked {
                Ok(Chunked { artifact, symbols }) => {
                    ticket.counters.chunks.add(artifact.chunks.len() as u64);
                    let symbols = symbols.map(|symbols| (key, symbols));
                    DigestedFile { symbols, ..file.indexed(key, Some((key, artifact))) }
                }
                Err(reason) => file.skipped(reason, false),
            });
        }
        Ok(done)
    }

    /// Chunks one text on a blocking thread. The error is why the file is skipped.
    async fn chunk_one(&self, path: String, content: Content) -> Result<Chunked, SkipReason> {
        let chunker = self.tools.chunker.clone();
        // Of this file alone: raised at its deadline, it must not stop the next one. A job that is over drops this
        // call.
        let stop = Arc::<AtomicBool>::default();
        let until = Instant::now() + self.deadline().after;
        let deadline = warmer_content::Deadline { until, cancelled: stop.clone() };
        let faults = self.tools.faults.clone();
        let work = move |_: &AtomicBool| {
            faults.file(&path);
            digest::chunk(content, &chunker, &deadline)
        };
        match blocking(self.deadline(), stop, work).await {
            Ran::Done(chunked) => chunked,
            Ran::Panicked(_) => Err(SkipReason::Panicked),
            Ran::Stopped(_) | Ran::Late => Err(SkipReason::TooSlow),
        }
    }

    pub(crate) async fn pass(&self, part: Part, files: Vec<DigestedFile>, run: &Run<'_>) -> Result<(), Crash> {
        for batch in cut(part, files) {
            run.send(&self.next, Finished::Files(batch)).await?;
        }
        Ok(())
    }
}
