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
/// The first hits show several chunks of their files, the others the best one: whoever reads as far as that has not
/// found it in three files, and looks for another file.
const HITS_SHOWN: usize = 3;
/// Chunks that such a hit shows, at most.
pub(super) const CHUNKS_SHOWN: usize = 3;
/// Chunks of a hit are worth as much of its best one, at least: half, as what is put behind.
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
    /// What all that speaks for its best chunk counts.
    pub(super) behind: f32,
    pub(super) similarity: Option<f32>,
    pub(super) reasons: Vec<Reason>,
    pub(super) copies: Vec<Twin>,
    pub(super) more_places: u64,
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

/// A hit for each file; the first have those of its chunks that are nearly as good as its best one.
fn by_file(corpus: &Corpus<'_>, ranked: &[Ranked], limit: usize) -> Vec<FoundHit> {
    let mut hits: Vec<FoundHit> = vec![];
    for ranked in ranked {
        let (repository, path) = corpus.file_of(ranked.place);
        match hits.iter().position(|hit| hit.repository == repository && hit.path == path) {
            Some(known) if known < HITS_SHOWN => hits[known].add(corpus.number(ranked.place), ranked.score),
            Some(_) => {}
            None if hits.len() >= limit => {}
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
            behind: ranked.behind,
            similarity: ranked.similarity,
            reasons: ranked.reasons.clone(),
            copies: ranked.copies.iter().take(PLACES_MAX).map(twin).collect(),
            more_places: ranked.copies.len().saturating_sub(PLACES_MAX) as u64,
        }
    }

    /// Adds a further chunk, where it is good enough to be shown.
    fn add(&mut self, chunk: u32, score: f32) {
        if self.chunks.len() < CHUNKS_SHOWN && score >= CHUNK_SHARE * self.score {
            self.chunks.push(chunk);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::testing::{chunk, file};
    use crate::segment::{Segment, SegmentWriter};

    /// Path and chunks of each hit of files of these texts.
    fn found(files: &[(&str, &[&str])], search: &Search) -> Vec<(String, Vec<u32>)> {
        let mut writer = SegmentWriter::new();
        for (path, texts) in files {
            writer.add(&file(path, texts.iter().map(|text| chunk(text, None)).collect()));
        }
        let segment = Segment::from_bytes(writer.finish()).unwrap();
        let all = [Arc::new(Snapshot::of(RepositoryId(1), vec![Arc::new(segment)]))];
        let filter = Filter::of(search, None, &all).unwrap();
        find(&all, search, None, &filter).hits.into_iter().map(|hit| (hit.path, hit.chunks)).collect()
    }

    const WEAK: &str = "delay is one of a great many words here that say nothing of what is asked for and go on and on";

    fn hits<const N: usize>(all: [(&str, &[u32]); N]) -> Vec<(String, Vec<u32>)> {
        all.map(|(path, chunks)| (path.to_owned(), chunks.to_vec())).to_vec()
    }

    #[test]
    fn a_hit_shows_those_chunks_of_its_file_that_are_worth_half_of_its_best_and_three_at_most() {
        let files: [(&str, &[&str]); 2] = [
            ("a.rs", &["other", "retry delay one", WEAK, "retry delay", "a retry with some delay", "some retry delay"]),
            ("b.rs", &["delay of a retry", "other things", WEAK]),
        ];
        let search = Search::of("retry delay");
        assert_eq!(found(&files, &search), hits([("a.rs", &[3, 1, 5]), ("b.rs", &[0])]));
        let first = Search { limit: 1, ..search };
        assert_eq!(found(&files, &first), hits([("a.rs", &[3, 1, 5])]), "whatever stands between in the list");
        let chunks = found(&files, &Search { all_chunks: true, limit: 4, ..first });
        assert_eq!(chunks, hits([("a.rs", &[3]), ("b.rs", &[0]), ("a.rs", &[1]), ("a.rs", &[5])]));
    }

    #[test]
    fn hits_behind_the_third_show_the_best_chunk_of_their_file() {
        let files: [(&str, &[&str]); 4] = [
            ("a.rs", &["retry delay"]),
            ("b.rs", &["retry delay b"]),
            ("c.rs", &["retry delay c d", "retry delay c d e"]),
            ("d.rs", &["retry delay c d e f g", "retry delay c d e f g h"]),
        ];
        let expected = hits([("a.rs", &[0]), ("c.rs", &[0, 1]), ("b.rs", &[0]), ("d.rs", &[0])]);
        assert_eq!(found(&files, &Search::of("retry delay")), expected);
    }
}
