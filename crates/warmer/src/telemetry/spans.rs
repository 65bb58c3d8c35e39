//! The root span of an attempt, with its links, for the pipeline.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use warmer_pipeline::{Tracer, attempt_span};
use warmer_store::Claim;

/// Opens root spans that are linked to what queued the job and to the attempt before: a link, not a parent, because a
/// retry may come hours later (OpenTelemetry's messaging conventions).
pub(crate) struct Spans;

impl Tracer for Spans {
    fn attempt(&self, claim: &Claim) -> (Span, Option<String>) {
        let span = attempt_span(claim);
        for traceparent in [&claim.traceparent, &claim.previous].into_iter().flatten() {
            if let Some(context) = parse(traceparent) {
                span.add_link(context);
            }
        }
        let traceparent = self.traceparent(&span);
        (span, traceparent)
    }

    fn traceparent(&self, span: &Span) -> Option<String> {
        let context = span.context().span().span_context().clone();
        context.is_valid().then(|| format(&context))
    }
}

/// The spans of an attempt that goes on here: its root is in the parent process, with this `traceparent`.
pub(crate) struct Continued(pub(crate) Option<String>);

impl Tracer for Continued {
    fn attempt(&self, claim: &Claim) -> (Span, Option<String>) {
        let span = tracing::info_span!(parent: None, "job in a child", job.id = claim.job.0);
        if let Some(parent) = self.0.as_deref().and_then(parse) {
            // Without the exporter nobody looks at it.
            let _ = span.set_parent(Context::new().with_remote_span_context(parent));
        }
        (span, None)
    }
}

/// W3C Trace Context, version 00.
fn format(context: &SpanContext) -> String {
    format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8())
}

fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut fields = traceparent.split('-');
    let ("00", trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?) else {
        return None;
    };
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_as_it_is_written() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(parse(text).map(|context| format(&context)).as_deref(), Some(text));
        for bad in ["", "00-0-0-01", "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", &text[..50]] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
