//! What `/metrics` answers: what is measured, as text for Prometheus.

use prometheus::{Registry, TextEncoder};

/// Gauges whose names by OpenTelemetry's conventions end as the series of a histogram do, each with the name that it
/// has here: as Prometheus' own clients call it, or without that end.
const RENAMED: [(&str, &str); 3] = [
    ("db_client_connection_count", "db_client_connections"),
    ("process_open_file_descriptor_count", "process_open_fds"),
    ("process_thread_count", "process_threads"),
];

/// All that is measured now.
///
/// # Errors
/// When a family has no name or no metric.
pub(super) fn written(registry: &Registry) -> prometheus::Result<String> {
    let mut families = registry.gather();
    for family in &mut families {
        if let Some((_, name)) = RENAMED.iter().find(|(name, _)| *name == family.name()) {
            family.set_name((*name).to_owned());
        }
    }
    TextEncoder::new().encode_to_string(&families)
}
