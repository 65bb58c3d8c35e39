//! Tokens and secrets: read from the variables and files that the configuration names.

use std::path::Path;

use warmer_git::{Credential, Options};
use warmer_serve::webhooks::{HookHost, HookSecrets};
use warmer_settings::{Secret, SecretSource, absolute};

use super::problem::{Origin, Problem, Problems};
use super::sections::Config;
use crate::environment::Environment;

impl Config {
    /// How git may be used, tokens included.
    ///
    /// # Errors
    /// Every credential whose variable or file does not hold a token.
    pub(crate) fn git_options(&self, environment: &Environment) -> Result<Options, Problems> {
        let (mut credentials, mut problems) = (Vec::new(), Vec::new());
        for credential in &self.git.credentials {
            let variable = credential.token_env.as_deref().unwrap_or_default();
            match source(variable, credential.token_file.as_deref(), environment) {
                Ok((token, _)) => credentials.push(Credential {
                    host: credential.host.clone(),
                    username: credential.username.clone(),
                    token,
                }),
                Err((origin, message)) => {
                    problems.push(Problem { origin, key: format!("git.credentials for {}", credential.host), message });
                }
            }
        }
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        Ok(Options { credentials, ..self.git.clone().into() })
    }

    /// What webhooks are checked by.
    ///
    /// # Errors
    /// Every variable or file that does not hold a secret though the configuration names it.
    pub(crate) fn webhook_secrets(&self, environment: &Environment) -> Result<HookSecrets, Problems> {
        let (mut all, mut problems) = (Vec::new(), Vec::new());
        for host in HookHost::ALL {
            let (variable, file) = self.webhooks.source(host);
            if variable.is_empty() && file.is_empty() {
                continue;
            }
            let named = (!file.is_empty()).then(|| Path::new(file));
            match source(variable, named, environment) {
                Ok((source, now)) => all.push((host, source, now)),
                Err((origin, message)) => {
                    problems.push(Problem { origin, key: format!("webhooks for {}", host.name()), message });
                }
            }
        }
        if problems.is_empty() { Ok(HookSecrets::new(all)) } else { Err(Problems(problems)) }
    }
}

/// Where the secret is that a variable or a file holds, and what it is now; the file goes first.
fn source(
    variable: &str,
    file: Option<&Path>,
    environment: &Environment,
) -> Result<(SecretSource, Secret), (Origin, String)> {
    let Some(file) = file else {
        let missing = || (Origin::Variable(variable.to_owned()), "the variable with the token is not set".to_owned());
        let secret = environment.text(variable).map(Secret::new).ok_or_else(missing)?;
        return Ok((SecretSource::Text(secret.clone()), secret));
    };
    let source = SecretSource::File(absolute(file));
    match source.read() {
        Ok(secret) => Ok((source, secret)),
        Err(error) => {
            let message = format!("the token's file {} cannot be read: {error}", file.display());
            Err((Origin::File { path: file.to_path_buf(), line: 1, column: 1 }, message))
        }
    }
}
