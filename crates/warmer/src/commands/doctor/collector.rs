//! The collector of traces, where one is configured.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use super::Finding;
use crate::environment::Environment;
use crate::telemetry::endpoint;
use warmer_settings::redacted;

/// How long a collector may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the endpoint takes connections.
pub(super) fn check(environment: &Environment) -> Finding {
    const NAME: &str = "traces";
    let Some((variable, url)) = endpoint(environment) else {
        return Finding::ok(NAME, "not exported; set OTEL_EXPORTER_OTLP_ENDPOINT to export them");
    };
    let shown = redacted(url);
    let Some((host, port)) = host_and_port(url) else {
        return Finding::warn(NAME, format!("{variable} is no URL such as http://localhost:4318"));
    };
    let addresses = (host.as_str(), port).to_socket_addrs();
    let connected = addresses.ok().and_then(|addresses| {
        addresses.into_iter().find(|address| TcpStream::connect_timeout(address, PATIENCE).is_ok())
    });
    match connected {
        Some(_) => Finding::ok(NAME, format!("exported to {shown}")),
        None => Finding::warn(NAME, format!("nothing answers at {shown} ({variable}): spans will be lost")),
    }
}

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
    use crate::commands::doctor::State;

    #[test]
    fn host_and_port_are_read_from_urls() {
        let read = |url| host_and_port(url).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(read("http://localhost:4318").as_deref(), Some("localhost 4318"));
        assert_eq!(read("https://u:p@collector.example/v1/traces").as_deref(), Some("collector.example 443"));
        assert_eq!(read("http://[::1]:4318").as_deref(), Some("::1 4318"));
        assert_eq!(read("localhost:4318"), None);
    }

    #[test]
    fn a_collector_that_does_not_answer_is_a_warning_without_its_password() {
        let url = "http://u:hunter2@127.0.0.1:1";
        let finding = check(&[("OTEL_EXPORTER_OTLP_ENDPOINT", url)].into_iter().collect());
        assert_eq!(finding.state, State::Warn);
        assert!(!finding.detail.contains("hunter2"), "{finding:?}");
        assert_eq!(check(&Environment::default()).state, State::Ok);
    }
}
