//! The model's own tokenizer, as far as chunking needs it: sizes are counted in the tokens the model will read.

/// Where the tokens of a text start.
pub trait TokenSpans: Send + Sync {
    /// The byte offset at which each token of `text` starts, ascending; no special tokens.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    fn starts(&self, text: &str) -> Result<Vec<u32>, TokenError>;
}

/// The tokenizer refused a text; its own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tokenizer refused a text: {0}")]
pub struct TokenError(pub String);
