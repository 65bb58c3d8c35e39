//! The arguments of `warmer setup`.

use clap::Args;
use warmer_setup::Digest;

/// `setup`
#[derive(Clone, Debug, Args)]
pub(crate) struct Setup {
    /// An archive of Warmer, its URL, or a directory that one was unpacked into, instead of the package registry of
    /// Python, which needs Python 3.9 or later with pip
    // A URL is read by the command: the parser repeats what is wrong, and that may hold a password.
    #[arg(long, value_name = "PATH|URL")]
    pub(crate) from: Option<String>,
    /// The SHA-256 digest that the archive must have
    #[arg(long, value_name = "DIGEST", requires = "from", value_parser = digest)]
    pub(crate) sha256: Option<Digest>,
}

fn digest(text: &str) -> Result<Digest, &'static str> {
    Digest::parse(text).ok_or("expected 64 hex digits")
}
