//! The content of a file as it is stored and embedded: bytes become a text in UTF-8, without what is no text and
//! without secrets.
//!
//! In this order: the encoding is undone ([`crate::encoding`]), every line ends with a line feed (behind a carriage
//! return or not), a notebook becomes its cells, secrets are overwritten by asterisks, data by blanks. Byte ranges
//! refer to the text that results. Lines are those of the file, but for a notebook's.

use std::borrow::Cow;

use crate::key::KeyBuilder;
use crate::language::Language;
use crate::language_hint::LanguageHint;
use crate::overwrite::{With, overwrite};
use crate::skip::SkipReason;
use crate::{encoding, notebook, payload, secrets};

/// Counted up when the same bytes give another text than before.
const VERSION: u64 = 1;

/// A file's text, and what was done to its bytes.
#[derive(Clone, Debug)]
pub struct Content {
    /// In UTF-8.
    pub text: String,
    /// What it is read as.
    pub language: &'static Language,
    /// The name of the encoding it was in, where that is not UTF-8.
    pub encoding: Option<Cow<'static, str>>,
    /// Secrets that were overwritten by asterisks.
    pub masked: u32,
    /// Whether private keys are most of it, so that nothing is left to read.
    pub(crate) is_key: bool,
}

impl Content {
    /// A text to which nothing was done.
    #[must_use]
    pub fn plain(text: impl Into<String>, language: &'static Language) -> Self {
        Self { text: text.into(), language, encoding: None, masked: 0, is_key: false }
    }

    /// The content of these bytes.
    ///
    /// # Errors
    /// When they are no text.
    pub(crate) fn read(bytes: Vec<u8>, hint: LanguageHint) -> Result<Self, SkipReason> {
        let decoded = encoding::decode(bytes, hint.is_text())?;
        let text = with_line_feeds(decoded.text);
        let cells = hint.is_notebook().then(|| notebook::read(&text)).flatten();
        let (text, language) = cells.unwrap_or_else(|| {
            let language = hint.language(&text);
            (text, language)
        });
        let secrets = secrets::find(&text);
        let is_key = secrets.key_bytes * 2 > ink(&text);
        let text = overwritten(text, &secrets.ranges, With::Asterisks);
        let payloads = payload::find(&text);
        let text = overwritten(text, &payloads, With::Blanks);
        Ok(Self { text, language, encoding: decoded.encoding.map(Cow::Borrowed), masked: secrets.count, is_key })
    }
}

/// Adds to a fingerprint all that decides the text of some bytes.
pub(crate) fn fingerprint(key: KeyBuilder) -> KeyBuilder {
    secrets::fingerprint(key.number(VERSION))
}

fn overwritten(text: String, ranges: &[std::ops::Range<usize>], with: With) -> String {
    if ranges.is_empty() { text } else { overwrite(&text, ranges, with) }
}

/// Bytes that are not white space.
pub(crate) fn ink(text: &str) -> usize {
    text.bytes().filter(|byte| !byte.is_ascii_whitespace()).count()
}

/// Every carriage return that ends a line alone becomes a line feed: no grammar and no counting of lines knows it.
fn with_line_feeds(text: String) -> String {
    let bytes = text.as_bytes();
    let alone = |at: usize| bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n');
    if !(0..bytes.len()).any(alone) {
        return text;
    }
    let mut rest = text.chars().peekable();
    let mut ended = String::with_capacity(text.len());
    while let Some(c) = rest.next() {
        ended.push(if c == '\r' && rest.peek() != Some(&'\n') { '\n' } else { c });
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language_hint::PathFacts;

    fn read(name: &str, bytes: impl Into<Vec<u8>>) -> Content {
        Content::read(bytes.into(), LanguageHint::of(name, &PathFacts::default())).expect("a text")
    }

    #[test]
    fn a_carriage_return_ends_a_line_with_a_line_feed_or_without() {
        assert_eq!(read("a.rs", "a\r\nb\rc\n\rd\r\r\n").text, "a\r\nb\nc\n\nd\n\r\n");
        assert_eq!(read("a.py", "def f():\r    return 1\r").text, "def f():\n    return 1\n");
    }

    #[test]
    fn secrets_and_data_are_overwritten_where_they_stand() {
        let picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ".repeat(3);
        let token = format!("gh{}", "p_0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R");
        let text = format!("![x](data:image/png;base64,{picture})\ntoken: {token}\nend\n");
        let content = read("a.md", text.clone());
        assert_eq!((content.text.len(), content.masked, content.is_key), (text.len(), 1, false));
        assert!(content.text.ends_with(&format!("\ntoken: ghp_{}\nend\n", "*".repeat(36))), "{}", content.text);
        assert!(content.text.starts_with("![x](data:image/png;base64,   "), "{}", content.text);
    }

    #[test]
    fn a_notebook_is_read_as_its_language_and_what_is_none_as_json() {
        let notebook = r#"{"cells": [{"cell_type": "code", "source": "x = 1", "outputs": [1, 2]}]}"#;
        let content = read("a.ipynb", notebook);
        assert_eq!((content.text.as_str(), content.language.name), ("# %% cell 1\nx = 1\n\n", "python"));
        let content = read("a.ipynb", "{}");
        assert_eq!((content.text.as_str(), content.language.name), ("{}", "json"));
    }

    #[test]
    fn what_was_done_to_a_content_is_part_of_its_key() {
        let chunking = crate::ChunkingId(crate::Digest::of(b"any"));
        let key = |content: &Content| crate::artifact_key(chunking, content);
        let plain = Content::plain("caf\u{e9} ****", Language::text());
        assert_ne!(key(&plain), key(&Content { masked: 1, ..plain.clone() }));
        assert_ne!(key(&plain), key(&Content { encoding: Some("windows-1252".into()), ..plain.clone() }));
        assert_eq!(key(&plain), key(&plain.clone()));
    }

    #[test]
    fn a_file_that_is_a_private_key_is_told_from_one_that_has_one() {
        let key = format!("-----BEGIN {}-----\n{}\n-----END {0}-----\n", "PRIVATE KEY", "0a1B2c3D4e5F".repeat(5));
        assert!(read("notes.txt", key.clone()).is_key);
        let test = read("key.rs", format!("{}const KEY: &str = \"{key}\";\n", "fn a() {}\n".repeat(40)));
        assert_eq!((test.is_key, test.masked), (false, 1));
    }
}
