//! Whose request it is: the address that is connected, or the one for whom a trusted proxy asks.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};

use crate::network::Network;

/// Whose request it is. The listener puts it into the extensions of each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client(pub IpAddr);

const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl Client {
    /// Whose request came from `peer` with these headers.
    ///
    /// A proxy adds, at the end, the address that it was asked by. So from the end on each is believed as long as it
    /// was told by a trusted one. Where both kinds of header are there and disagree, one of them is what the proxy
    /// passes on as it came, from whoever: then neither is believed.
    pub(crate) fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let peer = peer.to_canonical();
        let walk = |told: Vec<Option<IpAddr>>| {
            let mut at = peer;
            for address in told.into_iter().rev() {
                match address {
                    Some(address) if is_any(trusted, at) => at = address.to_canonical(),
                    _ => break,
                }
            }
            at
        };
        let told = [(FORWARDED, forwarded as Read), (FORWARDED_FOR, forwarded_for)];
        let told = told.map(|(name, read)| headers.contains_key(&name).then(|| walk(read(headers, &name))));
        Self(match told {
            [Some(one), Some(other)] if one != other => peer,
            [Some(client), _] | [None, Some(client)] => client,
            [None, None] => peer,
        })
    }
}

/// From headers to the addresses they name, in their order; nothing for one that is no address.
type Read = fn(&HeaderMap, &HeaderName) -> Vec<Option<IpAddr>>;

fn is_any(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// The parts of a header that may stand on several lines.
fn parts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).iter().flat_map(|line| line.to_str().unwrap_or("?").split(',')).map(str::trim)
}

/// `X-Forwarded-For: 192.0.2.43, 2001:db8::17`
fn forwarded_for(headers: &HeaderMap, name: &HeaderName) -> Vec<Option<IpAddr>> {
    parts(headers, name).map(address).collect()
}

/// `Forwarded: for=192.0.2.43;proto=https, for="[2001:db8::17]:4711"` (RFC 7239)
fn forwarded(headers: &HeaderMap, name: &HeaderName) -> Vec<Option<IpAddr>> {
    let node = |part: &str| {
        let pairs = part.split(';').filter_map(|pair| pair.split_once('='));
        let mut nodes = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case("for"));
        address(nodes.next()?.1.trim().trim_matches('"'))
    };
    parts(headers, name).map(node).collect()
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who it is that `peer` asks for, where 10.0.0.0/8 is trusted.
    fn client(peer: &str, lines: &[(HeaderName, &str)]) -> String {
        let headers = lines.iter().map(|(name, line)| (name.clone(), line.parse().unwrap())).collect();
        Client::of(peer.parse().unwrap(), &headers, &["10.0.0.0/8".parse().unwrap()]).0.to_string()
    }

    #[test]
    fn whom_a_trusted_proxy_asks_for_is_the_client_in_either_spelling() {
        for (line, expected) in [
            ("192.0.2.43", "192.0.2.43"),
            ("192.0.2.43:4711", "192.0.2.43"),
            ("2001:db8::17", "2001:db8::17"),
            ("[2001:db8::17]:4711", "2001:db8::17"),
            ("203.0.113.9, 192.0.2.43", "192.0.2.43"),
            ("203.0.113.9, 192.0.2.43, 10.0.0.2", "192.0.2.43"),
        ] {
            assert_eq!(client("10.0.0.1", &[(FORWARDED_FOR, line)]), expected, "{line}");
        }
        for (line, expected) in [
            ("for=192.0.2.43", "192.0.2.43"),
            ("For=\"192.0.2.43:80\";proto=https;by=10.0.0.1", "192.0.2.43"),
            ("for=\"[2001:db8::17]:4711\"", "2001:db8::17"),
            ("for=203.0.113.9, for=192.0.2.43;proto=http", "192.0.2.43"),
        ] {
            assert_eq!(client("::ffff:10.0.0.1", &[(FORWARDED, line)]), expected, "{line}");
        }
        let lines = [(FORWARDED_FOR, "192.0.2.43"), (FORWARDED_FOR, "10.0.0.2")];
        assert_eq!(client("10.0.0.1", &lines), "192.0.2.43", "several lines are one list");
    }

    #[test]
    fn who_is_not_trusted_speaks_for_himself_alone() {
        assert_eq!(client("192.0.2.1", &[(FORWARDED_FOR, "127.0.0.1")]), "192.0.2.1");
        assert_eq!(client("192.0.2.1", &[(FORWARDED, "for=10.0.0.9")]), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_is_no_address_ends_the_way_back_at_who_told_it() {
        for line in ["unknown", "_hidden", "", "192.0.2.43, ?"] {
            assert_eq!(client("10.0.0.1", &[(FORWARDED_FOR, line)]), "10.0.0.1", "{line}");
            assert_eq!(client("10.0.0.1", &[(FORWARDED, &format!("for={line}"))]), "10.0.0.1", "{line}");
        }
        assert_eq!(client("10.0.0.1", &[(FORWARDED, "proto=https")]), "10.0.0.1");
    }

    #[test]
    fn headers_that_disagree_are_not_believed() {
        let both = |forwarded| client("10.0.0.1", &[(FORWARDED_FOR, "192.0.2.43"), (FORWARDED, forwarded)]);
        assert_eq!(both("for=192.0.2.43"), "192.0.2.43");
        assert_eq!(both("for=203.0.113.9"), "10.0.0.1");
    }
}
