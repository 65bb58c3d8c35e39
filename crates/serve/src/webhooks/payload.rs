//! The fields of the hosts' payloads that are read. Any may be missing or null; all others are passed over.

use serde::Deserialize;
use serde_json::Value;

/// GitHub, Gitea and Gogs have all in `repository`, GitLab most in `project`, its system hooks beside them; Bitbucket
/// has its refs in `push` (the cloud) or in `changes` (the server).
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload {
    #[serde(rename = "ref")]
    reference: Option<String>,
    deleted: Option<bool>,
    after: Option<String>,
    repository: Option<Repository>,
    project: Option<Repository>,
    /// The repository after its change, as the server of Bitbucket tells it; elsewhere of other shapes.
    new: Option<Value>,
    push: Option<CloudPush>,
    /// A list of moved refs (GitLab, the server of Bitbucket), or what was before a change (GitHub, the cloud).
    pub(super) changes: Option<Value>,
    pub(super) object_kind: Option<String>,
    pub(super) event_name: Option<String>,
    pub(super) action: Option<String>,
    pub(super) path_with_namespace: Option<String>,
    pub(super) old_path_with_namespace: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Repository {
    clone_url: Option<String>,
    ssh_url: Option<String>,
    git_url: Option<String>,
    html_url: Option<String>,
    git_http_url: Option<String>,
    git_ssh_url: Option<String>,
    web_url: Option<String>,
    default_branch: Option<String>,
    links: Option<Links>,
    mainbranch: Option<Named>,
    slug: Option<String>,
    project: Option<Project>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Links {
    html: Option<Link>,
    clone: Option<Vec<Link>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Link {
    href: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Project {
    key: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CloudPush {
    changes: Option<Vec<CloudChange>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CloudChange {
    old: Option<CloudRef>,
    new: Option<CloudRef>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CloudRef {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
}

impl CloudRef {
    /// The full name.
    fn reference(&self) -> Option<String> {
        let folder = if self.kind.as_deref() == Some("tag") { "tags" } else { "heads" };
        self.name.as_ref().map(|name| format!("refs/{folder}/{name}"))
    }
}

impl Payload {
    /// Refs that moved, by their full names, and whether each is gone now.
    pub(super) fn refs(&mut self) -> Vec<(String, bool)> {
        let mut refs = Vec::new();
        if let Some(reference) = self.reference.take() {
            refs.push((reference, self.deleted == Some(true) || self.after.as_deref().is_some_and(is_nothing)));
        }
        for change in self.push.take().and_then(|push| push.changes).unwrap_or_default() {
            let is_gone = change.new.is_none();
            refs.extend(change.new.or(change.old).and_then(|of| Some((of.reference()?, is_gone))));
        }
        let changes = self.changes.as_ref().and_then(Value::as_array);
        for change in changes.into_iter().flatten() {
            let text = |pointer: &str| change.pointer(pointer).and_then(Value::as_str);
            let Some(reference) = text("/ref").or_else(|| text("/ref/id")).or_else(|| text("/refId")) else { continue };
            let is_gone = text("/type") == Some("DELETE") || text("/after").is_some_and(is_nothing);
            refs.push((reference.to_owned(), is_gone));
        }
        refs
    }

    /// The branch that HEAD names, where that is told.
    pub(super) fn default_branch(&self) -> Option<String> {
        let main = |of: &Repository| of.mainbranch.as_ref().and_then(|branch| branch.name.clone());
        self.told().find_map(|of| of.default_branch.clone().or_else(|| main(of)))
    }

    /// Every URL that the repository is known at.
    pub(super) fn urls(&self) -> impl Iterator<Item = &str> {
        let after = self.new.as_ref().and_then(|new| new.pointer("/links/clone")).and_then(Value::as_array);
        let after = after.into_iter().flatten().filter_map(|link| link.pointer("/href")?.as_str());
        self.told().flat_map(Repository::urls).chain(after)
    }

    /// `key/slug`, by which the server of Bitbucket knows a repository.
    pub(super) fn key_and_slug(&self) -> Option<String> {
        self.told().find_map(|of| Some(format!("{}/{}", of.project.as_ref()?.key.as_ref()?, of.slug.as_ref()?)))
    }

    fn told(&self) -> impl Iterator<Item = &Repository> {
        self.repository.iter().chain(&self.project)
    }
}

impl Repository {
    fn urls(&self) -> impl Iterator<Item = &str> {
        let plain = [
            &self.clone_url,
            &self.ssh_url,
            &self.git_url,
            &self.html_url,
            &self.git_http_url,
            &self.git_ssh_url,
            &self.web_url,
        ];
        let links = self.links.iter().flat_map(|links| links.html.iter().chain(links.clone.iter().flatten()));
        let links = links.filter_map(|link| link.href.as_deref());
        plain.into_iter().filter_map(|url| url.as_deref()).chain(links)
    }
}

/// An object id of zeros: there is none.
fn is_nothing(oid: &str) -> bool {
    !oid.is_empty() && oid.bytes().all(|byte| byte == b'0')
}
