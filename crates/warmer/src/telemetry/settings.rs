//! The section `[telemetry]`.

use schemars::JsonSchema;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use warmer_settings::Mistake;

/// `[telemetry]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TelemetrySettings {
    /// A level, or directives.
    pub(crate) log: String,
    /// How log lines look.
    pub(crate) format: LogFormat,
    /// The name under which traces are exported.
    pub(crate) service_name: String,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self { log: "warn".to_owned(), format: LogFormat::Text, service_name: "warmer".to_owned() }
    }
}

impl TelemetrySettings {
    /// What the values cannot say alone.
    pub(crate) fn mistakes(&self) -> Vec<Mistake> {
        let wrong = |error| {
            let expected = "expected a level or directives such as \"info,warmer_git=debug\"";
            Mistake::new("log", format!("{expected}: {error}"))
        };
        EnvFilter::try_new(&self.log).err().map(wrong).into_iter().collect()
    }
}

impl LogFormat {
    /// Whether stderr is read by a machine, which knows no lines but those of the log.
    pub(crate) fn is_for_machines(self) -> bool {
        self == Self::Json
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}
