//! How attempts ended, on their root spans.

use opentelemetry::trace::Status;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use warmer_pipeline::{Ended, Event, Listener};
use warmer_store::AttemptOutcome;
use warmer_traces::names;

use crate::output::printable_line;

/// Hears how attempts end.
pub(crate) struct Attempts;

impl Listener for Attempts {
    fn on_event(&self, event: &Event) {
        if let Event::Ended(ended) = event {
            tell(ended);
        }
    }
}

fn tell(ended: &Ended) {
    let (ticket, span) = (&ended.ticket, &ended.ticket.span);
    let counters = &ticket.counters;
    for (name, count) in [
        (names::FILES_LISTED, counters.listed.get()),
        (names::FILES_READ, counters.read.get()),
        (names::FILES_INDEXED, ended.files.indexed),
        (names::FILES_REMOVED, ended.files.removed),
        (names::BYTES_READ, counters.bytes.get()),
        (names::PACK_BYTES, counters.received.get()),
        (names::CHUNKS, counters.chunks.get()),
        (names::VECTORS_EMBEDDED, counters.embedded.get()),
        (names::VECTORS_REUSED, counters.reused.get()),
        (names::TOKENS, counters.tokens.get()),
    ] {
        span.set_attribute(name, names::int(count));
    }
    span.set_attribute(names::GIVEN_UP, ended.given_up);
    if let Some(commit) = commit(ended) {
        span.set_attribute(names::VCS_REVISION, commit);
    }
    if ended.outcome.is_failure() {
        span.set_attribute(names::ERROR_TYPE, ended.outcome.as_str());
        let why = ended.error.as_deref().unwrap_or_default();
        span.set_status(Status::error(printable_line(why).into_owned()));
    }
}

/// What was published, or found to be current.
fn commit(ended: &Ended) -> Option<String> {
    match ended.outcome {
        AttemptOutcome::Fresh => ended.ticket.claim.states.first().map(|state| state.served.commit.clone()),
        _ => ended.ticket.target().map(|target| target.served.commit),
    }
}
