//! The section `[metrics]`.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::Deserialize;
use warmer_serve::Exposure;
use warmer_settings::Mistake;

/// `[metrics]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricsSettings {
    /// The address and port where `/metrics` alone is answered; empty does not listen.
    pub(crate) listen: String,
    /// Whether there are metrics with a repository's name in them.
    pub(crate) per_repository: bool,
}

impl MetricsSettings {
    /// How that listener is exposed: to anybody who reaches it, for it tells figures.
    pub(crate) fn exposure(&self) -> Exposure<'_> {
        Exposure { name: "metrics", key: "metrics.listen", listen: &self.listen, ..Exposure::default() }
    }

    /// What the values cannot say alone.
    pub(crate) fn mistakes(&self) -> Vec<Mistake> {
        if self.listen.is_empty() {
            return vec![];
        }
        let message = match self.listen.parse::<SocketAddr>() {
            Err(_) => "expected an address and a port such as \"0.0.0.0:9464\", or \"\"",
            Ok(address) if self.per_repository && !address.ip().to_canonical().is_loopback() => {
                "other machines would read there which repositories there are, for per_repository is true: set that to \
                 false, or leave this empty and read /metrics at admin.listen"
            }
            Ok(_) => return vec![],
        };
        vec![Mistake::new("listen", message)]
    }
}
