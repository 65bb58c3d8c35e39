//! `warmer healthcheck`: asks a running `warmer run` on this machine whether it lives.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context as _, bail};
use tokio::net::lookup_host;
use warmer_serve::{AdminSettings, ask};

use crate::args;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, printable_line};

/// What is asked, unless `--url` says otherwise.
const PATH: &str = "/livez";

/// Runs the command.
pub(crate) async fn run(context: &Context, arguments: args::Healthcheck) -> anyhow::Result<Exit> {
    let settings = &context.config.admin;
    let question = match &arguments.url {
        Some(url) => Question::of_url(url, settings).await?,
        None => Question::of_configuration(settings)?,
    };
    let shown = question.shown();
    let certificate = question.certificate.map(Path::new);
    let answer = ask(question.address, &question.path, certificate).await;
    let (status, word) = answer.with_context(|| format!("{shown} does not answer"))?;
    let word = printable_line(word.trim());
    if status != 200 {
        bail!("{shown} answers {status}: {word}");
    }
    output::print(&format!("{shown}: {word}\n"))?;
    Ok(Exit::Done)
}

/// Whom to ask what.
#[derive(Debug, PartialEq, Eq)]
struct Question<'a> {
    address: SocketAddr,
    path: String,
    /// The file of the certificate that is to be shown; none without TLS.
    certificate: Option<&'a str>,
}

impl<'a> Question<'a> {
    /// The listener of health alone, which needs no TLS, else the admin listener.
    fn of_configuration(settings: &'a AdminSettings) -> anyhow::Result<Self> {
        let all = [("admin.health_listen", settings.health_exposure()), ("admin.listen", settings.exposure())];
        let Some((key, exposure)) = all.into_iter().find(|(_, exposure)| exposure.listens()) else {
            bail!("nobody can be asked: admin.listen and admin.health_listen are empty; set one, or pass --url");
        };
        let address: SocketAddr = exposure.listen.parse().with_context(|| format!("{key} is no address"))?;
        if address.port() == 0 {
            bail!("{key} leaves its port to the system: pass it in --url");
        }
        let certificate = Some(exposure.tls_certificate).filter(|file| !file.is_empty());
        Ok(Self { address: reachable(address), path: PATH.to_owned(), certificate })
    }

    async fn of_url(url: &str, settings: &'a AdminSettings) -> anyhow::Result<Self> {
        const EXPECTED: &str = "expected a URL such as \"http://127.0.0.1:8321/livez\"";
        let (scheme, rest) = url.split_once("://").context(EXPECTED)?;
        let certificate = match scheme {
            "http" => None,
            "https" if !settings.tls_certificate.is_empty() => Some(settings.tls_certificate.as_str()),
            "https" => bail!("by https a listener is known by its certificate: name it in admin.tls_certificate"),
            _ => bail!(EXPECTED),
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, PATH.trim_start_matches('/')));
        let host = host.parse::<IpAddr>().map_or_else(|_| host.to_owned(), |_| format!("{host}:80"));
        let mut addresses = lookup_host(&host).await.with_context(|| format!("{EXPECTED}, with a port"))?;
        let address = addresses.next().with_context(|| format!("{host} has no address"))?;
        Ok(Self { address, path: format!("/{path}"), certificate })
    }

    fn shown(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.address, printable_line(&self.path))
    }
}

/// By which address of this machine a listener is reached that listens on all.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config_of;

    fn asked(toml: &str) -> anyhow::Result<String> {
        Question::of_configuration(&config_of(toml).admin).map(|question| question.shown())
    }

    #[test]
    fn the_listener_of_health_is_asked_else_the_admin_listener_by_an_address_of_this_machine() {
        let tls = "tls_certificate = \"c\"\ntls_key = \"k\"\n";
        for (keys, expected) in [
            ("", "http://127.0.0.1:8321/livez"),
            ("health_listen = \"0.0.0.0:8322\"\n", "http://127.0.0.1:8322/livez"),
            ("health_listen = \"[::]:8322\"\n", "http://[::1]:8322/livez"),
            ("listen = \"192.0.2.1:1\"\ntls_certificate = \"c\"\ntls_key = \"k\"\n", "https://192.0.2.1:1/livez"),
        ] {
            assert_eq!(asked(&format!("[admin]\n{keys}")).unwrap(), expected);
        }
        let both = format!("[admin]\nhealth_listen = \"127.0.0.1:8322\"\n{tls}");
        assert_eq!(asked(&both).unwrap(), "http://127.0.0.1:8322/livez", "health alone has no TLS");
    }

    #[test]
    fn where_nothing_listens_or_anywhere_the_way_out_is_named() {
        let nothing = asked("[admin]\nlisten = \"\"\n").unwrap_err().to_string();
        assert!(nothing.contains("admin.health_listen are empty; set one, or pass --url"), "{nothing}");
        let anywhere = asked("[admin]\nlisten = \"127.0.0.1:0\"\n").unwrap_err().to_string();
        assert!(anywhere.contains("admin.listen leaves its port to the system"), "{anywhere}");
    }

    #[tokio::test]
    async fn a_url_names_another_listener() {
        let (plain, tls) = (config_of(""), config_of("[admin]\ntls_certificate = \"c\"\ntls_key = \"k\"\n"));
        for (url, config, expected) in [
            ("http://127.0.0.1:1", &plain, "http://127.0.0.1:1/livez"),
            ("http://127.0.0.1:1/readyz", &plain, "http://127.0.0.1:1/readyz"),
            ("http://127.0.0.1", &plain, "http://127.0.0.1:80/livez"),
            ("https://127.0.0.1:1", &tls, "https://127.0.0.1:1/livez"),
        ] {
            assert_eq!(Question::of_url(url, &config.admin).await.unwrap().shown(), expected);
        }
        for url in ["127.0.0.1:1", "ftp://127.0.0.1:1", "http://", "https://127.0.0.1:1"] {
            assert!(Question::of_url(url, &plain.admin).await.is_err(), "{url}");
        }
    }
}
