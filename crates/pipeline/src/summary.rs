//! What an attempt did, as the history keeps it.

use serde_json::{Value, json};

use crate::ticket::Ticket;

/// Counters and times of one attempt; units are in the names.
pub(crate) fn of(ticket: &Ticket) -> Value {
    let counters = &ticket.counters;
    let timeline = ticket.timeline();
    let mut summary = json!({
        "files_listed": counters.listed.get(),
        "files_read": counters.read.get(),
        "bytes_read": counters.bytes.get(),
        "pack_bytes": counters.received.get(),
        "chunks": counters.chunks.get(),
        "vectors_embedded": counters.embedded.get(),
        "vectors_reused": counters.reused.get(),
        "tokens": counters.tokens.get(),
        "seconds": ticket.age().as_secs_f64(),
        "stages": timeline.stages_json(),
        "slowest": timeline.slowest_json(),
        "slow_files": timeline.files_json(),
    });
    if let (Some(fill), Some(keys)) = (&ticket.claim.fill, summary.as_object_mut()) {
        keys.insert("embedding".to_owned(), fill.recipe.embedding.to_string().into());
    }
    summary
}
