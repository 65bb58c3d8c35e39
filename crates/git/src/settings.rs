//! The section `[git]`: which protocols, how much, and whose token is where.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use warmer_settings::{AboveZero, Mistake, Size};

use crate::networks::PrivateNetworks;
use crate::protocol::Protocol;
use crate::remote::Remote;

/// How remotes are talked to, and how much is taken from them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitSettings {
    /// The protocols that may be spoken; all others are refused.
    pub protocols: Vec<Protocol>,
    /// The largest pack that is received in one fetch, in bytes; beyond it the fetch ends as too large.
    #[serde(with = "Size")]
    pub fetch_size_max: u64,
    /// The largest blob that [`Blobs::read`](crate::Blobs::read) returns, in bytes.
    #[serde(with = "Size")]
    pub object_size_max: u64,
    /// The most files and directories of one commit, and half as many objects of one fetch: a few hundred bytes of
    /// nested trees can name billions of files. Beyond it the fetch ends as too large.
    #[serde(with = "AboveZero::<u64>")]
    pub files_max: u64,
    /// The most memory that a process which does requests alone may take for one, in bytes, where the system says how
    /// much it takes; beyond it the request ends as too large.
    #[serde(with = "Size")]
    pub memory_max: u64,
    /// The mirrors of all repositories together, in bytes.
    #[serde(with = "Size")]
    pub mirrors_size_max: u64,
    /// The program for `ssh://` and arguments, separated by blanks (no quotes, no shell); must understand OpenSSH's
    /// options. Empty is `ssh`.
    pub ssh_command: String,
    /// Whether hosts at private addresses are asked.
    pub private_networks: PrivateNetworks,
    /// Where the tokens of hosts are; whoever reads the configuration resolves them.
    pub credentials: Vec<CredentialSettings>,
}

impl Default for GitSettings {
    fn default() -> Self {
        Self {
            protocols: vec![Protocol::File, Protocol::Https, Protocol::Ssh],
            fetch_size_max: 4 << 30,
            object_size_max: 256 << 20,
            files_max: 2_000_000,
            memory_max: 576 << 20,
            mirrors_size_max: 20 << 30,
            ssh_command: String::new(),
            private_networks: PrivateNetworks::default(),
            credentials: Vec::new(),
        }
    }
}

impl GitSettings {
    /// What the values cannot say alone.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Mistake> {
        let none = "expected at least one of \"file\", \"https\", \"http\", \"ssh\"";
        let protocols = self.protocols.is_empty().then(|| Mistake::new("protocols", none));
        let broken = self.credentials.iter().filter_map(CredentialSettings::mistake);
        protocols.into_iter().chain(broken.map(|message| Mistake::new("credentials", message))).collect()
    }

    /// Whether the remote may be reached by the protocol that its URL names.
    ///
    /// # Errors
    /// A sentence with the way out, where it may not.
    pub fn allows(&self, remote: &Remote) -> Result<(), String> {
        let protocol = remote.protocol();
        if self.protocols.contains(&protocol) {
            return Ok(());
        }
        let scheme = protocol.as_str();
        Err(format!(
            "{remote} needs the protocol {scheme}, which [git] protocols does not allow: add it there, or name another \
            URL"
        ))
    }
}

/// `[[git.credentials]]`: where the token for a host is found; never the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table with host, username, and token_env or token_file")]
pub struct CredentialSettings {
    /// The exact host, with `:port` where the URL has one.
    pub host: String,
    /// What the host expects beside a token, for instance `x-access-token` or `oauth2`.
    pub username: String,
    /// The variable with the token.
    #[serde(default)]
    pub token_env: Option<String>,
    /// The file with the token.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
}

impl CredentialSettings {
    fn mistake(&self) -> Option<String> {
        let host = &self.host;
        if host.is_empty() || host.contains(['/', '@']) {
            let expected = "host: expected a host name such as \"git.example.com\", with `:port` where needed";
            return Some(expected.to_owned());
        }
        match (&self.token_env, &self.token_file) {
            (Some(_), None) | (None, Some(_)) => None,
            _ => Some(format!("for host {host}: expected either token_env or token_file")),
        }
    }
}
