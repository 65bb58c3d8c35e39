//! What a file is to the cache: its language, its chunks, its keys, and whether it is indexed at all.
//!
//! A file goes through here in this order: [`Rules::judge_path`], [`Rules::judge_size`], [`Rules::read`],
//! [`Chunker::digest`], [`Artifact::of`].

#![warn(missing_docs)]

mod artifact;
mod chunk_error;
mod chunker;
mod content;
mod deadline;
mod encoding;
mod grammar;
mod headings;
mod key;
mod language;
mod language_hint;
mod languages;
mod lines;
mod lookup;
mod node_text;
mod notebook;
mod overwrite;
mod parse;
mod payload;
mod rules;
mod secrets;
mod settings;
mod size;
mod skip;
mod symbols;
mod vector;
mod walk;

pub use artifact::{Artifact, Chunk, artifact_key, embedded_text};
pub use chunk_error::ChunkError;
pub use chunker::{ChunkLimits, Chunker};
pub use content::Content;
pub use deadline::Deadline;
pub use grammar::Grammar;
pub use key::{
    ArtifactKey, BadDigest, ChunkingId, Digest, EmbeddingId, KeyBuilder, Recipe, RulesDigest, SymbolsId, TextKey,
    text_key,
};
pub use language::{Language, Structure};
pub use language_hint::{LanguageHint, PathFacts, UnknownLanguageHint};
pub use rules::globs::{RulesError, bad_globs};
pub use rules::{PATH_BYTES_MAX, Rules};
pub use settings::ContentSettings;
pub use size::size;
pub use skip::{SkipReason, UnknownReason};
pub use symbols::{Definition, DefinitionKind, Reference, ReferenceKind, Symbols, symbols_id};
pub use vector::{BadVector, Vector};
