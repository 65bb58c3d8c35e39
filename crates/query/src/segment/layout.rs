//! The bytes of a segment: a header, then sections, each at a multiple of 64. Numbers are little-endian.
//!
//! ```text
//!   0  magic (8)   8  version (4)   12  dimensions (4)
//!  16  BLAKE3 of the bytes from 48 to the end of the last checked section (32)
//!  48  what the words and names were made by (32)
//!  80  number of files, gone paths, chunks, words, names, chunks without a vector (4 each), 8 bytes unused
//! 112  words of all chunks, field by field (8 each)
//! 144  first byte and length of each section (8 + 8)
//! 384  the sections
//! ```
//!
//! Sections up to the scales are checked when a segment is opened: 10 ms for 100,000 chunks. The three that are larger
//! are not: whatever their bytes say, reading them ends within them.

use std::ops::Range;

use warmer_content::Digest;

use super::field::FIELDS;
use super::numbers::{small, u32_at, u64_at};

const MAGIC: [u8; 8] = *b"WARMSEGM";
/// Raised when the same bytes would mean something else.
const VERSION: u32 = 1;
const VERSION_AT: usize = 8;
const DIMENSIONS_AT: usize = 12;
const DIGEST: Range<usize> = 16..48;
const MADE_BY: Range<usize> = 48..80;
const COUNTS_AT: usize = 80;
const TOTALS_AT: usize = 112;
const SECTIONS_AT: usize = 144;
const HEADER_BYTES: usize = 384;
/// A cache line: no row of a vector begins in the middle of one where it need not.
const ALIGNMENT: usize = 64;

/// Path and language (8 each), first chunk and number of chunks (4 each), artifact (32).
pub(super) const FILE_BYTES: usize = 56;
/// File, position in the artifact, first and last line (4 each), symbol (8), key of the text (32).
pub(super) const CHUNK_BYTES: usize = 56;
/// Words in each field (4 each).
pub(super) const LENGTHS_BYTES: usize = 4 * FIELDS;
/// The word (8), where its chunks lie (8), in how many bytes, and how many they are (4 each).
pub(super) const TERM_BYTES: usize = 24;
/// A text in the heap.
pub(super) const AT_BYTES: usize = 8;

/// The sections, in their order in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// [`FILE_BYTES`] each, by path.
    Files,
    /// Paths that are gone since an older segment: [`AT_BYTES`] each, sorted.
    Gone,
    /// [`CHUNK_BYTES`] each, by file and position.
    Chunks,
    /// [`LENGTHS_BYTES`] for each chunk.
    Lengths,
    /// [`TERM_BYTES`] each, sorted.
    Words,
    /// [`TERM_BYTES`] each, sorted: what chunks define, in lower case.
    Names,
    /// The heap.
    Strings,
    /// A bit for each chunk: it has no vector.
    Absent,
    /// What a number of the small vector stands for, an f32 for each chunk.
    Scales,
    /// Chunks of words and names.
    Postings,
    /// Vectors of one signed byte a dimension, to look for the nearest in.
    Small,
    /// Vectors of two bytes a dimension, as they are stored.
    Vectors,
}

const SECTIONS: usize = Section::Vectors as usize + 1;
/// How many of them are checked.
const CHECKED: usize = Section::Scales as usize + 1;

/// The sections' bytes.
pub(super) type Sections = [Vec<u8>; SECTIONS];

/// The bytes are no segment that this version can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no segment of this version, or damaged: {0}")]
pub(crate) struct Damaged(pub(super) &'static str);

/// What stands in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) dimensions: u32,
    pub(super) made_by: Digest,
    pub(super) files: u32,
    pub(super) gone: u32,
    pub(super) chunks: u32,
    pub(super) words: u32,
    pub(super) names: u32,
    /// Chunks without a vector.
    pub(super) absent: u32,
    /// Words of all chunks, field by field.
    pub(super) totals: [u64; FIELDS],
    pub(super) sections: [Range<usize>; SECTIONS],
}

impl Header {
    /// The numbers that stand at [`COUNTS_AT`].
    fn counts(&self) -> [u32; 6] {
        [self.files, self.gone, self.chunks, self.words, self.names, self.absent]
    }

