//! Metrics as they come out of a process under test: as text at `/metrics`, and over OTLP to a receiver.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use tonic::service::Routes;

use crate::loopback::Loopback;
use crate::otlp;

/// How long a condition may take to come true before the wait fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A metric as Prometheus' text has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Family {
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// What it says.
    pub help: String,
    /// The values of each label, less `le`.
    pub labels: BTreeMap<String, BTreeSet<String>>,
    /// How many series it has.
    pub samples: usize,
}

/// Reads Prometheus' text.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::<String, Family>::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            families.entry(name.to_owned()).or_default().help = help.to_owned();
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            families.entry(name.to_owned()).or_default().kind = kind.to_owned();
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
            value.parse::<f64>().unwrap_or_else(|_| panic!("{line} has no number"));
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let of = ["_bucket", "_sum", "_count"].iter().filter_map(|end| name.strip_suffix(end));
            let name = of.chain([name]).find(|name| families.contains_key(*name)).expect("it was told of before");
            let family = families.get_mut(name).expect("just found");
            family.samples += 1;
            for (label, value) in pairs(labels.trim_end_matches('}')).filter(|(label, _)| label != "le") {
                family.labels.entry(label).or_default().insert(value);
            }
        }
    }
    families
}

/// `a="b",c="d"`; a quotation mark in a value is behind a backslash.
fn pairs(labels: &str) -> impl Iterator<Item = (String, String)> {
    let mut rest = labels;
    std::iter::from_fn(move || {
        let (label, behind) = rest.split_once("=\"")?;
        let mut escaped = false;
        let end = behind.find(|letter| {
            let ends = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            ends
        })?;
        rest = behind[end + 1..].trim_start_matches(',');
        Some((label.to_owned(), behind[..end].to_owned()))
    })
}

/// A metric as it arrived over OTLP.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// As OpenTelemetry has it.
    pub name: String,
    /// As UCUM has it.
    pub unit: String,
    /// What it says.
    pub description: String,
}

#[derive(Default)]
struct Received {
    metrics: Mutex<BTreeSet<Metric>>,
    more: Condvar,
}

impl Received {
    fn take(&self, request: ExportMetricsServiceRequest) -> ExportMetricsServiceResponse {
        let scopes = request.resource_metrics.into_iter().flat_map(|of| of.scope_metrics);
        let all = scopes.flat_map(|scope| scope.metrics);
        self.lock().extend(all.map(|metric| Metric {
            name: metric.name,
            unit: metric.unit,
            description: metric.description,
        }));
        self.more.notify_all();
        ExportMetricsServiceResponse::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Metric>> {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What receives over gRPC.
struct Service(Arc<Received>);

#[async_trait]
impl MetricsService for Service {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, tonic::Status> {
        Ok(tonic::Response::new(self.0.take(request.into_inner())))
    }
}

/// Receives metrics for as long as it lives.
pub struct Metrics {
    received: Arc<Received>,
    loopback: Loopback,
}

impl Metrics {
    /// Listens on a free loopback port.
    #[must_use]
    pub fn receive() -> Self {
        let received = Arc::new(Received::default());
        let sink = Arc::clone(&received);
        let answer = otlp::http(move |request: ExportMetricsServiceRequest| sink.take(request));
        Self { received, loopback: Loopback::serve(Router::new().route("/v1/metrics", answer)) }
    }

    /// The same over gRPC.
    #[must_use]
    pub fn receive_grpc() -> Self {
        let received = Arc::new(Received::default());
        let service = MetricsServiceServer::new(Service(Arc::clone(&received)));
        Self { received, loopback: otlp::grpc(Routes::new(service)) }
    }

    /// `http://` and the address.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.loopback.address())
    }

    /// Waits until `enough` is true of what was received in all.
    ///
    /// # Panics
    /// When that takes longer than a minute, with what was received.
    pub fn wait_until(&self, enough: impl Fn(&BTreeSet<Metric>) -> bool) -> BTreeSet<Metric> {
        let (metrics, waited) = self
            .received
            .more
            .wait_timeout_while(self.received.lock(), PATIENCE, |metrics| !enough(metrics))
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "the metrics waited for never came, only these: {metrics:#?}");
        metrics.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_prometheus_is_read_with_its_labels() {
        let text = "# HELP a_seconds How long.\n# TYPE a_seconds histogram\n\
                    a_seconds_bucket{x=\"1,\\\"}\",le=\"1\"} 0\n\
                    a_seconds_count{x=\"2\"} 3\n# HELP b Of b.\n# TYPE b gauge\nb 0.5\n";
        let read = families(text);
        let values: Vec<_> = read["a_seconds"].labels["x"].iter().map(String::as_str).collect();
        assert_eq!(values, ["1,\\\"}", "2"]);
        assert_eq!((read["a_seconds"].kind.as_str(), read["a_seconds"].samples), ("histogram", 2));
        assert_eq!((read["b"].help.as_str(), read["b"].labels.len()), ("Of b.", 0));
    }
}
