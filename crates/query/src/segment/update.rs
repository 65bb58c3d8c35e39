//! From the segments that there are to those of what is served now: only what changed is read.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use warmer_content::{ArtifactKey, TextKey};
use warmer_store::{Repository, Shown, Store};

use super::aside::aside;
use super::fill::{CHUNKS_MAX, Filler, PAGE_FILES};
use super::layout::Damaged;
use super::merge::merged;
use super::reader::Segment;
use super::shelf::{Manifest, Shelf};
use super::snapshot::Snapshot;
use super::state::State;
use crate::error::QueryError;

/// Segments that change the base; with more they are merged.
const CHANGES_MAX: usize = 8;
/// However small a repository is, as many changed files are no reason to read all of it.
const TOUCHED_MIN: u64 = 1000;
/// Paths that are listed at once.
const PAGE_PATHS: u32 = 4096;
/// Texts without a vector that are asked for again at once.
const ABSENT_MAX: usize = 4096;

/// A snapshot, and what it is of.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) state: State,
    pub(super) snapshot: Arc<Snapshot>,
    bases: usize,
    /// The names of the segments' files; `None` where they are in memory alone.
    names: Option<Vec<String>>,
}

impl Held {
    /// What lies on a shelf.
    pub(super) fn open(shelf: &Shelf, repository: &Repository) -> Option<Self> {
        let (Manifest { state, bases, segments: names }, segments) = shelf.open()?;
        let snapshot = Arc::new(Snapshot::of(repository.id, segments));
        (bases <= names.len()).then_some(Self { state, snapshot, bases, names: Some(names) })
    }
}

/// Brings a repository's segments up to date.
pub(super) struct Update<'a> {
    store: &'a dyn Store,
    repository: &'a Repository,
    state: State,
    /// Where new segments are put; in memory without one.
    shelf: Option<&'a Shelf>,
}

/// Segments as they are made.
struct Made {
    segments: Vec<Arc<Segment>>,
    bases: usize,
    names: Option<Vec<String>>,
}

impl<'a> Update<'a> {
    /// To this state.
    pub(super) fn to(state: State, store: &'a dyn Store, repository: &'a Repository, shelf: Option<&'a Shelf>) -> Self {
        Self { store, repository, state, shelf }
    }

    /// From `held`, or from nothing.
    pub(super) async fn run(self, held: Option<Held>) -> Result<Held, QueryError> {
        // Of the same number but another content: the database was put back to an older state.
        let held = held.filter(|held| held.state.publication < self.state.publication || held.state == self.state);
        let made = match held {
            Some(held) => match self.changes(&held).await? {
                Some(changes) if changes.is_empty() && held.state == self.state => return Ok(held),
                Some(changes) => self.changed(&held, changes).await?,
                None => self.base().await?,
            },
            None => self.base().await?,
        };
        let Made { segments, bases, names } = made;
        if let (Some(shelf), Some(segments)) = (self.shelf.cloned(), names.clone()) {
            let manifest = Manifest { state: self.state.clone(), bases, segments };
            if let Err(error) = aside(move || shelf.publish(&manifest)).await? {
                tracing::debug!(%error, "the segments are not kept");
            }
        }
        let snapshot = Arc::new(Snapshot::of(self.repository.id, segments));
        Ok(Held { state: self.state, snapshot, bases, names })
    }

    fn nothing(&self) -> Made {
        Made { segments: vec![], bases: 0, names: self.shelf.map(|_| vec![]) }
    }

