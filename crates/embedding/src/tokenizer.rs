//! The model's own tokenizer: how many tokens a text has, and what the graph reads of it.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use tokenizers::{Encoding, PostProcessor, Token};

use crate::error::{ModelError, one_line};
use crate::files::ModelFiles;
use crate::provider::EmbedError;

/// At most this many bytes are tokenised at once: the library keeps some 50 bytes for every byte it works on.
const PIECE_BYTES_MAX: usize = 32 * 1024;

/// `tokenizer.json`, loaded once and shared by its clones.
#[derive(Clone)]
pub struct Tokenizer(Arc<tokenizers::Tokenizer>);

/// A text as the graph reads it.
pub(crate) struct Windows {
    /// Tokens of the text, without special ones.
    pub(crate) tokens: usize,
    /// At least one; a text that is no longer than the model's limit has one.
    pub(crate) windows: Vec<Tokens>,
}

/// What the graph reads in one run. All three have the same length.
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
    pub fn count(&self, text: &str) -> Result<usize, EmbedError> {
        self.ids(text).map(|ids| ids.len()).map_err(|why| EmbedError::Text(one_line(&why)))
    }

    /// Special tokens that are added to every text: what a text may have is the model's `length_max` less these.
    #[must_use]
    pub fn specials(&self) -> usize {
        self.0.get_post_processor().map_or(0, |processor| processor.added_tokens(false))
    }

    /// What the graph reads: all tokens of the text, once and in their order, in as few windows of at most `length_max`
    /// tokens as there can be, special ones included. Without those, the windows' lengths differ by one at most: a
    /// last window of three tokens would be a vector of nothing.
    pub(crate) fn windows(&self, text: &str, length_max: usize) -> tokenizers::Result<Windows> {
        let ids = self.ids(text)?;
        let room = length_max.saturating_sub(self.specials()).max(1);
        let windows = shares(ids.len(), room).map(|share| self.framed(&ids[share])).collect::<Result<_, _>>()?;
        Ok(Windows { tokens: ids.len(), windows })
    }

    /// The tokens of a text, without special ones.
    fn ids(&self, text: &str) -> tokenizers::Result<Vec<u32>> {
        let mut ids = vec![];
        for piece in pieces(text) {
            ids.extend_from_slice(self.0.encode_fast(&text[piece], false)?.get_ids());
        }
        Ok(ids)
    }

    /// These tokens among the special ones that every text has.
    fn framed(&self, ids: &[u32]) -> tokenizers::Result<Tokens> {
        let tokens = ids.iter().map(|id| Token::new(*id, String::new(), (0, 0))).collect();
        let framed = self.0.post_process(Encoding::from_tokens(tokens, 0), None, true)?;
        Ok(Tokens::from(&framed))
    }
}

/// Shares of so many tokens, as few and as equal as can be, none of more than `most`; one of none where there are none.
fn shares(tokens: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let shares = tokens.div_ceil(most).max(1);
    (0..shares).map(move |share| share * tokens / shares..(share + 1) * tokens / shares)
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

    /// A word a token, between `[CLS]` and `[SEP]`.
    const WORDS: &str = r#"{
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": {"type": "WhitespaceSplit"}, "decoder": null,
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 9], "cls": ["[CLS]", 8]},
        "model": {"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0, "b": 1, "c": 2, "[CLS]": 8, "[SEP]": 9}}
    }"#;

    fn words() -> Tokenizer {
        Tokenizer(Arc::new(WORDS.parse().unwrap()))
    }

    #[test]
    fn windows_have_the_whole_text_once_in_order_and_in_equal_shares() {
        let (tokenizer, most) = (words(), 7);
        for count in (0..40).chain([2_000, 40_000]) {
            let text = ["a ", "b ", "c "].into_iter().cycle().take(count).collect::<String>();
            let Windows { tokens, windows } = tokenizer.windows(&text, most).unwrap();
            assert_eq!((tokens, windows.len()), (count, count.div_ceil(most - 2).max(1)));
            let read: Vec<_> =
                windows.iter().flat_map(|window| &window.ids[1..window.ids.len() - 1]).copied().collect();
            assert_eq!(read, (0..count as i64).map(|number| number % 3).collect::<Vec<_>>());
            let lengths: Vec<_> = windows.iter().map(|window| window.ids.len()).collect();
            let [shortest, longest] = [lengths.iter().min(), lengths.iter().max()].map(Option::unwrap);
            assert!(longest - shortest <= 1 && *longest <= most, "{count}: {lengths:?}");
            for window in windows {
                assert!(window.ids.first() == Some(&8) && window.ids.last() == Some(&9), "{count}: {:?}", window.ids);
                assert_eq!((window.mask, window.types), (vec![1; window.ids.len()], vec![0; window.ids.len()]));
            }
        }
    }

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
