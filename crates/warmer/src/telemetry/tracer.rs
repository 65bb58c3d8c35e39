//! One trace for each attempt, linked to what queued it and to the attempt before (W-11).

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use warmer_pipeline::{Tracer, attempt_span};
use warmer_store::Claim;

/// The W3C header, and the column in the queue.
const TRACEPARENT: &str = "traceparent";

/// Opens the root span of an attempt. Where traces are not exported its span is for the log only.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attempts;

impl Tracer for Attempts {
    fn attempt(&self, claim: &Claim) -> (Span, Option<String>) {
        let span = attempt_span(claim);
        for origin in [&claim.traceparent, &claim.previous].into_iter().flatten().filter_map(|text| parse(text)) {
            span.add_link(origin);
        }
        let traceparent = traceparent(&span);
        (span, traceparent)
    }
}

/// The W3C `traceparent` of a span, if it is traced.
pub(crate) fn traceparent(span: &Span) -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

fn parse(traceparent: &str) -> Option<SpanContext> {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&carrier);
    Some(context.span().span_context().clone()).filter(SpanContext::is_valid)
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn a_traced_span_has_a_traceparent_that_reads_back() {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::info_span!("work");
            let context = parse(&traceparent(&span).unwrap()).unwrap();
            assert_eq!(context.trace_id(), span.context().span().span_context().trace_id());
        });
    }

    #[test]
    fn a_span_that_is_not_traced_has_none() {
        assert_eq!(traceparent(&Span::none()), None);
        assert!(parse("nonsense").is_none());
    }
}
