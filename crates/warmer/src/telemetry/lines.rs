//! What a log line says beside its event: which trace it belongs to, and which instance wrote it.

use std::sync::{Arc, OnceLock};

use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use tracing::dispatcher::WeakDispatch;
use tracing::span::Id;
use warmer_pipeline::Identity;

/// A number as a line says it: a time to the millisecond.
pub(super) fn short(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

/// What is known around an event.
pub(super) struct Around {
    /// The subscriber that this is a part of, once it is finished: inside of an event it cannot be asked for.
    finished: Arc<OnceLock<WeakDispatch>>,
    identity: Identity,
}

impl Around {
    pub(super) fn new(finished: Arc<OnceLock<WeakDispatch>>, identity: Identity) -> Self {
        Self { finished, identity }
    }

    /// The trace that a span belongs to, where it is traced.
    pub(super) fn trace(&self, span: &Id) -> Option<SpanContext> {
        let dispatch = self.finished.get()?.upgrade()?;
        let context = tracing_opentelemetry::get_otel_context(span, &dispatch)?;
        Some(context.span().span_context().clone()).filter(SpanContext::is_valid)
    }

    /// The name of this process in the queue, at the moment.
    pub(super) fn instance(&self) -> String {
        self.identity.get().0.to_string()
    }
}
