//! What is served of one repository: its segments, the older first, and which of their files are live.

use std::sync::Arc;

use warmer_store::RepositoryId;

use super::field::{FIELDS, Field};
use super::reader::Segment;

/// What is served of one repository. A path that a later segment holds, or says to be gone, is dead in those before.
pub(crate) struct Snapshot {
    repository: RepositoryId,
    parts: Vec<Part>,
    files: u64,
    chunks: u64,
    absent: u64,
    totals: [u64; FIELDS],
}

struct Part {
    segment: Arc<Segment>,
    /// A bit for each file that is dead; empty where none is.
    dead: Vec<u64>,
}

impl Part {
    fn is_live(&self, file: u32) -> bool {
        self.dead.get(file as usize / 64).is_none_or(|bits| bits & 1 << (file % 64) == 0)
    }

    /// What a later segment tells of is dead here. The segments of a base have no path in common, which is seen by
    /// their first and last.
    fn give_way(&mut self, later: &Segment) {
        let ends = |segment: &Segment| {
            let last = segment.file_count().checked_sub(1)?;
            Some((segment.path(0).to_owned(), segment.path(last).to_owned()))
        };
        let overlaps =
            ends(&self.segment).zip(ends(later)).is_some_and(|(ours, theirs)| ours.0 <= theirs.1 && theirs.0 <= ours.1);
        if overlaps {
            (0..later.file_count()).for_each(|file| self.kill(later.path(file)));
        }
        later.gone().for_each(|path| self.kill(path));
    }

    fn kill(&mut self, path: &str) {
        let Some(file) = self.segment.find(path) else { return };
        self.dead.resize(self.segment.file_count().div_ceil(64) as usize, 0);
        self.dead[file as usize / 64] |= 1 << (file % 64);
    }
}

impl Snapshot {
    /// Of these segments, the oldest first.
    pub(crate) fn of(repository: RepositoryId, segments: Vec<Arc<Segment>>) -> Self {
        let mut parts: Vec<Part> = vec![];
        for segment in segments {
            parts.iter_mut().for_each(|part| part.give_way(&segment));
            parts.push(Part { segment, dead: vec![] });
        }
        let mut snapshot = Self { repository, parts, files: 0, chunks: 0, absent: 0, totals: [0; FIELDS] };
        snapshot.count();
        snapshot
    }

    /// Sums up what is live: all, without the dead, which are few.
    fn count(&mut self) {
        for part in &self.parts {
            let segment = &part.segment;
            let (mut files, mut chunks) = (u64::from(segment.file_count()), u64::from(segment.chunk_count()));
            let mut absent = u64::from(segment.absent_count());
            let mut totals = Field::ALL.map(|field| segment.total_length(field));
            for file in (0..segment.file_count()).filter(|file| !part.is_live(*file)) {
                files -= 1;
                for chunk in segment.chunks_of(file) {
                    chunks = chunks.saturating_sub(1);
                    absent = absent.saturating_sub(u64::from(segment.lacks_vector(chunk)));
                    for (total, length) in totals.iter_mut().zip(segment.lengths(chunk)) {
                        *total = total.saturating_sub(u64::from(length));
                    }
                }
            }
            self.files += files;
            self.chunks += chunks;
            self.absent += absent;
            self.totals.iter_mut().zip(totals).for_each(|(sum, total)| *sum += total);
        }
    }

    /// Whose it is.
    pub(crate) fn repository(&self) -> RepositoryId {
        self.repository
    }

    /// The segments, each with its number, the oldest first.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (usize, &Segment)> {
        self.parts.iter().enumerate().map(|(number, part)| (number, &*part.segment))
    }

    /// The segment of this number.
    pub(crate) fn part(&self, part: usize) -> Option<&Segment> {
        self.parts.get(part).map(|part| &*part.segment)
    }

    /// The segments themselves, the oldest first.
    pub(crate) fn segments(&self) -> Vec<Arc<Segment>> {
        self.parts.iter().map(|part| Arc::clone(&part.segment)).collect()
    }

    /// Whether a file of a part is served.
    pub(crate) fn is_live(&self, part: usize, file: u32) -> bool {
        self.parts.get(part).is_some_and(|part| part.is_live(file))
    }

    /// Part and number of the live file of this path.
    pub(crate) fn find(&self, path: &str) -> Option<(usize, u32)> {
        let found = |(number, part): (usize, &Part)| part.segment.find(path).map(|file| (number, file));
        self.parts.iter().enumerate().rev().find_map(found).filter(|(part, file)| self.is_live(*part, *file))
    }

    /// Parts and numbers of all live files.
    pub(crate) fn live_files(&self) -> impl Iterator<Item = (usize, u32)> {
        self.parts.iter().enumerate().flat_map(|(number, part)| {
            (0..part.segment.file_count()).filter(|file| part.is_live(*file)).map(move |file| (number, file))
        })
    }

    /// How many files are live.
    pub(crate) fn live_file_count(&self) -> u64 {
        self.files
    }

    /// How many chunks live files have.
    pub(crate) fn live_chunks(&self) -> u64 {
        self.chunks
    }

    /// How many of them have no vector.
    pub(crate) fn absent_count(&self) -> u64 {
        self.absent
    }

    /// How many words a field of all live chunks has.
    pub(crate) fn total_length(&self, field: Field) -> u64 {
        self.totals[field as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::testing::{of_change, of_texts};

    fn live(snapshot: &Snapshot) -> Vec<String> {
        let paths =
            snapshot.live_files().map(|(part, file)| format!("{part}:{}", snapshot.part(part).unwrap().path(file)));
        paths.collect()
    }

    #[test]
    fn a_path_is_live_in_the_last_segment_that_tells_of_it() {
        let base = of_texts(&[("a", "one"), ("b", "two words"), ("c", "three")]);
        let second = of_change(&[("b", "other"), ("d", "new")], &["c"]);
        let third = of_change(&[("c", "again")], &["d"]);
        let snapshot = Snapshot::of(RepositoryId(1), [base, second, third].map(Arc::new).into());
        assert_eq!(live(&snapshot), ["0:a", "1:b", "2:c"]);
        assert_eq!((snapshot.find("b"), snapshot.find("c"), snapshot.find("d")), (Some((1, 0)), Some((2, 0)), None));
        assert_eq!((snapshot.live_file_count(), snapshot.live_chunks(), snapshot.absent_count()), (3, 3, 3));
    }

    #[test]
    fn what_is_summed_up_is_what_a_segment_of_the_live_files_alone_has() {
        let base = of_texts(&[("a", "one"), ("b", "two words"), ("c", "three more words")]);
        let change = of_change(&[("b", "now with four words")], &["c"]);
        let snapshot = Snapshot::of(RepositoryId(1), vec![Arc::new(base), Arc::new(change)]);
        let alone = of_texts(&[("a", "one"), ("b", "now with four words")]);
        for field in Field::ALL {
            assert_eq!(snapshot.total_length(field), alone.total_length(field), "{field:?}");
        }
        assert_eq!(snapshot.live_chunks(), u64::from(alone.chunk_count()));
    }
}
