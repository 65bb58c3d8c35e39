//! What webhooks are checked by. A secret from a file is read at each use, so that a new one counts at once.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::hook_host::HookHost;
use super::problem::{Problem, Problems};
use super::secret::{Secret, SecretSource};
use super::secrets::source;
use super::sections::Config;
use crate::environment::Environment;

/// What webhooks are checked by; a host without one is refused. A clone is the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct WebhookSecrets(Arc<Vec<Known>>);

#[derive(Debug)]
struct Known {
    host: HookHost,
    source: SecretSource,
    /// As it was last read.
    last: Mutex<Secret>,
}

impl WebhookSecrets {
    /// The secret of a host, as it is now. While its file cannot be read, and while it is empty, as it was before: it may
    /// be in the middle of being written.
    pub(crate) fn of(&self, host: HookHost) -> Option<Secret> {
        let known = self.0.iter().find(|known| known.host == host)?;
        let mut last = known.last.lock().unwrap_or_else(PoisonError::into_inner);
        match known.source.read() {
            Ok(now) => *last = now,
            Err(error) => tracing::debug!("{error}; the secret before it counts on"),
        }
        Some(last.clone())
    }

    /// Secrets that do not change.
    #[cfg(test)]
    pub(crate) fn fixed(secrets: impl IntoIterator<Item = (HookHost, Secret)>) -> Self {
        let known = |(host, secret): (_, Secret)| Known {
            host,
            source: SecretSource::Text(secret.clone()),
            last: Mutex::new(secret),
        };
        Self(Arc::new(secrets.into_iter().map(known).collect()))
    }
}

impl Config {
    /// What webhooks are checked by.
    ///
    /// # Errors
    /// Every variable or file that does not hold a secret though the configuration names it.
    pub(crate) fn webhook_secrets(&self, environment: &Environment) -> Result<WebhookSecrets, Problems> {
        let (mut all, mut problems) = (Vec::new(), Vec::new());
        for host in HookHost::ALL {
            let (variable, file) = self.webhooks.source(host);
            if variable.is_empty() && file.is_empty() {
                continue;
            }
            let named = (!file.is_empty()).then(|| Path::new(file));
            match source(variable, named, environment) {
                Ok((source, now)) => all.push(Known { host, source, last: Mutex::new(now) }),
                Err((place, message)) => {
                    problems.push(Problem { place, key: format!("webhooks for {}", host.name()), message });
                }
            }
        }
        if problems.is_empty() { Ok(WebhookSecrets(Arc::new(all))) } else { Err(Problems(problems)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config_of;

    #[test]
    fn a_secret_that_changes_in_its_file_counts_at_once_and_the_last_one_while_there_is_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |text: &str| std::fs::write(file.path(), text).unwrap();
        write("first\n");
        let config = config_of(&format!("[webhooks]\ngitea_secret_file = \"{}\"\n", file.path().display()));
        let secrets = config.webhook_secrets(&Environment::default()).unwrap();
        let now = || secrets.of(HookHost::Gitea).unwrap().expose().to_owned();
        assert_eq!(now(), "first");
        write("second");
        assert_eq!(now(), "second");
        write("");
        assert_eq!(now(), "second");
        drop(file);
        assert_eq!(secrets.of(HookHost::Gitea).unwrap().expose(), "second");
        assert!(secrets.of(HookHost::GitHub).is_none());
    }
}
