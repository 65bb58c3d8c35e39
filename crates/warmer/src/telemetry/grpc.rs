//! The exporter over gRPC, on a runtime of its own: it begins before the program's, and ends after it.

use std::sync::Arc;

use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::{Builder, Handle, Runtime};

use super::client::certificates;
use super::variables::Collector;

/// Exports on the runtime that it needs, whichever thread asks.
#[derive(Debug)]
pub(super) struct Grpc {
    exporter: Arc<OtlpExporter>,
    runtime: Handle,
}

/// The exporter that the variables ask for; it connects when it has something to send.
///
/// # Errors
/// When the endpoint is none, or the system has no thread left.
pub(super) fn exporter(collector: &Collector) -> anyhow::Result<(Grpc, Runtime)> {
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("otlp").enable_all().build()?;
    let entered = runtime.enter();
    let mut builder = OtlpExporter::builder().with_tonic().with_timeout(collector.timeout);
    if let Some(trusted) = certificates(collector) {
        builder = builder.with_tls_config(trusted);
    }
    let exporter = builder.build()?;
    drop(entered);
    Ok((Grpc { exporter: Arc::new(exporter), runtime: runtime.handle().clone() }, runtime))
}

impl SpanExporter for Grpc {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exporter = Arc::clone(&self.exporter);
        let sent = self.runtime.spawn(async move { exporter.export(batch).await });
        sent.await.unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string())))
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(exporter) = Arc::get_mut(&mut self.exporter) {
            exporter.set_resource(resource);
        }
    }
}
