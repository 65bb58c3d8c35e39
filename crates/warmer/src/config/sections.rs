//! The whole configuration. What each key means, and its default, is in `config/warmer.toml`; each section is the
//! settings of the crate that it is for.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use warmer_content::ContentSettings;
use warmer_embedding::{ModelSettings, RuntimeSettings};
use warmer_git::GitSettings;
use warmer_pipeline::{
    ClaimerSettings, EmbedderSettings, FetcherSettings, FillSettings, HasherSettings, SchedulerSettings, Settings,
    StorerSettings, SupervisionSettings,
};
use warmer_query::SearchSettings;
use warmer_serve::AdminSettings;
use warmer_serve::webhooks::WebhookSettings;
use warmer_settings::{Mistake, Pause, Workers};
use warmer_store::{DatabaseSettings, GcSettings, Window};

use super::repositories::Repository;
use crate::metrics::MetricsSettings;
use crate::telemetry::TelemetrySettings;

/// The whole configuration. Where it is read no section has a default of its own: the manual has them all.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default)]
    pub(crate) repositories: Vec<Repository>,
    #[serde(default)]
    pub(crate) windows: Vec<Window>,
    pub(crate) database: DatabaseSettings,
    pub(crate) claimer: ClaimerSettings,
    pub(crate) scheduler: SchedulerSettings,
    pub(crate) shutdown: ShutdownSettings,
    pub(crate) reload: ReloadSettings,
    pub(crate) tune: TuneSettings,
    pub(crate) admin: AdminSettings,
    pub(crate) webhooks: WebhookSettings,
    pub(crate) fetcher: FetcherSettings,
    pub(crate) hasher: HasherSettings,
    pub(crate) fill: FillSettings,
    pub(crate) embedder: EmbedderSettings,
    pub(crate) storer: StorerSettings,
    pub(crate) git: GitSettings,
    pub(crate) content: ContentSettings,
    pub(crate) model: ModelSettings,
    pub(crate) runtime: RuntimeSettings,
    pub(crate) search: SearchSettings,
    pub(crate) supervision: SupervisionSettings,
    pub(crate) gc: GcSettings,
    pub(crate) telemetry: TelemetrySettings,
    pub(crate) metrics: MetricsSettings,
}

impl Config {
    /// What the values of the sections cannot say alone, each with its section.
    pub(super) fn mistakes(&self) -> impl Iterator<Item = (&'static str, Mistake)> {
        let sections = [
            ("database", self.database.mistakes()),
            ("claimer", self.claimer.mistakes()),
            ("admin", self.admin.mistakes()),
            ("scheduler", self.scheduler.mistakes()),
            ("webhooks", self.webhooks.mistakes()),
            ("git", self.git.mistakes()),
            ("content", self.content.mistakes()),
            ("supervision", self.supervision.mistakes()),
            ("telemetry", self.telemetry.mistakes()),
            ("metrics", self.metrics.mistakes()),
        ];
        sections.into_iter().flat_map(|(section, mistakes)| mistakes.into_iter().map(move |mistake| (section, mistake)))
    }

    /// The pipeline's settings.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            claimer: self.claimer.clone(),
            fetcher: self.fetcher.clone(),
            hasher: self.hasher.clone(),
            fill: self.fill.clone(),
            embedder: self.embedder.clone(),
            storer: self.storer.clone(),
            supervision: self.supervision.clone(),
            windows: self.windows.clone(),
            ..Settings::default()
        }
    }

    /// The pipeline's settings for a process that stays: it also puts what is due in the queue, and takes its turn at
    /// the upkeep.
    pub(crate) fn daemon_settings(&self) -> Settings {
        Settings { scheduler: Some(self.scheduler.clone()), upkeep: Some(self.gc.clone()), ..self.settings() }
    }
}

/// `[shutdown]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShutdownSettings {
    /// How long requests are served, and jobs taken, after SIGTERM.
    #[serde(with = "Pause")]
    pub(crate) drain_delay: Duration,
    /// How long open jobs then have to end.
    #[serde(with = "Pause")]
    pub(crate) grace: Duration,
}

impl Default for ShutdownSettings {
    fn default() -> Self {
        Self { drain_delay: Duration::from_secs(5), grace: Duration::from_secs(30) }
    }
}

/// `[reload]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReloadSettings {
    /// Whether the configuration is read again when one of its files has changed.
    pub(crate) watch: bool,
}

/// `[tune]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TuneSettings {
    /// The most workers that a pool may be given by `warmer tune`; 0 is what suits the machine.
    #[serde(with = "Workers")]
    pub(crate) max: usize,
}
