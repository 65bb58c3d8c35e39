//! The chunker: a text becomes ranges that are each embedded as one text.
//!
//! Four steps. An *outline* gives every line at which the text may be cut a level: the lower, the better (`tree`,
//! `markdown`, `plain`). The *cut* chooses among them under a budget of tokens and bytes, lower levels first and by
//! the content's own hash among equals, so that an edit moves few borders (`cut`). Each piece gets the
//! symbol it shows and the header that precedes it (`symbols`). At last the embedded text is counted as the model will
//! read it, and a piece that is over the model's maximum is cut again.
//!
//! The same text and language give the same chunks: no time and no random number takes part. A text that cannot be
//! read in time is an error, never a different result.

mod border;
mod cut;
mod inline;
mod markdown;
mod measure;
mod name;
mod plain;
mod symbols;
mod tree;

use std::ops::Range;
use std::time::{Duration, Instant};

use border::Outline;
use cut::Budget;
use measure::Measure;
use symbols::Symbols;
use tree_sitter::Tree;

use crate::artifact::{Chunk, embedded_text};
use crate::chunk_error::{ChunkError, check};
use crate::content;
use crate::deadline::Deadline;
use crate::key::{ChunkingId, Digest, KeyBuilder, text_key};
use crate::language::{Language, Structure};
use crate::parse::{self, parse};
use crate::settings::ContentSettings;
use crate::symbols::Symbols as FileSymbols;
use crate::tokens::TokenSpans;

/// Counted up when the same text and limits give other chunks than before.
const VERSION: u64 = 2;
/// How a header is written, part of the fingerprint.
const HEADER: &str = "{language} {item} > {item}";
/// What the header is expected to take of a chunk's tokens: `rust impl Queue > fn claim` takes 8.
const HEADER_TOKENS: u32 = 24;

/// How large chunks may be, and when a file is no longer parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkLimits {
    /// The aim for a chunk's embedded text, header included; a chunk may have a quarter more.
    pub tokens: u32,
    /// Never above this: what the model reads, less its special tokens.
    pub tokens_max: u32,
    /// The most bytes of a chunk, white space aside: a word of 10 MB is one token to some tokenizers.
    pub bytes: u32,
    /// Larger files are cut as text, in bytes.
    pub structure_bytes: u64,
    /// A parse that takes longer is an error. Steps are limited too, and end a parse long before on a machine that
    /// works; so it is no part of the fingerprint, and what it ends is tried again.
    pub parse_deadline: Duration,
}

impl ChunkLimits {
    /// Those of the settings, for a model that reads at most `tokens_max` tokens of a text, special ones not counted.
    #[must_use]
    pub fn new(settings: &ContentSettings, tokens_max: u32) -> Self {
        Self {
            tokens: settings.chunk_tokens.min(tokens_max),
            tokens_max,
            bytes: settings.chunk_bytes,
            structure_bytes: settings.structure_size_max,
            parse_deadline: settings.parse_deadline,
        }
    }
}

impl Default for ChunkLimits {
    /// For a model that reads 256 tokens, two of them special.
    fn default() -> Self {
        Self::new(&ContentSettings::default(), 254)
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

    /// The fingerprint of everything that decides the chunks of a text; `tokenizer` is the tokenizer's own.
    #[must_use]
    pub fn id(&self, tokenizer: &Digest) -> ChunkingId {
        let limits = &self.limits;
        let mut key = KeyBuilder::new("warmer chunking v1").number(VERSION).field(HEADER).field(tokenizer.0);
        key = content::fingerprint(key.number(parse::STEPS.into()).number(parse::BYTES_PER_STEP.into()));
        for limit in [limits.tokens, limits.tokens_max, limits.bytes] {
            key = key.number(u64::from(limit));
        }
        key = key.number(limits.structure_bytes);
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
    /// When the deadline passes, or that of the parse, or it is cancelled, or the tokenizer refuses the text.
    pub fn chunk(
        &self,
        text: &str,
        language: &'static Language,
        tokens: &dyn TokenSpans,
        deadline: &Deadline,
    ) -> Result<Vec<Chunk>, ChunkError> {
        let tree = self.tree(text, language, deadline)?;
        self.chunk_tree(text, language, tree.as_ref(), tokens, deadline)
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
        tokens: &dyn TokenSpans,
        deadline: &Deadline,
    ) -> Result<(Vec<Chunk>, Option<FileSymbols>), ChunkError> {
        let tree = self.tree(text, language, deadline)?;
        let chunks = self.chunk_tree(text, language, tree.as_ref(), tokens, deadline)?;
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
        tokens: &dyn TokenSpans,
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
        let measure = Measure::new(text, tokens, deadline)?;
        let task = Task { limits: &self.limits, text, outline: &outline, measure: &measure, tokens, deadline };
        task.chunks(0..length, language)
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
    measure: &'a Measure,
    tokens: &'a dyn TokenSpans,
    deadline: &'a Deadline,
}

impl Task<'_> {
    fn chunks(&self, all: Range<u32>, language: &'static Language) -> Result<Vec<Chunk>, ChunkError> {
        // Pieces come out between a third and the whole of the budget: a quarter above the aim they are about the aim.
        let most = (self.limits.tokens + self.limits.tokens / 4).clamp(1, self.limits.tokens_max.max(1));
        let budget = Budget { tokens: most - HEADER_TOKENS.min(most / 4), bytes: self.limits.bytes.max(1) };
        let mut symbols = Symbols::new(self.text, language, &self.outline.scopes);
        // The next piece is the last of the list; a piece over the model's maximum is replaced by its own pieces.
        let mut pieces = self.pieces(all, budget)?;
        let mut chunks = Vec::with_capacity(pieces.len());
        while let Some((range, budget)) = pieces.pop() {
            check(self.deadline)?;
            match self.settle(&range, &mut symbols, budget.is_smallest())? {
                Some(chunk) => chunks.push(chunk),
                None => pieces.extend(self.pieces(range, budget.halved())?),
            }
        }
        Ok(chunks)
    }

    /// The pieces of `range` under `budget`, last first.
    fn pieces(&self, range: Range<u32>, budget: Budget) -> Result<Vec<(Range<u32>, Budget)>, ChunkError> {
        let pieces = cut::pieces(self.text, range, &self.outline.borders, self.measure, budget, self.deadline)?;
        Ok(pieces.into_iter().rev().map(|piece| (piece, budget)).collect())
    }

    /// The chunk of `range`, if its embedded text is within the model's maximum or cannot be made smaller.
    ///
    /// Cannot: one character, or white space that the tokenizer counts. What the model then leaves unread is white
    /// space at the end, as a border never stands before white space.
    fn settle(&self, range: &Range<u32>, symbols: &mut Symbols<'_>, last: bool) -> Result<Option<Chunk>, ChunkError> {
        let body = &self.text[range.start as usize..range.end as usize];
        let named = symbols.of(range);
        let mut fallbacks = named.headers.into_iter().peekable();
        while let Some(header) = fallbacks.next() {
            let embedded = embedded_text(&header, body);
            let count = u32::try_from(self.tokens.starts(&embedded)?.len()).unwrap_or(u32::MAX);
            if count <= self.limits.tokens_max || (last && fallbacks.peek().is_none()) {
                return Ok(Some(Chunk {
                    start: range.start,
                    end: range.end,
                    start_line: self.measure.line(range.start),
                    end_line: self.measure.line(range.end - 1),
                    symbol: named.symbol,
                    header,
                    tokens: count,
                    key: text_key(&embedded),
                }));
            }
        }
        Ok(None)
    }
}
