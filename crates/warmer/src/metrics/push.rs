//! The export of metrics over OTLP, every minute unless `OTEL_METRIC_EXPORT_INTERVAL` says otherwise, on a thread of
//! its own: nobody waits for a collector.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::{Duration, Instant};

use opentelemetry_otlp::{MetricExporter, WithExportConfig as _, WithHttpConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::output::{counted, duration};
use crate::telemetry::{Collector, Losses, Protocol, Target, certificates, client};

/// The export, as its end is brought about.
pub(super) struct Pushing {
    target: Target,
    state: Arc<State>,
    /// What gRPC runs on.
    runtime: Option<Runtime>,
}

/// What the end has to know of an export, and it of the end.
#[derive(Default)]
struct State {
    under_way: AtomicBool,
    /// That the last export did not come to its end was told: what becomes of it is no news.
    ended: AtomicBool,
}

/// Reads all metrics and sends them, from time to time.
///
/// # Errors
/// When the endpoint is none, or the system has no thread left.
pub(super) fn reader(collector: &Collector) -> anyhow::Result<(PeriodicReader<Pushed>, Pushing)> {
    let (exporter, runtime) = exporter(collector)?;
    let handle = runtime.as_ref().map(|runtime| runtime.handle().clone());
    let target = Target::of(collector);
    let state = Arc::<State>::default();
    let pushing = Pushing { target: target.clone(), state: state.clone(), runtime };
    let pushed = Pushed { exporter, runtime: handle, target, state, told: Losses::default() };
    // The variable of the interval is read there.
    Ok((PeriodicReader::builder(pushed).build(), pushing))
}

impl Pushing {
    /// Sends what is left. Takes as long as the SDK waits: 5 seconds at most.
    pub(super) fn end(self, provider: &SdkMeterProvider) {
        // An export that failed was told where it did.
        let ended = provider.shutdown().is_ok();
        if !ended && self.state.under_way.load(Acquire) {
            self.state.ended.store(true, Release);
            tracing::warn!("cannot export the last metrics: {}", self.target.late());
        }
        if let Some(runtime) = self.runtime {
            runtime.shutdown_background();
        }
    }
}

fn exporter(collector: &Collector) -> anyhow::Result<(MetricExporter, Option<Runtime>)> {
    if collector.protocol == Protocol::Http {
        let builder = MetricExporter::builder().with_http().with_http_client(client(collector)?);
        return Ok((builder.with_timeout(collector.timeout).build()?, None));
    }
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("metrics").enable_all().build()?;
    let entered = runtime.enter();
    let mut builder = MetricExporter::builder().with_tonic().with_timeout(collector.timeout);
    if let Some(trusted) = certificates(collector) {
        builder = builder.with_tls_config(trusted);
    }
    let exporter = builder.build()?;
    drop(entered);
    Ok((exporter, Some(runtime)))
}

/// Sends what was read, and tells where it cannot: the SDK says nothing that a person could use.
pub(super) struct Pushed {
    exporter: MetricExporter,
    /// What gRPC runs on.
    runtime: Option<Handle>,
    target: Target,
    state: Arc<State>,
    told: Losses,
}

impl PushMetricExporter for Pushed {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.state.under_way.store(true, Release);
        let began = Instant::now();
        let sent = match &self.runtime {
            // The thread that reads belongs to no runtime, and waits here for the one that sends.
            Some(runtime) => runtime.block_on(self.exporter.export(metrics)),
            None => self.exporter.export(metrics).await,
        };
        self.state.under_way.store(false, Release);
        if self.state.ended.load(Acquire) {
            return sent;
        }
        match &sent {
            Ok(()) => {
                if let Some((exports, lasted)) = self.told.well() {
                    let exports = counted(exports, "export");
                    tracing::warn!("metrics are exported again: {exports} failed within {}", duration(lasted));
                }
            }
            Err(error) => {
                if let Some(why) = self.told.lose(1, || self.target.why(error, began.elapsed())) {
                    tracing::warn!("cannot export metrics: {why}; the failures are told once they are over");
                }
            }
        }
        sent
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
