//! The hosts whose webhooks are understood.

/// A host that sends webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookHost {
    /// github.com and GitHub Enterprise.
    GitHub,
    /// gitlab.com and GitLab on a server of one's own.
    GitLab,
    /// Gitea, and Forgejo too.
    Gitea,
    /// Gogs.
    Gogs,
    /// The cloud, and the server that is now called Data Center.
    Bitbucket,
}

impl HookHost {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::GitHub, Self::GitLab, Self::Gitea, Self::Gogs, Self::Bitbucket];

    /// As people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
            Self::Gitea => "Gitea",
            Self::Gogs => "Gogs",
            Self::Bitbucket => "Bitbucket",
        }
    }
}
