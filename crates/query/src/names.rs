//! What repositories are called, and which of them a person means.

use warmer_store::{Repository, RepositoryId, Store};

use crate::error::QueryError;
use crate::scope::Scope;
use crate::text::printable;

/// What a repository without a ref of its own follows.
pub(crate) const HEAD: &str = "HEAD";

/// Names that are told of many; the others are counted.
pub(crate) const NAMES_SHOWN: usize = 8;

/// What people call a repository: the last part of its remote, without `.git`, and the ref where it follows one by
/// name.
#[must_use]
pub fn short_name(remote: &str, reference: Option<&str>) -> String {
    let path = remote.trim_end_matches('/');
    let path = path.strip_suffix("/.git").unwrap_or(path);
    let last = path.rsplit(['/', ':']).next().unwrap_or(path);
    let name = printable(last.strip_suffix(".git").unwrap_or(last));
    match reference {
        Some(reference) => format!("{name} ({})", printable(reference)),
        None => name.into_owned(),
    }
}

/// Remote and ref.
#[must_use]
pub fn label(remote: &str, reference: Option<&str>) -> String {
    format!("{} {}", printable(remote), printable(reference.unwrap_or(HEAD)))
}

/// Some of these names; the others are counted.
#[must_use]
pub fn listed(names: impl IntoIterator<Item = String>) -> String {
    let mut names = names.into_iter();
    let some: Vec<_> = names.by_ref().take(NAMES_SHOWN).collect();
    match names.count() {
        _ if some.is_empty() => "none yet".to_owned(),
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}

/// The repositories of a scope, by remote and ref.
pub(crate) async fn followed(store: &dyn Store, scope: &Scope) -> Result<Vec<Repository>, QueryError> {
    let mut all = store.repositories().await?;
    all.retain(|repository| scope.contains(repository.id));
    Ok(all)
}

/// The repository of this row, where the scope has it.
pub(crate) async fn followed_by_id(
    store: &dyn Store,
    scope: &Scope,
    id: RepositoryId,
) -> Result<Repository, QueryError> {
    let found = if scope.contains(id) { store.repository(id).await? } else { None };
    found.ok_or(QueryError::NoRepository)
}

/// The repositories that a person may mean by `text`: by the remote itself, else by its end from a `/` on, with or
/// without `.git` (`https://host/team/app.git` is found by `app` and `team/app`). `reference` narrows to one ref as it
/// was asked for.
///
/// # Errors
/// When the store fails.
pub async fn find(
    store: &dyn Store,
    scope: &Scope,
    text: &str,
    reference: Option<&str>,
) -> Result<Vec<Repository>, QueryError> {
    let mut found = followed(store, scope).await?;
    found.retain(|row| reference.is_none_or(|wanted| row.reference.as_deref().unwrap_or(HEAD) == wanted));
    if found.iter().any(|row| row.remote == text) {
        found.retain(|row| row.remote == text);
    } else {
        found.retain(|row| ends_with(&row.remote, text));
    }
    Ok(found)
}

/// Whether `text` is the end of `remote` from a `/` (or the `:` of an scp-like address) on.
fn ends_with(remote: &str, text: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim_end_matches('/');
        text.strip_suffix(".git").unwrap_or(text).trim_end_matches('/').to_owned()
    };
    let (remote, text) = (bare(remote), bare(text));
    let Some(front) = remote.strip_suffix(&text) else { return false };
    !text.is_empty() && (front.is_empty() || text.starts_with('/') || front.ends_with(['/', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_found_by_the_end_of_its_remote() {
        let remote = "https://host/team/app.git";
        for text in ["app", "app.git", "team/app", "host/team/app", "/app", "app/"] {
            assert!(ends_with(remote, text), "{text}");
        }
        for text in ["pp", "eam/app", "team", "", "/", ".git"] {
            assert!(!ends_with(remote, text), "{text}");
        }
        assert!(ends_with("git@host:app.git", "app"));
        assert!(ends_with("/home/me/app/", "me/app"));
        assert!(ends_with("/home/me/app/.git", "app"));
    }

    #[test]
    fn a_name_is_the_last_part_of_any_kind_of_remote() {
        for (remote, name) in [
            ("https://example.org/a/b.git", "b"),
            ("https://example.org/a/b/", "b"),
            ("git@example.org:b.git", "b"),
            ("file:///home/me/b/.git", "b"),
            ("file:///srv/b.git", "b"),
        ] {
            assert_eq!(short_name(remote, None), name, "{remote}");
        }
        assert_eq!(short_name("https://example.org/b", Some("v1\u{1b}")), "b (v1\\u{1b})");
    }

    #[test]
    fn of_many_names_some_are_told_and_the_others_counted() {
        let text = listed((1..=3000).map(|id| label(&format!("https://host{id}.example/app"), None)));
        assert!(text.starts_with("https://host1.example/app HEAD, https://host2"), "{text}");
        assert!(text.ends_with("host8.example/app HEAD and 2992 more"), "{text}");
        assert_eq!(listed(["app".to_owned()]), "app");
        assert_eq!(listed([]), "none yet");
    }
}
