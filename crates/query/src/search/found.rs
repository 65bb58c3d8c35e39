//! What a search finds in the segments: hits as places, before their texts are loaded.

use std::sync::Arc;

use warmer_content::{ArtifactKey, Vector};
use warmer_store::RepositoryId;

use super::filter::Filter;
use super::request::Search;
use crate::rank::{Corpus, Place, Question, Ranked, Reason, rank};
use crate::segment::{Probe, Snapshot};

/// Texts that each way to find them brings in, at least: at the tenth hit it makes no difference any more.
const CANDIDATES_MIN: usize = 200;
/// The same for each hit that is asked for.
const CANDIDATES_PER_HIT: usize = 5;
/// Chunks of a file that a hit shows: what of it an agent reads before it opens the file.
const CHUNKS_MAX: usize = 5;
/// Chunks of a hit are worth as much of its best one, at least.
const CHUNK_SHARE: f32 = 0.5;
/// Other places of a text that are told.
const PLACES_MAX: usize = 49;

/// What was found.
pub(super) struct Found {
    pub(super) hits: Vec<FoundHit>,
    /// Whether the filters let a file through.
    pub(super) any_file: bool,
    /// Chunks that the filters let through and that have no vector.
    pub(super) without_vector: u64,
}

/// A hit: chunks of a file.
#[derive(Debug)]
pub(super) struct FoundHit {
    pub(super) repository: RepositoryId,
    pub(super) path: String,
    pub(super) artifact: ArtifactKey,
    /// Positions in the artifact, the best first.
    pub(super) chunks: Vec<u32>,
    pub(super) score: f32,
    pub(super) similarity: Option<f32>,
    pub(super) reasons: Vec<Reason>,
    pub(super) copies: Vec<Twin>,
    pub(super) more_places: u64,
    worth: f32,
}

/// Another place of a hit's best text.
#[derive(Debug)]
pub(super) struct Twin {
    pub(super) repository: RepositoryId,
    pub(super) path: String,
    pub(super) start_line: u32,
    pub(super) end_line: u32,
}

/// Looks for what answers the question. Takes its time: 10 ms for 100,000 chunks.
pub(super) fn find(all: &[Arc<Snapshot>], search: &Search, vector: Option<&Vector>, filter: &Filter) -> Found {
    let question = Question::of(&search.query, vector.is_some(), search.sides);
    let wants = |path: &str, language: &str| filter.wants(path, language);
    let wants = search.is_filtered().then_some(&wants as &dyn Fn(&str, &str) -> bool);
    let corpus = Corpus::new(all.iter().map(|snapshot| &**snapshot), wants);
    let limit = CANDIDATES_MIN.max(search.limit.saturating_mul(CANDIDATES_PER_HIT));
    let probe = vector.map(Probe::new);
    let ranked = rank(&corpus, &question, probe.as_ref(), &search.signals, limit);
    let hits =
        if search.all_chunks { each(&corpus, &ranked, search.limit) } else { by_file(&corpus, &ranked, search.limit) };
    Found { hits, any_file: corpus.has_wanted(), without_vector: corpus.without_vector }
}

/// A hit for each chunk.
fn each(corpus: &Corpus<'_>, ranked: &[Ranked], limit: usize) -> Vec<FoundHit> {
    ranked.iter().take(limit).map(|ranked| FoundHit::new(corpus, ranked)).collect()
}

/// A hit for each file, with those of its chunks that stand above the last hit.
fn by_file(corpus: &Corpus<'_>, ranked: &[Ranked], limit: usize) -> Vec<FoundHit> {
    let mut hits: Vec<FoundHit> = vec![];
    for ranked in ranked {
        let (repository, path) = corpus.file_of(ranked.place);
        match hits.iter().position(|hit| hit.repository == repository && hit.path == path) {
            Some(known) => hits[known].add(corpus.number(ranked.place), ranked.worth),
            None if hits.len() >= limit => break,
            None => hits.push(FoundHit::new(corpus, ranked)),
        }
    }
    hits
}

impl FoundHit {
    fn new(corpus: &Corpus<'_>, ranked: &Ranked) -> Self {
        let (repository, path) = corpus.file_of(ranked.place);
        let twin = |place: &Place| {
            let ((repository, path), (start_line, end_line)) = (corpus.file_of(*place), corpus.lines(*place));
            Twin { repository, path: path.to_owned(), start_line, end_line }
        };
        Self {
            repository,
            path: path.to_owned(),
            artifact: corpus.artifact(ranked.place),
            chunks: vec![corpus.number(ranked.place)],
            score: ranked.score,
            similarity: ranked.similarity,
            reasons: ranked.reasons.clone(),
            copies: ranked.copies.iter().take(PLACES_MAX).map(twin).collect(),
            more_places: ranked.copies.len().saturating_sub(PLACES_MAX) as u64,
            worth: ranked.worth,
        }
    }

    /// Adds a further chunk, where it is good enough to be shown.
    fn add(&mut self, chunk: u32, worth: f32) {
        if self.chunks.len() < CHUNKS_MAX && worth >= CHUNK_SHARE * self.worth {
            self.chunks.push(chunk);
        }
    }
}
