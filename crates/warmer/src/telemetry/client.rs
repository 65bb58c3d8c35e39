//! What speaks to a collector.

use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use reqwest::blocking::Client;

use super::variables::Collector;

/// The client of an exporter over HTTP. Call it outside the async runtime: it blocks.
///
/// # Errors
/// When the certificates that it needs cannot be read, or the system has no thread left.
pub(crate) fn client(collector: &Collector) -> reqwest::Result<Client> {
    // The client takes the provider of the process, and panics without one.
    rustls::crypto::ring::default_provider().install_default().ok();
    let builder = Client::builder().timeout(collector.timeout);
    let builder = if collector.is_plain() { builder.tls_certs_only([]) } else { builder };
    builder.build()
}

/// Whom an exporter over gRPC trusts; `None`: nobody has to be.
pub(crate) fn certificates(collector: &Collector) -> Option<ClientTlsConfig> {
    rustls::crypto::ring::default_provider().install_default().ok();
    (!collector.is_plain()).then(|| ClientTlsConfig::new().with_enabled_roots())
}
