//! Tokens are renewed on disk: what this instance refused for want of one it may be able to do now.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::timeout;
use warmer_git::Mirrors;

/// How long the file system may take to say when a file changed.
const ANSWER: Duration = Duration::from_secs(1);

/// When the files that hold tokens last changed, as far as was seen.
#[derive(Debug, Default)]
pub(crate) enum Tokens {
    /// Nobody looked yet.
    #[default]
    Unseen,
    /// They changed then; `None` where there are none.
    Seen(Option<SystemTime>),
    /// The file system does not answer. Each further question would keep a thread.
    Silent,
}

impl Tokens {
    /// Whether one changed since the last look; the first sees none change.
    #[expect(clippy::disallowed_methods, reason = "a look at a few files; the wait for it is bounded")]
    pub(crate) async fn changed(&mut self, mirrors: &Arc<Mirrors>) -> bool {
        if matches!(self, Self::Silent) {
            return false;
        }
        let mirrors = mirrors.clone();
        let asked = timeout(ANSWER, tokio::task::spawn_blocking(move || mirrors.tokens_changed_at())).await;
        let Ok(now) = asked else {
            tracing::warn!(
                "the files that hold tokens are on a file system that does not answer: a restart looks again"
            );
            *self = Self::Silent;
            return false;
        };
        let now = now.unwrap_or_default();
        let before = std::mem::replace(self, Self::Seen(now));
        matches!(before, Self::Seen(before) if before != now)
    }
}

#[cfg(test)]
mod tests {
    use warmer_git::{Credential, Options, SecretSource};

    use super::*;

    #[tokio::test]
    async fn a_token_that_is_renewed_is_seen_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let write = |at: u64| {
            std::fs::write(&file, "secret").unwrap();
            let opened = std::fs::File::options().write(true).open(&file).unwrap();
            opened.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(at)).unwrap();
        };
        let credential = Credential { host: "h".into(), username: "u".into(), token: SecretSource::File(file.clone()) };
        let options = Options { credentials: vec![credential], ..Options::default() };
        let mirrors = Arc::new(Mirrors::new(folder.path().join("mirrors"), 1, options));
        let mut tokens = Tokens::default();
        assert!(!tokens.changed(&mirrors).await, "there is no such file yet");
        write(1);
        assert!(tokens.changed(&mirrors).await && !tokens.changed(&mirrors).await);
        write(2);
        assert!(tokens.changed(&mirrors).await && !tokens.changed(&mirrors).await);
    }
}
