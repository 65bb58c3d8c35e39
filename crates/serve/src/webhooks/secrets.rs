//! The secrets of the hosts. One in a file is read at each use, so that a new one counts at once.

use std::sync::{Arc, Mutex, PoisonError};

use warmer_settings::{Secret, SecretSource};

use super::host::HookHost;

/// What webhooks are checked by; a host without a secret is refused. A clone is the same.
#[derive(Clone, Debug, Default)]
pub struct HookSecrets(Arc<Vec<Known>>);

#[derive(Debug)]
struct Known {
    host: HookHost,
    source: SecretSource,
    /// As it was last read.
    last: Mutex<Secret>,
}

impl HookSecrets {
    /// The secrets of these hosts: where each is, and what it is now.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = (HookHost, SecretSource, Secret)>) -> Self {
        let known = |(host, source, now)| Known { host, source, last: Mutex::new(now) };
        Self(Arc::new(secrets.into_iter().map(known).collect()))
    }

    /// The secret of a host, as it is now. While its file cannot be read, and while it is empty, as it was before: it
    /// may be in the middle of being written.
    #[must_use]
    pub fn of(&self, host: HookHost) -> Option<Secret> {
        let known = self.0.iter().find(|known| known.host == host)?;
        let mut last = known.last.lock().unwrap_or_else(PoisonError::into_inner);
        match known.source.read() {
            Ok(now) => *last = now,
            Err(error) => tracing::debug!("cannot read the secret of {}, using the last one: {error}", host.name()),
        }
        Some(last.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_changes_in_its_file_counts_at_once_and_the_last_one_while_there_is_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |text: &str| std::fs::write(file.path(), text).unwrap();
        let source = SecretSource::File(file.path().to_owned());
        let secrets = HookSecrets::new([(HookHost::Gitea, source, Secret::new("first"))]);
        let now = || secrets.of(HookHost::Gitea).unwrap().expose().to_owned();
        assert_eq!(now(), "first");
        write("second\n");
        assert_eq!(now(), "second");
        write("");
        assert_eq!(now(), "second");
        drop(file);
        assert_eq!(secrets.of(HookHost::Gitea).unwrap().expose(), "second");
        assert!(secrets.of(HookHost::GitHub).is_none());
    }
}
