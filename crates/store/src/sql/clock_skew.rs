//! Moments of the future: what a clock that ran ahead left behind counts as now.
//!
//! A machine without a battery, or before its time server answered, may write moments of next year. Once its clock is
//! right nothing would be checked, tried, rescued or collected until then. What is compared with the clock: when a
//! repository was made, tried, published, checked, marked stale and committed to; when a job is to run; when an
//! instance was seen; when an attempt or a turn at the upkeep ended; when the queue was counted; when something was
//! refused, marked, last stored with or switched to. Each of them but the second is past when it is written, so a
//! minute of the future is too much; a job is put off for so long at most as its caller says. What was counted in
//! minutes that are still to come is forgotten.

use std::time::Duration;

use super::{Base, Fault, micros, values};

/// A minute: clocks are set in smaller steps than that all the time.
macro_rules! late {
    ($column:literal) => {
        concat!($column, " > now + 60000000")
    };
}

/// `$column` as it is, or now where it is of the future.
macro_rules! at_most_now {
    ($column:literal) => {
        concat!($column, " = CASE WHEN ", late!($column), " THEN now ELSE ", $column, " END")
    };
}

/// Statements by what they set right. `$1` is how long a job may be put off.
const STEPS: &[(&str, &str)] = &[
    (
        "repository",
        concat!(
            "UPDATE repository SET ",
            at_most_now!("created_at"),
            ", ",
            at_most_now!("tried_at"),
            ", ",
            at_most_now!("stale_since"),
            ", ",
            at_most_now!("committed_at"),
            ", next_at = CASE WHEN ",
            late!("tried_at"),
            " THEN NULL ELSE next_at END FROM clock WHERE ",
            late!("created_at"),
            " OR ",
            late!("tried_at"),
            " OR ",
            late!("stale_since"),
            " OR ",
            late!("committed_at")
        ),
    ),
    (
        "served",
        concat!(
            "UPDATE served SET ",
            at_most_now!("published_at"),
            ", ",
            at_most_now!("served_at"),
            " FROM clock WHERE ",
            late!("published_at"),
            " OR ",
            late!("served_at")
        ),
    ),
    (
        "job",
        concat!(
            "UPDATE job SET run_at = now, ",
            at_most_now!("enqueued_at"),
            " FROM clock WHERE state = 'queued' AND (run_at > now + $1 OR ",
            late!("enqueued_at"),
            ")"
        ),
    ),
    (
        "instance",
        concat!(
            "UPDATE instance SET ",
            at_most_now!("started_at"),
            ", seen_at = now FROM clock WHERE ",
            late!("seen_at")
        ),
    ),
    (
        "attempt",
        concat!(
            "UPDATE attempt SET ",
            at_most_now!("queued_at"),
            ", ",
            at_most_now!("started_at"),
            ", ended_at = now FROM clock WHERE ",
            late!("ended_at")
        ),
    ),
    ("attempt_count", "DELETE FROM attempt_count WHERE minute > (SELECT now FROM clock) / 60000000 + 1"),
    ("instance_figures", concat!("UPDATE instance_figures SET at = now FROM clock WHERE ", late!("at"))),
    ("tally", concat!("UPDATE tally SET taken_at = now, counted_at = NULL FROM clock WHERE ", late!("taken_at"))),
    ("upkeep", concat!("UPDATE upkeep SET done_at = now FROM clock WHERE ", late!("done_at"))),
    ("fleet", concat!("UPDATE fleet SET set_at = now FROM clock WHERE ", late!("set_at"))),
    ("generation", concat!("UPDATE generation SET changed_at = now FROM clock WHERE ", late!("changed_at"))),
    ("refusal", concat!("UPDATE refusal SET at = now FROM clock WHERE ", late!("at"))),
    // What the collection compares comes last.
    ("artifact", concat!("UPDATE artifact SET marked_at = now FROM clock WHERE ", late!("marked_at"))),
    ("vector", concat!("UPDATE vector SET marked_at = now FROM clock WHERE ", late!("marked_at"))),
    ("fingerprint", concat!("UPDATE fingerprint SET used_at = now FROM clock WHERE ", late!("used_at"))),
];

/// Sets all of them right, and tells of it: once, as they are right from then on. The number of rows.
pub(super) async fn end<B: Base>(store: &B, put_off_max: Duration) -> Result<u64, Fault> {
    run(store, STEPS, put_off_max).await
}

/// Of what the collection compares.
pub(super) async fn end_marked<B: Base>(store: &B) -> Result<u64, Fault> {
    let first = STEPS.iter().position(|(what, _)| *what == "artifact").unwrap_or(STEPS.len());
    run(store, &STEPS[first..], Duration::ZERO).await
}

async fn run<B: Base>(store: &B, steps: &[(&str, &'static str)], put_off_max: Duration) -> Result<u64, Fault> {
    let mut rows = 0;
    for (what, sql) in steps {
        let values = values![micros(put_off_max)];
        let changed = store.once(sql, if sql.contains("$1") { values } else { &[] }).await?;
        if changed > 0 {
            let name = store.name();
            tracing::warn!(
                rows = changed,
                table = what,
                "{name} had timestamps in the future, which were set to now: its clock was ahead once"
            );
        }
        rows += changed;
    }
    Ok(rows)
}
