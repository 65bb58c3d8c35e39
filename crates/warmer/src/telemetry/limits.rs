//! What the limits of the `OTEL_…` variables leave of a span. The SDK knows some of the numbers, and reads fewer; it
//! shortens no text.

use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanLimits};

use crate::environment::Environment;

/// What a span may have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    /// How many of each, for the SDK.
    pub(super) counts: SpanLimits,
    /// Characters of a text; `None`: as many as there are.
    length: Option<usize>,
}

impl Limits {
    /// As the environment has them: what is about spans goes before what is about everything. A value that is no number
    /// was told before.
    pub(super) fn of(environment: &Environment) -> Self {
        let number = |name: &str| environment.text(name).and_then(|value| value.parse::<u32>().ok());
        let mut counts = SpanLimits::default();
        let all = number("OTEL_ATTRIBUTE_COUNT_LIMIT");
        for (limit, value) in [
            (&mut counts.max_attributes_per_span, number("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT").or(all)),
            (&mut counts.max_attributes_per_event, number("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT").or(all)),
            (&mut counts.max_attributes_per_link, number("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT").or(all)),
            (&mut counts.max_events_per_span, number("OTEL_SPAN_EVENT_COUNT_LIMIT")),
            (&mut counts.max_links_per_span, number("OTEL_SPAN_LINK_COUNT_LIMIT")),
        ] {
            *limit = value.unwrap_or(*limit);
        }
        let length = number("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT");
        let length = length.or_else(|| number("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"));
        Self { counts, length: length.map(|length| length as usize) }
    }

    /// Shortens the texts of a span's attributes, and of those of its events and links.
    pub(super) fn shorten(&self, span: &mut SpanData) {
        let Some(length) = self.length else { return };
        let events = span.events.events.iter_mut().flat_map(|event| &mut event.attributes);
        let links = span.links.links.iter_mut().flat_map(|link| &mut link.attributes);
        for KeyValue { value, .. } in span.attributes.iter_mut().chain(events).chain(links) {
            match value {
                Value::String(text) => shorten(text, length),
                Value::Array(Array::String(texts)) => texts.iter_mut().for_each(|text| shorten(text, length)),
                _ => {}
            }
        }
    }
}

fn shorten(text: &mut StringValue, length: usize) {
    if let Some((end, _)) = text.as_str().char_indices().nth(length) {
        *text = text.as_str()[..end].to_owned().into();
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{SdkTracerProvider, SpanExporter};
    use std::sync::{Arc, Mutex};

    use super::super::bounded::Bounded;
    use super::super::target::Target;
    use super::*;

    /// Keeps what it is given.
    #[derive(Clone, Debug, Default)]
    struct Kept(Arc<Mutex<Vec<SpanData>>>);

    impl SpanExporter for Kept {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().unwrap().extend(batch);
            Ok(())
        }
    }

    /// A span with two attributes, and an event with two, as it is exported with these variables.
    fn exported(variables: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let (kept, limits) = (Kept::default(), Limits::of(&variables.iter().copied().collect()));
        let bounded = Bounded::new(kept.clone(), Target::File("/x".to_owned()), (8, limits));
        let provider =
            SdkTracerProvider::builder().with_span_limits(limits.counts).with_span_processor(bounded).build();
        let mut span = provider.tracer("test").start("a span");
        let texts = Value::Array(Array::String(vec!["grüße".into(), "abc".into()]));
        let attributes = || vec![KeyValue::new("one", "grüße"), KeyValue::new("two", texts.clone())];
        span.set_attributes(attributes());
        span.add_event("an event", attributes());
        drop(span);
        provider.shutdown().unwrap();
        let spans = kept.0.lock().unwrap();
        let values = |attributes: &[KeyValue]| attributes.iter().map(|each| each.value.to_string()).collect();
        let events = spans[0].events.first().map(|event| values(&event.attributes));
        (values(&spans[0].attributes), events.unwrap_or_default())
    }

    #[test]
    fn a_span_has_what_its_limits_leave_and_those_of_spans_go_before_those_of_all() {
        let (whole, short) = (["grüße", r#"["grüße","abc"]"#], ["grü", r#"["grü","abc"]"#]);
        assert_eq!(exported(&[]), (whole.map(str::to_owned).to_vec(), whole.map(str::to_owned).to_vec()));
        let shortened = (short.map(str::to_owned).to_vec(), short.map(str::to_owned).to_vec());
        let (all, spans) = ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT");
        assert_eq!(exported(&[(all, "3")]), shortened);
        assert_eq!(exported(&[(all, "1"), (spans, "3")]), shortened);
        let counts = |variables: &[_]| {
            let (attributes, events) = exported(variables);
            (attributes.len(), events.len())
        };
        let all = ("OTEL_ATTRIBUTE_COUNT_LIMIT", "1");
        assert_eq!(counts(&[all]), (1, 1));
        assert_eq!(counts(&[all, ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "2")]), (2, 1));
        assert_eq!(counts(&[("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "0")]), (2, 0));
        assert_eq!(counts(&[("OTEL_SPAN_EVENT_COUNT_LIMIT", "0")]), (2, 0));
    }
}
