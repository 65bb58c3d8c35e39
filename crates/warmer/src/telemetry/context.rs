//! The contexts of spans, as other processes are told them.

use std::str::FromStr as _;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use warmer_traces::{Propagator, TraceContext};

/// W3C Trace Context.
pub(super) struct W3c;

impl Propagator for W3c {
    fn of(&self, span: &Span) -> Option<TraceContext> {
        of(span)
    }

    fn continues(&self, span: &Span, parent: &TraceContext) {
        continues(span, parent);
    }
}

/// The context of a span, if it is traced.
pub(super) fn of(span: &Span) -> Option<TraceContext> {
    let context = span.context();
    let span = context.span();
    let context = span.span_context();
    let (trace, id, flags) = (context.trace_id(), context.span_id(), context.trace_flags().to_u8());
    TraceContext::new(&format!("00-{trace}-{id}-{flags:02x}"), Some(&context.trace_state().header()))
}

/// Hangs a span below one of another process.
pub(super) fn continues(span: &Span, parent: &TraceContext) {
    if let Some(parent) = read(parent) {
        // Without the exporter nobody looks at it.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

/// As a link has it.
pub(super) fn read(context: &TraceContext) -> Option<SpanContext> {
    let mut fields = context.traceparent().split('-').skip(1);
    let (trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?);
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let state = context.tracestate().and_then(|state| TraceState::from_str(state).ok()).unwrap_or_default();
    Some(SpanContext::new(trace, span, flags, true, state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_read_with_its_flags_and_its_state() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = read(&TraceContext::new(parent, Some("vendor=1")).unwrap()).unwrap();
        assert_eq!(context.trace_id().to_string(), parent[3..35]);
        assert_eq!(context.span_id().to_string(), parent[36..52]);
        assert!(context.is_sampled() && context.is_remote());
        assert_eq!(context.trace_state().header(), "vendor=1");
    }

    #[test]
    fn a_span_that_is_not_traced_has_none() {
        assert!(of(&Span::none()).is_none());
    }
}
