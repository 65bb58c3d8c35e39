//! The exporter into a file.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{Event as SdkEvent, Link as SdkLink, SpanId, SpanKind, Status as SdkStatus};
use opentelemetry::{Array, KeyValue, Value as SdkValue};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use warmer_traces::TraceFile;
use warmer_traces::otlp::{
    Attribute, Event, Exported, Link, Resource, ResourceSpans, Scope, ScopeSpans, Span, Status, Value,
};

/// Writes every batch as a line.
#[derive(Debug)]
pub(super) struct ToFile {
    file: TraceFile,
    resource: Resource,
}

impl ToFile {
    pub(super) fn new(file: TraceFile) -> Self {
        Self { file, resource: Resource::default() }
    }

    /// In halves, where all at once is too long for the file.
    fn write(&self, mut spans: Vec<Span>) -> std::io::Result<()> {
        let exported = self.exported(spans.clone());
        match self.file.append(&exported) {
            Err(_) if spans.len() > 1 => {
                let rest = spans.split_off(spans.len() / 2);
                self.write(spans)?;
                self.write(rest)
            }
            written => written,
        }
    }

    fn exported(&self, spans: Vec<Span>) -> Exported {
        let scope_spans = vec![ScopeSpans { scope: Scope { name: "warmer".to_owned() }, spans }];
        Exported { resource_spans: vec![ResourceSpans { resource: self.resource.clone(), scope_spans }] }
    }
}

impl SpanExporter for ToFile {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.into_iter().map(span).collect();
        self.write(spans).map_err(|error| OTelSdkError::InternalFailure(error.to_string()))
    }

    fn set_resource(&mut self, resource: &opentelemetry_sdk::Resource) {
        let attribute = |(key, value): (&opentelemetry::Key, &SdkValue)| Attribute {
            key: key.to_string(),
            value: self::value(value.clone()),
        };
        self.resource = Resource { attributes: resource.iter().map(attribute).collect() };
    }
}

fn span(data: SpanData) -> Span {
    Span {
        trace_id: data.span_context.trace_id().to_string(),
        span_id: data.span_context.span_id().to_string(),
        parent_span_id: parent(data.parent_span_id),
        name: data.name.into_owned(),
        kind: match data.span_kind {
            SpanKind::Internal => 1,
            SpanKind::Server => 2,
            SpanKind::Client => 3,
            SpanKind::Producer => 4,
            SpanKind::Consumer => 5,
        },
        start_time_unix_nano: nanoseconds(data.start_time),
        end_time_unix_nano: nanoseconds(data.end_time),
        attributes: attributes(data.attributes),
        events: data.events.into_iter().map(event).collect(),
        links: data.links.into_iter().map(link).collect(),
        status: status(data.status),
    }
}

fn parent(id: SpanId) -> String {
    if id == SpanId::INVALID { String::new() } else { id.to_string() }
}

fn event(event: SdkEvent) -> Event {
    Event {
        time_unix_nano: nanoseconds(event.timestamp),
        name: event.name.into_owned(),
        attributes: attributes(event.attributes),
    }
}

fn link(link: SdkLink) -> Link {
    Link {
        trace_id: link.span_context.trace_id().to_string(),
        span_id: link.span_context.span_id().to_string(),
        trace_state: link.span_context.trace_state().header(),
    }
}

fn status(status: SdkStatus) -> Status {
    match status {
        SdkStatus::Unset => Status::default(),
        SdkStatus::Ok => Status { code: 1, message: String::new() },
        SdkStatus::Error { description } => Status { code: 2, message: description.into_owned() },
    }
}

fn attributes(attributes: Vec<KeyValue>) -> Vec<Attribute> {
    let attribute = |KeyValue { key, value, .. }| Attribute { key: key.to_string(), value: self::value(value) };
    attributes.into_iter().map(attribute).collect()
}

fn value(value: SdkValue) -> Value {
    fn all<T>(values: Vec<T>, one: impl Fn(T) -> Value) -> Value {
        Value::ArrayValue { values: values.into_iter().map(one).collect() }
    }
    match value {
        SdkValue::Bool(value) => Value::BoolValue(value),
        SdkValue::I64(value) => Value::IntValue(value),
        SdkValue::F64(value) => Value::DoubleValue(value),
        SdkValue::Array(Array::Bool(values)) => all(values, Value::BoolValue),
        SdkValue::Array(Array::I64(values)) => all(values, Value::IntValue),
        SdkValue::Array(Array::F64(values)) => all(values, Value::DoubleValue),
        SdkValue::Array(Array::String(values)) => all(values, |value| Value::StringValue(value.to_string())),
        other => Value::StringValue(other.to_string()),
    }
}

fn nanoseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}
