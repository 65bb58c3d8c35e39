//! How a listener is exposed: where it listens, and what stands between it and the network.

use std::net::SocketAddr;

use warmer_settings::Mistake;

use crate::network::Network;

/// The keys of a listener's section.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exposure<'a> {
    /// What log lines and answers call the listener: the section of its settings, if it is the only one of it.
    pub name: &'static str,
    /// The whole name of the key of `listen`.
    pub key: &'static str,
    /// The address and port; empty does not listen.
    pub listen: &'a str,
    /// The file with the certificate, and those that vouch for it; empty without TLS.
    pub tls_certificate: &'a str,
    /// The file with its key.
    pub tls_key: &'a str,
    /// Whether a proxy stands before it that ends TLS.
    pub behind_proxy: bool,
    /// Whose headers say who asks.
    pub trusted_proxies: &'a [Network],
}

impl Exposure<'_> {
    /// Whether anything listens.
    #[must_use]
    pub fn listens(&self) -> bool {
        !self.listen.is_empty()
    }

    /// What the values cannot say alone. `example` is an address that suits the section.
    #[must_use]
    pub fn mistakes(&self, example: &str) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        match (self.tls_certificate.is_empty(), self.tls_key.is_empty()) {
            (false, true) => mistakes.push(Mistake::new("tls_certificate", "it needs tls_key too")),
            (true, false) => mistakes.push(Mistake::new("tls_key", "it needs tls_certificate too")),
            _ => {}
        }
        match (self.behind_proxy, self.trusted_proxies.is_empty()) {
            (true, true) => {
                let message = "name the proxies in trusted_proxies: what others say about who asks is not believed";
                mistakes.push(Mistake::new("behind_proxy", message));
            }
            (false, false) => {
                mistakes.push(Mistake::new("trusted_proxies", "it counts only with behind_proxy = true"));
            }
            _ => {}
        }
        if self.listens() {
            mistakes.extend(self.mistake_of_address(example));
        }
        mistakes
    }

    fn mistake_of_address(&self, example: &str) -> Option<Mistake> {
        let Ok(address) = self.listen.parse::<SocketAddr>() else {
            let message = format!("expected an address and a port such as \"{example}\", or \"\"");
            return Some(Mistake::new("listen", message));
        };
        let is_guarded = address.ip().to_canonical().is_loopback() || !self.tls_certificate.is_empty();
        (!is_guarded && !self.behind_proxy).then(|| {
            let message = "other machines reach this address, and nothing is encrypted: set tls_certificate and \
                           tls_key; or behind_proxy = true and trusted_proxies, where a proxy does TLS; or listen at \
                           127.0.0.1";
            Mistake::new("listen", message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(exposure: &Exposure<'_>) -> Vec<&'static str> {
        exposure.mistakes("127.0.0.1:1").iter().map(|mistake| mistake.key).collect()
    }

    #[test]
    fn wider_than_loopback_needs_tls_or_a_proxy() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        for listen in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[::ffff:192.0.2.1]:1"] {
            let bare = Exposure { listen, ..Exposure::default() };
            assert_eq!(keys(&bare), ["listen"], "{listen}");
            assert!(keys(&Exposure { tls_certificate: "c", tls_key: "k", ..bare }).is_empty(), "{listen}");
            assert!(keys(&Exposure { behind_proxy: true, trusted_proxies: &trusted, ..bare }).is_empty(), "{listen}");
        }
        for listen in ["", "127.0.0.1:1", "127.8.0.1:0", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(keys(&Exposure { listen, ..Exposure::default() }).is_empty(), "{listen}");
        }
    }

    #[test]
    fn what_needs_another_key_says_which() {
        let none = Exposure::default();
        assert_eq!(keys(&Exposure { tls_certificate: "c", ..none }), ["tls_certificate"]);
        assert_eq!(keys(&Exposure { tls_key: "k", ..none }), ["tls_key"]);
        assert_eq!(keys(&Exposure { behind_proxy: true, ..none }), ["behind_proxy"]);
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        assert_eq!(keys(&Exposure { trusted_proxies: &trusted, ..none }), ["trusted_proxies"]);
        assert_eq!(keys(&Exposure { listen: "8321", ..none }), ["listen"]);
    }
}
