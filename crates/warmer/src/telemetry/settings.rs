//! The section `[telemetry]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use warmer_settings::{Mistake, Size};
use warmer_traces::{TRACE_FILE_MIN, TraceFile};

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
    /// The file that traces are written to; empty for none.
    pub(crate) traces_file: String,
    /// Bytes that the file may have, with the one that was put aside.
    #[serde(with = "Size")]
    pub(crate) traces_file_max: u64,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            log: "warn".to_owned(),
            format: LogFormat::Text,
            service_name: "warmer".to_owned(),
            traces_file: String::new(),
            traces_file_max: 64 << 20,
        }
    }
}

impl TelemetrySettings {
    /// What the values cannot say alone.
    pub(crate) fn mistakes(&self) -> Vec<Mistake> {
        let wrong = |error| {
            let expected = "expected a level or directives such as \"info,warmer_git=debug\"";
            Mistake::new("log", format!("{expected}: {error}"))
        };
        let small = || Mistake::new("traces_file_max", "expected 1MiB or more: a file has room for several exports");
        let log = EnvFilter::try_new(&self.log).err().map(wrong);
        log.into_iter().chain((self.traces_file_max < TRACE_FILE_MIN).then(small)).collect()
    }

    /// Where traces are written, if they are.
    pub(super) fn trace_file(&self) -> Option<TraceFile> {
        (!self.traces_file.is_empty()).then(|| TraceFile::new(PathBuf::from(&self.traces_file), self.traces_file_max))
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
