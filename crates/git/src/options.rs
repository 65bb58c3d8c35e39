//! What git may do here: which protocols, how much, and as whom.

use serde::{Deserialize, Serialize};
use warmer_settings::SecretSource;

use crate::settings::GitSettings;

/// What git may do in this process. Written out it holds the tokens: that is for the pipe to the process that needs
/// them, and for nothing else.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Options {
    /// How remotes are talked to, and how much is taken from them.
    pub settings: GitSettings,
    /// Who we are at which host. No host gets another's.
    pub credentials: Vec<Credential>,
    /// The largest object that a fetch unpacks, in bytes, or `object_size_max` where that is more: gix holds one whole
    /// to name it, and a few MB of pack can hold gigabytes. Beyond it the fetch ends as too large.
    pub unpacked_bytes_max: u64,
    /// How we introduce ourselves in the git protocol.
    pub user_agent: String,
    /// This process does nothing but requests and is killed as a whole.
    #[serde(skip)]
    pub alone: bool,
}

impl Options {
    /// The largest object that a fetch unpacks, in bytes.
    pub(crate) fn fetched_object_bytes_max(&self) -> u64 {
        self.unpacked_bytes_max.max(self.settings.object_size_max)
    }

    /// The program for `ssh://` with its arguments.
    pub(crate) fn ssh_command(&self) -> &str {
        Some(self.settings.ssh_command.as_str()).filter(|command| !command.is_empty()).unwrap_or("ssh")
    }
}

impl From<GitSettings> for Options {
    /// As nobody in particular.
    fn from(settings: GitSettings) -> Self {
        Self {
            settings,
            credentials: Vec::new(),
            unpacked_bytes_max: 512 << 20,
            user_agent: concat!("warmer/", env!("CARGO_PKG_VERSION")).to_owned(),
            alone: false,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        GitSettings::default().into()
    }
}

/// A user name and token for one host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credential {
    /// The exact host, with `:port` where the URL has one.
    pub host: String,
    /// What the host expects beside a token, for instance `x-access-token` or `oauth2`.
    pub username: String,
    /// The token; sent over https only.
    #[serde(with = "exposed")]
    pub token: SecretSource,
}

/// The token on its way to the process that needs it. Only here is a secret ever written out.
mod exposed {
    use std::path::PathBuf;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use warmer_settings::{Secret, SecretSource};

    #[derive(Serialize, Deserialize)]
    enum Exposed {
        Text(String),
        File(PathBuf),
    }

    pub(super) fn serialize<S: Serializer>(source: &SecretSource, to: S) -> Result<S::Ok, S::Error> {
        match source {
            SecretSource::Text(secret) => Exposed::Text(secret.expose().to_owned()),
            SecretSource::File(path) => Exposed::File(path.clone()),
        }
        .serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SecretSource, D::Error> {
        Ok(match Exposed::deserialize(from)? {
            Exposed::Text(secret) => SecretSource::Text(Secret::new(secret)),
            Exposed::File(path) => SecretSource::File(path),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_text_of_options_holds_no_token() {
        let credential = Credential {
            host: "git.example.org".into(),
            username: "me".into(),
            token: SecretSource::Text(warmer_settings::Secret::new("s3cr3t")),
        };
        let text = format!("{:?}", Options { credentials: vec![credential], ..Options::default() });
        assert!(text.contains("[redacted]") && !text.contains("s3cr3t"), "{text}");
    }
}
