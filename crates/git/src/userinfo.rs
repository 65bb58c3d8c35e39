//! Secrets in what should name a repository: refused, and never repeated.

use crate::error::RemoteError;
use crate::protocol::Protocol;

/// Refuses a password anywhere, any userinfo for a protocol that takes tokens, and queries, which may hold tokens.
pub(crate) fn refuse_secrets(argument: &str, protocol: Protocol) -> Result<(), RemoteError> {
    let secret = |host: &str| Err(RemoteError::Secret { host: host.to_owned() });
    let Some((_, rest)) = argument.split_once("://") else {
        // `user:password@host:path` reads as the host `user`: an `@` behind the first colon is refused, host unknown.
        return match argument.split_once(':') {
            Some((_, path)) if path.contains('@') => secret("this host"),
            _ => Ok(()),
        };
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    match user {
        Some(user) if protocol != Protocol::Ssh || user.contains(':') => secret(host),
        _ if protocol != Protocol::Ssh && rest.contains(['?', '#']) => {
            secret(host.split(['?', '#']).next().unwrap_or("this host"))
        }
        // An unencoded slash inside a password cuts the authority short: `https://me:pa/ss@host/path`.
        _ if authority.contains(':') && path.contains('@') => secret("this host"),
        _ => Ok(()),
    }
}

/// Whether what names no file may be a URL with a slip of the pen, a password in it: `https//me:password@host/path`.
pub(crate) fn may_be_secret(argument: &str) -> bool {
    let before = argument.rsplit_once('@').map_or("", |(before, _)| before);
    let userinfo = before.contains(':') || before.contains("//") || before.trim_start().starts_with("http");
    userinfo || argument.split_once(['?', '#']).is_some_and(|(_, query)| query.contains('='))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::Remote;

    #[test]
    fn a_secret_is_refused_and_never_repeated() {
        for argument in [
            "https://me:s3cr3t@example.org/a",
            "https://s3cr3t@example.org/a",
            "https://me:s3/cr3t@example.org/a",
            "https:/me:s3cr3t@example.org/a",
            "http://s3cr3t@example.org/a",
            "ssh://git:s3cr3t@example.org/a",
            "me:s3cr3t@example.org:a/b",
            "me:s3cr3t@example.org/a",
            "https://example.org/a?private_token=s3cr3t",
            "https://example.org?private_token=s3cr3t",
            "https://me:s3cr3t@",
            "ftp://me:s3cr3t@example.org/a",
            "https//me:s3cr3t@example.org/a",
            "https/s3cr3t@example.org/a",
            "//me:s3cr3t@example.org/a",
            "//s3cr3t@example.org/a",
            "https/me:s3cr3t@example.org/a",
            "htps://me:s3cr3t@example.org/a",
            " https://me:s3cr3t@example.org/a",
            "https:///me:s3cr3t@example.org/a",
            "https:me:s3cr3t@example.org/a",
            "https;//me:s3cr3t@example.org/a",
            "file://me:s3cr3t@example.org/a",
            "example.org/a?private_token=s3cr3t",
        ] {
            for result in [Remote::parse(argument, Path::new("/nonexistent")), Remote::from_url(argument)] {
                let text = format!("{0} {0:?}", result.expect_err(argument));
                assert!(!text.contains("s3") && !text.contains("cr3t"), "{argument}: {text}");
            }
        }
        let way_out = Remote::from_url("https://me:s3cr3t@example.org/a").expect_err("userinfo").to_string();
        assert!(way_out.contains("example.org") && way_out.contains("credentials"), "{way_out}");
    }
}
