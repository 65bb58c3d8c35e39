//! Makes a segment of files and their chunks.

use warmer_content::{ArtifactKey, Digest, TextKey, Vector};

use super::field::{Counts, FIELDS, Field};
use super::layout::{AT_BYTES, Header, Sections, assemble, nowhere, records};
use super::made_by::made_by;
use super::nearest::quantised;
use super::numbers::small;
use super::strings::{At, Strings};
use super::terms::Terms;
use crate::words::words;

/// A file, to be written.
#[derive(Clone, Debug)]
pub(crate) struct NewFile<'a> {
    /// Relative to the repository's root.
    pub(crate) path: &'a str,
    /// What it shows.
    pub(crate) artifact: ArtifactKey,
    /// The name in the language table.
    pub(crate) language: &'a str,
    /// All its chunks, in the order of the artifact.
    pub(crate) chunks: Vec<NewChunk<'a>>,
}

/// A chunk, to be written.
#[derive(Clone, Debug)]
pub(crate) struct NewChunk<'a> {
    /// Its own lines.
    pub(crate) text: &'a str,
    /// What precedes them where they are embedded.
    pub(crate) header: &'a str,
    /// The qualified name of the item that it belongs to.
    pub(crate) symbol: Option<&'a str>,
    /// First line, counted from 1.
    pub(crate) start_line: u32,
    /// Last line, inclusive.
    pub(crate) end_line: u32,
    /// The key of the embedded text.
    pub(crate) key: TextKey,
    /// Its vector; one of other dimensions than the segment's counts as none.
    pub(crate) vector: Option<&'a Vector>,
    /// Plain names of what is defined in it.
    pub(crate) defines: Vec<&'a str>,
}

/// A segment as it is made.
pub(crate) struct SegmentWriter {
    made_by: Digest,
    dimensions: usize,
    files: Vec<u8>,
    files_count: usize,
    gone: Vec<u8>,
    chunks: Vec<u8>,
    chunks_count: u32,
    lengths: Vec<u8>,
    totals: [u64; FIELDS],
    words: Terms,
    names: Terms,
    strings: Strings,
    absent: Vec<u8>,
    absent_count: u32,
    scales: Vec<u8>,
    small: Vec<u8>,
    vectors: Vec<u8>,
}

impl SegmentWriter {
    /// An empty one. The first vector says how many dimensions there are.
    pub(crate) fn new() -> Self {
        Self {
            made_by: made_by(),
            dimensions: 0,
            files: vec![],
            files_count: 0,
            gone: vec![],
            chunks: vec![],
            chunks_count: 0,
            lengths: vec![],
            totals: [0; FIELDS],
            words: Terms::default(),
            names: Terms::default(),
            strings: Strings::default(),
            absent: vec![],
            absent_count: 0,
            scales: vec![],
            small: vec![],
            vectors: vec![],
        }
    }

    /// How many chunks it has so far.
    pub(crate) fn chunk_count(&self) -> u32 {
        self.chunks_count
    }

    /// Appends a file, which is behind all before in the order of the paths' bytes.
    pub(crate) fn add(&mut self, file: &NewFile<'_>) {
        let number = self.begin_file(file.path, file.language, file.artifact, small(file.chunks.len()));
        let mut of_path = vec![];
        words(file.path, &mut |word| of_path.push(self.words.number(word)));
        for (position, chunk) in file.chunks.iter().enumerate() {
            let mut lengths = [0; FIELDS];
            let mut count = |field: Field, text: &str| {
                words(text, &mut |word| {
                    let number = self.words.number(word);
                    self.words.count(number, field);
                    lengths[field as usize] += 1;
                });
            };
            count(Field::Text, chunk.text);
            count(Field::Header, chunk.header);
            count(Field::Symbol, chunk.symbol.unwrap_or_default());
            of_path.iter().for_each(|word| self.words.count(*word, Field::Path));
            lengths[Field::Path as usize] = small(of_path.len());
            self.words.end_chunk(self.chunks_count);
            for name in &chunk.defines {
                let number = self.names.number(&name.to_lowercase());
                self.names.count(number, Field::Text);
            }
            self.names.end_chunk(self.chunks_count);
            let numbers = [number, small(position), chunk.start_line, chunk.end_line];
            self.push_chunk(numbers, chunk.symbol, chunk.key, lengths);
            self.push_vector(chunk.vector.map(Vector::as_bytes));
        }
    }

