//! What a request reports: a push, or a change of the repository itself; of the payloads only what decides whom it
//! concerns.

use serde_json::Value;

use super::host::HookHost;
use super::location::{Locate, Locations, path_of};
use super::payload::Payload;

/// What a request reports.
#[derive(Debug)]
pub(super) enum Event {
    /// Refs moved.
    Push(Push),
    /// The repository was renamed, moved, deleted or changed otherwise.
    Change(Change),
    /// The host tries whether somebody listens.
    Ping,
    /// Nothing that matters here.
    Ignored,
}

/// What was pushed.
#[derive(Debug)]
pub(super) struct Push {
    /// Where.
    pub(super) locations: Locations,
    /// The full names of the refs that moved, for example `refs/heads/main`.
    pub(super) moved: Vec<String>,
    /// The branch that HEAD names, where the host reports it.
    default_branch: Option<String>,
}

/// What became of a repository.
#[derive(Debug)]
pub(super) struct Change {
    /// Where it is and where it was.
    pub(super) locations: Locations,
    /// In the host's word.
    pub(super) what: String,
}

/// What an event is about, as far as its name tells.
enum Kind {
    Push,
    Change,
    Ping,
    /// The body says it.
    System,
    Ignored,
}

fn kind(host: HookHost, event: &str) -> Kind {
    match (host, event) {
        (HookHost::GitLab, "Push Hook" | "Tag Push Hook") => Kind::Push,
        (HookHost::GitLab, "System Hook") => Kind::System,
        (HookHost::GitLab, _) => Kind::Ignored,
        (HookHost::Bitbucket, "repo:push" | "repo:refs_changed" | "mirror:repo_synchronized") => Kind::Push,
        (HookHost::Bitbucket, "repo:updated" | "repo:modified" | "repo:transfer" | "repo:deleted") => Kind::Change,
        (HookHost::Bitbucket, "diagnostics:ping") => Kind::Ping,
        (HookHost::Bitbucket, _) => Kind::Ignored,
        (_, "push") => Kind::Push,
        (_, "repository") => Kind::Change,
        (_, "ping") => Kind::Ping,
        _ => Kind::Ignored,
    }
}

impl Event {
    /// Reads what a host reports.
    ///
    /// # Errors
    /// A sentence, where the body is not what its event says.
    pub(super) fn read(host: HookHost, event: &str, body: &[u8], locate: Locate) -> Result<Self, String> {
        let unread = |error: serde_json::Error| {
            let way_out = "choose the content type application/json where the webhook is set up";
            if body.starts_with(b"payload=") {
                format!("the body is a form and no JSON: {way_out}")
            } else {
                format!("the body is no whole JSON of {} ({error}): {way_out}", host.name())
            }
        };
        let read = || serde_json::from_slice::<Payload>(body).map_err(unread);
        match kind(host, event) {
            Kind::Push => Push::of(host, read()?, locate).map(Self::Push),
            Kind::Change => Ok(Self::Change(Change::of(event, read()?, locate))),
            Kind::Ping => Ok(Self::Ping),
            Kind::Ignored => Ok(Self::Ignored),
            Kind::System => {
                let payload = read()?;
                let name = payload.object_kind.as_deref().or(payload.event_name.as_deref()).unwrap_or_default();
                match name {
                    "push" | "tag_push" | "repository_update" => Push::of(host, payload, locate).map(Self::Push),
                    "project_rename" | "project_transfer" | "project_update" | "project_destroy" => {
                        let name = name.to_owned();
                        Ok(Self::Change(Change::of(&name, payload, locate)))
                    }
                    _ => Ok(Self::Ignored),
                }
            }
        }
    }
}

impl Push {
    fn of(host: HookHost, mut payload: Payload, locate: Locate) -> Result<Self, String> {
        let refs = payload.refs();
        if refs.is_empty() {
            let host = host.name();
            return Err(format!(
                "this is no push of {host}, for it names no ref: set the webhook up for pushes, with the content \
                 type application/json"
            ));
        }
        let moved = refs.into_iter().filter_map(|(name, is_gone)| (!is_gone).then_some(name)).collect();
        Ok(Self { locations: locations(&payload, locate), moved, default_branch: payload.default_branch() })
    }

    /// Whether all its refs are gone now.
    pub(super) fn only_deletes(&self) -> bool {
        self.moved.is_empty()
    }

    /// Whether one of the refs that moved is the one that is meant by `reference`.
    pub(super) fn moved_ref(&self, reference: Option<&str>) -> bool {
        self.moved.iter().any(|pushed| self.is(pushed, reference))
    }

    /// Whether the pushed ref is the one that is meant by `reference`, which people shorten.
    fn is(&self, pushed: &str, reference: Option<&str>) -> bool {
        let branch = pushed.strip_prefix("refs/heads/");
        match reference {
            // Where the host does not say which branch HEAD names, any may be it.
            None | Some("HEAD") => {
                branch.is_some() && (self.default_branch.is_none() || branch == self.default_branch.as_deref())
            }
            Some(reference) => {
                let short = branch.or_else(|| pushed.strip_prefix("refs/tags/"));
                reference == pushed || Some(reference) == short || pushed.strip_prefix("refs/") == Some(reference)
            }
        }
    }
}

impl Change {
    fn of(event: &str, payload: Payload, locate: Locate) -> Self {
        let (mut locations, was) = (locations(&payload, locate), locations_before(&payload, locate));
        locations.whole.extend(was.whole);
        locations.paths.extend(was.paths);
        Self { locations, what: payload.action.unwrap_or_else(|| event.to_owned()) }
    }
}

/// Where it is now.
fn locations(payload: &Payload, locate: Locate) -> Locations {
    let mut locations = Locations::of(payload.urls(), locate);
    if let Some(path) = payload.path_with_namespace.as_deref() {
        locations.paths.push(path_of(path));
    }
    // The server of Bitbucket tells no URL where it is not set up to.
    if locations.whole.is_empty()
        && let Some(path) = payload.key_and_slug()
    {
        locations.paths.push(path_of(&path));
    }
    locations
}

/// Where it was before it was renamed or given to somebody else.
fn locations_before(payload: &Payload, locate: Locate) -> Locations {
    let mut before = Locations::default();
    before.paths.extend(payload.old_path_with_namespace.as_deref().map(path_of));
    let changes = payload.changes.as_ref();
    let text = |pointer: &str| changes.and_then(|changes| changes.pointer(pointer)).and_then(Value::as_str);
    let name = text("/repository/name/from");
    let owner = text("/owner/from/user/login").or_else(|| text("/owner/from/organization/login"));
    for location in Locations::of(payload.urls(), locate).whole {
        let Some((rest, now)) = location.rsplit_once('/') else { continue };
        let Some((host, owner_now)) = rest.split_once('/') else { continue };
        if name.is_some() || owner.is_some() {
            let path = path_of(&format!("{}/{}", owner.unwrap_or(owner_now), name.unwrap_or(now)));
            before.whole.push(format!("{host}/{path}"));
        }
        if let Some(path) = text("/full_name/old") {
            before.whole.push(format!("{host}/{}", path_of(path)));
        }
    }
    before
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
