//! The section `[content]`: what is indexed at all, and how it is cut.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use warmer_settings::{AboveZero, Mistake, Size, Time};

use crate::rules::globs::bad_globs;

/// The least size of a chunk: the header alone may need some 20, and below that a chunk could not hold a single line.
const CHUNK_SIZE_LEAST: u32 = 32;

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
    /// The [`crate::size`] aimed at for a chunk, header included.
    #[serde(with = "AboveZero::<u32>")]
    pub chunk_size: u32,
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
            chunk_size: 200,
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
        let small = self.chunk_size < CHUNK_SIZE_LEAST;
        let small = small.then(|| Mistake::new("chunk_size", format!("expected at least {CHUNK_SIZE_LEAST}")));
        bad.into_iter().chain(small).collect()
    }

    /// What all instances of a database are to have alike, by key: names what differs, to people.
    #[must_use]
    pub fn agreed(&self) -> [(&'static str, String); 9] {
        [
            ("include", format!("{:?}", self.include)),
            ("exclude", format!("{:?}", self.exclude)),
            ("file_size_max", self.file_size_max.to_string()),
            ("generated", self.generated.to_string()),
            ("vendored", self.vendored.to_string()),
            ("lock_files", self.lock_files.to_string()),
            ("minified", self.minified.to_string()),
            ("chunk_size", self.chunk_size.to_string()),
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
            chunk_size: 31,
            ..ContentSettings::default()
        };
        let keys: Vec<_> = settings.mistakes().into_iter().map(|mistake| mistake.key).collect();
        assert_eq!(keys, ["include", "chunk_size"]);
        assert_eq!(ContentSettings::default().mistakes(), []);
    }
}
