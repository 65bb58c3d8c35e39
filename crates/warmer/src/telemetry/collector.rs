//! The collector of traces: whether it can be reached.

use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// How long a collector may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a collector cannot be reached.
#[derive(Debug)]
pub(crate) enum Unreachable {
    /// This is no URL of one.
    NotAUrl,
    /// It does not take connections.
    Closed(io::Error),
}

/// Opens a connection to the collector at `url` and closes it again. Blocks, for two seconds at most for each of its
/// addresses.
///
/// # Errors
/// Why there is none.
pub(crate) fn reach(url: &str) -> Result<(), Unreachable> {
    // gRPC's may come without a scheme.
    let named = host_and_port(url).or_else(|| host_and_port(&format!("https://{url}")));
    let (host, port) = named.ok_or(Unreachable::NotAUrl)?;
    let addresses = (host.as_str(), port).to_socket_addrs().map_err(Unreachable::Closed)?;
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(Unreachable::Closed(last))
}

/// Whether the exporters take it.
pub(super) fn is_url(url: &str) -> bool {
    let is_odd = |byte: u8| !byte.is_ascii_graphic() || br#""<>\^`{|}"#.contains(&byte);
    host_and_port(url).is_some() && url.parse::<reqwest::Url>().is_ok() && !url.bytes().any(is_odd)
}

/// Of a URL of HTTP.
fn host_and_port(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (authority, usual),
    };
    Some((host.trim_matches(['[', ']']).to_owned(), port)).filter(|(host, _)| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_read_from_urls() {
        let read = |url| host_and_port(url).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(read("http://localhost:4318").as_deref(), Some("localhost 4318"));
        assert_eq!(read("https://u:p@collector.example/v1/traces").as_deref(), Some("collector.example 443"));
        assert_eq!(read("http://[::1]:4318").as_deref(), Some("::1 4318"));
        assert_eq!(read("localhost:4318"), None);
    }

    #[test]
    fn what_the_exporters_would_refuse_is_no_url() {
        for url in ["http://[::1]:4318", "https://u:p%20@collector.example/v1/traces?a=b,c&d=~e"] {
            assert!(is_url(url), "{url}");
        }
        for url in ["localhost:4318", "http://a b:1", "http://h/x y", "http://h/\"", "http://h/\u{e4}", "http://[::1"] {
            assert!(!is_url(url), "{url}");
        }
    }

    #[test]
    fn a_port_on_which_nobody_listens_cannot_be_reached() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        assert!(reach(&url).is_ok());
        drop(listener);
        let closed = reach(&url).unwrap_err();
        assert!(matches!(&closed, Unreachable::Closed(error) if error.kind() == io::ErrorKind::ConnectionRefused));
    }
}
