//! Where a repository is, however its URL is spelled.

use std::fmt;

use gix::bstr::ByteSlice;

use crate::protocol::Protocol;
use crate::remote::Remote;

/// Hosts by which the same repositories are reached as by another: ssh where only the port of https is open.
const OTHER_NAMES: [(&str, u16, &str); 3] = [
    ("ssh.github.com", 443, "github.com"),
    ("altssh.gitlab.com", 443, "gitlab.com"),
    ("altssh.bitbucket.org", 443, "bitbucket.org"),
];

/// Forges that find a repository whatever the case of its path. One that somebody runs is known by its name, for
/// example `gitlab.example.com`.
const FORGES: [&str; 6] = ["github", "gitlab", "gitea", "forgejo", "codeberg", "bitbucket"];

/// The location of a repository: equal for all URLs that lead to it by whatever protocol. Two locations are equal if
/// and only if their `Display`s are, which hold no secret.
///
/// The host counts without its case, the path without the case where the host is a forge, without `.git`, escapes and
/// needless slashes. A port that is not the usual one counts, and so does the user of ssh, unless it is the `git` of
/// forges: homes differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    user: Option<String>,
    /// Empty on this machine.
    host: String,
    port: Option<u16>,
    path: String,
}

impl Location {
    /// The location of any URL or `user@host:path`, of whatever protocol; `None` for paths of a machine, and for what
    /// is neither.
    #[must_use]
    pub fn of_url(url: &str) -> Option<Self> {
        let url = gix::url::parse(url).ok()?;
        let (host, usual) = (url.host()?, url.scheme.default_port()?);
        let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_lowercase();
        let port = url.port.filter(|port| *port != usual);
        let (host, port) = match OTHER_NAMES.iter().find(|(name, at, _)| *name == host && Some(*at) == port) {
            Some((_, _, forge)) => ((*forge).to_owned(), None),
            None => (host, port),
        };
        let user = url.user().filter(|user| url.scheme == gix::url::Scheme::Ssh && *user != "git").map(str::to_owned);
        let path = bare(&url.path.to_str_lossy(), is_forge(&host));
        (!host.is_empty() && !path.is_empty()).then_some(Self { user, host, port, path })
    }

    /// The same location as its host reports it, which knows neither our user nor the port of a proxy before it, and
    /// whose software finds paths whatever their case.
    #[must_use]
    pub fn as_reported(&self) -> Self {
        Self { user: None, port: None, host: self.host.clone(), path: self.path.to_lowercase() }
    }

    fn local(url: &str) -> Self {
        Self { user: None, host: String::new(), port: None, path: url.to_owned() }
    }
}

impl Remote {
    /// Where it is: equal for all spellings of one location.
    #[must_use]
    pub fn location(&self) -> Location {
        match self.protocol() {
            Protocol::File => Location::local(self.url()),
            // What is no URL was refused when the remote was made.
            _ => Location::of_url(self.url()).unwrap_or_else(|| Location::local(self.url())),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.is_empty() {
            return f.write_str(&self.path);
        }
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", self.path)
    }
}

fn is_forge(host: &str) -> bool {
    host.split('.').next().is_some_and(|first| FORGES.contains(&first))
}

/// The path without needless slashes and without `.git`.
fn bare(path: &str, folded: bool) -> String {
    let path = if folded { path.to_lowercase() } else { path.to_owned() };
    let path = path.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
    path.strip_suffix(".git").unwrap_or(&path).trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(url: &str) -> String {
        Remote::from_url(url).expect(url).location().to_string()
    }

    #[test]
    fn all_spellings_of_a_repository_are_one_location() {
        for url in [
            "https://git.example.com/team/app",
            "https://git.example.com/team/app.git",
            "https://Git.Example.COM:443/team//app.git/",
            "HTTPS://git.example.com/te%61m/app",
            "http://git.example.com:80/team/app",
            "git@git.example.com:team/app.git",
            "git@git.example.com:/team/app",
            "git.example.com:team/app",
            "ssh://git@git.example.com/team/app",
            "ssh://git@git.example.com:22/team/app.git/",
        ] {
            assert_eq!(location(url), "git.example.com/team/app", "{url}");
        }
        assert_eq!(location("ssh://git@[::1]/a.git"), "::1/a");
    }

    #[test]
    fn what_may_be_another_repository_is_another_location() {
        let one = location("https://git.example.com/team/app");
        for url in [
            "https://git.example.com/Team/app",
            "https://git.example.com:8443/team/app",
            "ssh://git@git.example.com:2222/team/app",
            "alice@git.example.com:team/app",
            "https://git.example.org/team/app",
            "https://git.example.com/team/app.git/wiki",
            "file:///git.example.com/team/app",
        ] {
            assert_ne!(location(url), one, "{url}");
        }
    }

    #[test]
    fn forges_find_a_path_whatever_its_case_and_their_ssh_behind_port_443_is_the_same_forge() {
        for url in [
            "https://github.com/Team/App",
            "git@GitHub.com:team/app.git",
            "ssh://git@ssh.github.com:443/team/APP.git",
            "https://github.com/team/app.GIT",
        ] {
            assert_eq!(location(url), "github.com/team/app", "{url}");
        }
        assert_eq!(location("https://gitlab.example.com/Team/App"), "gitlab.example.com/team/app");
        assert_ne!(location("ssh://git@ssh.github.com/team/app"), "github.com/team/app");
    }

    #[test]
    fn a_host_reports_a_location_without_user_port_and_case() {
        let reported = Location::of_url("git://Git.example.com/Team/App.git").expect("a URL").as_reported();
        for url in ["ssh://alice@git.example.com:2222/team/app", "https://git.example.com:8443/TEAM/app.git"] {
            assert_eq!(Remote::from_url(url).expect(url).location().as_reported(), reported, "{url}");
        }
        assert_eq!(
            [Location::of_url("file:///srv/app"), Location::of_url("/srv/app"), Location::of_url("https://a/")],
            [None, None, None]
        );
    }
}
