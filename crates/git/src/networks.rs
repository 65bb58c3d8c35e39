//! Which addresses are asked: what stands on a private network is for those who were named, not for whom another host
//! names.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mutex::lock;

/// Whether hosts at loopback, link-local and private addresses are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PrivateNetworks {
    /// Those that a person or the configuration names, but none to which a host redirects.
    #[default]
    Named,
    /// All of them.
    All,
    /// None.
    None,
}

/// An address that is not asked.
#[derive(Debug, thiserror::Error)]
#[error("{0} is at a private address")]
pub(crate) struct Private(pub(crate) String);

/// The rule for one conversation: it is asked before each request, and again when a name becomes addresses, so that a
/// name cannot turn into another address in between.
#[derive(Clone)]
pub(crate) struct Guard {
    networks: PrivateNetworks,
    named: Url,
    /// Hosts of which only public addresses are used.
    strict: Arc<Mutex<HashSet<String>>>,
}

impl Guard {
    /// The rule for a conversation with the host of `named`.
    pub(crate) fn new(networks: PrivateNetworks, named: Url) -> Self {
        Self { networks, named, strict: Arc::default() }
    }

    /// Says whether a request may go to `url`.
    ///
    /// # Errors
    /// When its host is a private address. A name may still become one: then the connection fails with [`Private`].
    pub(crate) fn check(&self, url: &Url) -> Result<(), Private> {
        let is_free = match self.networks {
            PrivateNetworks::All => true,
            PrivateNetworks::Named => is_same_host(&self.named, url),
            PrivateNetworks::None => false,
        };
        let host = url.host_str().unwrap_or_default();
        if is_free {
            return Ok(());
        }
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if is_private(address) => Err(Private(host.to_owned())),
            Ok(_) => Ok(()),
            Err(_) => {
                lock(&self.strict).insert(host.to_owned());
                Ok(())
            }
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let is_strict = lock(&self.strict).contains(name.as_str());
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0)).await?;
            let found: Vec<_> = found.filter(|at| !is_strict || !is_private(at.ip())).collect();
            match found.is_empty() {
                true => Err(Private(host.to_owned()).into()),
                false => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

/// The private address that ssh would connect to, where none is allowed. A name that only ssh's configuration knows is
/// not looked at: who may write that may do more.
pub(crate) fn refused_to_ssh(networks: PrivateNetworks, url: &gix::Url) -> Option<Private> {
    let host = url.host().filter(|_| networks == PrivateNetworks::None)?.trim_matches(['[', ']']);
    let mut found = (host, url.port.unwrap_or(22)).to_socket_addrs().ok()?;
    found.any(|at| is_private(at.ip())).then(|| Private(host.to_owned()))
}

/// Whether a URL leads to the same host as the one that was named: to the same port too, but for http that became
/// https.
pub(crate) fn is_same_host(named: &Url, url: &Url) -> bool {
    let ports = (named.port_or_known_default(), url.port_or_known_default());
    let upgraded = named.scheme() == "http" && url.scheme() == "https" && ports == (Some(80), Some(443));
    let same = named.scheme() == url.scheme() && ports.0 == ports.1;
    named.host_str() == url.host_str() && (same || upgraded)
}

/// Whether an address belongs to this machine or to a network that is not the public one.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || first == 0
        || first >= 240
        || shared
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Addresses of version 4 written as version 6: mapped, compatible, and by NAT64.
    let inner = match segments {
        [0, 0, 0, 0, 0, 0xffff | 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            let [.., a, b, c, d] = address.octets();
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    };
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || inner.is_some_and(is_private_v4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect(text)
    }

    #[test]
    fn addresses_of_this_machine_and_of_private_networks_are_told_from_public_ones() {
        for private in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "::7f00:1",
        ] {
            assert!(is_private(private.parse().expect(private)), "{private}");
        }
        for public in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "192.169.0.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(!is_private(public.parse().expect(public)), "{public}");
        }
    }

    #[test]
    fn a_private_address_is_asked_where_it_was_named_and_not_where_a_host_sends_us() {
        let named = url("http://127.0.0.1:8080/a");
        let guard = |networks| Guard::new(networks, named.clone());
        for (to, by_default) in [
            ("http://127.0.0.1:8080/b", true),
            ("http://127.0.0.1:5432/b", false),
            ("http://2130706433:81/b", false),
            ("http://[::1]/b", false),
            ("https://192.168.0.1/b", false),
            ("https://1.1.1.1/b", true),
        ] {
            assert_eq!(guard(PrivateNetworks::Named).check(&url(to)).is_ok(), by_default, "{to}");
            assert!(guard(PrivateNetworks::All).check(&url(to)).is_ok(), "{to}");
        }
        assert!(guard(PrivateNetworks::None).check(&named).is_err());
        let ssh = gix::url::parse("git@127.0.0.1:a").expect("a URL");
        assert!(refused_to_ssh(PrivateNetworks::None, &ssh).is_some());
        assert!(refused_to_ssh(PrivateNetworks::Named, &ssh).is_none());
    }

    #[test]
    fn http_may_become_https_at_the_same_host_alone() {
        assert!(is_same_host(&url("http://a.example/x"), &url("https://a.example/x")));
        assert!(!is_same_host(&url("http://a.example:8080/x"), &url("https://a.example/x")));
        assert!(!is_same_host(&url("https://a.example/x"), &url("http://a.example/x")));
    }
}
