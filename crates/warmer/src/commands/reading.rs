//! What the reading commands share: the store, repositories by name, how old an answer is.

use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{anyhow, bail};
use warmer_git::Remote;
use warmer_store::{Repository, Role, Sqlite, Store};

use crate::config::redacted;
use crate::context::Context;
use crate::output;

/// The sentence of an installation without a cache.
pub(super) const NOTHING_YET: &str = "nothing has been warmed yet: run `warmer warm PATH`";

/// Opens the store for reading; there is nothing to read before the first warm.
pub(super) async fn open(context: &Context) -> anyhow::Result<Arc<dyn Store>> {
    if !context.paths.database.exists() {
        bail!(NOTHING_YET);
    }
    let options = context.store_options();
    Ok(Arc::new(Sqlite::open_with(&context.paths.database, Role::Reader, &options).await?))
}

/// The repositories that a person means: by remote or its end, or by a path on this machine.
pub(super) async fn named(store: &dyn Store, text: &str, reference: Option<&str>) -> anyhow::Result<Vec<Repository>> {
    let mut found = store.find_repository(text, reference).await?;
    if found.is_empty()
        && let Ok(here) = std::env::current_dir()
        && let Ok(remote) = Remote::parse(text, &here)
    {
        found = store.find_repository(remote.url(), reference).await?;
    }
    if found.is_empty() {
        let known = store.repositories().await?;
        let known: Vec<_> = known.iter().map(name).collect();
        // Who types a URL with a password must not find it in a log (W-12).
        let text = redacted(text);
        return Err(anyhow!("there is no repository {text} in the cache; it has {}", listed(&known)));
    }
    Ok(found)
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "none yet".to_owned(),
        [first @ .., _] if first.len() >= 8 => format!("{} and {} more", names[..8].join(", "), names.len() - 8),
        _ => names.join(", "),
    }
}

/// The repository's name for people.
pub(super) fn name(repository: &Repository) -> String {
    let name = Remote::from_url(&repository.remote).map_or_else(|_| repository.remote.clone(), |remote| remote.name());
    match &repository.reference {
        Some(reference) => format!("{name} ({reference})"),
        None => name,
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
    }
    text
}

/// The moment for JSON.
pub(super) fn timestamp(time: Option<SystemTime>) -> Option<String> {
    time.map(output::timestamp)
}
