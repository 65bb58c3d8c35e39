//! The section `[admin]`.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::Deserialize;
use warmer_settings::Mistake;

use crate::exposure::Exposure;
use crate::network::Network;

/// Where the admin listener is when nobody says otherwise.
const LISTEN: &str = "127.0.0.1:8321";

/// `[admin]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminSettings {
    /// The address and port to listen on; empty does not listen.
    pub listen: String,
    /// The same for health alone.
    pub health_listen: String,
    /// The file with the certificate of `listen`; empty without TLS.
    pub tls_certificate: String,
    /// The file with its key.
    pub tls_key: String,
    /// Whether a proxy stands before `listen`.
    pub behind_proxy: bool,
    /// Whose headers say who asks.
    pub trusted_proxies: Vec<Network>,
}

impl Default for AdminSettings {
    fn default() -> Self {
        Self {
            listen: LISTEN.to_owned(),
            health_listen: String::new(),
            tls_certificate: String::new(),
            tls_key: String::new(),
            behind_proxy: false,
            trusted_proxies: Vec::new(),
        }
    }
}

impl AdminSettings {
    /// How the admin listener is exposed.
    #[must_use]
    pub fn exposure(&self) -> Exposure<'_> {
        Exposure {
            name: "admin",
            key: "admin.listen",
            listen: &self.listen,
            tls_certificate: &self.tls_certificate,
            tls_key: &self.tls_key,
            behind_proxy: self.behind_proxy,
            trusted_proxies: &self.trusted_proxies,
        }
    }

    /// How the listener of health alone is exposed: to anybody, for it tells nothing but a state.
    #[must_use]
    pub fn health_exposure(&self) -> Exposure<'_> {
        let (name, key) = ("health", "admin.health_listen");
        Exposure { name, key, listen: &self.health_listen, ..Exposure::default() }
    }

    /// What the values cannot say alone.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = self.exposure().mistakes(LISTEN);
        if self.health_listen.is_empty() {
            return mistakes;
        }
        match self.health_listen.parse::<SocketAddr>() {
            Err(_) => {
                let message = "expected an address and a port such as \"0.0.0.0:8322\", or \"\"";
                mistakes.push(Mistake::new("health_listen", message));
            }
            Ok(address) if self.listen.parse() == Ok(address) && address.port() != 0 => {
                let message = "listen is the same: choose another port, or leave this empty, as /livez, /readyz and \
                               /startupz are there too";
                mistakes.push(Mistake::new("health_listen", message));
            }
            Ok(_) => {}
        }
        mistakes
    }
}