    /// Notes that a word stands in a chunk, by ascending chunks.
    pub(super) fn post_word(&mut self, word: &str, chunk: u32, counts: Counts) {
        let number = self.words.number(word);
        self.words.push(number, chunk, counts);
    }

    /// Notes that a chunk defines a name, by ascending chunks.
    pub(super) fn post_name(&mut self, name: &str, chunk: u32, counts: Counts) {
        let number = self.names.number(name);
        self.names.push(number, chunk, counts);
    }

    /// Notes a path that an older segment has and that is no longer served; by path, as files are.
    pub(crate) fn drop_path(&mut self, path: &str) {
        let at = self.strings.push(path);
        self.gone.extend_from_slice(&at.to_bytes());
    }

    /// Begins a file; gives its number.
    pub(super) fn begin_file(&mut self, path: &str, language: &str, artifact: ArtifactKey, chunks: u32) -> u32 {
        let number = small(self.files_count);
        let (path, language) = (self.strings.push(path), self.strings.share(language));
        self.files.extend_from_slice(&path.to_bytes());
        self.files.extend_from_slice(&language.to_bytes());
        self.files.extend_from_slice(&self.chunks_count.to_le_bytes());
        self.files.extend_from_slice(&chunks.to_le_bytes());
        self.files.extend_from_slice(&artifact.0.0);
        self.files_count += 1;
        number
    }

    /// `numbers`: the file, the position in it, the first and the last line.
    pub(super) fn push_chunk(&mut self, numbers: [u32; 4], symbol: Option<&str>, key: TextKey, lengths: [u32; FIELDS]) {
        let symbol = symbol.map_or(At::NOWHERE, |symbol| self.strings.share(symbol));
        numbers.iter().for_each(|number| self.chunks.extend_from_slice(&number.to_le_bytes()));
        self.chunks.extend_from_slice(&symbol.to_bytes());
        self.chunks.extend_from_slice(&key.0.0);
        for (total, length) in self.totals.iter_mut().zip(lengths) {
            *total += u64::from(length);
            self.lengths.extend_from_slice(&length.to_le_bytes());
        }
    }

    /// Ends the chunk under way with its vector in the stored form.
    pub(super) fn push_vector(&mut self, vector: Option<&[u8]>) {
        let bit = self.chunks_count % 8;
        if bit == 0 {
            self.absent.push(0);
        }
        if self.dimensions == 0 {
            self.dimensions = vector.map_or(0, <[u8]>::len) / 2;
            self.fill();
        }
        let vector = vector.filter(|vector| vector.len() == 2 * self.dimensions && self.dimensions > 0);
        if let (None, Some(bits)) = (vector, self.absent.last_mut()) {
            *bits |= 1 << bit;
            self.absent_count += 1;
        }
        let scale = quantised(vector.unwrap_or_default(), &mut self.small);
        self.scales.extend_from_slice(&scale.to_le_bytes());
        self.vectors.extend_from_slice(vector.unwrap_or_default());
        self.chunks_count += 1;
        self.fill();
    }

    /// Zeroes for the chunks that have no vector.
    fn fill(&mut self) {
        let numbers = self.chunks_count as usize * self.dimensions;
        self.small.resize(numbers, 0);
        self.vectors.resize(2 * numbers, 0);
    }

    /// The segment's bytes; the same for the same files.
    pub(crate) fn finish(self) -> Vec<u8> {
        let Self { mut strings, words, names, .. } = self;
        let mut postings = vec![];
        let (words_count, names_count) = (words.len(), names.len());
        let (words, names) = (words.finish(&mut strings, &mut postings), names.finish(&mut strings, &mut postings));
        let header = Header {
            dimensions: small(self.dimensions),
            made_by: self.made_by,
            files: small(self.files_count),
            gone: records(&self.gone, AT_BYTES),
            chunks: self.chunks_count,
            words: small(words_count),
            names: small(names_count),
            absent: self.absent_count,
            totals: self.totals,
            sections: nowhere(),
        };
        let sections: Sections = [
            self.files,
            self.gone,
            self.chunks,
            self.lengths,
            words,
            names,
            strings.finish(),
            self.absent,
            self.scales,
            postings,
            self.small,
            self.vectors,
        ];
        assemble(header, sections)
    }
}
