//! What git may do here: which protocols, how much, and as whom.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::PrivateNetworks;

/// How the crate talks to remotes and how much it takes from them. Written out it holds the tokens: that is for the
/// pipe to the process that needs them, and for nothing else.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Options {
    /// The protocols that may be spoken: any of `file`, `https`, `ssh`, `http`. All else is refused.
    pub protocols: Vec<String>,
    /// The largest pack that is received in one fetch, in bytes; beyond it the fetch ends as too large.
    pub fetch_bytes_max: u64,
    /// The largest object that a fetch unpacks, in bytes, or `object_bytes_max` where that is more: gix holds one whole
    /// to name it, and a few MB of pack can hold gigabytes. Beyond it the fetch ends as too large.
    pub unpacked_bytes_max: u64,
    /// The largest blob that [`Blobs::read`](crate::Blobs::read) returns, in bytes.
    pub object_bytes_max: u64,
    /// The most files and directories of one commit, and half as many objects of one fetch: a few hundred bytes of
    /// nested trees can name billions of files. Beyond it the fetch ends as too large.
    pub files_max: u64,
    /// The most memory that a process which does requests alone may take for one, in bytes, where the system tells how
    /// much it takes; beyond it the request ends as too large.
    pub memory_bytes_max: u64,
    /// The program for `ssh://` and arguments, separated by blanks (no quotes, no shell); must understand OpenSSH's
    /// options. `None` is `ssh`.
    pub ssh_command: Option<String>,
    /// Whether hosts at private addresses are asked.
    pub private_networks: PrivateNetworks,
    /// Who we are at which host. No host gets another's.
    pub credentials: Vec<Credential>,
    /// How we introduce ourselves in the git protocol.
    pub user_agent: String,
    /// This process does nothing but requests and is killed as a whole.
    #[serde(skip)]
    pub alone: bool,
}

impl Options {
    /// The largest object that a fetch unpacks, in bytes.
    pub(crate) fn fetched_object_bytes_max(&self) -> u64 {
        self.unpacked_bytes_max.max(self.object_bytes_max)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            protocols: ["file", "https", "ssh"].map(str::to_owned).to_vec(),
            fetch_bytes_max: 2 << 30,
            unpacked_bytes_max: 512 << 20,
            object_bytes_max: 256 << 20,
            files_max: 2_000_000,
            memory_bytes_max: 576 << 20,
            ssh_command: None,
            private_networks: PrivateNetworks::default(),
            credentials: Vec::new(),
            user_agent: concat!("warmer/", env!("CARGO_PKG_VERSION")).to_owned(),
            alone: false,
        }
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
    pub token: Token,
}

/// Where a token is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Token {
    /// Here, for as long as the process lives.
    Text(#[serde(with = "exposed")] Secret),
    /// In a file. It is read each time a host asks for it, for tokens are renewed on disk as often as every hour.
    File(PathBuf),
}

impl Token {
    /// The token as it is now.
    ///
    /// # Errors
    /// When its file cannot be read, or is empty.
    pub fn read(&self) -> io::Result<Secret> {
        match self {
            Self::Text(secret) => Ok(secret.clone()),
            Self::File(path) => secret_in(path).map(Secret),
        }
    }
}

/// The secret in a file, without the blanks around it, as it is now.
///
/// # Errors
/// When the file cannot be read as a text, or holds none.
pub fn secret_in(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(SECRET_BYTES_MAX).read_to_string(&mut text)?;
    match text.trim() {
        "" => Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty")),
        secret => Ok(secret.to_owned()),
    }
}

/// No token is as long, and a device file has no end.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// The token on its way to the process that needs it. Only here is a secret ever written out.
mod exposed {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Secret;

    pub(super) fn serialize<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(secret.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        String::deserialize(from).map(Secret)
    }
}

/// A text that is used but never shown: its `Debug` is `[redacted]` and it has no `Display`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for whoever must send it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
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
            token: Token::Text(Secret::new("s3cr3t")),
        };
        let text = format!("{:?}", Options { credentials: vec![credential], ..Options::default() });
        assert!(text.contains("[redacted]") && !text.contains("s3cr3t"), "{text}");
    }

    #[test]
    fn a_token_in_a_file_is_read_anew_and_an_empty_file_is_none() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let token = Token::File(file.path().to_owned());
        for now in ["first", "second"] {
            std::fs::write(file.path(), format!("{now}\n")).expect("it is ours");
            assert_eq!(token.read().expect("it is there").expose(), now);
        }
        std::fs::write(file.path(), " \n").expect("it is ours");
        assert!(token.read().expect_err("nothing in it").to_string().contains("empty"));
        assert!(Token::File("/nonexistent".into()).read().is_err());
    }
}