    /// The bytes that each section of a fixed width must have.
    fn fits(&self) -> bool {
        let chunks = self.chunks as usize;
        let dimensions = self.dimensions as usize;
        let fixed = [
            (Section::Files, self.files as usize, FILE_BYTES),
            (Section::Gone, self.gone as usize, AT_BYTES),
            (Section::Chunks, chunks, CHUNK_BYTES),
            (Section::Lengths, chunks, LENGTHS_BYTES),
            (Section::Words, self.words as usize, TERM_BYTES),
            (Section::Names, self.names as usize, TERM_BYTES),
            (Section::Absent, chunks.div_ceil(8), 1),
            (Section::Scales, chunks, 4),
            (Section::Small, chunks, dimensions),
            (Section::Vectors, chunks, 2 * dimensions),
        ];
        fixed
            .iter()
            .all(|(section, number, width)| number.checked_mul(*width) == Some(self.sections[*section as usize].len()))
    }

    /// Reads and checks what stands in front of a segment.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Damaged> {
        if bytes.len() < HEADER_BYTES || bytes[..VERSION_AT] != MAGIC {
            return Err(Damaged("it does not begin like one"));
        }
        if u32_at(bytes, VERSION_AT) != VERSION {
            return Err(Damaged("another version made it"));
        }
        let count = |index: usize| u32_at(bytes, COUNTS_AT + 4 * index);
        let header = Self {
            dimensions: u32_at(bytes, DIMENSIONS_AT),
            made_by: Digest::try_from(&bytes[MADE_BY]).map_err(|_| Damaged("it does not begin like one"))?,
            files: count(0),
            gone: count(1),
            chunks: count(2),
            words: count(3),
            names: count(4),
            absent: count(5),
            totals: std::array::from_fn(|field| u64_at(bytes, TOTALS_AT + 8 * field)),
            sections: std::array::from_fn(|index| section(bytes, index)),
        };
        let in_order = header.sections.windows(2).all(|pair| pair[0].end <= pair[1].start);
        let whole = header.sections[SECTIONS - 1].end == bytes.len() && header.sections[0].start >= HEADER_BYTES;
        if !in_order || !whole || !header.fits() {
            return Err(Damaged("its sections do not fit together"));
        }
        if *checked(bytes, &header) != bytes[DIGEST] {
            return Err(Damaged("its checksum is another"));
        }
        Ok(header)
    }
}

fn section(bytes: &[u8], index: usize) -> Range<usize> {
    let number = |at| usize::try_from(u64_at(bytes, SECTIONS_AT + 16 * index + at)).unwrap_or(usize::MAX);
    let start = number(0);
    start..start.saturating_add(number(8))
}

/// The digest of what is checked.
fn checked(bytes: &[u8], header: &Header) -> Box<[u8]> {
    let end = header.sections[CHECKED - 1].end;
    Digest::of(bytes.get(DIGEST.end..end).unwrap_or_default()).0.into()
}

/// A segment's bytes; `header` says everything but where the sections lie.
pub(super) fn assemble(mut header: Header, sections: Sections) -> Vec<u8> {
    let mut end = HEADER_BYTES;
    for (range, section) in header.sections.iter_mut().zip(&sections) {
        let start = end.next_multiple_of(ALIGNMENT);
        end = start + section.len();
        *range = start..end;
    }
    let mut bytes = Vec::with_capacity(end);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&header.dimensions.to_le_bytes());
    bytes.resize(MADE_BY.start, 0);
    bytes.extend_from_slice(&header.made_by.0);
    header.counts().iter().for_each(|count| bytes.extend_from_slice(&count.to_le_bytes()));
    bytes.resize(TOTALS_AT, 0);
    header.totals.iter().for_each(|total| bytes.extend_from_slice(&total.to_le_bytes()));
    for range in &header.sections {
        bytes.extend_from_slice(&(range.start as u64).to_le_bytes());
        bytes.extend_from_slice(&(range.len() as u64).to_le_bytes());
    }
    // Each section's own bytes are freed once they are copied.
    for (range, section) in header.sections.iter().zip(sections) {
        bytes.resize(range.start, 0);
        bytes.extend_from_slice(&section);
    }
    let digest = checked(&bytes, &header);
    bytes[DIGEST].copy_from_slice(&digest);
    bytes
}

/// How many records of this width are in a section's bytes.
pub(super) fn records(section: &[u8], width: usize) -> u32 {
    small(section.len() / width)
}

/// No sections yet.
pub(super) fn nowhere() -> [Range<usize>; SECTIONS] {
    std::array::from_fn(|_| 0..0)
}
