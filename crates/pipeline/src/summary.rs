//! What an attempt did, as the history keeps it.

use serde_json::{Map, Value, json};

use crate::tally::Stage;
use crate::ticket::Ticket;

/// Counters and times of one attempt; units are in the names.
pub(crate) fn of(ticket: &Ticket) -> Value {
    let tally = &ticket.tally;
    let stages: Map<String, Value> = Stage::ALL
        .into_iter()
        .map(|stage| {
            let (work, wait) = tally.times(stage);
            let times = json!({ "work_seconds": work.as_secs_f64(), "wait_seconds": wait.as_secs_f64() });
            (stage.as_str().to_owned(), times)
        })
        .collect();
    json!({
        "files_listed": tally.listed.get(),
        "files_read": tally.read.get(),
        "bytes_read": tally.bytes.get(),
        "pack_bytes": tally.received.get(),
        "chunks": tally.chunks.get(),
        "vectors_embedded": tally.embedded.get(),
        "vectors_reused": tally.reused.get(),
        "tokens": tally.tokens.get(),
        "seconds": ticket.age().as_secs_f64(),
        "stages": stages,
    })
}
