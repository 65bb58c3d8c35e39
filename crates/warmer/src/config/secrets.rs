//! Tokens and secrets: read from the variables and files that the configuration names.

use std::path::Path;

use warmer_git::{Credential, Options};

use super::problem::{Place, Problem, Problems};
use super::secret::{Secret, SecretSource};
use super::sections::{Config, Protocol};
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
            files_max: self.git.files_max.get(),
            memory_bytes_max: self.git.memory_max.0,
            ssh_command: Some(self.git.ssh_command.clone()).filter(|command| !command.is_empty()),
            private_networks: self.git.private_networks.into(),
            credentials,
            ..Options::default()
        })
    }
}

/// Where the secret is that a variable or a file holds, and what it is now; the file goes first.
pub(super) fn source(
    variable: &str,
    file: Option<&Path>,
    environment: &Environment,
) -> Result<(SecretSource, Secret), (Place, String)> {
    let Some(file) = file else {
        let missing = || (Place::Variable(variable.to_owned()), "the variable with the token is not set".to_owned());
        let secret = environment.text(variable).map(Secret::new).ok_or_else(missing)?;
        return Ok((SecretSource::Text(secret.clone()), secret));
    };
    let source = SecretSource::File(file.to_path_buf());
    match source.read() {
        Ok(secret) => Ok((source, secret)),
        Err(message) => Err((Place::File { path: file.to_path_buf(), line: 1, column: 1 }, message)),
    }
}
