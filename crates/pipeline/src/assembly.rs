//! Puts the tools of the stages together from the settings: the only place that does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use warmer_content::{ChunkLimits, Chunker, ContentSettings, Recipe, Rules, RulesError};
use warmer_embedding::{Local, Model, ModelError, ModelFiles, ModelSettings};
use warmer_git::Mirrors;
use warmer_store::{Configuration, Store};

use crate::faults::NoFaults;
use crate::fleet::Fleet;
use crate::git_workers::GitWorkers;
use crate::identity::Identity;
use crate::settings::Settings;
use crate::tools::{Tools, Untraced};

/// What tools are made of.
pub struct Assembly<'a> {
    /// The queue and the cache.
    pub store: Arc<dyn Store>,
    /// The mirrors on local disk.
    pub mirrors: Arc<Mirrors>,
    /// Who does git's work.
    pub git: Arc<GitWorkers>,
    /// What is indexed, and how it is cut.
    pub content: &'a ContentSettings,
    /// How the model is read.
    pub model: &'a ModelSettings,
    /// Where the model is.
    pub model_directory: &'a Path,
    /// The shared library of the runtime.
    pub library: PathBuf,
    /// The limits of the pipeline.
    pub settings: &'a Settings,
    /// The version of the program, which all instances are to have alike.
    pub version: &'static str,
}

/// Why there are no tools.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    /// The model is not there, or not whole.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A glob of the settings is malformed.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

impl Assembly<'_> {
    /// Everything the stages work with, for a process that traces nothing, runs every job itself and has no faults.
    /// Reads the model's fingerprint; loads neither model nor runtime.
    ///
    /// # Errors
    /// When the model is not there, or a glob does not read.
    pub fn tools(self) -> Result<Tools, AssemblyError> {
        let files = ModelFiles::locate(self.model_directory, self.model.length_max())?;
        let fingerprint = files.fingerprint()?;
        let chunker = Chunker::new(ChunkLimits::new(self.content));
        let recipe = Recipe { embedding: fingerprint, chunking: chunker.id() };
        let rules = Rules::new(self.content)?;
        let fleet = Fleet::of(self.agreement(recipe, &rules));
        let embedder = &self.settings.embedder;
        let model = Model::new(files, fingerprint, self.library.clone(), embedder.threads);
        let model = model.for_sessions(embedder.limits().workers);
        Ok(Tools {
            patience: self.patience(),
            store: self.store,
            mirrors: self.mirrors,
            git: self.git,
            rules: Arc::new(rules),
            chunker: Arc::new(chunker),
            provider: Arc::new(Local::new(Arc::new(model))),
            recipe,
            fleet,
            identity: Identity::random(),
            faults: Arc::new(NoFaults),
            tracer: Arc::new(Untraced),
            isolation: None,
        })
    }

    /// What all instances of a database are to have alike; the keys name what differs, to people.
    fn agreement(&self, recipe: Recipe, rules: &Rules) -> Configuration {
        let slots = self.settings.claimer.slots;
        let model: String = recipe.embedding.to_string().chars().take(16).collect();
        let content = self.content.agreed().map(|(key, value)| (format!("content.{key}"), value));
        let others = [
            ("model", model),
            ("model.length_max", self.model.length_max.to_string()),
            ("claimer.slots", slots.to_string()),
            ("version", self.version.to_owned()),
        ];
        let mut keys: BTreeMap<_, _> =
            content.into_iter().chain(others.map(|(key, value)| (key.to_owned(), value))).collect();
        let windows = self.settings.windows.clone();
        if !windows.is_empty() {
            let written = windows.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            keys.insert("windows".to_owned(), written);
        }
        Configuration { recipe, rules: rules.digest(), slots, windows, keys }
    }

    /// The time that one file may take, over all that is done to it: in milliseconds.
    fn patience(&self) -> u64 {
        let Settings { hasher, embedder, .. } = self.settings;
        let limits = [self.content.parse_deadline, hasher.file_deadline, embedder.text_deadline];
        limits.iter().map(Duration::as_millis).sum::<u128>().try_into().unwrap_or(u64::MAX)
    }
}
