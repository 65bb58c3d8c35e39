//! When a key of the configuration that has changed counts.

/// When a changed key counts in a process that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// From now on.
    Now,
    /// Once the fleet runs by it: all instances are to have it alike.
    Fleet,
    /// From the next start on.
    Restart,
}

/// The sections of which every key counts from now on.
const SECTIONS: [&str; 8] = ["scheduler", "shutdown", "reload", "tune", "fetcher", "hasher", "fill", "storer"];

/// Other keys that do. What is opened, connected to, listened at or loaded at the start is not among them, nor what is
/// indexed and how.
const KEYS: [(&str, &[&str]); 4] = [
    ("claimer", &["concurrency", "retry_first", "retry_most", "slot_wait_max", "stall", "child_memory_max"]),
    ("embedder", &["workers", "mailbox", "mailbox_size", "text_deadline", "price_per_million_tokens"]),
    ("gc", &["every", "mark_age", "history"]),
    ("telemetry", &["log"]),
];

impl Effect {
    /// Of a key in its section.
    pub(crate) fn of(section: &str, key: &str) -> Self {
        if (section, key) == ("claimer", "slots") {
            return Self::Fleet;
        }
        let listed = KEYS.iter().any(|(name, keys)| *name == section && keys.contains(&key));
        if SECTIONS.contains(&section) || listed { Self::Now } else { Self::Restart }
    }

    /// Of a list of tables.
    pub(crate) fn of_list(list: &str) -> Self {
        if list == "windows" { Self::Fleet } else { Self::Now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::manual;

    #[test]
    fn what_is_opened_or_loaded_at_the_start_needs_another_and_every_named_key_is_one() {
        let table = manual::defaults();
        let keys = |section: &str| table.get(section).and_then(|keys| keys.get_ref().as_table()).unwrap();
        assert!(SECTIONS.iter().all(|section| !keys(section).is_empty()));
        assert!(KEYS.iter().all(|(section, named)| named.iter().all(|key| keys(section).contains_key(*key))));
        for section in
            ["database", "admin", "webhooks", "git", "content", "model", "runtime", "search", "supervision", "metrics"]
        {
            for key in keys(section).keys() {
                assert_eq!(Effect::of(section, key.get_ref()), Effect::Restart, "{section}.{}", key.get_ref());
            }
        }
    }
}
