//! Puts the tools of the stages together from the settings: the only place that does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Handle;
use warmer_content::{ChunkLimits, Chunker, ContentSettings, EmbeddingId, Recipe, Rules, RulesError};
use warmer_embedding::{Absent, Local, Model, ModelFiles, ModelSettings, Provider};
use warmer_git::Mirrors;
use warmer_store::{Configuration, GenerationState, MODEL_KEYS, Store, StoreError, model_name};

use crate::faults::NoFaults;
use crate::fleet::Fleet;
use crate::git_workers::GitWorkers;
use crate::identity::Identity;
use crate::kept::Kept;
use crate::live::Live;
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
    /// The shared library of the runtime, or the sentence that says why there is none.
    pub library: Result<PathBuf, String>,
    /// The limits of the pipeline.
    pub settings: &'a Settings,
    /// The version of the program, which all instances are to have alike.
    pub version: &'static str,
    /// Who this process is in the queue.
    pub identity: Identity,
    /// Whose blocking threads run the model: a push is not to wait for it.
    pub background: Handle,
}

/// Why there are no tools.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    /// The database does not say what it goes by.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A glob of the settings is malformed.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

impl Assembly<'_> {
    /// Everything the stages work with, for a process that traces nothing, runs every job itself and has no faults.
    /// Reads the model's fingerprint; loads neither model nor runtime. Where one of them is not there, what the
    /// database goes by stands in its place: everything but the vectors needs neither.
    ///
    /// # Errors
    /// When a glob does not read, or, without a model, the database does not answer.
    pub async fn tools(self) -> Result<Tools, AssemblyError> {
        let provider: Arc<dyn Provider> = match self.local() {
            Ok(local) => Arc::new(local),
            Err(why) => Arc::new(Absent::new(known_embedding(self.store.as_ref()).await?, why)),
        };
        let chunker = Chunker::new(ChunkLimits::new(self.content));
        let recipe = Recipe { embedding: provider.embedding_id(), chunking: chunker.id() };
        let rules = Rules::new(self.content)?;
        let says = if provider.missing().is_some() { EmbeddingId::NONE } else { recipe.embedding };
        let fleet = Fleet::of(self.agreement(Recipe { embedding: says, ..recipe }, &rules));
        Ok(Tools {
            patience: Live::new(self.patience()),
            store: self.store,
            mirrors: self.mirrors,
            git: self.git,
            rules: Arc::new(rules),
            chunker: Arc::new(chunker),
            provider,
            recipe,
            fleet,
            identity: self.identity,
            faults: Arc::new(NoFaults),
            tracer: Arc::new(Untraced),
            isolation: None,
            kept: Kept::default(),
            fills: true,
        })
    }

    /// The model of this machine; else what is missing, in one sentence.
    fn local(&self) -> Result<Local, String> {
        let library = self.library.clone()?;
        let files = ModelFiles::locate(self.model_directory, self.model.length_max());
        let files = files.map_err(|error| error.to_string())?;
        let fingerprint = files.fingerprint().map_err(|error| error.to_string())?;
        let embedder = &self.settings.embedder;
        let model = Model::new(files, fingerprint, library, embedder.threads);
        Ok(Local::new(Arc::new(model.for_sessions(embedder.limits().workers))).on(self.background.clone()))
    }

    /// What all instances of a database are to have alike; the keys name what differs, to people.
    fn agreement(&self, recipe: Recipe, rules: &Rules) -> Configuration {
        let slots = self.settings.claimer.slots;
        let content = self.content.agreed().map(|(key, value)| (format!("content.{key}"), value));
        let others = [
            (MODEL_KEYS[0], model_name(recipe.embedding)),
            (MODEL_KEYS[1], self.model.length_max.to_string()),
            ("version", self.version.to_owned()),
        ];
        let keys: BTreeMap<_, _> =
            content.into_iter().chain(others.map(|(key, value)| (key.to_owned(), value))).collect();
        let bare = Configuration { recipe, rules: rules.digest(), slots, windows: vec![], keys };
        bare.with_slots(slots, self.settings.windows.clone())
    }

    /// The time that one file may take, over all that is done to it: in milliseconds.
    fn patience(&self) -> u64 {
        let parse = u64::try_from(self.content.parse_deadline.as_millis()).unwrap_or(u64::MAX);
        parse.saturating_add(self.settings.file_time())
    }
}

/// The embedding that is published by without a model here: the active one, else the one that was begun last, else the
/// fleet's, which has published nothing yet.
async fn known_embedding(store: &dyn Store) -> Result<EmbeddingId, StoreError> {
    let mut all = store.generations().await?;
    all.retain(|generation| generation.recipe.embedding != EmbeddingId::NONE);
    let of = |state| all.iter().find(|generation| generation.state == state);
    if let Some(known) = of(GenerationState::Active).or_else(|| of(GenerationState::Building)) {
        return Ok(known.recipe.embedding);
    }
    let fleet = store.fleet().await?;
    Ok(fleet.map_or(EmbeddingId::NONE, |fleet| fleet.configuration.recipe.embedding))
}
