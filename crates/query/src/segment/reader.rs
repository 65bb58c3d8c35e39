//! A segment as it is read.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;

use memmap2::Mmap;
use warmer_content::{ArtifactKey, Digest, TextKey};

use super::field::{FIELDS, Field};
use super::layout::{AT_BYTES, CHUNK_BYTES, Damaged, FILE_BYTES, Header, LENGTHS_BYTES, Section, TERM_BYTES};
use super::made_by::made_by;
use super::numbers::{u32_at, u64_at};
use super::postings::Postings;

/// A segment: a file that is mapped, or bytes. Whatever the bytes are, reading them neither fails nor leaves them: what
/// is not there reads as empty.
pub(crate) struct Segment {
    bytes: Bytes,
    header: Header,
}

enum Bytes {
    Mapped(Mmap),
    Held(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Held(bytes) => bytes,
        }
    }
}

/// Why a segment cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// The file.
    #[error(transparent)]
    File(#[from] io::Error),
    /// What is in it.
    #[error(transparent)]
    Damaged(#[from] Damaged),
}

/// A file of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentFile<'a> {
    /// Relative to the repository's root.
    pub(crate) path: &'a str,
    /// What it shows.
    pub(crate) artifact: ArtifactKey,
    /// The name in the language table.
    pub(crate) language: &'a str,
    /// Its chunks among those of the segment.
    pub(crate) chunks: Range<u32>,
}

/// A chunk of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentChunk<'a> {
    /// Its file among those of the segment.
    pub(crate) file: u32,
    /// Its position in the artifact.
    pub(crate) number: u32,
    /// First line, counted from 1.
    pub(crate) start_line: u32,
    /// Last line, inclusive.
    pub(crate) end_line: u32,
    /// The qualified name of the item that it belongs to.
    pub(crate) symbol: Option<&'a str>,
    /// The key of the embedded text.
    pub(crate) key: TextKey,
}

