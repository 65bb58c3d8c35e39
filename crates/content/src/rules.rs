//! The rules: what is indexed at all. Path and attributes are judged first, then the size, then the content.
//!
//! Nothing overrides a secret. `linguist-generated=false` overrides everything that takes a file for generated or
//! minified, `linguist-vendored=false` the vendored directories, a declaration as text the search for NUL bytes.

mod content;
mod generated;
pub(crate) mod globs;
mod path;
mod pointer;

pub use path::PATH_BYTES_MAX;

use globs::{Globs, RulesError};

use crate::content::Content;
use crate::key::{KeyBuilder, RulesDigest};
use crate::language_hint::{LanguageHint, PathFacts};
use crate::settings::ContentSettings;
use crate::skip::SkipReason;

/// Counted up when a rule of the path or the content changes; the lists of names are part of the digest by themselves.
const VERSION: u64 = 3;

/// The rules, ready to judge.
#[derive(Clone, Debug)]
pub struct Rules {
    settings: ContentSettings,
    include: Globs,
    exclude: Globs,
    /// What one repository is narrowed to.
    own: Option<Own>,
}

/// A repository's own `include`.
#[derive(Clone, Debug)]
struct Own {
    include: Vec<String>,
    globs: Globs,
}

impl Rules {
    /// The rules of these settings.
    ///
    /// # Errors
    /// When a glob is malformed; the error names it.
    pub fn new(settings: &ContentSettings) -> Result<Self, RulesError> {
        Ok(Self {
            settings: settings.clone(),
            include: Globs::new("include", &settings.include)?,
            exclude: Globs::new("exclude", &settings.exclude)?,
            own: None,
        })
    }

    /// The rules of one repository within these: a file must pass both.
    ///
    /// # Errors
    /// When a glob is malformed; the error names it.
    pub fn narrowed(&self, include: &[String], exclude: &[String]) -> Result<Self, RulesError> {
        let mut settings = self.settings.clone();
        settings.exclude.extend_from_slice(exclude);
        let own = Own { include: include.to_vec(), globs: Globs::new("include", include)? };
        Ok(Self { own: (!include.is_empty()).then_some(own), ..Self::new(&settings)? })
    }

    /// The fingerprint of everything that decides whether a file is indexed.
    #[must_use]
    pub fn digest(&self) -> RulesDigest {
        let settings = &self.settings;
        let mut key = KeyBuilder::new("warmer rules v1").number(VERSION).number(settings.file_size_max);
        for flag in [settings.generated, settings.vendored, settings.lock_files, settings.minified] {
            key = key.number(u64::from(flag));
        }
        let own = self.own.iter().map(|own| &own.include);
        for globs in [&settings.include, &settings.exclude].into_iter().chain(own) {
            key = key.number(globs.len() as u64);
            key = globs.iter().fold(key, |key, glob| key.field(glob));
        }
        for names in path::LISTS {
            key = key.number(names.len() as u64);
            key = names.iter().fold(key, |key, name| key.field(name));
        }
        RulesDigest(key.finish())
    }

    /// Everything that the path and its attributes decide alone. `Ok`: look at size and content.
    ///
    /// # Errors
    /// The reason to skip the file.
    pub fn judge_path(&self, path: &[u8], facts: &PathFacts) -> Result<LanguageHint, SkipReason> {
        let path = path::plain(path).ok_or(SkipReason::OddPath)?;
        let file_name = path::file_name(path);
        let settings = &self.settings;
        let own = self.own.as_ref().is_none_or(|own| own.globs.matches(path));
        let included = own && (settings.include.is_empty() || self.include.matches(path));
        let manual = facts.generated == Some(false);
        let generated = facts.generated.unwrap_or_else(|| path::is_generated(file_name));
        let vendored = facts.vendored.unwrap_or_else(|| path::is_vendored(path));
        let verdicts = [
            (path::is_secret(path), SkipReason::Secret),
            (!included || self.exclude.matches(path), SkipReason::Excluded),
            (!settings.lock_files && path::is_lock_file(file_name), SkipReason::LockFile),
            (!settings.vendored && vendored, SkipReason::Vendored),
            (!settings.minified && !manual && path::is_minified(file_name), SkipReason::Minified),
            (!settings.generated && generated, SkipReason::Generated),
            (facts.lfs, SkipReason::LfsPointer),
            (facts.binary == Some(true), SkipReason::Binary),
        ];
        match verdicts.into_iter().find(|(applies, _)| *applies) {
            Some((_, reason)) => Err(reason),
            None => Ok(LanguageHint::of(file_name, facts)),
        }
    }

    /// By size alone, before the body is read.
    ///
    /// # Errors
    /// [`SkipReason::TooLarge`].
    pub fn judge_size(&self, bytes: u64) -> Result<(), SkipReason> {
        // Offsets in a text are 32 bits wide.
        let most = self.settings.file_size_max.min(u64::from(u32::MAX));
        if bytes > most { Err(SkipReason::TooLarge) } else { Ok(()) }
    }

    /// By content; gives it as it is stored and embedded.
    ///
    /// # Errors
    /// The reason to skip the file.
    pub fn read(&self, bytes: Vec<u8>, hint: LanguageHint) -> Result<Content, SkipReason> {
        self.judge_size(bytes.len() as u64)?;
        if pointer::is_pointer(&bytes) {
            return Err(SkipReason::LfsPointer);
        }
        let content = Content::read(bytes, hint)?;
        let (text, language) = (&*content.text, content.language);
        if content.is_key || content::is_kubeconfig(text) {
            return Err(SkipReason::Secret);
        }
        if hint.is_manual() {
            return Ok(content);
        }
        if !self.settings.generated && generated::is_generated(text, language) {
            return Err(SkipReason::Generated);
        }
        if !self.settings.minified && content::is_minified(text, language) {
            return Err(SkipReason::Minified);
        }
        Ok(content)
    }
}
