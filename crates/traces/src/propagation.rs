//! How a span is told to other processes. Only the program knows the exporter, so it says how, once; where nothing is
//! exported nobody does.

use std::sync::OnceLock;

use tracing::Span;

use crate::context::TraceContext;

/// What knows the context of spans.
pub trait Propagator: Send + Sync {
    /// Of this span, if it is traced.
    fn of(&self, span: &Span) -> Option<TraceContext>;

    /// Hangs a span that was not entered yet below one of another process.
    fn continues(&self, span: &Span, parent: &TraceContext);
}

static PROPAGATOR: OnceLock<Box<dyn Propagator>> = OnceLock::new();

/// The propagator of this process. The first one stays.
pub fn install(propagator: Box<dyn Propagator>) {
    PROPAGATOR.get_or_init(|| propagator);
}

/// The context of a span, if it is traced.
#[must_use]
pub fn of(span: &Span) -> Option<TraceContext> {
    PROPAGATOR.get()?.of(span)
}

/// Hangs a span that was not entered yet below one of another process, if it is traced.
pub fn continues(span: &Span, parent: &TraceContext) {
    if let Some(propagator) = PROPAGATOR.get() {
        propagator.continues(span, parent);
    }
}
