//! Where a repository is, whatever protocol its URL names: hosts tell all of a repository's URLs, and we follow one of
//! them.

/// Where a URL leads: host and path, whatever its protocol, as `git.example.com/Team/app.git`; `None` for local paths.
pub type Locate = fn(&str) -> Option<String>;

/// Where the repository of a webhook is: any of these.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Locations {
    /// Host and path.
    pub(super) whole: Vec<String>,
    /// The path alone, where the host was not told.
    pub(super) paths: Vec<String>,
}

impl Locations {
    /// Those of URLs; what is no URL of a host is left out.
    pub(super) fn of<'a>(urls: impl Iterator<Item = &'a str>, locate: Locate) -> Self {
        let mut whole: Vec<_> = urls.filter_map(|url| location(url, locate)).collect();
        whole.sort_unstable();
        whole.dedup();
        Self { whole, paths: Vec::new() }
    }

    /// Whether this [`location`] is one of them.
    pub(super) fn contain(&self, location: &str) -> bool {
        let ends = |path: &String| location.strip_suffix(path.as_str()).is_some_and(|host| host.ends_with('/'));
        self.whole.iter().any(|whole| whole == location) || self.paths.iter().any(ends)
    }

    /// The first of them.
    pub(super) fn first(&self) -> &str {
        self.whole.first().or(self.paths.first()).map_or("an unknown repository", String::as_str)
    }
}

/// Host and path in small letters: `git.example.com/team/app` of `https://git.example.com/Team/app.git` and of
/// `git@git.example.com:team/app`. `None` for local paths.
///
/// A host that tells upper from lower case may have two repositories at what is one location here: a push to one is a
/// needless check of the other, which is cheaper than a push that is missed.
pub(super) fn location(url: &str, locate: Locate) -> Option<String> {
    let location = locate(url)?;
    let (host, path) = location.split_once('/')?;
    Some(format!("{host}/{}", path_of(path)))
}

/// A path in small letters, without `.git` and slashes at the ends. The server of Bitbucket has `/scm` before it in its
/// URLs for https, and not in those for ssh.
pub(super) fn path_of(path: &str) -> String {
    let path = path.trim_matches('/').to_lowercase();
    let path = path.strip_suffix(".git").unwrap_or(&path).trim_end_matches('/');
    path.strip_prefix("scm/").filter(|path| path.contains('/')).unwrap_or(path).to_owned()
}

/// As the process has it.
#[cfg(test)]
pub(super) fn locate(url: &str) -> Option<String> {
    Some(warmer_git::Location::of_url(url)?.as_reported().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_urls_of_a_repository_have_one_location() {
        let location = |url| location(url, locate);
        for url in [
            "https://git.example.com/team/app.git",
            "https://Git.Example.com/Team/App/",
            "https://git.example.com:8443/team/app.git/",
            "https://git.example.com/scm/TEAM/app.git",
            "ssh://git@git.example.com:2222/team/app.git",
            "git://git.example.com/team/app.git",
            "git@git.example.com:team/app.git",
            "git.example.com:/team/app",
        ] {
            assert_eq!(location(url).as_deref(), Some("git.example.com/team/app"), "{url}");
        }
        assert_eq!(location("ssh://git@[::1]:22/a.git").as_deref(), Some("::1/a"));
        assert_eq!(location("ssh://git@ssh.github.com:443/a/b.git"), location("https://github.com/A/b"));
        assert_eq!(
            [location("file:///srv/app"), location("/srv/app"), location("https://a.example/")],
            [None, None, None]
        );
    }
}
