//! The section `[webhooks]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use warmer_settings::{Mistake, Pause, Size};

use super::host::HookHost;
use crate::exposure::Exposure;
use crate::network::Network;

/// `[webhooks]`. A secret is never written here: a key names the variable or the file that holds it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "what the ten keys of the secrets mean, their names say")]
pub struct WebhookSettings {
    /// The address and port to listen on; empty does not listen.
    pub listen: String,
    /// The file with the certificate; empty without TLS.
    pub tls_certificate: String,
    /// The file with its key.
    pub tls_key: String,
    /// Whether a proxy stands before it.
    pub behind_proxy: bool,
    /// Whose headers say who asks.
    pub trusted_proxies: Vec<Network>,
    pub github_secret_env: String,
    pub github_secret_file: String,
    pub gitlab_token_env: String,
    pub gitlab_token_file: String,
    pub gitea_secret_env: String,
    pub gitea_secret_file: String,
    pub gogs_secret_env: String,
    pub gogs_secret_file: String,
    pub bitbucket_secret_env: String,
    pub bitbucket_secret_file: String,
    /// From a push to its job, so that a series of pushes is one job.
    #[serde(with = "Pause")]
    pub debounce: Duration,
    /// The largest request that is read, in bytes.
    #[serde(with = "Size")]
    pub body_max: u64,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            listen: String::new(),
            tls_certificate: String::new(),
            tls_key: String::new(),
            behind_proxy: false,
            trusted_proxies: Vec::new(),
            github_secret_env: String::new(),
            github_secret_file: String::new(),
            gitlab_token_env: String::new(),
            gitlab_token_file: String::new(),
            gitea_secret_env: String::new(),
            gitea_secret_file: String::new(),
            gogs_secret_env: String::new(),
            gogs_secret_file: String::new(),
            bitbucket_secret_env: String::new(),
            bitbucket_secret_file: String::new(),
            debounce: Duration::from_secs(2),
            body_max: 4 << 20,
        }
    }
}

/// The keys of a host's secret: that of its variable and that of its file.
type Keys = (&'static str, &'static str);

impl WebhookSettings {
    /// The variable and the file that may hold the secret of a host; empty where they are not named.
    #[must_use]
    pub fn source(&self, host: HookHost) -> (&str, &str) {
        let (_, variable, file) = self.keyed(host);
        (variable, file)
    }

    /// How the listener is exposed.
    #[must_use]
    pub fn exposure(&self) -> Exposure<'_> {
        Exposure {
            name: "webhooks",
            key: "webhooks.listen",
            listen: &self.listen,
            tls_certificate: &self.tls_certificate,
            tls_key: &self.tls_key,
            behind_proxy: self.behind_proxy,
            trusted_proxies: &self.trusted_proxies,
        }
    }

    fn keyed(&self, host: HookHost) -> (Keys, &str, &str) {
        match host {
            HookHost::GitHub => {
                (("github_secret_env", "github_secret_file"), &self.github_secret_env, &self.github_secret_file)
            }
            HookHost::GitLab => {
                (("gitlab_token_env", "gitlab_token_file"), &self.gitlab_token_env, &self.gitlab_token_file)
            }
            HookHost::Gitea => {
                (("gitea_secret_env", "gitea_secret_file"), &self.gitea_secret_env, &self.gitea_secret_file)
            }
            HookHost::Gogs => (("gogs_secret_env", "gogs_secret_file"), &self.gogs_secret_env, &self.gogs_secret_file),
            HookHost::Bitbucket => (
                ("bitbucket_secret_env", "bitbucket_secret_file"),
                &self.bitbucket_secret_env,
                &self.bitbucket_secret_file,
            ),
        }
    }

    /// What the values cannot say alone.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let sources = HookHost::ALL.map(|host| self.keyed(host));
        for ((_, key), variable, file) in &sources {
            if !variable.is_empty() && !file.is_empty() {
                mistakes.push(Mistake::new(key, "expected either a variable or a file"));
            }
        }
        mistakes.extend(self.exposure().mistakes("127.0.0.1:8320"));
        if !self.listen.is_empty() && sources.iter().all(|(_, variable, file)| variable.is_empty() && file.is_empty()) {
            let keys = sources.map(|((variable, file), ..)| format!("{variable}, {file}")).join(", ");
            let message = format!("it is set but no secret is: set one of {keys}");
            mistakes.push(Mistake::new("listen", message));
        }
        mistakes
    }
}
