//! Where a remote is, whatever protocol its URL names: hosts tell all of a repository's URLs, and we follow one of them.

/// Host and path: `git.example.com/team/app` of `https://git.example.com/team/app.git` and of `git@git.example.com:team/app`.
/// Without user, port, `.git` and slashes at the end. `None` for local paths.
pub(super) fn place(url: &str) -> Option<String> {
    let (authority, path) = match url.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("file") => return None,
        Some((_, rest)) => rest.split_once('/')?,
        None => url.split_once(':')?,
    };
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next()?,
        None => host.split(':').next()?,
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
    (!host.is_empty() && !path.is_empty()).then(|| format!("{}/{path}", host.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_urls_of_a_repository_are_one_place() {
        for url in [
            "https://git.example.com/team/app.git",
            "https://Git.Example.com/team/app/",
            "https://git.example.com:8443/team/app.git/",
            "ssh://git@git.example.com:2222/team/app.git",
            "git://git.example.com/team/app.git",
            "git@git.example.com:team/app.git",
            "git.example.com:/team/app",
        ] {
            assert_eq!(place(url).as_deref(), Some("git.example.com/team/app"), "{url}");
        }
        assert_eq!(place("ssh://git@[::1]:22/a.git").as_deref(), Some("::1/a"));
    }

    #[test]
    fn the_path_keeps_its_case_and_local_paths_are_no_place() {
        assert_ne!(place("https://a.example/Team/app"), place("https://a.example/team/app"));
        assert_eq!([place("file:///srv/app"), place("/srv/app"), place("https://a.example/")], [None, None, None]);
    }
}
