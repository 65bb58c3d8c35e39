//! The root span of an attempt, with its links, for the pipeline.

use std::time::SystemTime;

use opentelemetry::trace::{Span as _, SpanKind, Tracer as _};
use opentelemetry::{KeyValue, global};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use warmer_pipeline::{Identity, Tracer, attempt_span};
use warmer_store::{Claim, JobKind};
use warmer_traces::{TraceContext, names};

use super::context::{continues, of, read};

/// Opens root spans that are linked to what queued the job and to the attempt before: a link, not a parent, because a
/// retry may come hours later (OpenTelemetry's messaging conventions).
pub(crate) struct Spans {
    /// `postgresql` or `sqlite`.
    pub(crate) system: &'static str,
    /// Who this process is in the queue.
    pub(crate) identity: Identity,
}

impl Tracer for Spans {
    fn attempt(&self, claim: &Claim) -> (Span, Option<String>) {
        let span = attempt_span(claim);
        for context in claim.traces.iter().chain(&claim.previous).filter_map(read) {
            span.add_link(context);
        }
        for KeyValue { key, value, .. } in self.of_queue("process", claim).into_iter().chain(of_job(claim)) {
            span.set_attribute(key, value);
        }
        self.tell_claim(&span, claim);
        let traceparent = self.traceparent(&span);
        (span, traceparent)
    }

    fn traceparent(&self, span: &Span) -> Option<String> {
        of(span).map(|context| context.traceparent().to_owned())
    }
}

impl Spans {
    fn of_queue(&self, operation: &'static str, claim: &Claim) -> [KeyValue; 6] {
        [
            KeyValue::new(names::MESSAGING_SYSTEM, self.system),
            KeyValue::new(names::MESSAGING_DESTINATION, names::QUEUE),
            KeyValue::new(names::MESSAGING_OPERATION, operation),
            KeyValue::new(names::MESSAGING_OPERATION_TYPE, operation),
            KeyValue::new(names::MESSAGING_MESSAGE_ID, claim.job.0.to_string()),
            KeyValue::new(names::MESSAGING_CLIENT_ID, self.identity.get().0.to_string()),
        ]
    }

    /// The claim is over when the attempt begins; only one that took a job is told.
    fn tell_claim(&self, attempt: &Span, claim: &Claim) {
        let now = SystemTime::now();
        let tracer = global::tracer("warmer");
        let span = tracer
            .span_builder(names::RECEIVE)
            .with_kind(SpanKind::Client)
            .with_start_time(now.checked_sub(claim.claimed_in).unwrap_or(now))
            .with_attributes(self.of_queue("receive", claim));
        tracer.build_with_context(span, &attempt.context()).end_with_timestamp(now);
    }
}

fn of_job(claim: &Claim) -> impl Iterator<Item = KeyValue> {
    let kind = if claim.fill.is_some() { JobKind::Fill } else { JobKind::Refresh };
    let lane = claim.fill.map(|fill| KeyValue::new(names::JOB_LANE, fill.lane.as_str()));
    let crashes = KeyValue::new(names::JOB_CRASHES, i64::from(claim.crashes));
    [KeyValue::new(names::JOB_KIND, kind.as_str()), crashes].into_iter().chain(lane)
}

/// The spans of an attempt that goes on here: its root is in the parent process, with this `traceparent`.
pub(crate) struct Continued(pub(crate) Option<String>);

impl Tracer for Continued {
    fn attempt(&self, claim: &Claim) -> (Span, Option<String>) {
        let span = tracing::info_span!(parent: None, names::CHILD, { names::JOB } = claim.job.0);
        if let Some(parent) = self.0.as_deref().and_then(TraceContext::read) {
            continues(&span, &parent);
        }
        (span, None)
    }
}
