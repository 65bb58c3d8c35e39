//! From `[[repositories]]` to rows: what the configuration names is followed as it says.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use warmer_git::{Remote, RemoteError};
use warmer_store::{Policy, Repository as Row, RepositoryId, Store, StoreError};

use crate::commands::reading;
use crate::config::Repository;

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Followed {
    /// Repositories that the configuration names.
    pub(super) configured: usize,
    /// All that are followed.
    pub(super) all: usize,
    /// Repositories that only an earlier configuration named. They are followed on.
    pub(super) left: Vec<String>,
    /// Sentences about paths where nothing is now.
    pub(super) absent: Vec<String>,
}

impl Followed {
    /// Says what is not as the configuration has it.
    pub(super) fn tell(&self) {
        for absent in &self.absent {
            tracing::warn!("{absent}");
        }
        if !self.left.is_empty() {
            let left = self.left.join(", ");
            tracing::warn!("the configuration no longer names {left}: warmed on, until `warmer repos remove`");
        }
    }
}

/// Follows what the configuration names, as it says now.
pub(super) async fn follow(store: &dyn Store, repositories: &[Repository]) -> Result<Followed, StoreError> {
    let rows = store.repositories().await?;
    let place =
        |row: &Row| Remote::from_url(&row.remote).map_or_else(|_| row.remote.clone(), |at| at.location().to_string());
    let known: HashMap<_, _> = rows.iter().map(|row| ((place(row), row.reference.as_deref()), row)).collect();
    let (mut named, mut gone, mut absent) = (HashSet::new(), Vec::new(), Vec::new());
    for repository in repositories {
        let remote = match repository.remote() {
            Ok(remote) => remote,
            Err(error) => {
                absent.push(format!("{}: {error}", repository.origin));
                gone.extend(path_of(error));
                continue;
            }
        };
        for reference in repository.references() {
            let row = known.get(&(remote.location().to_string(), reference)).copied();
            named.insert(upsert(store, row, (&remote, reference), &repository.policy()).await?);
        }
    }
    let is_left = |row: &&Row| row.policy.configured && !named.contains(&row.id) && !is_below(row, &gone);
    let left = rows.iter().filter(is_left).map(reading::label).collect();
    let all = rows.iter().map(|row| row.id).collect::<HashSet<_>>().union(&named).count();
    Ok(Followed { configured: named.len(), all, left, absent })
}

/// One repository as the configuration has it. Written only where it differs: most starts change nothing.
async fn upsert(
    store: &dyn Store,
    row: Option<&Row>,
    (remote, reference): (&Remote, Option<&str>),
    policy: &Policy,
) -> Result<RepositoryId, StoreError> {
    let added;
    let row = match row {
        Some(row) => row,
        None => {
            added = store.add_repository_at(remote.url(), &remote.location().to_string(), reference).await?;
            &added
        }
    };
    if row.remote != remote.url() {
        tracing::info!("{} is fetched by {remote} from now on, as the configuration spells it", reading::label(row));
        store.set_remote(row.id, remote.url()).await?;
    }
    if row.policy != *policy {
        store.set_policy(row.id, policy).await?;
    }
    Ok(row.id)
}

/// The path of a repository that is not there now.
fn path_of(error: RemoteError) -> Option<PathBuf> {
    match error {
        RemoteError::Missing(path)
        | RemoteError::NotARepository(path)
        | RemoteError::Unreadable(path)
        | RemoteError::Silent(path) => Some(path),
        _ => None,
    }
}

/// Whether the repository is one that the configuration names by a path where nothing is now.
fn is_below(row: &Row, absent: &[PathBuf]) -> bool {
    let path = row.remote.strip_prefix("file://").map(Path::new);
    path.is_some_and(|path| absent.iter().any(|absent| path.starts_with(absent)))
}

#[cfg(test)]
mod tests {
    use warmer_store::{Catalogue as _, Refresh, Role, Sqlite};

    use super::*;
    use crate::config::tests::config_of;

    const APP: &str = "[[repositories]]\nurl = \"https://git.example.com/app\"\n";

    async fn store() -> (tempfile::TempDir, Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("w.sqlite"), Role::Pipeline).await.unwrap();
        (folder, store)
    }

    async fn followed(store: &Sqlite, toml: &str) -> Followed {
        follow(store, &config_of(toml).repositories).await.unwrap()
    }

    #[tokio::test]
    async fn what_the_configuration_says_now_is_what_counts() {
        let (_folder, store) = store().await;
        let toml = format!("{APP}refs = [\"main\", \"v2\"]\nrefresh = \"15m\"\npriority = 3\n");
        assert_eq!(followed(&store, &toml).await, Followed { configured: 2, all: 2, ..Followed::default() });
        let rows = store.repositories().await.unwrap();
        assert!(rows.iter().all(|row| row.policy.refresh == Some(Refresh::Every(std::time::Duration::from_mins(15)))));
        assert!(rows.iter().all(|row| row.policy.rank == -3 && row.policy.configured));
        followed(&store, &format!("{APP}refs = [\"main\", \"v2\"]\nrefresh = \"never\"\n")).await;
        let rows = store.repositories().await.unwrap();
        assert!(rows.iter().all(|row| row.policy.refresh.is_none() && row.policy.rank == 0));
    }

    #[tokio::test]
    async fn a_repository_that_the_configuration_spells_otherwise_is_the_same_and_fetched_as_it_is_spelled_now() {
        let (_folder, store) = store().await;
        let row = store.add_repository_at("git@git.example.com:app.git", "git.example.com/app", None).await.unwrap();
        assert_eq!(followed(&store, APP).await, Followed { configured: 1, all: 1, ..Followed::default() });
        let rows = store.repositories().await.unwrap();
        assert_eq!((rows.len(), rows[0].id, rows[0].remote.as_str()), (1, row.id, "https://git.example.com/app"));
    }

    #[tokio::test]
    async fn what_only_an_earlier_configuration_named_is_followed_on_and_told() {
        let (_folder, store) = store().await;
        store.add_repository("https://git.example.com/by-a-person", None).await.unwrap();
        followed(&store, APP).await;
        let left = vec!["https://git.example.com/app HEAD".to_owned()];
        assert_eq!(followed(&store, "").await, Followed { all: 2, left, ..Followed::default() });
    }

    #[tokio::test]
    async fn a_path_where_nothing_is_now_is_told_but_not_left() {
        let (folder, store) = store().await;
        let path = folder.path().join("repository");
        let row = store.add_repository(&format!("file://{}/.git", path.display()), None).await.unwrap();
        store.set_policy(row.id, &Policy { configured: true, ..Policy::default() }).await.unwrap();
        let toml = format!("[[repositories]]\nurl = \"{}\"\n", path.display());
        let followed = followed(&store, &toml).await;
        assert_eq!((followed.configured, followed.left), (0, vec![]));
        assert!(followed.absent[0].contains("warmer.toml:1:1: there is no file or folder"), "{:?}", followed.absent);
    }
}
