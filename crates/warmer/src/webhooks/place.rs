//! Where a repository is, whatever protocol its URL names: hosts tell all of a repository's URLs, and we follow one of them.

use warmer_git::Location;

/// Where what was told of is: any of these.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// Host and path.
    pub(super) whole: Vec<String>,
    /// The path alone, where the host was not told.
    pub(super) paths: Vec<String>,
}

impl Places {
    /// Those of URLs; what is no URL of a host is left out.
    pub(super) fn of<'a>(urls: impl Iterator<Item = &'a str>) -> Self {
        let mut whole: Vec<_> = urls.filter_map(place).collect();
        whole.sort_unstable();
        whole.dedup();
        Self { whole, paths: Vec::new() }
    }

    /// Whether the remote is at one of them.
    pub(super) fn have(&self, remote: &str) -> bool {
        place(remote).is_some_and(|place| {
            let ends = |path: &String| place.strip_suffix(path.as_str()).is_some_and(|host| host.ends_with('/'));
            self.whole.contains(&place) || self.paths.iter().any(ends)
        })
    }

    /// The first of them.
    pub(super) fn first(&self) -> &str {
        self.whole.first().or(self.paths.first()).map_or("no place", String::as_str)
    }
}

/// Host and path in small letters: `git.example.com/team/app` of `https://git.example.com/Team/app.git` and of
/// `git@git.example.com:team/app`. `None` for local paths.
///
/// A host that tells upper from lower case may have two repositories at what is one place here: a push to one is a needless
/// check of the other, which is cheaper than a push that is missed.
pub(super) fn place(url: &str) -> Option<String> {
    let place = Location::of_url(url)?.as_reported().to_string();
    let (host, path) = place.split_once('/')?;
    Some(format!("{host}/{}", path_of(path)))
}

/// A path in small letters, without `.git` and slashes at the ends. The server of Bitbucket has `/scm` before it in its
/// URLs for https, and not in those for ssh.
pub(super) fn path_of(path: &str) -> String {
    let path = path.trim_matches('/').to_lowercase();
    let path = path.strip_suffix(".git").unwrap_or(&path).trim_end_matches('/');
    path.strip_prefix("scm/").filter(|path| path.contains('/')).unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_urls_of_a_repository_are_one_place() {
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
            assert_eq!(place(url).as_deref(), Some("git.example.com/team/app"), "{url}");
        }
        assert_eq!(place("ssh://git@[::1]:22/a.git").as_deref(), Some("::1/a"));
        assert_eq!(place("ssh://git@ssh.github.com:443/a/b.git"), place("https://github.com/A/b"));
        assert_eq!([place("file:///srv/app"), place("/srv/app"), place("https://a.example/")], [None, None, None]);
    }
}
