//! Secrets: used, but neither shown nor written.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

/// No secret is as long, and a device file has no end. In bytes.
const BYTES_MAX: u64 = 64 << 10;

/// A text that may hold a secret. It can be used, but neither shown nor written: its `Debug` is `[redacted]`.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for its use.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Where a secret is.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// Here, until the process ends.
    Text(Secret),
    /// In this file. It is read at each use, for tokens are renewed on disk as often as every hour.
    File(PathBuf),
}

impl SecretSource {
    /// The secret as it is now, without the blanks around it where it is in a file.
    ///
    /// # Errors
    /// When its file cannot be read as a text, or is empty.
    pub fn read(&self) -> io::Result<Secret> {
        match self {
            Self::Text(secret) => Ok(secret.clone()),
            Self::File(path) => in_file(path),
        }
    }
}

fn in_file(path: &Path) -> io::Result<Secret> {
    let mut text = String::new();
    File::open(path)?.take(BYTES_MAX).read_to_string(&mut text)?;
    match text.trim() {
        "" => Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty")),
        secret => Ok(Secret::new(secret)),
    }
}

/// A URL as it may be shown: without its userinfo and without its query, where passwords are put too.
#[must_use]
pub fn redacted(url: &str) -> String {
    let (before, query) = url.split_once('?').unwrap_or((url, ""));
    match before.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://[redacted]@{host}"),
            // A password with a question mark in it ends behind that.
            None if query.contains('@') => format!("{scheme}://[redacted]"),
            None => before.to_owned(),
        },
        // Not a URL, but perhaps meant as one: `me:password@host/path`, `https//token@host/path`.
        None => match before.rsplit_once('@') {
            Some((user, rest)) if user.contains([':', '/']) => format!("[redacted]@{rest}"),
            None if query.contains('@') => "[redacted]".to_owned(),
            _ => before.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", SecretSource::Text(Secret::new("hunter2"))), "Text([redacted])");
    }

    #[test]
    fn a_secret_in_a_file_is_read_anew_and_an_empty_file_is_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let source = SecretSource::File(file.path().to_owned());
        for now in ["first", "second"] {
            std::fs::write(file.path(), format!("{now}\n")).unwrap();
            assert_eq!(source.read().unwrap().expose(), now);
        }
        std::fs::write(file.path(), " \n").unwrap();
        assert!(source.read().unwrap_err().to_string().contains("empty"));
        assert!(SecretSource::File("/nonexistent".into()).read().is_err());
    }

    #[test]
    fn a_url_is_shown_without_what_may_be_a_password() {
        assert_eq!(redacted("postgres://u:p@ss@db/x?password=y"), "postgres://[redacted]@db/x");
        assert_eq!(redacted("postgres://u:p?ss@db/x"), "postgres://[redacted]");
        assert_eq!(redacted("sqlite:/a/b"), "sqlite:/a/b");
        assert_eq!(redacted("https://host/x"), "https://host/x");
        for slip in ["https//u:pw@host/x", "//u:pw@host/x", "u:pw@host/x", "https:/u:pw@host/x", "https/pw@host/x"] {
            assert_eq!(redacted(slip), "[redacted]@host/x", "{slip}");
        }
        assert_eq!(redacted("git@host:team/app"), "git@host:team/app");
    }
}
