//! What is spoken with a remote.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::RemoteError;

/// What is spoken with a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// A local path.
    File,
    /// Encrypted.
    Https,
    /// In the clear.
    Http,
    /// By the program `ssh`.
    Ssh,
}

impl Protocol {
    /// The name in a URL and in the allow-list.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
        }
    }

    /// The protocol of what is known to be no local path.
    pub(crate) fn of(argument: &str) -> Result<Self, RemoteError> {
        let Some((scheme, _)) = argument.split_once("://") else {
            // `ext::command` names a program to run.
            return match argument.split_once("::") {
                Some((helper, _)) if helper.chars().all(|c| c.is_ascii_alphanumeric()) => {
                    Err(RemoteError::Unsupported(format!("{helper}::")))
                }
                _ => Ok(Self::Ssh),
            };
        };
        match scheme.to_ascii_lowercase().as_str() {
            "https" => Ok(Self::Https),
            "http" => Ok(Self::Http),
            "ssh" => Ok(Self::Ssh),
            other if other.chars().all(|c| c.is_ascii_alphanumeric() || c == '+') => {
                Err(RemoteError::Unsupported(format!("{other}://")))
            }
            _ => Err(RemoteError::Unsupported("this".to_owned())),
        }
    }
}
