//! A connection to a remote: which protocols, how long to wait, and whose token goes where.

#![expect(clippy::disallowed_types, reason = "it hands the programs over to where they are started")]

use std::process::Command;

use gix::credentials::helper::{Action, NextAction};
use gix::credentials::protocol::{Context, Outcome};
use gix_transport::client::blocking_io;
use gix_transport::client::blocking_io::http::Transport;

use crate::explain::Failure;
use crate::http::Web;
use crate::http_error::HttpErrors;
use crate::networks::Guard;
use crate::program::{self, Program, ProgramStderr};
use crate::protocol::Protocol;
use crate::remote::host_of;
use crate::transcript::Transcript;
use crate::{ErrorKind, GitError, Options, Remote, local, networks};

/// The protocol we ask for: version 2, in which the server narrows a listing of refs. It may answer by an older one.
const VERSION: gix::protocol::transport::Protocol = gix::protocol::transport::Protocol::V2;

/// A transport to a remote that is allowed.
pub(crate) struct Connected {
    pub(crate) transport: Box<dyn blocking_io::Transport + Send>,
    /// What is talked to, where that is a program.
    pub(crate) program: Option<Program>,
    /// For programs: what they wrote to stderr.
    pub(crate) stderr: Option<ProgramStderr>,
    /// What the other side says by lines of the protocol and by HTTP.
    pub(crate) transcript: Transcript,
}

/// Makes the transport to `remote`; this starts git or ssh, and sends nothing yet by http.
///
/// # Errors
/// When the protocol is not allowed, a local repository is not there, or a program is missing.
pub(crate) fn connect_to(remote: &Remote, options: &Options) -> Result<Connected, GitError> {
    let protocol = remote.protocol();
    if !options.settings.protocols.contains(&protocol) {
        let text =
            format!("cannot fetch {remote}: the configuration does not allow the protocol {}", protocol.as_str());
        return Err(GitError::new(ErrorKind::NotAllowed, text));
    }
    if let Some(path) = remote.path() {
        local::check(remote, path)?;
        return by_program(program::git(path.as_os_str()), remote, options);
    }
    let failed = |error| Failure::new(remote, options).explain(&error);
    let url = gix::url::parse(remote.url()).map_err(failed)?;
    if protocol == Protocol::Ssh {
        if let Some(private) = networks::refused_to_ssh(options.settings.private_networks, &url) {
            return Err(HttpErrors::new(remote, options).not_allowed(&private));
        }
        let command = program::ssh(options.ssh_command(), &url);
        return by_program(command, remote, options);
    }
    let transcript = Transcript::default();
    let at = reqwest::Url::parse(remote.url()).map_err(|error| {
        GitError::new(ErrorKind::Other, format!("cannot fetch {remote}: its URL cannot be used by HTTP: {error}"))
    })?;
    let guard = Guard::new(options.settings.private_networks, at);
    let web = Web::new(HttpErrors::new(remote, options), guard, &transcript).map_err(|error| {
        GitError::new(ErrorKind::Local, format!("cannot fetch {remote}: no HTTP client can be made: {error}"))
    })?;
    let transport = Box::new(Transport::new_http(web, url, VERSION, false));
    Ok(Connected { transport, program: None, stderr: None, transcript })
}

fn by_program(command: Command, remote: &Remote, options: &Options) -> Result<Connected, GitError> {
    let transcript = Transcript::default();
    let (connection, program, stderr) = program::start(command, remote, VERSION, &transcript, options.alone)?;
    Ok(Connected { transport: Box::new(connection), program: Some(program), stderr: Some(stderr), transcript })
}

/// Answers a host's request for credentials from the configuration: no helper program, no prompt.
///
/// gix asks with the URL that was refused, after redirects: another host than the configured one gets nothing.
pub(crate) fn credentials(options: &Options) -> impl FnMut(Action) -> gix::Result<Option<Outcome>> {
    let known = options.credentials.clone();
    move |action| {
        let Action::Get(Context { url: Some(url), .. }) = action else { return Ok(None) };
        let host = host_of(&gix::url::parse(url)?);
        let Some(credential) = known.iter().find(|credential| Some(&credential.host) == host.as_ref()) else {
            return Ok(None);
        };
        // A token that cannot be read is named in the error of the refusal.
        let token = credential.token.read().ok();
        Ok(token.map(|token| Outcome {
            identity: gix::sec::identity::Account {
                username: credential.username.clone(),
                password: token.expose().to_owned(),
                oauth_refresh_token: None,
            },
            next: NextAction::from(Context::default()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Credential, Secret, SecretSource};

    fn sent_to(url: &str) -> Option<String> {
        let credential = Credential {
            host: "example.org:8443".into(),
            username: "me".into(),
            token: SecretSource::Text(Secret::new("t")),
        };
        let options = Options { credentials: vec![credential], ..Options::default() };
        let context = Context { url: Some(url.into()), ..Context::default() };
        let outcome = credentials(&options)(Action::Get(context)).expect("a URL");
        outcome.map(|outcome| format!("{}:{}", outcome.identity.username, outcome.identity.password))
    }

    #[test]
    fn a_token_goes_to_exactly_its_host() {
        assert_eq!(sent_to("https://example.org:8443/any/path").as_deref(), Some("me:t"));
        for other in [
            "https://example.org/a",
            "https://example.org:9443/a",
            "https://sub.example.org:8443/a",
            "https://evil.org:8443/example.org:8443",
        ] {
            assert_eq!(sent_to(other), None, "{other}");
        }
    }
}
