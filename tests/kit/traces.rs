//! A receiver of traces: what the process under test exports as OTLP ends here.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1 as proto;
pub use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::Value;
use tonic::service::Routes;

use crate::loopback::Loopback;
use crate::otlp;
use crate::span_list::SpanList;

/// How long a condition may take to come true before the wait fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A finished span, with the ids in hexadecimal digits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    /// The trace it belongs to.
    pub trace: String,
    /// Its own id.
    pub id: String,
    /// The id of its parent; empty for a root.
    pub parent: String,
    /// What it is called.
    pub name: String,
    /// Which kind it is of.
    pub kind: SpanKind,
    /// Its attributes.
    pub attributes: BTreeMap<String, Value>,
    /// Those of the process that made it.
    pub resource: Arc<BTreeMap<String, Value>>,
    /// Of every link: the trace and the span it points to.
    pub links: Vec<(String, String)>,
    /// Of every link: its `tracestate`.
    pub states: Vec<String>,
    /// Why it ended by an error, if it did.
    pub error: Option<String>,
    /// When it started and ended, in nanoseconds since 1970.
    pub nanoseconds: (u64, u64),
}

#[derive(Default)]
struct Received {
    spans: Mutex<Vec<Span>>,
    more: Condvar,
}

/// Receives spans for as long as it lives.
pub struct Traces {
    received: Arc<Received>,
    loopback: Loopback,
}

impl Received {
    fn take(&self, request: ExportTraceServiceRequest) -> ExportTraceServiceResponse {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).extend(spans_of(request));
        self.more.notify_all();
        ExportTraceServiceResponse::default()
    }
}

/// What receives over gRPC.
struct Service(Arc<Received>);

#[async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        Ok(tonic::Response::new(self.0.take(request.into_inner())))
    }
}

impl Traces {
    /// The same over gRPC.
    #[must_use]
    pub fn receive_grpc() -> Self {
        let received = Arc::new(Received::default());
        let service = TraceServiceServer::new(Service(Arc::clone(&received)));
        Self { received, loopback: otlp::grpc(Routes::new(service)) }
    }

