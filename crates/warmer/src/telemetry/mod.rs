//! Logs to stderr, traces to an OTLP collector or a file.
//!
//! The log is for people or, as JSON, for machines; a [`Console`] stands between it and stderr so that progress bars
//! and log lines do not tear each other. Traces are exported only where an endpoint or a file is configured.

mod attempt_spans;
mod attempts;
mod bounded;
mod client;
mod collector;
mod console;
mod context;
mod export;
mod grpc;
mod json;
mod limits;
mod lines;
mod losses;
mod settings;
mod spans;
mod target;
mod text;
mod to_file;
mod variables;

use std::io::IsTerminal as _;
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use tracing::dispatcher::{self, Dispatch};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::{Filter, SubscriberExt as _};
use tracing_subscriber::{EnvFilter, Layer as _, Registry, reload};

use warmer_pipeline::Identity;

use crate::environment::Environment;

pub(crate) use attempt_spans::AttemptSpans;
pub(crate) use attempts::Attempts;
pub(crate) use client::{certificates, client};
pub(crate) use collector::{Unreachable, reach};
pub(crate) use console::{Console, Hooked};
pub(crate) use export::{Export, resource};
pub(crate) use losses::Losses;
pub(crate) use settings::TelemetrySettings;
pub(crate) use spans::{Continued, Spans};
pub(crate) use target::Target;
pub(crate) use variables::{Collector, Protocol, Variables};

use lines::Around;
use settings::LogFormat;

/// Dependencies that tell more at `info` than anyone wants to read; a directive of the user's for them wins. What
/// OpenTelemetry's SDK tells of an export is told here, with the reason and once in a while.
const QUIET: &str = "ractor=warn,opentelemetry=off,opentelemetry_sdk=off,opentelemetry-otlp=off,\
                     opentelemetry-prometheus=off,";

/// What is logged, once the log has begun.
static LEVEL: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts logs and traces for the whole process. Call it once, outside the async runtime: the exporter blocks.
///
/// # Errors
/// When the exporter cannot be built from the `OTEL_…` variables.
pub(crate) fn init(
    config: &TelemetrySettings,
    (environment, variables): (&Environment, &Variables),
    identity: &Identity,
    writer: BoxMakeWriter,
) -> anyhow::Result<Export> {
    let export = Export::start(config, (environment, variables), identity)?;
    let (filter, handle) = reload::Layer::new(EnvFilter::try_new(format!("{QUIET}{}", config.log))?);
    // There is one log for the whole process.
    LEVEL.set(handle).ok();
    let look = (config.format, colour(environment));
    dispatcher::set_global_default(dispatch(look, identity, writer, filter, &export))?;
    for warning in &variables.warnings {
        tracing::warn!("{warning}");
    }
    Ok(export)
}

/// Logs by this level, or these directives, from now on.
///
/// # Errors
/// When they do not read, or nothing is logged yet.
pub(crate) fn set_level(directives: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("{QUIET}{directives}"))?;
    LEVEL.get().context("the log has not begun")?.reload(filter)?;
    Ok(())
}

/// Everything that spans and events go through.
fn dispatch<F>(
    (format, colour): (LogFormat, bool),
    identity: &Identity,
    writer: BoxMakeWriter,
    filter: F,
    export: &Export,
) -> Dispatch
where
    F: Filter<Registry> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    let finished = Arc::new(OnceLock::new());
    let around = Around::new(Arc::clone(&finished), identity.clone());
    let log = match format {
        LogFormat::Text => {
            let lines = text::Lines::new(around, colour);
            layer.with_ansi(colour).fmt_fields(text::Fields).event_format(lines).boxed()
        }
        LogFormat::Json => layer.fmt_fields(json::Fields::new()).event_format(json::Lines::new(around)).boxed(),
    };
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(log.with_filter(filter)).with(export.layer()));
    finished.get_or_init(|| dispatch.downgrade());
    dispatch
}

/// Whether stderr takes colours: a terminal that is not dumb, and nobody said no.
fn colour(environment: &Environment) -> bool {
    std::io::stderr().is_terminal() && environment.get("NO_COLOR").is_none() && environment.text("TERM") != Some("dumb")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What `work` logs, with traces on.
    pub(super) fn logged(format: LogFormat, work: impl FnOnce()) -> String {
        let (console, seen) = (Console::default(), Arc::new(Mutex::new(Vec::new())));
        let _hooked = console.hook({
            let seen = Arc::clone(&seen);
            move |line| seen.lock().unwrap().extend_from_slice(line)
        });
        let filter = EnvFilter::new("info");
        let (identity, export) = (Identity::random(), Export::of_nothing());
        let dispatch = dispatch((format, false), &identity, BoxMakeWriter::new(console), filter, &export);
        dispatcher::with_default(&dispatch, work);
        let seen = seen.lock().unwrap();
        String::from_utf8(seen.clone()).unwrap()
    }
}
