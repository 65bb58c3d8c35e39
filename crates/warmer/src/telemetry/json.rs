//! Log lines for machines: one JSON object a line, flat, with the fields of the spans around the event. A field of an
//! inner span hides one of the same name further out, so that `job.id` is always the job at hand.

use std::fmt;
use std::time::SystemTime;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;
use warmer_traces::names;

use super::lines::{Around, short};

/// How the fields of a span are kept until a line needs them: as a JSON object.
pub(super) type Fields = JsonFields;

/// Formats an event as one line.
pub(super) struct Lines {
    around: Around,
}

impl Lines {
    pub(super) fn new(around: Around) -> Self {
        Self { around }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, Fields> for Lines {
    fn format_event(&self, ctx: &FmtContext<'_, S, Fields>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Map::new();
        let mut trace = None;
        for span in ctx.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<FormattedFields<Fields>>()
                && let Ok(fields) = serde_json::from_str::<Map<String, Value>>(fields)
            {
                // What is there for who reads traces is in a log only in the way.
                line.extend(fields.into_iter().filter(|(name, _)| !names::is_for_traces_alone(name)));
            }
            trace = self.around.trace(&span.id());
            line.insert("span".to_owned(), span.name().into());
        }
        event.record(&mut Visitor(&mut line));
        line.values_mut().for_each(shorten);
        line.insert("timestamp".to_owned(), humantime::format_rfc3339_micros(SystemTime::now()).to_string().into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("target".to_owned(), event.metadata().target().into());
        line.insert("instance".to_owned(), self.around.instance().into());
        if let Some(trace) = trace {
            line.insert("trace_id".to_owned(), trace.trace_id().to_string().into());
            line.insert("span_id".to_owned(), trace.span_id().to_string().into());
        }
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// Of a number with decimals three are left.
fn shorten(value: &mut Value) {
    if let Some(number) = value.as_f64().filter(|_| value.is_f64()) {
        *value = short(number).into();
    }
}

/// Puts the fields of an event into the line.
struct Visitor<'a>(&'a mut Map<String, Value>);

impl Visitor<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::settings::LogFormat;
    use crate::telemetry::tests::logged;

    #[test]
    fn a_line_has_the_job_and_the_trace_of_the_spans_around_it() {
        let text = logged(LogFormat::Json, || {
            let _job = tracing::info_span!(
                "process",
                job.id = 7,
                stage = "outer",
                wait = 0.087_654_321,
                otel.kind = "consumer"
            )
            .entered();
            let _stage = tracing::info_span!("stage", stage = "hasher").entered();
            tracing::warn!(files = 3_u64, slow = true, rate = 2.000_4, "a \"file\"\nis slow");
        });
        let line: Map<String, Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        let expected = [
            ("job.id", Value::from(7)),
            ("stage", "hasher".into()),
            ("span", "stage".into()),
            ("files", 3.into()),
            ("wait", 0.088.into()),
            ("rate", 2.0.into()),
            ("slow", true.into()),
            ("level", "WARN".into()),
            ("message", "a \"file\"\nis slow".into()),
        ];
        for (key, value) in expected {
            assert_eq!(line.get(key), Some(&value), "{key} in {text}");
        }
        assert!(!line.contains_key("otel.kind"), "{text}");
        assert_eq!(line["trace_id"].as_str().map(str::len), Some(32), "{text}");
        assert_eq!(line["span_id"].as_str().map(str::len), Some(16), "{text}");
        assert_eq!(line["instance"].as_str().map(str::len), Some(36), "{text}");
    }

    #[test]
    fn a_line_outside_of_any_span_has_no_trace() {
        let text = logged(LogFormat::Json, || tracing::info!("alone"));
        let line: Map<String, Value> = serde_json::from_str(&text).unwrap();
        assert!(line.get("trace_id").is_none() && line["message"] == "alone", "{text}");
    }
}
