//! What is wrong with a section although each value suits its key.

/// One mistake of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The key in the section.
    pub key: &'static str,
    /// What was expected. Never holds a value that may be a secret.
    pub message: String,
}

impl Mistake {
    /// A mistake at this key.
    pub fn new(key: &'static str, message: impl Into<String>) -> Self {
        Self { key, message: message.into() }
    }
}