    /// Listens on a free loopback port.
    #[must_use]
    pub fn receive() -> Self {
        let received = Arc::new(Received::default());
        let sink = Arc::clone(&received);
        let answer = otlp::http(move |request: ExportTraceServiceRequest| sink.take(request));
        // Metrics go to the same place; here nobody looks at them.
        let router = Router::new().route("/v1/traces", answer).route("/v1/metrics", post(async || ()));
        Self { received, loopback: Loopback::serve(router) }
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` has to be.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.loopback.address())
    }

    /// Everything received so far, in the order of the starts.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = self.lock().clone();
        spans.sort_by_key(|span| span.nanoseconds);
        spans
    }

    /// Waits until `enough` is true of what was received; the same as [`Traces::spans`] then.
    ///
    /// # Panics
    /// When that takes longer than a minute, with what was received; and when any of it is not as `config/traces.md`
    /// lists it.
    pub fn wait_until(&self, enough: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let (spans, waited) = self
            .received
            .more
            .wait_timeout_while(self.lock(), PATIENCE, |spans| !enough(spans))
            .unwrap_or_else(PoisonError::into_inner);
        let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
        assert!(!waited.timed_out(), "the spans waited for never came, only these: {names:?}");
        drop(spans);
        let spans = self.spans();
        let unlisted = SpanList::read().unlisted(&spans);
        assert!(unlisted.is_empty(), "config/traces.md does not list {unlisted:#?}");
        spans
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Span>> {
        self.received.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The root spans of attempts, in the order of their starts.
#[must_use]
pub fn attempts(spans: &[Span]) -> Vec<&Span> {
    named(spans, "process warm_jobs")
}

/// The spans of this name, in the order of their starts.
#[must_use]
pub fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

/// The attempts that ended like this, in the order of their starts.
#[must_use]
pub fn ended<'a>(spans: &'a [Span], outcome: &str) -> Vec<&'a Span> {
    let mut ended = attempts(spans);
    ended.retain(|attempt| attempt.attributes.get("outcome").is_some_and(|is| is == outcome));
    ended
}

/// How much of an attempt's time lies within spans that are neither its root nor a stage: 1 is all of it.
#[must_use]
pub fn covered(spans: &[Span], attempt: &Span) -> f64 {
    let (began, ended) = attempt.nanoseconds;
    1.0 - unexplained(spans, attempt).as_nanos() as f64 / (ended - began) as f64
}

/// How much of it does not.
#[must_use]
pub fn unexplained(spans: &[Span], attempt: &Span) -> Duration {
    let leaf =
        |span: &&Span| span.trace == attempt.trace && !span.parent.is_empty() && !span.name.starts_with("stage ");
    let mut times: Vec<_> = spans.iter().filter(leaf).map(|span| span.nanoseconds).collect();
    times.sort_unstable();
    let (began, ended) = attempt.nanoseconds;
    let (mut until, mut covered) = (began, 0);
    for (from, to) in times {
        let (from, to) = (from.max(until), to.min(ended));
        if to > from {
            covered += to - from;
            until = to;
        }
    }
    Duration::from_nanos(ended - began - covered)
}

/// Whether the spans of an attempt explain its time: 95 % of it, or all but 2 ms of one that is shorter than 40 ms.
/// There a share says little: between two of an attempt's parts one thread wakes another, which takes as long as some
/// of the parts, and no longer where the attempt is long.
#[must_use]
pub fn is_explained(spans: &[Span], attempt: &Span) -> bool {
    let whole = Duration::from_nanos(attempt.nanoseconds.1 - attempt.nanoseconds.0);
    unexplained(spans, attempt) <= (whole / 20).max(Duration::from_millis(2))
}

/// One trace as indented text: a line per span with its name, below it its children in the order of their text, so that
/// it does not matter which of two batches was faster. Behind the name stands ` -> NAME` for every link, or
/// ` -> elsewhere` where the linked span is not among `spans`. A span whose parent never arrived stands at the left,
/// marked `(orphan)`.
#[must_use]
pub fn tree(spans: &[Span], trace: &str) -> String {
    let known = |id: &str| spans.iter().any(|span| span.trace == trace && span.id == id);
    let roots = spans.iter().filter(|span| span.trace == trace && !known(&span.parent));
    sorted(roots.map(|root| subtree(spans, root, 0)))
}

fn subtree(spans: &[Span], span: &Span, depth: usize) -> String {
    let orphan = if depth == 0 && !span.parent.is_empty() { " (orphan)" } else { "" };
    let mut text = format!("{:indent$}{}{orphan}", "", span.name, indent = depth * 2);
    for (trace, id) in &span.links {
        let target = spans.iter().find(|other| other.trace == *trace && other.id == *id);
        text.push_str(" -> ");
        text.push_str(target.map_or("elsewhere", |other| other.name.as_str()));
    }
    text.push('\n');
    let children = spans.iter().filter(|child| child.trace == span.trace && child.parent == span.id);
    text + &sorted(children.map(|child| subtree(spans, child, depth + 1)))
}

fn sorted(texts: impl Iterator<Item = String>) -> String {
    let mut texts: Vec<String> = texts.collect();
    texts.sort_unstable();
    texts.concat()
}

fn spans_of(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = vec![];
    for of in request.resource_spans {
        let resource = Arc::new(attributes(of.resource.unwrap_or_default().attributes));
        let theirs = of.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.extend(theirs.map(|span| span_of(span, resource.clone())));
    }
    spans
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, Value> {
    let value = |pair: KeyValue| {
        let value = match pair.value.and_then(|value| value.value) {
            Some(any_value::Value::StringValue(text)) => text.into(),
            Some(any_value::Value::IntValue(number)) => number.into(),
            Some(any_value::Value::DoubleValue(number)) => number.into(),
            Some(any_value::Value::BoolValue(truth)) => truth.into(),
            other => format!("{other:?}").into(),
        };
        (pair.key, value)
    };
    pairs.into_iter().map(value).collect()
}

fn span_of(span: proto::Span, resource: Arc<BTreeMap<String, Value>>) -> Span {
    let status = span.status.unwrap_or_default();
    Span {
        kind: SpanKind::try_from(span.kind).expect("a kind that OTLP knows"),
        attributes: attributes(span.attributes),
        resource,
        states: span.links.iter().map(|link| link.trace_state.clone()).collect(),
        error: (status.code == proto::status::StatusCode::Error as i32).then_some(status.message),
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        name: span.name,
        links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
        nanoseconds: (span.start_time_unix_nano, span.end_time_unix_nano),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(trace: &str, id: &str, parent: &str, name: &str, links: &[(&str, &str)]) -> Span {
        let links = links.iter().map(|(trace, id)| ((*trace).to_owned(), (*id).to_owned())).collect();
        let [trace, id, parent, name] = [trace, id, parent, name].map(str::to_owned);
        Span { trace, id, parent, name, links, ..Span::default() }
    }

    #[test]
    fn a_trace_is_shown_as_a_tree_with_its_links() {
        let spans = [
            span("t", "1", "", "job", &[("u", "9"), ("x", "x")]),
            span("t", "2", "1", "fetch", &[]),
            span("t", "3", "2", "list", &[]),
            span("t", "4", "1", "store", &[]),
            span("t", "5", "lost", "stray", &[]),
            span("u", "9", "", "before", &[]),
        ];
        assert_eq!(tree(&spans, "t"), "job -> before -> elsewhere\n  fetch\n    list\n  store\nstray (orphan)\n");
    }
}
