//! Traces to an OTLP collector over http/protobuf, where an endpoint is configured; nothing at all where none is.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter as OtlpExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;
use warmer_serve::RateLimit;
use warmer_settings::redacted;

use super::collector::{Unreachable, endpoint, reach};
use super::settings::TelemetrySettings;
use crate::environment::Environment;

/// The longest wait for the last spans at the end of the process. A collector that hangs must not hold it.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// Spans that wait for export. The SDK's own 2,048 lose spans where many small batches end in a burst.
const QUEUE: usize = 8192;

/// The export of traces; without an endpoint there is none, and this does nothing.
pub(crate) struct Export(Option<SdkTracerProvider>);

impl Export {
    /// Starts the exporter's thread, where an endpoint is configured.
    pub(super) fn start(config: &TelemetrySettings, environment: &Environment) -> anyhow::Result<Self> {
        let Some((_, url)) = endpoint(environment) else { return Ok(Self(None)) };
        // The exporter's HTTP client takes the provider of the process, and panics without one.
        rustls::crypto::ring::default_provider().install_default().ok();
        let exporter = OtlpExporter::builder().with_http().build()?;
        let exporter = Noted { exporter, url: url.to_owned(), dropped: RateLimit::default() };
        let queue = BatchConfigBuilder::default();
        let queue = match environment.get("OTEL_BSP_MAX_QUEUE_SIZE") {
            Some(_) => queue,
            None => queue.with_max_queue_size(QUEUE),
        };
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(queue.build()).build();
        let provider = SdkTracerProvider::builder().with_span_processor(processor);
        let provider = provider.with_resource(resource(config, environment)).build();
        // For the spans that are made after the fact, by their times.
        opentelemetry::global::set_tracer_provider(provider.clone());
        Ok(Self(Some(provider)))
    }

    /// The layer that makes spans of our own crates into exported ones. Those of dependencies (an actor's lifetime, a
    /// request of the exporter itself) are nobody's business.
    pub(super) fn layer<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let tracer = self.0.as_ref()?.tracer("warmer");
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        Some(layer.with_filter(Targets::new().with_target("warmer", LevelFilter::INFO)))
    }

    /// Sends what is left. Call it outside the async runtime.
    pub(crate) fn finish(self) {
        if let Some(Err(error)) = self.0.map(|provider| provider.shutdown_with_timeout(FLUSH_MAX)) {
            tracing::warn!("cannot export the last spans: {error}");
        }
    }
}

/// An exporter that logs when spans are dropped: the SDK does not.
#[derive(Debug)]
struct Noted<E> {
    exporter: E,
    url: String,
    dropped: RateLimit,
}

impl<E: SpanExporter> SpanExporter for Noted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let exported = self.exporter.export(batch).await;
        if let Err(error) = &exported
            && let Some(total) = self.dropped.add_many(spans)
        {
            tracing::warn!("dropped {total} spans: {}", why(&self.url, error));
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Why spans are dropped. The exporter says no more than that the network failed, so the collector is looked for again.
/// Blocks; the exporter has a thread of its own.
fn why(url: &str, error: &OTelSdkError) -> String {
    let shown = redacted(url);
    match reach(url) {
        Err(Unreachable::Closed(reason)) => format!("cannot reach {shown} ({})", reason.kind()),
        Err(Unreachable::NotAUrl) => format!("{shown} is no URL of a collector"),
        Ok(()) => format!("the collector at {shown} does not take them ({error})"),
    }
}

/// Who we are. A name given by the environment wins; the SDK reads it itself, but only where none is set here.
fn resource(config: &TelemetrySettings, environment: &Environment) -> Resource {
    let named = environment.get("OTEL_SERVICE_NAME").is_some()
        || environment.text("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|text| text.contains("service.name="));
    let resource = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    if named { resource.build() } else { resource.with_service_name(config.service_name.clone()).build() }
}

#[cfg(test)]
impl Export {
    /// Traces that go nowhere.
    pub(super) fn of_nothing() -> Self {
        Self(Some(SdkTracerProvider::builder().build()))
    }
}
