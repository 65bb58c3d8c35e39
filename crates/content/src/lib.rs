//! What a file is to the cache: its language, its chunks, its keys, and whether it is indexed at all.
//!
//! A file goes through here in this order: [`Rules::judge_path`], [`Rules::judge_size`], [`Rules::read`],
//! [`Chunker::chunk`], [`Artifact::of`].

mod artifact;
mod blank;
mod chunker;
mod content;
mod data;
mod encoding;
mod grammar;
mod hint;
mod key;
mod language;
mod languages;
mod leash;
mod notebook;
mod rules;
mod secrets;
mod settings;
mod skip;
mod tokens;
mod vector;

pub use artifact::{Artifact, Chunk, embedded_text};
pub use chunker::{ChunkError, ChunkLimits, Chunker};
pub use content::Content;
pub use grammar::Grammar;
pub use hint::{Hint, PathFacts, UnknownHint};
pub use key::{
    ArtifactKey, BadDigest, ChunkingId, Digest, EmbeddingId, KeyBuilder, Recipe, RulesDigest, TextKey, artifact_key,
    text_key,
};
pub use language::{Language, Structure};
pub use leash::Leash;
pub use rules::globs::{RulesError, bad_globs};
pub use rules::{PATH_BYTES_MAX, Rules};
pub use settings::ContentSettings;
pub use skip::{SkipReason, UnknownReason};
pub use tokens::{TokenError, TokenSpans};
pub use vector::{BadVector, Vector};
