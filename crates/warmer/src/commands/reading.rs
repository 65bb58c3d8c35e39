//! What the reading commands share: the store, and which repository a person means.

use std::sync::Arc;

use anyhow::{anyhow, bail};
use warmer_git::{Remote, RemoteError};
use warmer_query::{QueryError, Scope, listed, short_name};
use warmer_settings::redacted;
use warmer_store::{Repository, Role, Store, StoreError};

use crate::context::Context;
use crate::database;
use crate::exit::Unavailable;
use crate::output::printable;

/// Who may open the database sees all of it.
pub(super) const ALL: &Scope = &Scope::All;

/// Opens the store for reading; there is nothing to read before the first warm.
pub(super) async fn open(context: &Context) -> anyhow::Result<Arc<dyn Store>> {
    database::open_existing(context, Role::Reader).await
}

/// The error with its own kind, which decides the exit code.
pub(super) fn failed(error: QueryError) -> anyhow::Error {
    match error {
        QueryError::Store(error) => error.into(),
        QueryError::Model(error) => error.into(),
        QueryError::Embed(error) => error.into(),
        QueryError::NoRuntime(sentence) => Unavailable(sentence).into(),
        QueryError::OtherModel { .. } => Unavailable(error.to_string()).into(),
        error => error.into(),
    }
}

/// The one repository that a person means.
pub(super) async fn one(store: &dyn Store, text: &str, reference: Option<&str>) -> anyhow::Result<Repository> {
    let mut found = named(store, text, reference).await?;
    match (found.pop(), found.is_empty()) {
        (Some(repository), true) => Ok(repository),
        (last, _) => {
            let names = listed(found.iter().chain(&last).map(label));
            bail!("{} may be any of {names}: name its URL, or its ref by --ref", printable(text));
        }
    }
}

/// Remote and ref.
pub(super) fn label(repository: &Repository) -> String {
    warmer_query::label(&repository.remote, repository.reference.as_deref())
}

/// The repositories that a person means: by remote or its end, or by a path on this machine.
pub(super) async fn named(store: &dyn Store, text: &str, reference: Option<&str>) -> anyhow::Result<Vec<Repository>> {
    if text.trim().is_empty() {
        return Err(RemoteError::Empty.into());
    }
    let mut found = warmer_query::find(store, ALL, text, reference).await.map_err(failed)?;
    if found.is_empty()
        && let Ok(here) = std::env::current_dir()
        && let Ok(remote) = Remote::parse(text, &here)
    {
        found = at_location(store, &remote, reference).await?;
    }
    if found.is_empty() {
        let known = store.repositories().await?;
        let known = listed(known.iter().map(|one| short_name(&one.remote, one.reference.as_deref())));
        // Who types a URL with a password must not find it in a log (W-12).
        let text = redacted(text);
        return Err(anyhow!("there is no repository {text} in the cache; it has {known}"));
    }
    Ok(found)
}

/// The repositories at the location of a remote, however that is spelled; `reference` narrows to one ref.
pub(super) async fn at_location(
    store: &dyn Store,
    remote: &Remote,
    reference: Option<&str>,
) -> Result<Vec<Repository>, StoreError> {
    let (mut rows, location) = (store.repositories().await?, remote.location());
    let is_meant =
        |row: &Repository| reference.is_none_or(|wanted| row.reference.as_deref().unwrap_or("HEAD") == wanted);
    rows.retain(|row| is_meant(row) && Remote::from_url(&row.remote).is_ok_and(|known| known.location() == location));
    Ok(rows)
}
