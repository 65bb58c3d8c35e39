//! Logs to stderr, traces to an OTLP collector.
//!
//! The log is for people or, as JSON, for machines; a [`Console`] stands between it and stderr so that progress bars and log
//! lines do not tear each other. Traces are exported only where an endpoint is configured.

mod console;
mod export;
mod json;
mod spans;
mod text;
mod tracer;

use std::io::IsTerminal as _;

use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::{LogFormat, Telemetry};
use crate::environment::Environment;

pub(crate) use console::{Console, Hooked};
pub(crate) use export::{Export, endpoint};
pub(crate) use tracer::{Attempts, traceparent};
pub(crate) use spans::Spans;

/// Dependencies that tell more at `info` than anyone wants to read; a directive of the user's for them wins.
const QUIET: &str = "ractor=warn,";

/// Starts logs and traces for the whole process. Call it once, outside the async runtime: the exporter blocks.
///
/// # Errors
/// When the exporter cannot be built from the `OTEL_…` variables.
pub(crate) fn init(config: &Telemetry, environment: &Environment, writer: BoxMakeWriter) -> anyhow::Result<Export> {
    let filter = EnvFilter::try_new(format!("{QUIET}{}", config.log))?;
    let format = tracing_subscriber::fmt::layer().with_writer(writer);
    let log = match config.format {
        LogFormat::Text => format.with_ansi(colour(environment)).fmt_fields(text::Fields).boxed(),
        LogFormat::Json => format.fmt_fields(json::Fields::new()).event_format(json::Lines).boxed(),
    };
    let export = Export::start(config, environment)?;
    tracing_subscriber::registry().with(log.with_filter(filter)).with(export.layer()).try_init()?;
    Ok(export)
}

/// Whether stderr takes colours: a terminal that is not dumb, and nobody said no.
fn colour(environment: &Environment) -> bool {
    std::io::stderr().is_terminal() && environment.get("NO_COLOR").is_none() && environment.text("TERM") != Some("dumb")
}