    /// Everything that is served.
    async fn base(&self) -> Result<Made, QueryError> {
        let mut made = self.nothing();
        let mut filler = Filler::new(self.store, self.state.recipe.embedding);
        let mut after = String::new();
        loop {
            let page = self.page(&after, PAGE_FILES).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.path);
            if let Some(full) = filler.add(page).await? {
                self.put(&mut made, || full.finish()).await?;
            }
        }
        let last = filler.last(&BTreeSet::new());
        self.put(&mut made, || last.finish()).await?;
        made.bases = made.segments.len();
        Ok(made)
    }

    async fn page(&self, after: &str, limit: u32) -> Result<Vec<Shown>, QueryError> {
        Ok(self.store.shown_page(self.repository.id, self.state.recipe.chunking, after, limit).await?)
    }

    /// Takes a segment in; in memory where it cannot be put on the shelf.
    async fn put(&self, made: &mut Made, make: impl FnOnce() -> Vec<u8> + Send + 'static) -> Result<(), QueryError> {
        let shelf = self.shelf.filter(|_| made.names.is_some()).cloned();
        let kept = aside(move || keep(shelf.as_ref(), make())).await?;
        let (name, segment) = kept.map_err(|error| QueryError::Panicked(error.to_string()))?;
        match (name, &mut made.names) {
            (Some(name), Some(names)) => names.push(name),
            _ => made.names = None,
        }
        made.segments.push(Arc::new(segment));
        Ok(())
    }

    /// What changed since `held`; `None`: so much that all is read.
    async fn changes(&self, held: &Held) -> Result<Option<Changes>, QueryError> {
        let snapshot = &held.snapshot;
        let limit = u32::try_from(TOUCHED_MIN.max(snapshot.live_file_count() / 2)).unwrap_or(u32::MAX);
        let (since, chunking) = (held.state.publication, self.state.recipe.chunking);
        let touched = self.store.shown_since(self.repository.id, chunking, since, limit).await?;
        if touched.len() >= limit as usize {
            return Ok(None);
        }
        let mut changes = Changes::default();
        for Shown { path, artifact } in touched {
            match artifact {
                Some(artifact) => drop(changes.shown.insert(path, artifact)),
                None if snapshot.find(&path).is_some() => drop(changes.gone.insert(path)),
                None => {}
            }
        }
        self.removed(snapshot, &mut changes).await?;
        self.filled(snapshot, &mut changes).await?;
        Ok(Some(changes))
    }

    /// Publications leave no trace of what they removed: it is seen by the number of files, and only then are all
    /// paths listed.
    async fn removed(&self, snapshot: &Snapshot, changes: &mut Changes) -> Result<(), QueryError> {
        let new = changes.shown.keys().filter(|path| snapshot.find(path).is_none()).count() as u64;
        let expected = snapshot.live_file_count() + new - changes.gone.len() as u64;
        if self.store.totals(self.repository.id).await?.indexed == expected {
            return Ok(());
        }
        let (mut served, mut after) = (HashSet::new(), String::new());
        loop {
            let page = self.page(&after, PAGE_PATHS).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.path);
            for Shown { path, artifact } in page {
                if let (None, Some(artifact)) = (snapshot.find(&path), artifact) {
                    changes.shown.insert(path.clone(), artifact);
                }
                served.insert(path);
            }
        }
        for (part, file) in snapshot.live_files() {
            let path = snapshot.part(part).map(|segment| segment.path(file)).unwrap_or_default();
            if !served.contains(path) {
                changes.gone.insert(path.to_owned());
            }
        }
        changes.shown.retain(|path, _| served.contains(path));
        Ok(())
    }

    /// Files with texts that had no vector and have one now.
    async fn filled(&self, snapshot: &Snapshot, changes: &mut Changes) -> Result<(), QueryError> {
        let mut lacking: Vec<(TextKey, &Segment, u32)> = vec![];
        for (part, segment) in snapshot.parts().filter(|(_, segment)| segment.absent_count() > 0) {
            let absent = (0..segment.chunk_count()).filter(|chunk| segment.lacks_vector(*chunk));
            let live = absent.map(|chunk| segment.chunk(chunk)).filter(|chunk| snapshot.is_live(part, chunk.file));
            lacking.extend(live.map(|chunk| (chunk.key, segment, chunk.file)).take(ABSENT_MAX - lacking.len()));
        }
        if lacking.is_empty() {
            return Ok(());
        }
        let texts: Vec<_> = lacking.iter().map(|(text, ..)| *text).collect();
        let still: HashSet<_> =
            self.store.missing_vectors(self.state.recipe.embedding, &texts).await?.into_iter().collect();
        for (_, segment, file) in lacking.into_iter().filter(|(text, ..)| !still.contains(text)) {
            let file = segment.file(file);
            if !changes.gone.contains(file.path) {
                changes.shown.entry(file.path.to_owned()).or_insert(file.artifact);
            }
        }
        Ok(())
    }

    /// What is held, with a segment of what changed behind it.
    async fn changed(&self, held: &Held, changes: Changes) -> Result<Made, QueryError> {
        let (segments, names) = (held.snapshot.segments(), held.names.clone());
        let mut made = match (self.shelf, names) {
            (Some(_), None) => self.adopted(segments).await?,
            (shelf, names) => Made { segments, bases: 0, names: names.filter(|_| shelf.is_some()) },
        };
        made.bases = held.bases;
        if !changes.is_empty() {
            let mut filler = Filler::new(self.store, self.state.recipe.embedding);
            let shown = changes.shown.into_iter().map(|(path, artifact)| Shown { path, artifact: Some(artifact) });
            for page in shown.collect::<Vec<_>>().chunks(PAGE_FILES as usize) {
                if let Some(full) = filler.add(page.to_vec()).await? {
                    self.put(&mut made, || full.finish()).await?;
                }
            }
            let last = filler.last(&changes.gone);
            self.put(&mut made, || last.finish()).await?;
        }
        self.compact(made).await
    }

    /// Segments that were made in memory, because another process made them too, on the shelf.
    async fn adopted(&self, segments: Vec<Arc<Segment>>) -> Result<Made, QueryError> {
        let mut made = self.nothing();
        for segment in segments {
            self.put(&mut made, move || segment.as_bytes().to_vec()).await?;
        }
        Ok(made)
    }

    /// Merges the segments where the changes are many or large: then a search pays more for them than once for this.
    async fn compact(&self, made: Made) -> Result<Made, QueryError> {
        let chunks = |segments: &[Arc<Segment>]| segments.iter().map(|one| u64::from(one.chunk_count())).sum::<u64>();
        let (base, changes) = made.segments.split_at(made.bases.min(made.segments.len()));
        if changes.len() <= CHANGES_MAX && chunks(changes) <= chunks(base) / 2 {
            return Ok(made);
        }
        let snapshot = Arc::new(Snapshot::of(self.repository.id, made.segments));
        let mut whole = self.nothing();
        for files in groups(&snapshot) {
            let snapshot = Arc::clone(&snapshot);
            self.put(&mut whole, move || merged(&snapshot, &files)).await?;
        }
        whole.bases = whole.segments.len();
        Ok(whole)
    }
}

