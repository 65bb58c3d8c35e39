//! The sections and their keys. What each means, and its default, is in `config/warmer.toml`: the manual is not repeated here.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use warmer_git::Remote;

use super::repositories::Repository;
use super::secret::Secret;
use super::units::{Pause, Size, Time};

/// The whole configuration, complete by construction: no section has a default of its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default)]
    pub(crate) repositories: Vec<Repository>,
    pub(crate) database: Database,
    pub(crate) claimer: Claimer,
    pub(crate) scheduler: Scheduler,
    pub(crate) shutdown: Shutdown,
    pub(crate) webhooks: Webhooks,
    pub(crate) fetcher: Fetcher,
    pub(crate) hasher: Hasher,
    pub(crate) embedder: Embedder,
    pub(crate) storer: Storer,
    pub(crate) git: Git,
    pub(crate) content: Content,
    pub(crate) model: Model,
    pub(crate) runtime: Runtime,
    pub(crate) supervision: Supervision,
    pub(crate) gc: Gc,
    pub(crate) telemetry: Telemetry,
}

/// `[database]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    pub(crate) url: Secret,
    pub(crate) lock_url: Secret,
    pub(crate) pool: NonZeroU32,
    pub(crate) data_dir: String,
    pub(crate) allow_network_fs: bool,
}

impl Database {
    /// The file that the URL names; `None` for the one in the data directory.
    pub(crate) fn sqlite_file(&self) -> Option<PathBuf> {
        let path = self.url.expose().strip_prefix("sqlite:")?;
        Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
    }

    /// The URL, where it names a PostgreSQL server.
    pub(crate) fn postgres_url(&self) -> Option<&str> {
        Some(self.url.expose()).filter(|url| is_postgres(url))
    }
}

/// Whether a database URL names a PostgreSQL server.
pub(super) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// `[claimer]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claimer {
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) attempts_max: NonZeroU32,
    pub(crate) retry_first: Time,
    pub(crate) retry_most: Time,
    pub(crate) slots: u32,
    pub(crate) slot_wait_max: Time,
    pub(crate) stall: Time,
    pub(crate) child_memory_max: Size,
    pub(crate) start_delay: Pause,
    pub(crate) start_jitter: Pause,
}

/// `[scheduler]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scheduler {
    pub(crate) every: Time,
    pub(crate) list_batch: NonZeroU32,
    pub(crate) list_pause: Pause,
}

/// `[shutdown]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shutdown {
    pub(crate) grace: Pause,
}

/// `[webhooks]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhooks {
    pub(crate) listen: String,
    pub(crate) github_secret_env: String,
    pub(crate) github_secret_file: String,
    pub(crate) gitlab_token_env: String,
    pub(crate) gitlab_token_file: String,
    pub(crate) gitea_secret_env: String,
    pub(crate) gitea_secret_file: String,
    pub(crate) gogs_secret_env: String,
    pub(crate) gogs_secret_file: String,
    pub(crate) bitbucket_secret_env: String,
    pub(crate) bitbucket_secret_file: String,
    pub(crate) debounce: Pause,
    pub(crate) body_max: Size,
}

/// `[fetcher]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fetcher {
    pub(crate) workers: NonZeroUsize,
    pub(crate) mailbox: NonZeroUsize,
    pub(crate) mailbox_size: Size,
    pub(crate) deadline: Time,
}

/// `[hasher]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hasher {
    pub(crate) workers: usize,
    pub(crate) mailbox: NonZeroUsize,
    pub(crate) mailbox_size: Size,
    pub(crate) file_deadline: Time,
}

/// `[embedder]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Embedder {
    pub(crate) workers: usize,
    pub(crate) threads: NonZeroUsize,
    pub(crate) mailbox: NonZeroUsize,
    pub(crate) mailbox_size: Size,
    pub(crate) text_deadline: Time,
    pub(crate) recent: usize,
}

/// `[storer]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Storer {
    pub(crate) workers: NonZeroUsize,
    pub(crate) mailbox: NonZeroUsize,
    pub(crate) mailbox_size: Size,
}

/// `[git]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Git {
    pub(crate) protocols: Vec<Protocol>,
    pub(crate) fetch_size_max: Size,
    pub(crate) object_size_max: Size,
    pub(crate) files_max: NonZeroU64,
    pub(crate) memory_max: Size,
    pub(crate) mirrors_size_max: Size,
    pub(crate) ssh_command: String,
    pub(crate) private_networks: PrivateNetworks,
    pub(crate) credentials: Vec<Credential>,
}

impl Git {
    /// Whether the remote may be reached by the protocol that its URL names.
    ///
    /// # Errors
    /// A sentence with the way out, where it may not.
    pub(crate) fn allows(&self, remote: &Remote) -> Result<(), String> {
        let scheme = remote.url().split_once("://").map_or("ssh", |(scheme, _)| scheme);
        let mut allowed = self.protocols.iter().map(|protocol| protocol.scheme());
        if allowed.any(|protocol| protocol == scheme) {
            return Ok(());
        }
        Err(format!(
            "{remote} needs the protocol {scheme}, which [git] protocols does not allow: add it there, or name another URL"
        ))
    }
}

/// Whether hosts at loopback, link-local and private addresses are fetched from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PrivateNetworks {
    /// Those that a person or the configuration names.
    #[default]
    Named,
    /// Those to which a host redirects, too.
    All,
    None,
}

impl From<PrivateNetworks> for warmer_git::PrivateNetworks {
    fn from(networks: PrivateNetworks) -> Self {
        match networks {
            PrivateNetworks::Named => Self::Named,
            PrivateNetworks::All => Self::All,
            PrivateNetworks::None => Self::None,
        }
    }
}

/// How a repository may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    File,
    Https,
    Http,
    Ssh,
}

impl Protocol {
    /// The scheme of its URLs.
    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
        }
    }
}

/// `[[git.credentials]]`: where the token for a host is found; never the token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credential {
    pub(crate) host: String,
    pub(crate) username: String,
    #[serde(default)]
    pub(crate) token_env: Option<String>,
    #[serde(default)]
    pub(crate) token_file: Option<PathBuf>,
}

/// `[content]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
    pub(crate) file_size_max: Size,
    pub(crate) generated: bool,
    pub(crate) vendored: bool,
    pub(crate) lock_files: bool,
    pub(crate) minified: bool,
    pub(crate) chunk_tokens: NonZeroU32,
    pub(crate) chunk_bytes: NonZeroU32,
    pub(crate) structure_size_max: Size,
    pub(crate) parse_deadline: Time,
}

/// `[model]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    pub(crate) path: String,
    pub(crate) length_max: usize,
}

/// `[runtime]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Runtime {
    pub(crate) library: String,
}

/// `[supervision]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Supervision {
    pub(crate) intensity: usize,
    pub(crate) period: Time,
    pub(crate) first_delay: Time,
    pub(crate) most_delay: Time,
    pub(crate) line_intensity: usize,
    pub(crate) line_period: Time,
    pub(crate) root_intensity: usize,
    pub(crate) root_period: Time,
}

/// `[gc]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gc {
    pub(crate) mark_age: Time,
    pub(crate) history: Time,
}

/// `[telemetry]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Telemetry {
    pub(crate) log: String,
    pub(crate) format: LogFormat,
    pub(crate) service_name: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}
