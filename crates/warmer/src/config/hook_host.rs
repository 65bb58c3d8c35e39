//! The hosts whose webhooks are understood.

use super::sections::Webhooks;

/// A host that tells of pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HookHost {
    GitHub,
    GitLab,
    /// Forgejo too.
    Gitea,
    Gogs,
    /// The cloud, and the server that is now called Data Center.
    Bitbucket,
}

impl HookHost {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::GitHub, Self::GitLab, Self::Gitea, Self::Gogs, Self::Bitbucket];

    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
            Self::Gitea => "Gitea",
            Self::Gogs => "Gogs",
            Self::Bitbucket => "Bitbucket",
        }
    }

    /// The key of its secret without the ending `_env` or `_file`.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::GitHub => "github_secret",
            Self::GitLab => "gitlab_token",
            Self::Gitea => "gitea_secret",
            Self::Gogs => "gogs_secret",
            Self::Bitbucket => "bitbucket_secret",
        }
    }
}

impl Webhooks {
    /// The variable and the file that may hold the secret of a host; empty where they are not named.
    pub(crate) fn source(&self, host: HookHost) -> (&str, &str) {
        match host {
            HookHost::GitHub => (&self.github_secret_env, &self.github_secret_file),
            HookHost::GitLab => (&self.gitlab_token_env, &self.gitlab_token_file),
            HookHost::Gitea => (&self.gitea_secret_env, &self.gitea_secret_file),
            HookHost::Gogs => (&self.gogs_secret_env, &self.gogs_secret_file),
            HookHost::Bitbucket => (&self.bitbucket_secret_env, &self.bitbucket_secret_file),
        }
    }
}
