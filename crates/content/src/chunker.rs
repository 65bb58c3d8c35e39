//! The chunker: a text becomes ranges that are each embedded as one text.
//!
//! Three steps. An *outline* gives every line at which the text may be cut a level: the lower, the better (`tree`,
//! `markdown`, `plain`). The *cut* chooses among them under a budget of [`crate::size`], lower levels first and by
//! the content's own hash among equals, so that an edit moves few borders (`cut`). Each piece gets the
//! symbol it shows and the header that precedes it (`symbols`), a shorter one where it would be too large.
//!
//! The same text and language give the same chunks: no time and no random number takes part. A text that cannot be
//! read in time is an error, never a different result.

mod border;
mod cut;
mod inline;
mod markdown;
mod name;
mod plain;
mod symbols;
mod tree;

use std::ops::Range;
use std::time::{Duration, Instant};

use border::Outline;
use symbols::Symbols;
use tree_sitter::Tree;

use crate::artifact::{Chunk, embedded_text};
use crate::chunk_error::{ChunkError, check};
use crate::content;
use crate::deadline::Deadline;
use crate::key::{ChunkingId, KeyBuilder, text_key};
use crate::language::{Language, Structure};
use crate::lines::{count_before, line_starts};
use crate::parse::{self, parse};
use crate::settings::ContentSettings;
use crate::size::size;
use crate::symbols::Symbols as FileSymbols;

/// Counted up when the same text and limits give other chunks than before.
const VERSION: u64 = 3;
/// How a header is written, part of the fingerprint.
const HEADER: &str = "{language} {item} > {item}";
/// What the header is expected to take of a chunk's size: `rust impl Queue > fn claim` takes 6.
const HEADER_SIZE: u32 = 24;

/// How large chunks may be, and when a file is no longer parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkLimits {
    /// The aim for the [`crate::size`] of a chunk's embedded text, header included, from 32; a chunk may have a quarter
    /// more.
    pub size: u32,
    /// Larger files are cut as text, in bytes.
    pub structure_bytes: u64,
    /// A parse that takes longer is an error. Steps are limited too, and end a parse long before on a machine that
    /// works; so it is no part of the fingerprint, and what it ends is tried again.
    pub parse_deadline: Duration,
}

impl ChunkLimits {
    /// Those of the settings.
    #[must_use]
    pub fn new(settings: &ContentSettings) -> Self {
        Self {
            size: settings.chunk_size,
            structure_bytes: settings.structure_size_max,
            parse_deadline: settings.parse_deadline,
        }
    }

    /// The most size of a chunk. Pieces come out between a third and the whole of it: a quarter above the aim they are
    /// about the aim.
    fn size_max(&self) -> u32 {
        self.size.saturating_add(self.size / 4).max(1)
    }
}

impl Default for ChunkLimits {
    fn default() -> Self {
        Self::new(&ContentSettings::default())
    }
}

/// Cuts texts under one set of limits.
#[derive(Clone, Debug)]
pub struct Chunker {
    limits: ChunkLimits,
}

impl Chunker {
    /// A chunker of these limits.
    #[must_use]
    pub fn new(limits: ChunkLimits) -> Self {
        Self { limits }
    }

    /// The fingerprint of everything that decides the chunks of a text.
    #[must_use]
    pub fn id(&self) -> ChunkingId {
        let mut key = KeyBuilder::new("warmer chunking v2").number(VERSION).field(HEADER);
        key = content::fingerprint(key.number(parse::STEPS.into()).number(parse::BYTES_PER_STEP.into()));
        key = key.number(u64::from(self.limits.size)).number(self.limits.structure_bytes);
        for language in Language::all() {
            key = key.field(language.name);
            key = match &language.structure {
                Structure::Lines | Structure::Prose => key.field("text"),
                Structure::Headings => key.field("headings"),
                Structure::Tree(grammar) => {
                    let key = key.field(grammar.version).field(grammar.separator).number(grammar.items.len() as u64);
                    grammar.items.iter().fold(key, |key, item| key.field(item.kind).field(item.word))
                }
            };
        }
        ChunkingId(key.finish())
    }

    /// The chunks of `text`: in its order, without gap or overlap, none of white space alone. An empty text, or one
    /// of white space alone, has none.
    ///
    /// # Errors
    /// When the deadline passes, or that of the parse, or it is cancelled.
    pub fn chunk(
        &self,
        text: &str,
        language: &'static Language,
        deadline: &Deadline,
    ) -> Result<Vec<Chunk>, ChunkError> {
        let tree = self.tree(text, language, deadline)?;
        self.chunk_tree(text, language, tree.as_ref(), deadline)
    }

