//! A push as GitHub and GitLab tell it; of their payloads only what decides which repositories it concerns.

use serde::Deserialize;
use warmer_store::Repository;

use super::place::place;

/// What was pushed.
#[derive(Debug)]
pub(super) struct Push {
    /// Every place the remote is known at.
    places: Vec<String>,
    /// The pushed ref's full name, for example `refs/heads/main`.
    reference: String,
    /// The branch that HEAD names.
    default_branch: Option<String>,
    /// The ref is gone.
    pub(super) deleted: bool,
}

/// GitHub has all in `repository`, GitLab most in `project`.
#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    after: String,
    #[serde(default)]
    repository: Told,
    #[serde(default)]
    project: Told,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    clone_url: Option<String>,
    ssh_url: Option<String>,
    git_url: Option<String>,
    html_url: Option<String>,
    git_http_url: Option<String>,
    git_ssh_url: Option<String>,
    web_url: Option<String>,
    default_branch: Option<String>,
}

impl Told {
    fn urls(&self) -> impl Iterator<Item = &String> {
        let github = [&self.clone_url, &self.ssh_url, &self.git_url, &self.html_url];
        let gitlab = [&self.git_http_url, &self.git_ssh_url, &self.web_url];
        github.into_iter().chain(gitlab).flatten()
    }
}

impl Push {
    /// Reads a payload; `None` if it is no push.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let payload: Payload = serde_json::from_slice(body).ok()?;
        let urls = payload.repository.urls().chain(payload.project.urls());
        let mut places: Vec<_> = urls.filter_map(|url| place(url)).collect();
        places.sort_unstable();
        places.dedup();
        // GitLab tells a deletion by an object id of zeros alone.
        let zeros = !payload.after.is_empty() && payload.after.bytes().all(|byte| byte == b'0');
        Some(Self {
            places,
            reference: payload.reference,
            default_branch: payload.repository.default_branch.or(payload.project.default_branch),
            deleted: payload.deleted || zeros,
        })
    }

    /// Whether the repository follows what was pushed.
    pub(super) fn concerns(&self, repository: &Repository) -> bool {
        let here = place(&repository.remote).is_some_and(|place| self.places.contains(&place));
        here && self.is_followed_as(repository.reference.as_deref())
    }

    /// Whether the pushed ref is the one that is meant by `reference`, which people shorten.
    fn is_followed_as(&self, reference: Option<&str>) -> bool {
        let pushed = self.reference.as_str();
        let branch = pushed.strip_prefix("refs/heads/");
        match reference {
            None | Some("HEAD") => branch.is_some() && branch == self.default_branch.as_deref(),
            Some(reference) => {
                let short = branch.or_else(|| pushed.strip_prefix("refs/tags/"));
                reference == pushed || Some(reference) == short || pushed.strip_prefix("refs/") == Some(reference)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn push(value: &serde_json::Value) -> Push {
        Push::read(value.to_string().as_bytes()).unwrap()
    }

    fn pushed(reference: &str) -> Push {
        push(&json!({ "ref": reference, "after": "1f", "repository": {
            "clone_url": "https://git.example.com/team/app.git", "ssh_url": "git@git.example.com:team/app.git",
            "default_branch": "main",
        }}))
    }

    #[test]
    fn a_repository_that_follows_head_is_told_of_the_default_branch_alone() {
        assert!(pushed("refs/heads/main").is_followed_as(None));
        assert!(!pushed("refs/heads/other").is_followed_as(None));
        assert!(!pushed("refs/tags/main").is_followed_as(None));
    }

    #[test]
    fn a_ref_is_followed_by_its_name_however_short() {
        for reference in ["v1", "heads/v1", "refs/heads/v1"] {
            assert!(pushed("refs/heads/v1").is_followed_as(Some(reference)), "{reference}");
        }
        assert!(pushed("refs/tags/v1").is_followed_as(Some("v1")));
        assert!(!pushed("refs/tags/v1").is_followed_as(Some("refs/heads/v1")));
        assert!(!pushed("refs/heads/main").is_followed_as(Some("v1")));
    }

    #[test]
    fn a_deletion_is_told_by_github_in_words_and_by_gitlab_in_zeros() {
        assert!(push(&json!({ "ref": "refs/heads/a", "deleted": true })).deleted);
        assert!(push(&json!({ "ref": "refs/heads/a", "after": "0".repeat(40) })).deleted);
        assert!(!pushed("refs/heads/main").deleted);
    }

    #[test]
    fn gitlab_tells_its_urls_in_the_project() {
        let push = push(&json!({ "ref": "refs/heads/main", "after": "1f", "project": {
            "git_http_url": "https://git.example.com/team/app.git", "git_ssh_url": "git@git.example.com:team/app.git",
            "web_url": "https://git.example.com/team/app", "default_branch": "main",
        }, "repository": { "name": "app", "url": "git@git.example.com:team/app.git" }}));
        assert_eq!(push.places, ["git.example.com/team/app"]);
        assert!(push.is_followed_as(None));
    }

    #[test]
    fn what_is_no_push_is_not_read() {
        for body in [&b""[..], b"payload=%7B%7D", b"{}", b"[]"] {
            assert!(Push::read(body).is_none());
        }
    }
}
