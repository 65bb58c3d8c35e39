//! What an attempt did, as the history keeps it.

use serde_json::{Value, json};

use crate::ending::Ending;
use crate::ticket::Ticket;
use crate::timeline::Timeline;

/// Counters and times of one attempt; units are in the names.
pub(crate) fn of(ticket: &Ticket) -> Value {
    written(ticket, &ticket.timeline())
}

/// The same of an attempt that ended so. Of one that failed, and is to be made again, there may be many: of those the
/// history keeps what was not nothing, and single batches only where a stage had several.
pub(crate) fn of_ended(ticket: &Ticket, ending: &Ending) -> Value {
    let timeline = ticket.timeline();
    let mut summary = written(ticket, &timeline);
    if matches!(ending, Ending::Fresh | Ending::Filled | Ending::Published(_)) {
        return summary;
    }
    if let Some(keys) = summary.as_object_mut() {
        if timeline.stages.iter().flatten().all(|times| times.batches < 2) {
            keys.remove("slowest");
        }
        keys.retain(|_, figure| !is_nothing(figure));
    }
    summary
}

fn is_nothing(figure: &Value) -> bool {
    match figure {
        Value::Number(number) => number.as_u64() == Some(0),
        Value::Array(list) => list.is_empty(),
        Value::Object(keys) => keys.is_empty(),
        _ => false,
    }
}

fn written(ticket: &Ticket, timeline: &Timeline) -> Value {
    let counters = &ticket.counters;
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
    if let (Some(wait), Some(keys)) = (ticket.claim.slot_wait, summary.as_object_mut()) {
        keys.insert("slot_wait_seconds".to_owned(), wait.as_secs_f64().into());
    }
    if let (Some(fill), Some(keys)) = (&ticket.claim.fill, summary.as_object_mut()) {
        keys.insert("embedding".to_owned(), fill.recipe.embedding.to_string().into());
    }
    summary
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::counters::Stage;
    use crate::observer::Observer;
    use crate::open_step::OpenStep;
    use crate::stopwatch::Doing;
    use crate::ticket::testing;

    fn step(ticket: &std::sync::Arc<Ticket>) {
        drop(OpenStep::begin(&Observer::default(), ticket, Stage::Fetcher, Instant::now(), Doing::Work));
    }

    #[test]
    fn an_attempt_that_only_asked_its_remote_and_failed_takes_few_bytes_of_the_history() {
        let (ticket, _part, _reports) = testing::ticket();
        step(&ticket);
        let summary = of_ended(&ticket, &Ending::Deferred);
        let keys: Vec<_> = summary.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(keys, ["seconds", "stages"]);
        assert!(summary.to_string().len() < 256, "{summary}");
        step(&ticket);
        assert_eq!(of_ended(&ticket, &Ending::Deferred)["slowest"].as_array().map(Vec::len), Some(2));
        assert_eq!(of_ended(&ticket, &Ending::Fresh)["files_read"], 0, "what ended well has all of it");
    }
}
