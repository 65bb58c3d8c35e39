//! Counting: stands where a refresh has its Storer, and stores nothing.
//!
//! takes    [`Finished::Files`].
//! gives    the ending, once all of a repository was counted.
//! keeps    the plan's count, shared by the pool.
//! on crash the repository is not counted, and the plan says so.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use warmer_content::{Artifact, ArtifactKey, TextKey};
use warmer_embedding::Tokenizer;
use warmer_store::Outcome;
use warmer_supervision::{Crash, Deadline, Outcome as Ran, blocking};
use warmer_traces::names;

use super::count::{Count, Fate};
use crate::batch::{Files, Finished};
use crate::ending::{Ending, PublishedFiles};
use crate::stage::{Run, StageWork, Stop};
use crate::tools::Tools;

/// The work of the pool that counts.
pub(super) struct Counting {
    /// The cache, which is only read.
    pub tools: Tools,
    /// The model's tokenizer; without one tokens are not counted.
    pub tokenizer: Option<Tokenizer>,
    /// What was counted so far.
    pub count: Arc<Mutex<Count>>,
    /// How long the tokens of one batch may take.
    pub deadline: Deadline,
}

/// The artifacts of a batch.
type Artifacts = HashMap<ArtifactKey, Arc<Artifact>>;

/// Texts that are to be embedded, and their tokens.
type Measured = Vec<(TextKey, String, u32)>;

impl StageWork for Counting {
    type Message = Finished;
    type State = ();
    type Done = ();

    fn state(&self) {}

    async fn work(&self, (): &mut (), finished: &mut Finished, run: &Run<'_>) -> Result<(), Stop> {
        // No fill comes this way.
        let Finished::Files(files) = finished else { return Ok(()) };
        let artifacts = self.artifacts(files, run).await?;
        let unknown = self.meet(files, &artifacts);
        self.look_up(&unknown, &artifacts, run).await?;
        run.ticket.counters.stored.add(files.entries.len() as u64);
        Ok(())
    }

    async fn hand_on(&self, finished: Finished, (): (), _: &Run<'_>) -> Result<(), Crash> {
        if let Finished::Files(files) = finished
            && let Some(last) = files.part.finish()
        {
            last.done(Ending::Published(PublishedFiles::default()));
        }
        Ok(())
    }
}

impl Counting {
    /// Those that the Hasher made, and those that are stored.
    async fn artifacts(&self, files: &Files, run: &Run<'_>) -> Result<Artifacts, Stop> {
        let mut artifacts: Artifacts = files.artifacts.iter().cloned().collect();
        let shown = files.entries.iter().filter_map(|entry| match entry.outcome {
            Outcome::Artifact(key) if !artifacts.contains_key(&key) => Some(key),
            _ => None,
        });
        let stored: BTreeSet<_> = shown.collect();
        if !stored.is_empty() {
            let stored: Vec<_> = stored.into_iter().collect();
            let stored = run.database(names::DB_READ, self.tools.store.artifacts(&stored)).await?;
            artifacts.extend(stored.into_iter().map(|(key, artifact)| (key, Arc::new(artifact))));
        }
        Ok(artifacts)
    }

    /// Counts files and chunks; gives the texts that nobody has looked up, each with its chunk.
    fn meet(&self, files: &Files, artifacts: &Artifacts) -> Vec<(TextKey, ArtifactKey, usize)> {
        let (mut count, mut unknown) = (lock(&self.count), vec![]);
        for entry in &files.entries {
            let key = match entry.outcome {
                Outcome::Artifact(key) => key,
                Outcome::Skip(reason) => {
                    count.skip(&entry.path, reason);
                    continue;
                }
                Outcome::Gone => continue,
            };
            let Some(artifact) = artifacts.get(&key) else {
                tracing::warn!(path = entry.path, "a stored artifact cannot be read: it is not counted");
                continue;
            };
            count.index(&entry.path, key, artifact);
            for (number, chunk) in artifact.chunks.iter().enumerate() {
                if count.meet(chunk.key) {
                    unknown.push((chunk.key, key, number));
                }
            }
        }
        unknown
    }

    /// Finds out what becomes of these texts.
    async fn look_up(
        &self,
        unknown: &[(TextKey, ArtifactKey, usize)],
        artifacts: &Artifacts,
        run: &Run<'_>,
    ) -> Result<(), Stop> {
        if unknown.is_empty() {
            return Ok(());
        }
        let (store, embedding) = (&self.tools.store, self.tools.recipe.embedding);
        let keys: Vec<_> = unknown.iter().map(|(key, ..)| *key).collect();
        let lacking = run.database(names::DB_VECTORS, store.missing_vectors(embedding, &keys)).await?;
        let failed = match lacking.as_slice() {
            [] => vec![],
            lacking => run.database(names::DB_FAILED, store.failed_texts(embedding, lacking)).await?,
        };
        let missing = unknown.iter().filter(|(key, ..)| is_among(&lacking, key) && !is_among(&failed, key));
        let text = |(key, artifact, number): &(TextKey, ArtifactKey, usize)| {
            let artifact = artifacts.get(artifact)?;
            Some((*key, artifact.embedded_text(artifact.chunks.get(*number)?)))
        };
        let measured = self.measure(missing.filter_map(text).collect()).await?;
        let mut count = lock(&self.count);
        for key in &keys {
            if !is_among(&lacking, key) {
                count.learn(*key, Fate::Stored);
            } else if is_among(&failed, key) {
                count.learn(*key, Fate::Failed);
            }
        }
        for (key, text, tokens) in measured {
            let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
            count.learn(key, Fate::Missing { bytes, tokens });
            count.keep(key, text);
        }
        Ok(())
    }

    /// Counts tokens on a blocking thread, in the measure of a warm: without special ones, each once. A text that the
    /// tokenizer refuses has none, for a warm embeds none of it.
    async fn measure(&self, texts: Vec<(TextKey, String)>) -> Result<Measured, Stop> {
        let Some(tokenizer) = self.tokenizer.clone().filter(|_| !texts.is_empty()) else {
            return Ok(texts.into_iter().map(|(key, text)| (key, text, 0)).collect());
        };
        let work = move |stop: &AtomicBool| -> Option<Measured> {
            let mut measured = Vec::with_capacity(texts.len());
            for (key, text) in texts {
                if stop.load(Ordering::Relaxed) {
                    return None;
                }
                let tokens = tokenizer.count(&text).unwrap_or(0);
                measured.push((key, text, u32::try_from(tokens).unwrap_or(u32::MAX)));
            }
            Some(measured)
        };
        let wrong = |why: &str| Stop::from(Ending::Unfit(format!("the model's tokenizer {why}")));
        match blocking(self.deadline, Arc::default(), work).await {
            Ran::Done(Some(measured)) => Ok(measured),
            Ran::Panicked(what) => Err(wrong(&format!("panicked: {what}"))),
            Ran::Done(None) | Ran::Stopped(_) | Ran::Late => {
                Err(wrong("did not come to an end (embedder.text_deadline)"))
            }
        }
    }
}

fn is_among(sorted: &[TextKey], key: &TextKey) -> bool {
    sorted.binary_search(key).is_ok()
}

pub(super) fn lock(count: &Mutex<Count>) -> MutexGuard<'_, Count> {
    count.lock().unwrap_or_else(PoisonError::into_inner)
}