impl Segment {
    /// A segment that is held in memory.
    ///
    /// # Errors
    /// When the bytes are none, or of another version.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Result<Self, Damaged> {
        Self::of(Bytes::Held(bytes))
    }

    /// Maps a file.
    ///
    /// # Errors
    /// When it cannot be opened, or is no segment of this version.
    #[expect(unsafe_code, reason = "a map of a file; see below why the bytes stay what they are")]
    pub(crate) fn open(path: &Path) -> Result<Self, Unreadable> {
        let file = File::open(path)?;
        // SAFETY: a map is a slice whose bytes must not change while it is borrowed. A segment is written under a name
        // of its own that nobody opens, made durable, and only then renamed to the one that is opened here; from then
        // on this program never writes to it, cuts it or replaces it: it only takes the name away, and the bytes stay
        // until the last map ends. The directory is its owner's alone (mode 0700). Nothing is read out of the map as
        // anything but bytes, so that even bytes that another hand changed make no invalid value.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self::of(Bytes::Mapped(map))?)
    }

    fn of(bytes: Bytes) -> Result<Self, Damaged> {
        let header = Header::read(&bytes)?;
        if header.made_by != made_by() {
            return Err(Damaged("its words were made by another version"));
        }
        Ok(Self { bytes, header })
    }

    /// The bytes as they lie on disk.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn chunk_count(&self) -> u32 {
        self.header.chunks
    }

    pub(crate) fn file_count(&self) -> u32 {
        self.header.files
    }

    /// Chunks without a vector.
    pub(crate) fn absent_count(&self) -> u32 {
        self.header.absent
    }

    /// Numbers of a vector.
    pub(crate) fn dimensions(&self) -> usize {
        self.header.dimensions as usize
    }

    fn section(&self, section: Section) -> &[u8] {
        self.bytes.get(self.header.sections[section as usize].clone()).unwrap_or_default()
    }

    /// A record of a section; zeroes where there is none.
    fn record<const WIDTH: usize>(&self, section: Section, index: u32) -> &[u8; WIDTH] {
        self.section(section).as_chunks().0.get(index as usize).unwrap_or(&[0; WIDTH])
    }

    /// The text of the heap whose place stands at this byte of a record.
    fn text(&self, record: &[u8], at: usize) -> Option<&str> {
        let (start, length) = (u32_at(record, at) as usize, u32_at(record, at + 4) as usize);
        std::str::from_utf8(self.section(Section::Strings).get(start..start.checked_add(length)?)?).ok()
    }

    /// A file, by its number; the files are in the order of their paths.
    pub(crate) fn file(&self, file: u32) -> SegmentFile<'_> {
        let record = self.record::<FILE_BYTES>(Section::Files, file);
        SegmentFile {
            path: self.text(record, 0).unwrap_or_default(),
            language: self.text(record, 8).unwrap_or_default(),
            artifact: ArtifactKey(digest(&record[24..])),
            chunks: self.chunks_of(file),
        }
    }

    /// The chunks of a file.
    pub(crate) fn chunks_of(&self, file: u32) -> Range<u32> {
        let record = self.record::<FILE_BYTES>(Section::Files, file);
        let (first, count) = (u32_at(record, 16), u32_at(record, 20));
        let end = self.header.chunks;
        first.min(end)..first.saturating_add(count).min(end)
    }

    /// The path of a file.
    pub(crate) fn path(&self, file: u32) -> &str {
        self.text(self.record::<FILE_BYTES>(Section::Files, file), 0).unwrap_or_default()
    }

    /// The number of the file of this path.
    pub(crate) fn find(&self, path: &str) -> Option<u32> {
        find(self.header.files, |index| self.path(index).as_bytes(), path.as_bytes())
    }

    /// Paths that older segments have and that are no longer served, in their order.
    pub(crate) fn gone(&self) -> impl Iterator<Item = &str> {
        let paths = self.section(Section::Gone).as_chunks::<AT_BYTES>().0;
        paths.iter().filter_map(|record| self.text(record, 0))
    }

    /// A chunk, by its number.
    pub(crate) fn chunk(&self, chunk: u32) -> SegmentChunk<'_> {
        let record = self.record::<CHUNK_BYTES>(Section::Chunks, chunk);
        SegmentChunk {
            file: u32_at(record, 0),
            number: u32_at(record, 4),
            start_line: u32_at(record, 8),
            end_line: u32_at(record, 12),
            symbol: self.text(record, 16),
            key: TextKey(digest(&record[24..])),
        }
    }

    /// The key of a chunk's text, without the rest of it.
    pub(crate) fn key(&self, chunk: u32) -> TextKey {
        TextKey(digest(&self.record::<CHUNK_BYTES>(Section::Chunks, chunk)[24..]))
    }

    /// The file of a chunk, without the rest of it.
    pub(crate) fn file_of(&self, chunk: u32) -> u32 {
        u32_at(self.record::<CHUNK_BYTES>(Section::Chunks, chunk), 0)
    }

    /// How many words a field of a chunk has.
    #[cfg(test)]
    pub(super) fn length(&self, chunk: u32, field: Field) -> u32 {
        self.lengths(chunk)[field as usize]
    }

    /// How many words each field of a chunk has.
    pub(crate) fn lengths(&self, chunk: u32) -> [u32; FIELDS] {
        let record = self.record::<LENGTHS_BYTES>(Section::Lengths, chunk);
        std::array::from_fn(|field| u32_at(record, 4 * field))
    }

    /// How many words a field of all chunks has.
    pub(crate) fn total_length(&self, field: Field) -> u64 {
        self.header.totals[field as usize]
    }

    /// The chunks of a word; it is compared as it stands here.
    pub(crate) fn postings(&self, word: &str) -> Option<Postings<'_>> {
        self.term(Section::Words, self.header.words, word)
    }

    /// The chunks that define what is called so, in whatever case.
    pub(crate) fn defining(&self, name: &str) -> Option<Postings<'_>> {
        self.term(Section::Names, self.header.names, &name.to_lowercase())
    }

    fn term(&self, table: Section, count: u32, term: &str) -> Option<Postings<'_>> {
        let index = find(count, |index| self.term_at(table, index).0.as_bytes(), term.as_bytes())?;
        Some(self.term_at(table, index).1)
    }

    /// A word or name by its place in the table, and its chunks.
    fn term_at(&self, table: Section, index: u32) -> (&str, Postings<'_>) {
        let record = self.record::<TERM_BYTES>(table, index);
        let start = usize::try_from(u64_at(record, 8)).unwrap_or(usize::MAX);
        let end = start.saturating_add(u32_at(record, 16) as usize);
        let bytes = self.section(Section::Postings).get(start..end).unwrap_or_default();
        let postings = Postings::new(bytes, u32_at(record, 20), self.header.chunks);
        (self.text(record, 0).unwrap_or_default(), postings)
    }

    /// All words in their order, with their chunks.
    pub(crate) fn words(&self) -> impl Iterator<Item = (&str, Postings<'_>)> {
        (0..self.header.words).map(|index| self.term_at(Section::Words, index))
    }

    /// All names that chunks define, in their order, with these chunks.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, Postings<'_>)> {
        (0..self.header.names).map(|index| self.term_at(Section::Names, index))
    }

    /// Whether a chunk has no vector.
    pub(crate) fn lacks_vector(&self, chunk: u32) -> bool {
        let bits = self.section(Section::Absent).get(chunk as usize / 8);
        bits.is_none_or(|bits| bits & 1 << (chunk % 8) != 0)
    }

    /// A chunk's vector in its stored form, if it has one.
    pub(crate) fn vector(&self, chunk: u32) -> Option<&[u8]> {
        if self.lacks_vector(chunk) {
            return None;
        }
        let width = 2 * self.dimensions();
        self.section(Section::Vectors).chunks_exact(width.max(1)).nth(chunk as usize).filter(|_| width > 0)
    }

    /// The small vectors, where they have so many dimensions.
    pub(super) fn small_vectors(&self, dimensions: usize) -> Option<SmallVectors<'_>> {
        let fits = dimensions > 0 && dimensions == self.dimensions();
        let (rows, scales) = (self.section(Section::Small), self.section(Section::Scales));
        fits.then_some(SmallVectors { rows, scales, dimensions })
    }
}

/// Small vectors, one behind the other.
pub(super) struct SmallVectors<'a> {
    rows: &'a [u8],
    scales: &'a [u8],
    dimensions: usize,
}

impl<'a> SmallVectors<'a> {
    pub(super) fn row(&self, chunk: u32) -> Option<&'a [u8]> {
        let start = chunk as usize * self.dimensions;
        self.rows.get(start..start + self.dimensions)
    }

    pub(super) fn scale(&self, chunk: u32) -> f32 {
        f32::from_bits(u32_at(self.scales, 4 * chunk as usize))
    }
}

fn digest(bytes: &[u8]) -> Digest {
    Digest(bytes.first_chunk().copied().unwrap_or_default())
}

/// Which of the first `count` of a sorted table is `wanted`.
fn find<'a>(count: u32, at: impl Fn(u32) -> &'a [u8], wanted: &[u8]) -> Option<u32> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match at(middle).cmp(wanted) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Some(middle),
        }
    }
    None
}
