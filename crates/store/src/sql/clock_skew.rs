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

use super::{Base, Connection as _, Fault, Row as _, micros, values};

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

/// Tables, what sets them right, and which of their rows that is for. `$1` is how long a job may be put off.
macro_rules! steps {
    ($($table:literal, $change:expr, $late:expr;)+) => {
        /// Statements by the table that they set right.
        const STEPS: &[(&str, &str)] = &[$(($table, concat!($change, " WHERE ", $late))),+];
        /// Which tables have such a row: one statement, as most of the time none has. Counted, and not asked by EXISTS,
        /// of which PostgreSQL hopes that a row soon comes, and reads all of a table though there is an index: 30 ms
        /// for 500,000 rows of a few bytes, where this takes 0.7.
        const WHICH: &str = concat!(
            "SELECT CAST($1 AS BIGINT) AS put_off_max",
            $(", (SELECT count(*) FROM ", $table, ", clock WHERE ", $late, ") > 0 AS ", $table),+
        );
    };
}

steps! {
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
        " THEN NULL ELSE next_at END FROM clock"
    ),
    concat!(
        late!("created_at"),
        " OR ",
        late!("tried_at"),
        " OR ",
        late!("stale_since"),
        " OR ",
        late!("committed_at")
    );

    "served",
    concat!("UPDATE served SET ", at_most_now!("published_at"), ", ", at_most_now!("served_at"), " FROM clock"),
    concat!(late!("published_at"), " OR ", late!("served_at"));

    "job",
    concat!(
        "UPDATE job SET run_at = now, ",
        at_most_now!("enqueued_at"),
        ", ",
        at_most_now!("first_run_at"),
        ", ",
        at_most_now!("slot_since"),
        " FROM clock"
    ),
    concat!("state = 'queued' AND (run_at > now + CAST($1 AS BIGINT) OR ", late!("enqueued_at"), ")");

    "instance",
    concat!("UPDATE instance SET ", at_most_now!("started_at"), ", seen_at = now FROM clock"),
    late!("seen_at");

    "attempt",
    concat!(
        "UPDATE attempt SET ",
        at_most_now!("queued_at"),
        ", ",
        at_most_now!("started_at"),
        ", ended_at = now FROM clock"
    ),
    late!("ended_at");

    "attempt_count", "DELETE FROM attempt_count", "minute > (SELECT now FROM clock) / 60000000 + 1";
    "instance_figures", "UPDATE instance_figures SET at = now FROM clock", late!("at");
    "tally", "UPDATE tally SET taken_at = now, counted_at = NULL FROM clock", late!("taken_at");
    "upkeep", "UPDATE upkeep SET done_at = now FROM clock", late!("done_at");
    "fleet", "UPDATE fleet SET set_at = now FROM clock", late!("set_at");
    "generation", "UPDATE generation SET changed_at = now FROM clock", late!("changed_at");
    "refusal", "UPDATE refusal SET at = now FROM clock", late!("at");
    // What the collection compares comes last.
    "artifact", "UPDATE artifact SET marked_at = now FROM clock", late!("marked_at");
    "vector", "UPDATE vector SET marked_at = now FROM clock", late!("marked_at");
    "fingerprint", "UPDATE fingerprint SET used_at = now FROM clock", late!("used_at");
}

/// Sets all of them right, and tells of it: once, as they are right from then on. The number of rows.
pub(super) async fn end<B: Base>(store: &B, put_off_max: Duration) -> Result<u64, Fault> {
    let which = store.read().await?.one(WHICH, values![micros(put_off_max)]).await?;
    let mut rows = 0;
    for step in STEPS {
        if which.flag(step.0)? {
            rows += set_right(store, step, put_off_max).await?;
        }
    }
    Ok(rows)
}

/// Of what the collection compares.
pub(super) async fn end_marked<B: Base>(store: &B) -> Result<u64, Fault> {
    let first = STEPS.iter().position(|(table, _)| *table == "artifact").unwrap_or(STEPS.len());
    let mut rows = 0;
    for step in &STEPS[first..] {
        rows += set_right(store, step, Duration::ZERO).await?;
    }
    Ok(rows)
}

async fn set_right<B: Base>(
    store: &B,
    (table, sql): &(&'static str, &'static str),
    put_off_max: Duration,
) -> Result<u64, Fault> {
    let values = values![micros(put_off_max)];
    let rows = store.once(sql, if sql.contains("$1") { values } else { &[] }).await?;
    if rows > 0 {
        let name = store.name();
        tracing::warn!(
            rows,
            table,
            "{name} had timestamps in the future, which were set to now: its clock was ahead once"
        );
    }
    Ok(rows)
}
