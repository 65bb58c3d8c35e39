//! What is said of a stage that waits longer than it works: for what, and what to do about it. More workers of a stage
//! that waits wait, too, so that none of it is a reason for more of them; remotes alone are another matter.

/// As a sentence spells what is waited for.
pub(super) fn spelt(wait: &str) -> &str {
    match wait {
        "mailbox" => "its next batch",
        "next_stage" => "the next stage",
        "database" => "the database",
        "remote" => "remotes",
        "lease" => "the lease",
        "session" => "the model's workers",
        "refresh" => "refreshes, which go first",
        "restart" => "its delay after a crash",
        other => other,
    }
}

/// What to do about it.
pub(super) fn advice(wait: &str, one_writer: bool) -> &'static str {
    match wait {
        "database" if one_writer => "SQLite writes for one at a time: PostgreSQL writes for many",
        "database" => "more workers gain nothing where the database is slow: look at its load and its disk",
        "lease" => "the database does not answer the heartbeat: look at it",
        "session" => "the model is the slower one: add cores, an instance or a GPU",
        "refresh" => "vectors wait while refreshes work: add cores or an instance",
        "restart" => "its workers die and are started again: look at the last errors and at the log",
        _ => "more workers would wait, too",
    }
}
