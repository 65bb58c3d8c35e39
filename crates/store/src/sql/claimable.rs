//! What holds a queued job back from a claim.

/// A refresh, whoever asks: its repository's state, or its repository's running refresh.
macro_rules! free {
    () => {
        "(job.forced
          OR (SELECT state FROM repository WHERE repository.id = job.repository) IN ('active', 'dead'))
         AND (SELECT other.id FROM job AS other
              WHERE other.repository = job.repository AND other.kind = 0 AND other.state = 'running') IS NULL"
    };
}

/// A refresh, from the instance $2: a pin to another, or its own refusal.
macro_rules! mine {
    () => {
        concat!(
            "(job.pinned IS NULL OR job.pinned = $2) AND ",
            $crate::sql::refusal::unrefused!("$2"),
            " AND ",
            $crate::sql::claimable::free!()
        )
    };
}

/// A fill, from the instance $2.
macro_rules! my_fill {
    () => {
        concat!("(job.pinned IS NULL OR job.pinned = $2) AND ", $crate::sql::fill_jobs::fill_is_free!())
    };
}
pub(crate) use {free, mine, my_fill};
