//! The model's own tokenizer: for the chunker, which counts tokens, and for the sessions, which need their ids.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use tokenizers::{Encoding, PostProcessor, TruncationDirection};
use warmer_content::{TokenError, TokenSpans};

use crate::error::{ModelError, one_line};
use crate::files::ModelFiles;

/// At most this many bytes are tokenised at once: the library keeps some 50 bytes for every byte it works on.
const PIECE_BYTES_MAX: usize = 32 * 1024;

/// Bytes of text read per token of the length limit. Code has about 3 bytes per token, so what is cut off before
/// tokenising would be cut off after it too, save in text made of white space and endless words.
const BYTES_PER_TOKEN_MAX: usize = 64;

/// `tokenizer.json`, loaded once and shared by its clones.
#[derive(Clone)]
pub struct Tokenizer(Arc<tokenizers::Tokenizer>);

/// What the graph reads of a text. All three have the same length.
pub(crate) struct Tokens {
    pub(crate) ids: Vec<i64>,
    pub(crate) types: Vec<i64>,
    pub(crate) mask: Vec<i64>,
}

/// Words that a BPE or Unigram tokenizer may remember: none, because it does so on every thread that it ever ran on,
/// and there may be 50. With the crate's own 10,000 the memory of a warm grew by 65 MB over 20,000 files. WordPiece,
/// the default model's kind, has no such memory.
const WORDS_REMEMBERED: usize = 0;

impl Tokenizer {
    /// Loads the model's tokenizer, with its truncation and padding off: the default model's file cuts and pads every
    /// text to 128 tokens, so that all would measure the same.
    ///
    /// # Errors
    /// When the file is missing or malformed.
    pub fn load(model: &ModelFiles) -> Result<Self, ModelError> {
        Self::from_file(&model.tokenizer)
            .map_err(|why| ModelError::Tokenizer { path: model.tokenizer.clone(), why: one_line(&why) })
    }

    fn from_file(path: &Path) -> tokenizers::Result<Self> {
        let mut tokenizer = tokenizers::Tokenizer::from_file(path)?;
        tokenizer.with_truncation(None)?;
        tokenizer.with_padding(None);
        let mut model = tokenizer.get_model().clone();
        model.resize_cache(WORDS_REMEMBERED);
        tokenizer.with_model(model);
        Ok(Self(Arc::new(tokenizer)))
    }

    /// Tokens of `text`, without special ones.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub fn count(&self, text: &str) -> Result<usize, TokenError> {
        self.starts(text).map(|starts| starts.len())
    }

    /// Special tokens that are added to every text: what a text may have is the model's `length_max` less these.
    #[must_use]
    pub fn specials(&self) -> usize {
        self.0.get_post_processor().map_or(0, |processor| processor.added_tokens(false))
    }

    /// What the graph reads: at most `length_max` tokens, special ones included.
    pub(crate) fn encode(&self, text: &str, length_max: usize) -> tokenizers::Result<Tokens> {
        let bytes_max = PIECE_BYTES_MAX.max(length_max.saturating_mul(BYTES_PER_TOKEN_MAX));
        let text = &text[..text.floor_char_boundary(bytes_max)];
        let mut encoding = self.0.encode(text, false)?;
        encoding.truncate(length_max.saturating_sub(self.specials()), 0, TruncationDirection::Right);
        encoding.take_overflowing();
        let encoding = self.0.post_process(encoding, None, true)?;
        Ok(Tokens::from(&encoding))
    }
}

impl From<&Encoding> for Tokens {
    fn from(encoding: &Encoding) -> Self {
        let wide = |numbers: &[u32]| numbers.iter().map(|number| i64::from(*number)).collect();
        Self {
            ids: wide(encoding.get_ids()),
            types: wide(encoding.get_type_ids()),
            mask: wide(encoding.get_attention_mask()),
        }
    }
}

impl TokenSpans for Tokenizer {
    fn starts(&self, text: &str) -> Result<Vec<u32>, TokenError> {
        if u32::try_from(text.len()).is_err() {
            return Err(TokenError(format!("a text of {} bytes is too long to be tokenised", text.len())));
        }
        let mut starts = Vec::new();
        for piece in pieces(text) {
            // `encode` gives byte offsets, `encode_char_offsets` those of characters, `encode_fast` none.
            let encoding = self.0.encode(&text[piece.clone()], false).map_err(|why| TokenError(one_line(&why)))?;
            let offsets = encoding.get_offsets().iter();
            starts.extend(offsets.map(|(start, _)| (piece.start + start) as u32));
        }
        Ok(starts)
    }
}

/// Cuts `text` behind a line, else before white space, else between two characters.
fn pieces(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let end = start + piece_bytes(&text[start..]);
        let piece = start..end;
        start = end;
        (!piece.is_empty()).then_some(piece)
    })
}

/// How much of `rest` the next piece takes.
fn piece_bytes(rest: &str) -> usize {
    if rest.len() <= PIECE_BYTES_MAX {
        return rest.len();
    }
    let end = rest.floor_char_boundary(PIECE_BYTES_MAX);
    let window = &rest[..end];
    let border = window.rfind('\n').map(|line_end| line_end + 1).or_else(|| window.rfind(char::is_whitespace));
    border.filter(|border| *border > 0).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_text_and_end_at_lines_where_there_are_some() {
        let lines = "let a = 1; // ä\n".repeat(10_000);
        let words = "wörd ".repeat(20_000);
        let word = "ä".repeat(100_000);
        for (text, ends) in [(&lines, Some('\n')), (&words, Some('d')), (&word, Some('ä')), (&String::new(), None)] {
            let found: Vec<_> = pieces(text).collect();
            assert_eq!(found.iter().map(|piece| &text[piece.clone()]).collect::<String>(), *text);
            assert!(found.iter().all(|piece| piece.len() <= PIECE_BYTES_MAX));
            assert_eq!(found.first().and_then(|piece| text[piece.clone()].chars().next_back()), ends);
        }
    }
}
