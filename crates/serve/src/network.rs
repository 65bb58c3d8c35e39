//! Addresses and ranges of addresses, as a configuration names them.

use std::borrow::Cow;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// An address, or all that begin with the same bits: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// How many of its bits count.
    bits: u32,
}

/// It is neither an address nor a range of them.
#[derive(Debug, thiserror::Error)]
#[error("expected an address or a range of them, such as \"10.0.0.7\" or \"10.0.0.0/8\"")]
pub struct NoNetwork;

impl Network {
    /// Whether the address is one of these. An IPv4 address is the same however it is written.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let both = match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => (u128::from(ours.to_bits()), u128::from(theirs.to_bits()), 32),
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => (ours.to_bits(), theirs.to_bits(), 128),
            _ => return false,
        };
        let (ours, theirs, width) = both;
        // Of no bits nothing is left to differ.
        (ours ^ theirs).checked_shr(width - self.bits).unwrap_or(0) == 0
    }
}

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), str::parse).ok().filter(|bits| *bits <= width).ok_or(NoNetwork)?;
        Ok(Self { address, bits })
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Network {
    fn schema_name() -> Cow<'static, str> {
        "Network".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_the_addresses_that_begin_with_its_bits() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("192.0.2.6/31", "::ffff:192.0.2.7", "192.0.2.8"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("::/0", "2001:db8::", "127.0.0.1"),
        ] {
            let range: Network = network.parse().unwrap();
            assert!(range.contains(inside.parse().unwrap()), "{network} has {inside}");
            assert!(!range.contains(outside.parse().unwrap()), "{network} does not have {outside}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "proxy", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8", "10.0.0.0/-1", "10.0.0.1:80"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
