//! Logs to stderr, traces to an OTLP collector.
//!
//! The log is for people or, as JSON, for machines; a [`Console`] stands between it and stderr so that progress bars and log
//! lines do not tear each other. Traces are exported only where an endpoint is configured.

mod console;
mod export;
mod json;
mod spans;
mod text;

use std::io::IsTerminal as _;

use tracing::Subscriber;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{LogFormat, Telemetry};
use crate::environment::Environment;

pub(crate) use console::{Console, Hooked};
pub(crate) use export::{Export, endpoint};
pub(crate) use spans::Spans;

/// Dependencies that tell more at `info` than anyone wants to read; a directive of the user's for them wins.
const QUIET: &str = "ractor=warn,";

/// Starts logs and traces for the whole process. Call it once, outside the async runtime: the exporter blocks.
///
/// # Errors
/// When the exporter cannot be built from the `OTEL_…` variables.
pub(crate) fn init(config: &Telemetry, environment: &Environment, writer: BoxMakeWriter) -> anyhow::Result<Export> {
    let filter = EnvFilter::try_new(format!("{QUIET}{}", config.log))?;
    let log = log(config.format, colour(environment), writer);
    let export = Export::start(config, environment)?;
    tracing_subscriber::registry().with(log.with_filter(filter)).with(export.layer()).try_init()?;
    Ok(export)
}

/// The layer that writes log lines.
fn log<S>(format: LogFormat, colour: bool, writer: BoxMakeWriter) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        LogFormat::Text => layer.with_ansi(colour).fmt_fields(text::Fields).boxed(),
        LogFormat::Json => layer.fmt_fields(json::Fields::new()).event_format(json::Lines).boxed(),
    }
}

/// Whether stderr takes colours: a terminal that is not dumb, and nobody said no.
fn colour(environment: &Environment) -> bool {
    std::io::stderr().is_terminal() && environment.get("NO_COLOR").is_none() && environment.text("TERM") != Some("dumb")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    /// What `work` logs, with traces on.
    pub(super) fn logged(format: LogFormat, work: impl FnOnce()) -> String {
        let (console, seen) = (Console::default(), Arc::new(Mutex::new(Vec::new())));
        let _hooked = console.hook({
            let seen = Arc::clone(&seen);
            move |line| seen.lock().unwrap().extend_from_slice(line)
        });
        let provider = SdkTracerProvider::builder().build();
        let traced = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let log = log(format, false, BoxMakeWriter::new(console.clone()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(log).with(traced), work);
        let seen = seen.lock().unwrap();
        String::from_utf8(seen.clone()).unwrap()
    }
}
