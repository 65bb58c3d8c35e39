//! A receiver of traces: what the process under test exports as OTLP (http, protobuf) ends here.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1 as otlp;
use prost::Message as _;

use crate::loopback::Loopback;

/// How long a condition may take to come true before the wait fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A finished span, with the ids in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The trace it belongs to.
    pub trace: String,
    /// Its own id.
    pub id: String,
    /// The id of its parent; empty for a root.
    pub parent: String,
    /// What it is called.
    pub name: String,
    /// Its attributes as text.
    pub attributes: BTreeMap<String, String>,
    /// Of every link: the trace and the span it points to.
    pub links: Vec<(String, String)>,
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

impl Traces {
    /// Listens on a free loopback port.
    #[must_use]
    pub fn receive() -> Self {
        let received = Arc::new(Received::default());
        let sink = Arc::clone(&received);
        let answer = move |body: Bytes| {
            let sink = Arc::clone(&sink);
            async move {
                let request = ExportTraceServiceRequest::decode(body).expect("an exporter sends what OTLP defines");
                sink.spans.lock().unwrap_or_else(PoisonError::into_inner).extend(spans_of(request));
                sink.more.notify_all();
                ([("content-type", "application/x-protobuf")], ExportTraceServiceResponse::default().encode_to_vec())
            }
        };
        Self { received, loopback: Loopback::serve(Router::new().route("/v1/traces", post(answer))) }
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
    /// When that takes longer than a minute, with what was received.
    pub fn wait_until(&self, enough: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let (spans, waited) = self
            .received
            .more
            .wait_timeout_while(self.lock(), PATIENCE, |spans| !enough(spans))
            .unwrap_or_else(PoisonError::into_inner);
        let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
        assert!(!waited.timed_out(), "the spans waited for never came, only these: {names:?}");
        drop(spans);
        self.spans()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Span>> {
        self.received.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The root spans of attempts, in the order of their starts.
#[must_use]
pub fn attempts(spans: &[Span]) -> Vec<&Span> {
    spans.iter().filter(|span| span.name == "process warm_jobs").collect()
}

/// The attempts that ended like this, in the order of their starts.
#[must_use]
pub fn ended<'a>(spans: &'a [Span], outcome: &str) -> Vec<&'a Span> {
    let mut ended = attempts(spans);
    ended.retain(|attempt| attempt.attributes.get("outcome").is_some_and(|is| is == outcome));
    ended
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
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).map(span_of).collect()
}

fn span_of(span: otlp::Span) -> Span {
    let attributes = span.attributes.into_iter().map(|pair| {
        let value = match pair.value.and_then(|value| value.value) {
            Some(Value::StringValue(text)) => text,
            Some(Value::IntValue(number)) => number.to_string(),
            Some(Value::BoolValue(truth)) => truth.to_string(),
            Some(other) => format!("{other:?}"),
            None => String::new(),
        };
        (pair.key, value)
    });
    Span {
        attributes: attributes.collect(),
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
        Span { trace, id, parent, name, links, attributes: BTreeMap::new(), nanoseconds: (0, 0) }
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
