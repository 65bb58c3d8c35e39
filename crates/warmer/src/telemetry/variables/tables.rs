//! The variables that are checked, and what they may be.

pub(super) const QUEUE_SIZE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
pub(super) const EXPORT_INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL";
pub(super) const EXPORT_TIMEOUT: &str = "OTEL_METRIC_EXPORT_TIMEOUT";

/// The values that a variable may have: of a list each.
pub(super) const WORDS: [(&str, &[&str]); 12] = [
    ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", &PROTOCOLS),
    ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", &PROTOCOLS),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", &PROTOCOLS),
    ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", &COMPRESSIONS),
    ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", &COMPRESSIONS),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", &COMPRESSIONS),
    ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", &TRUTHS),
    ("OTEL_EXPORTER_OTLP_METRICS_INSECURE", &TRUTHS),
    ("OTEL_EXPORTER_OTLP_INSECURE", &TRUTHS),
    ("OTEL_TRACES_EXPORTER", &["otlp", "none"]),
    ("OTEL_METRICS_EXPORTER", &["otlp", "prometheus", "none"]),
    ("OTEL_TRACES_SAMPLER", &SAMPLERS),
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

/// One word, in whatever case.
pub(super) const TEMPORALITY: (&str, [&str; 3]) =
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", ["cumulative", "delta", "lowmemory"]);

pub(super) const PROPAGATORS: [&str; 3] = ["tracecontext", "baggage", "none"];
/// Propagators that others know.
pub(super) const FOREIGN: [&str; 5] = ["b3", "b3multi", "jaeger", "xray", "ottrace"];

/// Whole numbers, and the least of each.
pub(super) const NUMBERS: [(&str, u32); 12] = [
    (QUEUE_SIZE, 1),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1),
    ("OTEL_BSP_SCHEDULE_DELAY", 0),
    ("OTEL_BSP_EXPORT_TIMEOUT", 0),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", 0),
    ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", 0),
    ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", 0),
    (EXPORT_INTERVAL, 1),
    (EXPORT_TIMEOUT, 1),
    ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", 0),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", 0),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", 0),
];

/// Lists of `KEY=VALUE`; what is in them may be a secret.
pub(super) const PAIRS: [&str; 4] = [
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
    "OTEL_RESOURCE_ATTRIBUTES",
];

/// What is not read.
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

/// What is exported, and the variables that say where to and how: its own first, then those of all.
#[derive(Debug)]
pub(super) struct Signal {
    pub(super) exporter: &'static str,
    pub(super) endpoints: [&'static str; 2],
    pub(super) protocols: [&'static str; 2],
    pub(super) timeouts: [&'static str; 2],
}

pub(super) const TRACES: Signal = Signal {
    exporter: "OTEL_TRACES_EXPORTER",
    endpoints: ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    protocols: ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    timeouts: ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
};

pub(super) const METRICS: Signal = Signal {
    exporter: "OTEL_METRICS_EXPORTER",
    endpoints: ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    protocols: ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    timeouts: ["OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
};
