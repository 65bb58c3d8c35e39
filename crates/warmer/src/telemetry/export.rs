//! Traces to an OTLP collector, where one is named, and to a file, where one is configured; nothing at all where
//! neither is.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Runtime;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;
use warmer_pipeline::Identity;
use warmer_traces::names;

use super::bounded::{Bounded, Counts};
use super::client::client;
use super::context::W3c;
use super::grpc;
use super::limits::Limits;
use super::settings::TelemetrySettings;
use super::target::Target;
use super::to_file::ToFile;
use super::variables::{Collector, Protocol, Variables, resource_attributes};
use crate::environment::Environment;

/// The longest wait for the last spans at the end of the process. A collector that hangs must not hold it.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// The export of traces. Where nothing is exported it does nothing.
#[derive(Default)]
pub(crate) struct Export {
    provider: Option<SdkTracerProvider>,
    counts: Vec<Arc<Counts>>,
    /// What gRPC runs on.
    runtime: Option<Runtime>,
}

impl Export {
    /// Starts the exporters' threads, where there are any.
    pub(super) fn start(
        config: &TelemetrySettings,
        (environment, variables): (&Environment, &Variables),
        identity: &Identity,
    ) -> anyhow::Result<Self> {
        let (mut export, mut processors) = (Self::default(), vec![]);
        let limits = Limits::of(environment);
        let bounds = (variables.queue, limits);
        if let Some(file) = config.trace_file() {
            let target = Target::File(config.traces_file.clone());
            processors.push(Bounded::new(ToFile::new(file), target, bounds));
        }
        if let Some(collector) = &variables.collector {
            processors.push(export.collector(collector, bounds)?);
        }
        if processors.is_empty() {
            return Ok(export);
        }
        export.counts = processors.iter().map(Bounded::counts).collect();
        let builder = SdkTracerProvider::builder().with_span_limits(limits.counts);
        let builder = builder.with_resource(resource(config, environment, identity));
        let provider = processors.into_iter().fold(builder, |builder, each| builder.with_span_processor(each)).build();
        global::set_tracer_provider(provider.clone());
        if variables.propagates {
            warmer_traces::install(Box::new(W3c));
        }
        export.provider = Some(provider);
        Ok(export)
    }

    fn collector(&mut self, collector: &Collector, bounds: (usize, Limits)) -> anyhow::Result<Bounded> {
        let target = Target::of(collector);
        Ok(match collector.protocol {
            Protocol::Http => {
                let builder = OtlpExporter::builder().with_http().with_http_client(client(collector)?);
                Bounded::new(builder.with_timeout(collector.timeout).build()?, target, bounds)
            }
            Protocol::Grpc => {
                let (exporter, runtime) = grpc::exporter(collector)?;
                self.runtime = Some(runtime);
                Bounded::new(exporter, target, bounds)
            }
        })
    }

    /// The layer that makes spans of our own crates into exported ones. Those of dependencies (an actor's lifetime, a
    /// request of the exporter itself) are nobody's business.
    pub(super) fn layer<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let tracer = self.provider.as_ref()?.tracer("warmer");
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            // Nobody asks OpenTelemetry which span is current, and each poll of each task would tell it.
            .with_context_activation(false)
            .with_target(false);
        Some(layer.with_filter(Targets::new().with_target("warmer", LevelFilter::INFO)))
    }

    /// Sends what is left, and tells what could not be sent. Call it outside the async runtime.
    pub(crate) fn finish(self) {
        let Some(provider) = self.provider else { return };
        // What that says is said better below.
        let _ = provider.shutdown_with_timeout(FLUSH_MAX);
        for counts in self.counts {
            if let Some(lost) = counts.end() {
                tracing::warn!("{lost}");
            }
        }
        if let Some(runtime) = self.runtime {
            runtime.shutdown_background();
        }
    }
}

/// Who we are. What the environment says goes before.
pub(crate) fn resource(config: &TelemetrySettings, environment: &Environment, identity: &Identity) -> Resource {
    let ours = [
        KeyValue::new(names::SERVICE_NAME, config.service_name.clone()),
        KeyValue::new(names::SERVICE_VERSION, env!("CARGO_PKG_VERSION")),
        KeyValue::new(names::SERVICE_INSTANCE, identity.get().0.to_string()),
        KeyValue::new(names::HOST_NAME, rustix::system::uname().nodename().to_string_lossy().into_owned()),
        KeyValue::new(names::PROCESS_PID, i64::from(std::process::id())),
    ];
    let theirs = resource_attributes(environment);
    let ours = ours.into_iter().filter(|attribute| theirs.iter().all(|(key, _)| key != attribute.key.as_str()));
    let theirs = theirs.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    // The SDK's own reading of the environment leaves `%2C` as it is.
    let builder = Resource::builder_empty().with_detector(Box::new(TelemetryResourceDetector));
    builder.with_attributes(ours.chain(theirs)).build()
}

#[cfg(test)]
impl Export {
    /// Traces that go nowhere.
    pub(super) fn of_nothing() -> Self {
        Self { provider: Some(SdkTracerProvider::builder().build()), ..Self::default() }
    }
}
