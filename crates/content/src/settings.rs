//! The section `[content]`: what is indexed at all, and how it is cut.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use warmer_settings::{AboveZero, Mistake, Size, Time};

use crate::rules::globs::bad_globs;

/// The fewest tokens of a chunk: the header alone may need some 20, and below that a chunk could not hold a single
/// line.
const CHUNK_TOKENS_LEAST: u32 = 32;
/// The fewest bytes of a chunk.
const CHUNK_BYTES_LEAST: u32 = 128;

/// What is indexed, and how it is cut.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContentSettings {
    /// Globs of what to index; empty means everything. As in `.gitignore`: a glob without a slash (but at its end)
    /// matches at every level, one that matches a directory takes everything in it, `*` stops at a slash.
    pub include: Vec<String>,
    /// Globs of what not to index; they go before `include`.
    pub exclude: Vec<String>,
    /// Larger files are skipped, in bytes.
    #[serde(with = "Size")]
    pub file_size_max: u64,
    /// Index generated files too.
    pub generated: bool,
    /// Index vendored files too.
    pub vendored: bool,
    /// Index lock files too.
    pub lock_files: bool,
    /// Index minified files too.
    pub minified: bool,
    /// The size aimed at for a chunk, in tokens of the model, header included.
    #[serde(with = "AboveZero::<u32>")]
    pub chunk_tokens: u32,
    /// The most bytes of a chunk.
    #[serde(with = "AboveZero::<u32>")]
    pub chunk_bytes: u32,
    /// Larger files are cut at line ends, in bytes.
    #[serde(with = "Size")]
    pub structure_size_max: u64,
    /// Parsing one file may take so long.
    #[serde(with = "Time")]
    pub parse_deadline: Duration,
}

impl Default for ContentSettings {
    fn default() -> Self {
        Self {
            include: vec![],
            exclude: vec![],
            file_size_max: 1 << 20,
            generated: false,
            vendored: false,
            lock_files: false,
            minified: false,
            chunk_tokens: 200,
            chunk_bytes: 2_400,
            structure_size_max: 512 << 10,
            parse_deadline: Duration::from_secs(20),
        }
    }
}

impl ContentSettings {
    /// What the values cannot say alone.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Mistake> {
        let globs = [("include", &self.include), ("exclude", &self.exclude)];
        let bad = globs.into_iter().find_map(|(key, globs)| Some(Mistake::new(key, bad_globs(key, globs)?)));
        let least = [
            ("chunk_tokens", self.chunk_tokens, CHUNK_TOKENS_LEAST),
            ("chunk_bytes", self.chunk_bytes, CHUNK_BYTES_LEAST),
        ];
        let small = least.into_iter().filter(|(_, now, least)| now < least);
        let small = small.map(|(key, _, least)| Mistake::new(key, format!("expected at least {least}")));
        bad.into_iter().chain(small).collect()
    }

    /// What all instances of a database are to have alike, by key: names what differs, to people.
    #[must_use]
    pub fn agreed(&self) -> [(&'static str, String); 10] {
        [
            ("include", format!("{:?}", self.include)),
            ("exclude", format!("{:?}", self.exclude)),
            ("file_size_max", self.file_size_max.to_string()),
            ("generated", self.generated.to_string()),
            ("vendored", self.vendored.to_string()),
            ("lock_files", self.lock_files.to_string()),
            ("minified", self.minified.to_string()),
            ("chunk_tokens", self.chunk_tokens.to_string()),
            ("chunk_bytes", self.chunk_bytes.to_string()),
            ("structure_size_max", self.structure_size_max.to_string()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_that_do_not_read_and_chunks_without_room_are_mistakes() {
        let settings = ContentSettings {
            include: vec!["[".to_owned()],
            exclude: vec!["[".to_owned()],
            chunk_tokens: 31,
            chunk_bytes: 127,
            ..ContentSettings::default()
        };
        let keys: Vec<_> = settings.mistakes().into_iter().map(|mistake| mistake.key).collect();
        assert_eq!(keys, ["include", "chunk_tokens", "chunk_bytes"]);
        assert_eq!(ContentSettings::default().mistakes(), []);
    }
}
