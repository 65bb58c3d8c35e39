//! Tokens and secrets: read from the variables and files that the configuration names.

use std::path::{Path, PathBuf};

use warmer_git::{Credential, Options};

use super::problem::{Place, Problem, Problems};
use super::secret::{Secret, SecretSource};
use super::sections::{Config, Protocol};
use crate::environment::Environment;

/// What webhooks are checked by; a host without one is refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct WebhookSecrets {
    /// The key of GitHub's signatures.
    pub(crate) github: Option<SecretSource>,
    /// What GitLab sends along.
    pub(crate) gitlab: Option<SecretSource>,
}

impl Config {
    /// What webhooks are checked by.
    ///
    /// # Errors
    /// Every variable or file that does not hold a secret though the configuration names it.
    pub(crate) fn webhook_secrets(&self, environment: &Environment) -> Result<WebhookSecrets, Problems> {
        let webhooks = &self.webhooks;
        let mut problems = Vec::new();
        let mut read = |variable: &str, file: &str, key: &str| {
            let file = (!file.is_empty()).then(|| PathBuf::from(file));
            if variable.is_empty() && file.is_none() {
                return None;
            }
            let problem = |(place, message)| problems.push(Problem { place, key: key.to_owned(), message });
            source(variable, file.as_deref(), environment).map_err(problem).ok()
        };
        let secrets = WebhookSecrets {
            github: read(&webhooks.github_secret_env, &webhooks.github_secret_file, "webhooks for GitHub"),
            gitlab: read(&webhooks.gitlab_token_env, &webhooks.gitlab_token_file, "webhooks for GitLab"),
        };
        if problems.is_empty() { Ok(secrets) } else { Err(Problems(problems)) }
    }

    /// How git may be used, tokens included.
    ///
    /// # Errors
    /// Every credential whose variable or file does not hold a token.
    pub(crate) fn git_options(&self, environment: &Environment) -> Result<Options, Problems> {
        let (mut credentials, mut problems) = (Vec::new(), Vec::new());
        for credential in &self.git.credentials {
            let variable = credential.token_env.as_deref().unwrap_or_default();
            match source(variable, credential.token_file.as_deref(), environment) {
                Ok(token) => credentials.push(Credential {
                    host: credential.host.clone(),
                    username: credential.username.clone(),
                    token: token.into(),
                }),
                Err((place, message)) => {
                    problems.push(Problem { place, key: format!("git.credentials for {}", credential.host), message });
                }
            }
        }
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        Ok(Options {
            protocols: self.git.protocols.iter().copied().map(Protocol::scheme).map(str::to_owned).collect(),
            fetch_bytes_max: self.git.fetch_size_max.0,
            object_bytes_max: self.git.object_size_max.0,
            ssh_command: Some(self.git.ssh_command.clone()).filter(|command| !command.is_empty()),
            credentials,
            ..Options::default()
        })
    }
}

/// Where the secret is that a variable or a file holds; the file goes first. That it can be read now is made sure.
fn source(variable: &str, file: Option<&Path>, environment: &Environment) -> Result<SecretSource, (Place, String)> {
    let Some(file) = file else {
        let missing = || (Place::Variable(variable.to_owned()), "the variable with the token is not set".to_owned());
        return environment.text(variable).map(|text| SecretSource::Text(Secret::new(text))).ok_or_else(missing);
    };
    let source = SecretSource::File(file.to_path_buf());
    match source.read() {
        Ok(_) => Ok(source),
        Err(message) => Err((Place::File { path: file.to_path_buf(), line: 1, column: 1 }, message)),
    }
}