    /// The chunks of `text`, and its symbols, by one parse. It has no symbols where they are not found in time: then
    /// they are looked for when they are asked for.
    ///
    /// # Errors
    /// As [`Chunker::chunk`].
    pub fn digest(
        &self,
        text: &str,
        language: &'static Language,
        deadline: &Deadline,
    ) -> Result<(Vec<Chunk>, Option<FileSymbols>), ChunkError> {
        let tree = self.tree(text, language, deadline)?;
        let chunks = self.chunk_tree(text, language, tree.as_ref(), deadline)?;
        let symbols = FileSymbols::of_parsed(text, language, tree.as_ref(), &self.parse_deadline(deadline));
        Ok((chunks, symbols.ok()))
    }

    /// The tree that the text is cut by; `None` where it is cut as a text without structure.
    pub(crate) fn tree(
        &self,
        text: &str,
        language: &Language,
        deadline: &Deadline,
    ) -> Result<Option<Tree>, ChunkError> {
        match &language.structure {
            Structure::Tree(grammar) if text.len() as u64 <= self.limits.structure_bytes && !text.trim().is_empty() => {
                parse(text, grammar.load, &self.parse_deadline(deadline))
            }
            _ => Ok(None),
        }
    }

    /// As [`Chunker::chunk`], of a text whose tree is that of [`Chunker::tree`].
    pub(crate) fn chunk_tree(
        &self,
        text: &str,
        language: &'static Language,
        tree: Option<&Tree>,
        deadline: &Deadline,
    ) -> Result<Vec<Chunk>, ChunkError> {
        let length = u32::try_from(text.len()).map_err(|_| ChunkError::TooLong)?;
        if text.trim().is_empty() {
            return Ok(vec![]);
        }
        let outline = match (&language.structure, tree) {
            (Structure::Tree(grammar), Some(tree)) => {
                tree::outline(text, grammar, tree, &self.parse_deadline(deadline))?
            }
            (Structure::Headings, _) => markdown::outline(text),
            _ => plain::outline(text),
        };
        let (limits, lines) = (&self.limits, line_starts(text));
        Task { limits, text, outline: &outline, lines, deadline }.chunks(0..length, language)
    }

    fn parse_deadline(&self, deadline: &Deadline) -> Deadline {
        let until = deadline.until.min(Instant::now() + self.limits.parse_deadline);
        Deadline { until, cancelled: deadline.cancelled.clone() }
    }
}

/// One text being cut.
struct Task<'a> {
    limits: &'a ChunkLimits,
    text: &'a str,
    outline: &'a Outline,
    /// Where lines start.
    lines: Vec<u32>,
    deadline: &'a Deadline,
}

impl Task<'_> {
    fn chunks(&self, all: Range<u32>, language: &'static Language) -> Result<Vec<Chunk>, ChunkError> {
        let most = self.limits.size_max();
        let budget = most - HEADER_SIZE.min(most / 4);
        let pieces = cut::pieces(self.text, all, &self.outline.borders, budget, self.deadline)?;
        let mut symbols = Symbols::new(self.text, language, &self.outline.scopes);
        let chunk = |piece| check(self.deadline).map(|()| self.chunk(&piece, &mut symbols));
        pieces.into_iter().map(chunk).collect()
    }

    /// The chunk of a piece, with the first of its headers that is not too large.
    fn chunk(&self, piece: &Range<u32>, symbols: &mut Symbols<'_>) -> Chunk {
        let body = &self.text[piece.start as usize..piece.end as usize];
        let named = symbols.of(piece);
        let (size_max, of_body) = (self.limits.size_max(), size(body));
        let fits = |header: &str| of_body.saturating_add(size(header)) <= size_max;
        let header = if fits(&named.header) { named.header } else { named.short_header };
        let embedded = embedded_text(&header, body);
        Chunk {
            start: piece.start,
            end: piece.end,
            start_line: self.line(piece.start),
            end_line: self.line(piece.end - 1),
            symbol: named.symbol,
            size: size(&embedded),
            header,
            key: text_key(&embedded),
        }
    }

    /// The number of the line that has this byte, from 1.
    fn line(&self, at: u32) -> u32 {
        count_before(&self.lines, at + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_each_language_has_room_above_the_budget_of_the_smallest_chunks() {
        let most = ChunkLimits { size: 32, ..ChunkLimits::default() }.size_max();
        for language in Language::all() {
            assert!(size(language.name) <= HEADER_SIZE.min(most / 4), "{}", language.name);
        }
    }
}