/// What changed: the paths that show another artifact, or one that is read anew, and those that are gone.
#[derive(Default)]
struct Changes {
    shown: BTreeMap<String, ArtifactKey>,
    gone: BTreeSet<String>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.shown.is_empty() && self.gone.is_empty()
    }
}

/// The segment of these bytes, on the shelf with its name if it can be.
fn keep(shelf: Option<&Shelf>, bytes: Vec<u8>) -> Result<(Option<String>, Segment), Damaged> {
    match shelf.map(|shelf| shelf.put(&bytes)) {
        Some(Ok((name, segment))) => return Ok((Some(name), segment)),
        Some(Err(error)) => tracing::debug!(%error, "segments cannot be kept: they are made in memory"),
        None => {}
    }
    Ok((None, Segment::from_bytes(bytes)?))
}

/// The live files in the order of their paths, in groups, each of which is a segment.
fn groups(snapshot: &Snapshot) -> Vec<Vec<(usize, u32)>> {
    let segment = |(part, _): &(usize, u32)| snapshot.part(*part);
    let mut live: Vec<_> = snapshot.live_files().collect();
    live.sort_by_key(|file| segment(file).map(|segment| segment.path(file.1)));
    let (mut groups, mut chunks) = (vec![], CHUNKS_MAX);
    for file in live {
        if chunks >= CHUNKS_MAX {
            groups.push(vec![]);
            chunks = 0;
        }
        chunks += segment(&file).map_or(0, |segment| segment.chunks_of(file.1).len() as u32);
        groups.last_mut().into_iter().for_each(|group: &mut Vec<_>| group.push(file));
    }
    groups
}
