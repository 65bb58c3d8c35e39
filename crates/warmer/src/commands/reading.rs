//! What the reading commands share: the store, repositories by name, how old an answer is.

use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{anyhow, bail};
use warmer_git::Remote;
use warmer_settings::redacted;
use warmer_store::{Repository, RepositoryState, Role, Store, StoreError};

use crate::context::Context;
use crate::database;
use crate::output::{self, printable, printable_line};

/// Opens the store for reading; there is nothing to read before the first warm.
pub(super) async fn open(context: &Context) -> anyhow::Result<Arc<dyn Store>> {
    database::open_existing(context, Role::Reader).await
}

/// The one repository that a person means.
pub(super) async fn one(store: &dyn Store, text: &str, reference: Option<&str>) -> anyhow::Result<Repository> {
    let mut found = named(store, text, reference).await?;
    match (found.pop(), found.is_empty()) {
        (Some(repository), true) => Ok(repository),
        (last, _) => {
            let names = listed(found.iter().chain(&last), label);
            bail!("{} may be any of {names}: name its URL, or its ref by --ref", printable(text));
        }
    }
}

/// Remote and ref.
pub(super) fn label(repository: &Repository) -> String {
    let reference = repository.reference.as_deref().unwrap_or("HEAD");
    format!("{} {}", printable(&repository.remote), printable(reference))
}

/// The repositories that a person means: by remote or its end, or by a path on this machine.
pub(super) async fn named(store: &dyn Store, text: &str, reference: Option<&str>) -> anyhow::Result<Vec<Repository>> {
    let mut found = store.find_repository(text, reference).await?;
    if found.is_empty()
        && let Ok(here) = std::env::current_dir()
        && let Ok(remote) = Remote::parse(text, &here)
    {
        found = at_place(store, &remote, reference).await?;
    }
    if found.is_empty() {
        let known = store.repositories().await?;
        // Who types a URL with a password must not find it in a log (W-12).
        let text = redacted(text);
        return Err(anyhow!("there is no repository {text} in the cache; it has {}", listed(&known, name)));
    }
    Ok(found)
}

/// The repositories at the place of a remote, however that is spelled; `reference` narrows to one ref.
pub(super) async fn at_place(
    store: &dyn Store,
    remote: &Remote,
    reference: Option<&str>,
) -> Result<Vec<Repository>, StoreError> {
    let (mut rows, place) = (store.repositories().await?, remote.location());
    let is_meant =
        |row: &Repository| reference.is_none_or(|wanted| row.reference.as_deref().unwrap_or("HEAD") == wanted);
    rows.retain(|row| is_meant(row) && Remote::from_url(&row.remote).is_ok_and(|known| known.location() == place));
    Ok(rows)
}

/// Names that are told of many; the others are counted.
pub(super) const NAMES_SHOWN: usize = 8;

/// The names of some of these; the others are counted.
pub(super) fn listed<'a>(of: impl IntoIterator<Item = &'a Repository>, name: fn(&Repository) -> String) -> String {
    let mut of = of.into_iter();
    let some: Vec<_> = of.by_ref().take(NAMES_SHOWN).map(name).collect();
    match of.count() {
        _ if some.is_empty() => "none yet".to_owned(),
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}

/// The repository's name for people.
pub(super) fn name(repository: &Repository) -> String {
    let name = Remote::from_url(&repository.remote).map_or_else(|_| repository.remote.clone(), |remote| remote.name());
    match &repository.reference {
        Some(reference) => format!("{} ({})", printable(&name), printable(reference)),
        None => printable(&name).into_owned(),
    }
}

/// How old the answers of a repository are: `tokio @ 1a2b3c4d5e6f, served 3m ago`.
pub(super) fn age(repository: &Repository) -> String {
    let (Some(served), Some(at)) = (&repository.served, repository.served_at) else {
        return format!("{}, never served", name(repository));
    };
    let commit = served.commit.get(..12).unwrap_or(&served.commit);
    let mut text = format!("{} @ {commit}, served {}", name(repository), output::ago(at));
    if let Some(since) = repository.stale_since {
        text.push_str(&format!(", stale: its remote has been gone since {}", output::timestamp(since)));
    } else if let Some(how) = failing(repository) {
        text.push_str(&format!(", {how}"));
    }
    if repository.state == RepositoryState::Paused {
        text.push_str(", paused: it is not checked");
    }
    text
}

/// Since when the checks of a repository fail, and why; `None` where the last one ended well.
pub(super) fn failing(repository: &Repository) -> Option<String> {
    let since = repository.failing_since?;
    let why = repository.last_error.as_deref().unwrap_or("why is not known");
    let (moment, ago) = (output::timestamp(since), output::ago(since));
    Some(format!("its checks have failed since {moment} ({ago}): {}", printable_line(why)))
}

/// The moment for JSON.
pub(super) fn timestamp(time: Option<SystemTime>) -> Option<String> {
    time.map(output::timestamp)
}

#[cfg(test)]
mod tests {
    use warmer_store::{Policy, RepositoryId};

    use super::*;

    #[test]
    fn of_a_name_that_many_repositories_have_some_are_named_and_the_others_counted() {
        let repository = |id| Repository {
            id: RepositoryId(id),
            remote: format!("https://host{id}.example/app"),
            reference: None,
            state: RepositoryState::Active,
            served: None,
            served_at: None,
            stale_since: None,
            last_error: None,
            failing_since: None,
            policy: Policy::default(),
            committed_at: None,
            failures: 0,
            retry: None,
        };
        let many: Vec<_> = (1..=3000).map(repository).collect();
        let text = listed(&many, label);
        assert!(text.starts_with("https://host1.example/app HEAD, https://host2"), "{text}");
        assert!(text.ends_with("host8.example/app HEAD and 2992 more"), "{text}");
        assert_eq!(listed(&many[..1], name), "app");
        assert_eq!(listed(&[], name), "none yet");
    }
}
