//! The spans of the store: what puts jobs in the queue.

use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};
use warmer_traces::{TraceContext, names};

use crate::error::StoreError;

/// Something that puts jobs in the queue, and is told to whoever does them.
pub(super) struct Sent {
    /// It, until this is dropped.
    pub(super) span: Span,
    trace: Option<String>,
}

impl Sent {
    /// By another process, if it says by which. Where nothing is traced here, whoever does the job is told of that.
    pub(super) fn by(system: &'static str, asker: Option<&TraceContext>) -> Self {
        let span = sending(system);
        if let Some(asker) = asker {
            warmer_traces::continues(&span, asker);
        }
        Self::of(span, asker.map(TraceContext::to_string))
    }

    /// By what is current here, which where it is not traced is called so.
    pub(super) fn here(system: &'static str, otherwise: Option<String>) -> Self {
        Self::of(sending(system), otherwise)
    }

    fn of(span: Span, otherwise: Option<String>) -> Self {
        let trace = warmer_traces::of(&span).map(|context| context.to_string()).or(otherwise);
        Self { span, trace }
    }

    /// As a row has it.
    pub(super) fn trace(&self) -> Option<&str> {
        self.trace.as_deref()
    }

    /// Which job it was.
    pub(super) fn job(&self, job: i64) {
        self.span.record(names::MESSAGING_MESSAGE_ID, job.to_string());
    }

    /// How many.
    pub(super) fn jobs(&self, jobs: u64) {
        self.span.record(names::MESSAGING_BATCH_COUNT, names::int(jobs));
    }

    /// Does it.
    pub(super) async fn doing<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        told(&self.span, work).await
    }
}

fn sending(system: &'static str) -> Span {
    info_span!(
        names::SEND,
        { names::OTEL_KIND } = "producer",
        { names::MESSAGING_SYSTEM } = system,
        { names::MESSAGING_DESTINATION } = names::QUEUE,
        { names::MESSAGING_OPERATION } = "send",
        { names::MESSAGING_OPERATION_TYPE } = "send",
        { names::MESSAGING_MESSAGE_ID } = Empty,
        { names::MESSAGING_BATCH_COUNT } = Empty,
        { names::OTEL_STATUS_MESSAGE } = Empty,
        { names::ERROR_TYPE } = Empty,
    )
}

async fn told<T>(span: &Span, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let done = work.instrument(span.clone()).await;
    if let Err(error) = &done {
        span.record(names::ERROR_TYPE, error.kind().as_str());
        span.record(names::OTEL_STATUS_MESSAGE, error.to_string());
    }
    done
}
