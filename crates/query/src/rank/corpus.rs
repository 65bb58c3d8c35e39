//! What is searched: the segments of all repositories that were asked, as one.

use warmer_content::ArtifactKey;
use warmer_store::RepositoryId;

use crate::segment::{FIELDS, Field, Segment, Snapshot};

/// A chunk: the number of its part in the corpus, and its own in the part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(super) part: u32,
    pub(super) chunk: u32,
}

/// Whether the file of this path and language may be an answer.
pub(crate) type Wants<'f> = &'f dyn Fn(&str, &str) -> bool;

/// All parts of all snapshots.
pub(crate) struct Corpus<'a> {
    pub(super) parts: Vec<Part<'a>>,
    /// Chunks that are served.
    pub(super) chunks: u64,
    /// Words of each field in the mean of all chunks that are served.
    pub(super) lengths: [f32; FIELDS],
    /// Chunks that may be answers and have no vector.
    pub(crate) without_vector: u64,
}

/// One segment.
pub(super) struct Part<'a> {
    pub(super) repository: RepositoryId,
    pub(super) segment: &'a Segment,
    /// Of each file, whether it is served: it counts for the statistics.
    live: Vec<bool>,
    /// Of each file, whether it may be an answer too.
    wanted: Vec<bool>,
}

impl<'a> Corpus<'a> {
    /// Of the repositories that were asked, in the order of their rows. `wants` decides which of their files may be
    /// answers: all where there is none.
    pub(crate) fn new(snapshots: impl IntoIterator<Item = &'a Snapshot>, wants: Option<Wants<'_>>) -> Self {
        let mut corpus = Self { parts: vec![], chunks: 0, lengths: [0.0; FIELDS], without_vector: 0 };
        let mut totals = [0_u64; FIELDS];
        for snapshot in snapshots {
            corpus.chunks += snapshot.live_chunks();
            totals.iter_mut().zip(Field::ALL).for_each(|(total, field)| *total += snapshot.total_length(field));
            for (number, segment) in snapshot.parts() {
                let part = Part::new(snapshot, number, segment, wants);
                corpus.without_vector += part.without_vector();
                corpus.parts.push(part);
            }
        }
        corpus.lengths = totals.map(|total| total as f32 / corpus.chunks.max(1) as f32);
        corpus
    }

    /// Whether a file may be an answer.
    pub(crate) fn has_wanted(&self) -> bool {
        self.parts.iter().any(|part| part.wanted.contains(&true))
    }

    /// Repository and path of a chunk.
    pub(crate) fn file_of(&self, place: Place) -> (RepositoryId, &'a str) {
        let part = self.part(place);
        (part.repository, part.segment.path(part.segment.file_of(place.chunk)))
    }

    /// What the file of a chunk shows.
    pub(crate) fn artifact(&self, place: Place) -> ArtifactKey {
        let segment = self.part(place).segment;
        segment.file(segment.file_of(place.chunk)).artifact
    }

    /// The position of a chunk in its artifact.
    pub(crate) fn number(&self, place: Place) -> u32 {
        self.part(place).segment.chunk(place.chunk).number
    }

    /// First and last line of a chunk.
    pub(crate) fn lines(&self, place: Place) -> (u32, u32) {
        let chunk = self.part(place).segment.chunk(place.chunk);
        (chunk.start_line, chunk.end_line)
    }

    pub(super) fn part(&self, place: Place) -> &Part<'a> {
        &self.parts[place.part as usize]
    }

    /// All parts with their numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u32, &Part<'a>)> {
        (0..).zip(&self.parts)
    }
}

impl<'a> Part<'a> {
    fn new(snapshot: &'a Snapshot, number: usize, segment: &'a Segment, wants: Option<Wants<'_>>) -> Self {
        let live: Vec<_> = (0..segment.file_count()).map(|file| snapshot.is_live(number, file)).collect();
        let wanted = match wants {
            None => live.clone(),
            Some(wants) => {
                let is_wanted = |(file, is_live): (u32, &bool)| {
                    let file = segment.file(file);
                    *is_live && wants(file.path, file.language)
                };
                (0..).zip(&live).map(is_wanted).collect()
            }
        };
        Self { repository: snapshot.repository(), segment, live, wanted }
    }

    fn without_vector(&self) -> u64 {
        if self.segment.absent_count() == 0 {
            return 0;
        }
        self.wanted().filter(|chunk| self.segment.lacks_vector(*chunk)).count() as u64
    }

    /// Whether a file may be an answer.
    pub(super) fn wants(&self, file: u32) -> bool {
        self.wanted.get(file as usize).copied().unwrap_or_default()
    }

    /// Chunks that may be answers, ascending.
    pub(super) fn wanted(&self) -> impl Iterator<Item = u32> {
        (0..self.segment.file_count()).filter(|file| self.wants(*file)).flat_map(|file| self.segment.chunks_of(file))
    }

    /// How many chunks that are served have this word.
    pub(super) fn served_with(&self, word: &str) -> u64 {
        let Some(postings) = self.segment.postings(word) else { return 0 };
        match self.live.contains(&false) {
            false => u64::from(postings.len()),
            true => postings.filter(|(chunk, _)| self.live[self.segment.file_of(*chunk) as usize]).count() as u64,
        }
    }
}
