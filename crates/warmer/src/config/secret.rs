//! A text that is never shown: it may hold a password (W-12).

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// A text that may hold a secret. It can be used, but neither shown nor written.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// Keeps a secret.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for its use.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Where a secret is. One in a file is read at each use: it may be renewed there while we run.
#[derive(Clone, Debug)]
pub(crate) enum SecretSource {
    /// Here, until the process ends.
    Text(Secret),
    /// In this file.
    File(PathBuf),
}

impl SecretSource {
    /// The secret as it is now.
    ///
    /// # Errors
    /// A sentence that says why its file does not hold one.
    pub(crate) fn read(&self) -> Result<Secret, String> {
        match self {
            Self::Text(secret) => Ok(secret.clone()),
            Self::File(path) => warmer_git::secret_in(path)
                .map(Secret)
                .map_err(|error| format!("the token's file {} cannot be read: {error}", path.display())),
        }
    }
}

impl From<SecretSource> for warmer_git::Token {
    fn from(source: SecretSource) -> Self {
        match source {
            SecretSource::Text(secret) => Self::Text(warmer_git::Secret::new(secret.0)),
            SecretSource::File(path) => Self::File(path),
        }
    }
}

/// A URL as it may be shown: without its userinfo and without its query, where passwords are put too.
pub(crate) fn redacted(url: &str) -> String {
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
        assert_eq!(format!("{:?}", Secret("hunter2".to_owned())), "[redacted]");
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
