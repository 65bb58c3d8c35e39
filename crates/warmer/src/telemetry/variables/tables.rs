//! The variables that are checked, and what they may be.

use std::ops::RangeInclusive;

pub(super) const QUEUE_SIZE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
/// The SDK makes room for all of them at its start: these take 400 MB.
pub(super) const QUEUE_MOST: u32 = 1_000_000;
pub(super) const BATCH_SIZE: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
pub(super) const BATCH_TIMEOUT: &str = "OTEL_BSP_EXPORT_TIMEOUT";
pub(super) const EXPORT_INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL";
pub(super) const EXPORT_TIMEOUT: &str = "OTEL_METRIC_EXPORT_TIMEOUT";

/// Lists, and the words that each may have.
pub(super) const LISTS: [(&str, &[&str]); 2] =
    [("OTEL_TRACES_EXPORTER", &["otlp", "none"]), ("OTEL_METRICS_EXPORTER", &["otlp", "prometheus", "none"])];

/// Of these words one.
pub(super) const WORDS: [(&str, &[&str]); 9] = [
    ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", &PROTOCOLS),
    ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", &PROTOCOLS),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", &PROTOCOLS),
    ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", &COMPRESSIONS),
    ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", &COMPRESSIONS),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", &COMPRESSIONS),
    ("OTEL_TRACES_SAMPLER", &SAMPLERS),
    // Metrics have no exemplars, and their buckets are those of config/metrics.md.
    ("OTEL_METRICS_EXEMPLAR_FILTER", &["always_off"]),
    ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", &["explicit_bucket_histogram"]),
];

/// Of these words one, in whatever case.
pub(super) const WORDS_IN_ANY_CASE: [(&str, &[&str]); 4] = [
    ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", &TRUTHS),
    ("OTEL_EXPORTER_OTLP_METRICS_INSECURE", &TRUTHS),
    ("OTEL_EXPORTER_OTLP_INSECURE", &TRUTHS),
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", &["cumulative", "delta", "lowmemory"]),
];
const PROTOCOLS: [&str; 2] = ["grpc", "http/protobuf"];
const COMPRESSIONS: [&str; 2] = ["gzip", "none"];
const TRUTHS: [&str; 2] = ["true", "false"];
const SAMPLERS: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

pub(super) const PROPAGATORS: [&str; 3] = ["tracecontext", "baggage", "none"];
/// Propagators that others know.
pub(super) const FOREIGN: [&str; 5] = ["b3", "b3multi", "jaeger", "xray", "ottrace"];

pub(super) const LOGS: &str = "OTEL_LOGS_EXPORTER";
/// Exporters of logs that others know.
pub(super) const FOREIGN_LOGS: [&str; 2] = ["otlp", "console"];

/// Whole numbers, and from where to where each goes. 0 is no time that anything could be done in, or a thread that
/// never rests.
pub(super) const NUMBERS: [(&str, RangeInclusive<u32>); 24] = [
    (QUEUE_SIZE, 1..=QUEUE_MOST),
    (BATCH_SIZE, 1..=QUEUE_MOST),
    ("OTEL_BSP_SCHEDULE_DELAY", 1..=u32::MAX),
    (BATCH_TIMEOUT, 1..=u32::MAX),
    // One after the other.
    ("OTEL_BSP_MAX_CONCURRENT_EXPORTS", 1..=1),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", 1..=u32::MAX),
    ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", 1..=u32::MAX),
    ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", 1..=u32::MAX),
    (EXPORT_INTERVAL, 1..=u32::MAX),
    (EXPORT_TIMEOUT, 1..=u32::MAX),
    ("OTEL_ATTRIBUTE_COUNT_LIMIT", 0..=u32::MAX),
    ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", 0..=u32::MAX),
    ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", 0..=u32::MAX),
    ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", 0..=u32::MAX),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", 0..=u32::MAX),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", 0..=u32::MAX),
    ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", 0..=u32::MAX),
    ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", 0..=u32::MAX),
    // Of logs, which are not exported: so each of these is kept.
    ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", 0..=u32::MAX),
    ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", 0..=u32::MAX),
    ("OTEL_BLRP_SCHEDULE_DELAY", 0..=u32::MAX),
    ("OTEL_BLRP_EXPORT_TIMEOUT", 0..=u32::MAX),
    ("OTEL_BLRP_MAX_QUEUE_SIZE", 1..=u32::MAX),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", 1..=u32::MAX),
];

/// Lists of `NAME=VALUE`; what is in them may be a secret.
pub(super) const HEADERS: [&str; 3] =
    ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS"];

pub(super) const RESOURCE: &str = "OTEL_RESOURCE_ATTRIBUTES";
pub(super) const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";

/// Files that are not used, but have to be there.
pub(super) const CERTIFICATES: [&str; 9] = [
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
];

/// What is said in another way here.
pub(super) const ELSEWHERE: [(&str, &str); 2] = [
    ("OTEL_EXPORTER_PROMETHEUS_HOST", "metrics.listen says where Prometheus asks"),
    ("OTEL_EXPORTER_PROMETHEUS_PORT", "metrics.listen says where Prometheus asks"),
];

/// Files that would say all of this instead.
pub(super) const DECLARED: [&str; 2] = ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"];

/// What is exported, and the variables that say where to and how: its own first, then those of all.
#[derive(Debug)]
pub(super) struct Signal {
    pub(super) exporter: &'static str,
    pub(super) endpoints: [&'static str; 2],
    pub(super) protocols: [&'static str; 2],
    pub(super) timeouts: [&'static str; 2],
    /// How long the export of one batch may take, which is one request.
    pub(super) batch_timeout: &'static str,
}

pub(super) const TRACES: Signal = Signal {
    exporter: "OTEL_TRACES_EXPORTER",
    endpoints: ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    protocols: ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    timeouts: ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
    batch_timeout: BATCH_TIMEOUT,
};

pub(super) const METRICS: Signal = Signal {
    exporter: "OTEL_METRICS_EXPORTER",
    endpoints: ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    protocols: ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    timeouts: ["OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
    batch_timeout: EXPORT_TIMEOUT,
};
