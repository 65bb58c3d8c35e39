//! The section `[telemetry]`.

use schemars::JsonSchema;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use warmer_pipeline::Kept;
use warmer_settings::{Mistake, Size, absolute};
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
    /// Batches of each stage of an attempt that have a span.
    pub(crate) batches_max: usize,
    /// Calls of each of those that have one.
    pub(crate) calls_max: usize,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            log: "warn".to_owned(),
            format: LogFormat::Text,
            service_name: "warmer".to_owned(),
            traces_file: String::new(),
            traces_file_max: 64 << 20,
            batches_max: Kept::default().batches,
            calls_max: Kept::default().calls,
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
        let bounds =
            [("batches_max", self.batches_max, Kept::MOST.batches), ("calls_max", self.calls_max, Kept::MOST.calls)];
        let bounds = bounds.into_iter().filter(|(_, bound, most)| !(1..=*most).contains(bound));
        let bounds = bounds.map(|(key, _, most)| Mistake::new(key, format!("expected 1 to {most}")));
        log.into_iter().chain((self.traces_file_max < TRACE_FILE_MIN).then(small)).chain(bounds).collect()
    }

    /// What of an attempt becomes spans.
    pub(crate) fn kept(&self) -> Kept {
        Kept { batches: self.batches_max, calls: self.calls_max }
    }

    /// Where traces are written, if they are.
    pub(super) fn trace_file(&self) -> Option<TraceFile> {
        (!self.traces_file.is_empty()).then(|| TraceFile::new(absolute(&self.traces_file), self.traces_file_max))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_spans_has_a_bound_that_is_not_nothing_and_fits_into_one_message() {
        let mistakes = |batches_max, calls_max| {
            let settings = TelemetrySettings { batches_max, calls_max, ..TelemetrySettings::default() };
            settings.mistakes().len()
        };
        let Kept { batches, calls } = Kept::MOST;
        assert_eq!((mistakes(1, 1), mistakes(batches, calls)), (0, 0));
        assert_eq!([(0, 1), (1, 0), (batches + 1, 1), (1, calls + 1)].map(|(one, other)| mistakes(one, other)), [1; 4]);
    }
}
